"""Clocks: the system's, and one that tests and simulations move by hand."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> float:
        """UTC as seconds since 1970; may be set back by the system."""
        ...

    def monotonic(self) -> float:
        """Seconds from an unknown origin that never go back; deadlines are measured by it."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait without holding a thread."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The time as this machine knows it."""

    def now(self) -> float:
        """UTC as seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from an unknown origin."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))

    async def pause(self, seconds: float) -> None:
        """Wait without holding a thread."""
        await asyncio.sleep(max(0.0, seconds))


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is moved; sleeping moves it.

    Attributes
    ----------
    wall
        What `now` tells, in seconds since 1970.
    since
        What `monotonic` tells.
    """

    wall: float = 1_800_000_000.0
    since: float = field(default=0.0)

    def now(self) -> float:
        """UTC as seconds since 1970."""
        return self.wall

    def monotonic(self) -> float:
        """Seconds from an unknown origin."""
        return self.since

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.advance(max(0.0, seconds))

    async def pause(self, seconds: float) -> None:
        """Wait without holding a thread."""
        self.sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.since += seconds

    def set_wall(self, wall: float) -> None:
        """Set the wall clock, as an administrator or a time server does; `since` stays."""
        self.wall = wall
