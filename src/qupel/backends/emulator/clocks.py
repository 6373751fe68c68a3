"""A clock that runs faster than the machine's, so that a day's queue fits into a coffee break."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class AcceleratedClock:
    """The machine's clock, so many times as fast, which can also be moved on by hand.

    Attributes
    ----------
    speed
        Seconds of this clock in one second of the machine; 0 stands still until moved.
    """

    speed: float = 1.0
    _wall: float = field(default_factory=time.time, init=False)
    _since: float = field(default_factory=time.monotonic, init=False)
    _moved: float = field(default=0.0, init=False)

    def now(self) -> float:
        """UTC as seconds since 1970; the emulator's time is counted on from its start."""
        return self._wall + self.monotonic()

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return (time.monotonic() - self._since) * self.speed + self._moved

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._moved += seconds

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock; a clock that stands still is moved instead."""
        if self.speed > 0:
            time.sleep(max(0.0, seconds) / self.speed)
        else:
            self.advance(max(0.0, seconds))

    async def pause(self, seconds: float) -> None:
        """Wait without holding a thread."""
        if self.speed > 0:
            await asyncio.sleep(max(0.0, seconds) / self.speed)
        else:
            self.advance(max(0.0, seconds))
