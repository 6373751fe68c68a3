"""What scenarios that spoil replies share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qupel.backends.emulator.hooks import Answer, Asked, Call, Hooks, Scene
from qupel.backends.transport import Reply

Spoil = Callable[[Call, Answer, Scene], Answer]


def on_reply(asked: Asked, spoil: Spoil, *, good: bool = True) -> Hooks:
    """Hooks that spoil replies to one kind of question; to those that went well, if ``good``."""

    def hook(call: Call, answer: Answer, scene: Scene) -> Answer:
        if call.asked != asked or (good and answer.reply.status >= 300):
            return answer
        return spoil(call, answer, scene)

    return Hooks(on_reply=hook)


def status_of(status: int, message: str = "", **headers: str) -> Answer:
    """An answer of the provider's infrastructure: an HTTP status with a short page."""
    page = f"<html><body>{status} {message}</body></html>".encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(Reply(status, page, {"content-type": "text/html", **named}))


def with_body(answer: Answer, body: bytes, **headers: str) -> Answer:
    """The same answer with another body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = Reply(answer.reply.status, body, {**answer.reply.headers, **named})
    return replace(answer, reply=reply)


def counts_changed(document: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """A result with other numbers in every program's list of occurrences, or of IonQ's shares."""
    if not isinstance(document, dict):  # IonQ's single shots have no numbers of their own
        return document
    if "programs" in document:
        for program in document["programs"]:
            program["occurrences"] = change(program["occurrences"])
        return document
    if any(isinstance(part, dict) for part in document.values()):
        return {name: counts_changed(part, change) for name, part in document.items()}
    return dict(zip(document, change([*document.values()]), strict=True))


def rewritten(answer: Answer, edit: Callable[[dict[str, Any]], Any]) -> Answer:
    """The same answer with its JSON document edited in place, or replaced by what comes back."""
    document = json.loads(answer.reply.body)
    changed = edit(document)
    return with_body(answer, json.dumps(document if changed is None else changed).encode())
