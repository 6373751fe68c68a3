"""The provider's front: one request in, one answer out, whatever carries them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from qupel.backends.contract import State
from qupel.backends.emulator import admin, ionq, neutral
from qupel.backends.emulator.hooks import Answer, Arrives, Asked, Call, Denied
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.routing import routed
from qupel.backends.transport import Reply, Request
from qupel.errors import InputError

#: Bytes of a request's body that are taken.
MOST_BYTES = 64 << 20


class Dialect(Protocol):
    """A protocol that the provider speaks; a module with these names is one.

    Attributes
    ----------
    ROUTES
        Method and path of what may be asked, `*` for a name.
    OPEN
        What may be asked without a token.
    """

    ROUTES: dict[tuple[str, ...], Asked]
    OPEN: frozenset[Asked]

    def answer(
        self,
        provider: Provider,
        asked: Asked,
        name: str,
        account: str,
        request: Request,
        query: Mapping[str, str],
        document: Any,
    ) -> tuple[int, Any]:
        """HTTP status and JSON document that it is answered with."""
        ...


@dataclass(slots=True, eq=False)
class Site:
    """What stands behind the emulator's address.

    Attributes
    ----------
    provider
        Does the work.
    admin_token
        Opens ``/admin``; empty for no administration. No tenant's token does.
    """

    provider: Provider
    admin_token: str = field(default="", repr=False)

    def handle(self, request: Request) -> Answer:
        """Serve one request; raises for nothing that a client or a scenario does."""
        request = replace(request, headers={k.lower(): v for k, v in request.headers.items()})
        path, _, asked_for = request.path.partition("?")
        first, *parts = [unquote(part) for part in path.strip("/").split("/")]
        query = dict(parse_qsl(asked_for, keep_blank_values=True))
        if first == "admin":
            with self.provider.lock:
                return Answer(_replied(lambda: self._administer(request, parts)))
        try:
            dialect: Dialect = DIALECTS[first]
            asked, name = routed(dialect.ROUTES, request.method, parts)
        except KeyError:
            return Answer(_denial(Denied(404, "no-such-page", "there is nothing at this path")))
        except Denied as denied:
            return Answer(_denial(denied))
        if asked == "result":
            self._run_ahead(name)

        def act() -> tuple[int, Any]:
            if asked == "token":
                return 201, self._renewed(request)
            account = ""
            if asked not in dialect.OPEN or _token(request):
                account = self.provider.accounts.who(_token(request), self.provider.now())
            document = _document(request.body)
            return dialect.answer(self.provider, asked, name, account, request, query, document)

        with self.provider.lock:
            return self._played(Call(asked, request, name), act)

    def _played(self, call: Call, act: Callable[[], tuple[int, Any]]) -> Answer:
        """Serve a call under the scenarios that are on."""
        provider = self.provider
        event = f"call-{provider.stage.count_call()}"
        now = provider.catch_up()
        try:
            provider.check_open()
            begun = provider.stage.play("on_call", event, None, call)
        except Denied as denied:
            return Answer(_denial(denied))
        if isinstance(begun, Arrives):
            wait = 2 * call.request.timeout if begun.seconds is None else begun.seconds
            provider.later(now + wait, partial(_serve_unheard, act))
            return Answer(lost="silence")
        if begun is not None:
            return begun
        return provider.stage.play("on_reply", event, Answer(_replied(act)), call)

    def _run_ahead(self, name: str) -> None:
        """Run a job before the provider is held up for everybody else."""
        provider = self.provider
        with provider.lock:
            job = provider.jobs.get(name)
            if job is None or job.state(provider.catch_up()) is not State.DONE:
                return
            calibration = provider.calibration_of(job)
        job.readings(calibration)

    def _renewed(self, request: Request) -> dict[str, Any]:
        document = _document(request.body)
        secret = document.get("secret") if isinstance(document, dict) else None
        token, until = self.provider.accounts.renew(str(secret), self.provider.now())
        return {"token": token, "expires": until if until < float("inf") else None}

    def _administer(self, request: Request, parts: list[str]) -> tuple[int, Any]:
        admin.check_token(_token(request), self.admin_token)
        return admin.answer(self.provider, request.method, parts, _document(request.body))


DIALECTS: dict[str, Any] = {"v1": neutral, "v0.4": ionq}


def _replied(act: Callable[[], tuple[int, Any]]) -> Reply:
    try:
        status, document = act()
    except Denied as denied:
        return _denial(denied)
    except InputError as error:
        return _denial(Denied(422, "bad-request", str(error)))
    return _json(status, document)


def _serve_unheard(act: Callable[[], tuple[int, Any]]) -> None:
    """Carry out what came too late for anybody to hear the reply."""
    _replied(act)


def _denial(denied: Denied) -> Reply:
    # IonQ's clients look for `statusCode`.
    document = {"statusCode": denied.status, "error": denied.code, "message": denied.message}
    return _json(denied.status, document, denied.headers)


def _json(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    return Reply(status, body, {"content-type": "application/json", **(headers or {})})


def _token(request: Request) -> str:
    """The token of a request: IonQ's clients say ``apiKey`` in place of ``Bearer``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "apikey") else ""


def _document(body: bytes) -> Any:
    if not body:
        return None
    if len(body) > MOST_BYTES:
        raise Denied(413, "too-large", f"a body has up to {MOST_BYTES} bytes")
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Denied(400, "not-json", "the body is no JSON document") from None


def _refuse(word: str) -> Any:
    raise ValueError(word)
