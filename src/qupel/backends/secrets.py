"""The one place that knows the secrets in use, and takes them out of texts.

Providers may repeat in a reply what they were sent. Credentials are told here when they are read,
so that whatever is passed on from a reply (messages, states, rows) holds none.
"""

from __future__ import annotations

import itertools
import os
import re
from typing import Any
from urllib.parse import quote

#: What stands in place of a secret.
HIDDEN = "***"
#: Values shorter than this are not searched for: they would be found in innocent words.
SHORTEST = 6
#: Values that are kept at most; those not used for longest are forgotten first.
MOST_KEPT = 256

NAMED = re.compile(
    r"token|secret|passw|authori[sz]ation|api[-_ ]?key|apikey|access[-_]?key|private[-_]?key"
    r"|cookie|credential|signature|session[-_]?id",
    re.IGNORECASE,
)
# A scheme and what follows it; a name, a separator and a value; a password within an address.
_SHAPED = (
    (
        # With a digit, a capital or padding in it, so that "basic gates" stays.
        re.compile(
            r"\b(bearer|basic|apikey)(\s+)(?=[^\s\"',;]*(?-i:[0-9A-Z=]))[^\s\"',;]{4,}",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(
            r"((?:token|secret|password|passwd|api[-_]?key|access[-_]?key|authorization)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
)
# Each with the turn of its last use; never out for a moment, since other threads look.
_kept: dict[str, int] = {}
_turns = itertools.count()


def keep_secret(value: str) -> None:
    """Take a value out of every text from now on, wherever it appears, percent-encoded too.

    Values of environment variables that are named like secrets need not be told.
    """
    if len(value) < SHORTEST:
        return
    for form in {value, quote(value, safe="")}:
        _kept[form] = next(_turns)
    if len(_kept) > MOST_KEPT:
        uses = sorted((turn, form) for form, turn in list(_kept.items()))
        for _, form in uses[:-MOST_KEPT]:
            _kept.pop(form, None)


def known_secrets() -> list[str]:
    """Values that are secret now, the longest first."""
    return sorted({*list(_kept), *_of_environment()}, key=len, reverse=True)


def cleaned(text: str, values: list[str] | None = None) -> str:
    """A text without secrets, by value and by shape.

    Parameters
    ----------
    text
        Whole: a secret that was cut is not found.
    values
        What `known_secrets` gives, where it is known already.
    """
    for value in known_secrets() if values is None else values:
        text = text.replace(value, HIDDEN)
    for pattern, instead in _SHAPED:
        text = pattern.sub(instead, text)
    return text


def cleaned_document(document: Any, body: bytes) -> Any:
    """A JSON document without the secrets that were told here, by value.

    Parameters
    ----------
    document, body
        As read, and as received: where the body holds no secret, and nothing that may be one
        written with escapes, the document is returned as it is.
    """
    values = sorted(_kept, key=len, reverse=True)
    if b"\\" not in body and not any(value.encode() in body for value in values):
        return document
    return _without(document, values)


def _without(held: Any, values: list[str]) -> Any:
    if isinstance(held, str):
        for value in values:
            held = held.replace(value, HIDDEN)
        return held
    if isinstance(held, dict):
        return {_without(name, values): _without(kept, values) for name, kept in held.items()}
    return [_without(kept, values) for kept in held] if isinstance(held, list) else held


def _of_environment() -> set[str]:
    # Asked anew each time: secrets are rotated while a worker runs.
    return {
        value
        for name, value in os.environ.items()
        if len(value) >= SHORTEST and NAMED.search(name) and not value.startswith("/")
    }
