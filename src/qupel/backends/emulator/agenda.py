"""What is going to happen, and when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Agenda:
    """Things to come, worked off in the order of their times, then in that of their entry."""

    _coming: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list, init=False)
    _counted: int = field(default=0, init=False)

    def add(self, at: float, act: Callable[[], None]) -> None:
        """Have something happen at a time."""
        self._counted += 1
        heapq.heappush(self._coming, (at, self._counted, act))

    def work_off(self, now: float) -> None:
        """Do everything that is due, and what becomes due by that."""
        while self._coming and self._coming[0][0] <= now:
            heapq.heappop(self._coming)[2]()
