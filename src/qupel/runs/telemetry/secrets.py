"""Secrets never leave in a log line: taken out by name, by shape, and by value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qupel.backends.secrets import HIDDEN, NAMED, cleaned, keep_secret, known_secrets

__all__ = ["HIDDEN", "keep_secret", "redacted"]


def redacted(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data without its secrets."""
    values = known_secrets()
    return {
        name: HIDDEN if NAMED.search(str(name)) and held else _clean(held, values)
        for name, held in about.items()
    }


def _clean(held: Any, values: list[str]) -> Any:
    if isinstance(held, str):
        return cleaned(held, values)
    if isinstance(held, Mapping):
        return {
            name: HIDDEN if NAMED.search(str(name)) and kept else _clean(kept, values)
            for name, kept in held.items()
        }
    if isinstance(held, list | tuple | set | frozenset):
        return [_clean(kept, values) for kept in held]
    if held is None or isinstance(held, bool | int | float):
        return held
    return _clean(str(held), values)
