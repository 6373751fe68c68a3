"""By how much two plain values differ, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differences(then: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield place and values of whatever differs between two plain values."""
    if isinstance(then, Mapping) and isinstance(now, Mapping) and then.keys() == now.keys():
        for key, held in then.items():
            yield from differences(held, now[key], f"{place}.{key}".lstrip("."))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from differences(old, new, f"{place}[{number}]")
    elif type(then) is not type(now) or then != now:
        yield place, then, now


def apart(old: Any, new: Any) -> float:
    """Difference of two numbers relative to the larger, but at least to 1; else infinite."""
    for value in (old, new):
        if not isinstance(value, int | float) or isinstance(value, bool):
            return float("inf")
    return float(abs(old - new) / max(abs(old), abs(new), 1.0))


def largest_difference(then: Any, now: Any) -> float:
    """Largest `apart` of all that differs between two plain values; 0 if nothing does."""
    return max((apart(old, new) for _, old, new in differences(then, now)), default=0.0)
