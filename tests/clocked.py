"""Promises about time, on machines that have other things to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Clocked(Generic[T]):
    """What a call returned, and the seconds that it took."""

    value: T
    seconds: float


def quickest(
    call: Callable[[], T],
    within: float,
    fine: Callable[[T], bool] = lambda _: True,
    attempts: int = 12,
) -> Clocked[T]:
    """The quickest of several calls, none after the first that took less than ``within`` seconds.

    Others on the machine hold up a call now and then, hardly all of them; what is slow by itself
    is slow every time. Where a call that was held up comes back in time with less, ``fine`` tells
    of a value whether it is whole.
    """
    best: Clocked[T] | None = None
    for _ in range(attempts):
        begun = time.monotonic()
        value = call()
        seconds = time.monotonic() - begun
        whole = fine(value)
        if best is None or (whole and seconds < best.seconds):
            best = Clocked(value, seconds)
        if whole and seconds < within:
            break
    assert best is not None
    return best
