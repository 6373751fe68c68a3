"""The one place that knows the secrets in use, and takes them out of texts.

Providers may repeat in a reply what they were sent. Credentials are told here when they are read,
so that whatever is passed on from a reply (messages, states, rows) holds none.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: What stands in place of a secret.
HIDDEN = "***"
#: Values shorter than this are not searched for: they would be found in innocent words.
SHORTEST = 6
#: Characters that give a secret away: so many of its beginning are taken out, whatever their case.
BEGINNING = 12
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
    """Take a value out of every text from now on, wherever it appears.

    It is found in other case too, percent-encoded, in base64, and by its beginning.

    Values of environment variables that are named like secrets need not be told.
    """
    if len(value) < SHORTEST:
        return
    _kept[value] = next(_turns)
    if len(_kept) > MOST_KEPT:
        uses = sorted((turn, held) for held, turn in list(_kept.items()))
        for _, held in uses[:-MOST_KEPT]:
            _kept.pop(held, None)


def known_secrets() -> list[str]:
    """Values that are secret now, in every form they are looked for, the longest first."""
    return _forms({*list(_kept), *_of_environment()})


def cleaned(text: str, values: list[str] | None = None) -> str:
    """A text without secrets, by value and by shape.

    Parameters
    ----------
    text
        Whole: a secret that was cut is not found.
    values
        What `known_secrets` gives, where it is known already.
    """
    text = _hidden(text, known_secrets() if values is None else values)
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
    values = _forms(list(_kept))
    small = body.lower()
    if b"\\" not in body and not any(_mark(value).lower().encode() in small for value in values):
        return document
    return _without(document, values)


def _without(held: Any, values: list[str]) -> Any:
    if isinstance(held, str):
        return _hidden(held, values)
    if isinstance(held, dict):
        return {_without(name, values): _without(kept, values) for name, kept in held.items()}
    return [_without(kept, values) for kept in held] if isinstance(held, list) else held


def _forms(values: Iterable[str]) -> list[str]:
    return sorted({form for value in values for form in _written(value)}, key=len, reverse=True)


@lru_cache(maxsize=4 * MOST_KEPT)
def _written(value: str) -> frozenset[str]:
    """A value as it is, percent-encoded, and in base64 without its padding."""
    raw = value.encode(errors="surrogateescape")
    coded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    percent = quote(raw, safe="")
    return frozenset({value, percent, *(code.decode().rstrip("=") for code in coded)})


def _mark(value: str) -> str:
    """The part of a value by which it is found."""
    head = value[:BEGINNING]
    # Addresses and names of resources begin like many others that are no secret.
    return value if ":" in head else head


def _hidden(text: str, values: Sequence[str]) -> str:
    """A text without some values; of long ones their beginnings too, in whatever case."""
    small = _small(text)
    long = [_small(value) for value in values if len(value) >= BEGINNING]
    found = [value for value in long if _mark(value) in small]
    # Whole values first: another one may begin alike.
    for value in found:
        text = _without_runs(text, value, [value])
    for mark in dict.fromkeys(map(_mark, found)):
        text = _without_runs(text, mark, [value for value in found if value.startswith(mark)])
    # Short ones last: they may be parts of long ones.
    for value in values:
        if len(value) < BEGINNING:
            text = text.replace(value, HIDDEN)
    return text


def _without_runs(text: str, mark: str, values: Sequence[str]) -> str:
    """A text without what begins with a mark and goes on as one of some values does."""
    small = _small(text)
    parts, at = [], 0
    while (found := small.find(mark, at)) >= 0:
        parts += [text[at:found], HIDDEN]
        at = found + max(_shared(small[found:], value) for value in values)
    return "".join([*parts, text[at:]]) if parts else text


def _shared(one: str, other: str) -> int:
    """Characters that two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _small(text: str) -> str:
    """A text in lower case, as long as it was."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _of_environment() -> set[str]:
    # Asked anew each time: secrets are rotated while a worker runs.
    return {
        value
        for name, value in os.environ.items()
        if len(value) >= SHORTEST and NAMED.search(name) and not _is_path(value)
    }


def _is_path(value: str) -> bool:
    """Whether a value only names a file, such as one that holds the secret."""
    return value.startswith("/") and len(value) < 1024 and Path(value).exists()
