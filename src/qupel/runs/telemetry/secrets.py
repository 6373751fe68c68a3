"""Secrets never leave in a log line: taken out by name, by shape, and by value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

#: What stands in place of a secret.
HIDDEN = "***"
#: Values shorter than this are not searched for: they would be found in innocent words.
SHORTEST = 6

_NAMED = re.compile(
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
_kept: set[str] = set()


def keep_secret(value: str) -> None:
    """Take a value out of every line from now on, wherever it appears.

    Values of environment variables that are named like secrets need not be told.
    """
    if len(value) >= SHORTEST:
        _kept.add(value)


def redacted(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data without its secrets."""
    values = sorted(_kept | _of_environment(), key=len, reverse=True)
    return {
        name: HIDDEN if _NAMED.search(str(name)) and held else _clean(held, values)
        for name, held in about.items()
    }


def _of_environment() -> set[str]:
    # Asked anew each time: secrets are rotated while a worker runs.
    return {
        value
        for name, value in os.environ.items()
        if len(value) >= SHORTEST and _NAMED.search(name) and not value.startswith("/")
    }


def _clean(held: Any, values: list[str]) -> Any:
    if isinstance(held, str):
        for value in values:
            held = held.replace(value, HIDDEN)
        for pattern, instead in _SHAPED:
            held = pattern.sub(instead, held)
        return held
    if isinstance(held, Mapping):
        return {
            name: HIDDEN if _NAMED.search(str(name)) and kept else _clean(kept, values)
            for name, kept in held.items()
        }
    if isinstance(held, list | tuple | set | frozenset):
        return [_clean(kept, values) for kept in held]
    if held is None or isinstance(held, bool | int | float):
        return held
    return _clean(str(held), values)
