"""One clock for the stages of an attempt: each begins where the one before ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qupel.runs.record import Clocks

Stage = Literal["encode", "compile", "queue", "execute", "decode", "repair", "judge"]


@dataclass(slots=True)
class Stopwatch:
    """Splits the time since ``started`` among stages, without gaps.

    Attributes
    ----------
    started
        Reading of ``time.monotonic`` at the request. The clock is one for all processes of a
        machine, so the request may have been made by another process.
    stage
        The stage in progress.
    """

    started: float = field(default_factory=time.monotonic)
    stage: Stage = "queue"
    mark: float = field(default=0.0, init=False)
    spent: dict[Stage, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.mark = self.started

    def enter(self, stage: Stage) -> float:
        """Begin a stage; the time since the last mark goes to the one before. Return the time."""
        now = time.monotonic()
        self.spent[self.stage] = self.spent.get(self.stage, 0.0) + now - self.mark
        self.stage, self.mark = stage, now
        return now

    def attribute(self, parts: Mapping[str, float]) -> None:
        """Move what a solver says of its ``compile`` and ``queue`` seconds out of ``execute``.

        A claim above what was measured is cut, so that the sum of all stages stays true.
        """
        names: tuple[Stage, ...] = ("compile", "queue")
        for name in names:
            left = self.spent.get("execute", 0.0)
            moved = min(max(0.0, float(parts.get(name, 0.0))), left)
            self.spent["execute"] = left - moved
            self.spent[name] = self.spent.get(name, 0.0) + moved

    def seconds(self) -> float:
        """Seconds from the request until now."""
        return time.monotonic() - self.started

    def stop(self) -> tuple[Clocks, float]:
        """End the stage in progress; return all stages, and end to end by the same clock."""
        ended = self.enter(self.stage)
        return Clocks(**self.spent), ended - self.started
