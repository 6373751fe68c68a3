"""When a quantum stage gives its order up, so that its fallback still answers by the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from qupel.runs.slot import grace_seconds

#: Seconds kept for what surrounds a fallback's search, before any was measured: to notice the
#: time, to make a process ready and rebuild the problem in it, to write the answer down.
AROUND = 2.0
#: Seconds kept for it at least, however quick it was.
LEAST_AROUND = 0.5
#: At most this share of a deadline is kept back from the order.
LARGEST_SHARE = 0.8
#: A fallback that begins late still has this share of its budget.
LEAST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Timetable:
    """UTC seconds of a stage with a deadline.

    Attributes
    ----------
    give_up
        From when the order is late, and the fallback begins.
    deadline
        When the stage has answered.
    """

    give_up: float
    deadline: float

    @classmethod
    def of(
        cls, begun: float, deadline_seconds: float, fallback_seconds: float, around: float
    ) -> Self:
        """Return the timetable of a stage that began at ``begun``.

        Parameters
        ----------
        fallback_seconds
            Budget of the fallback.
        around
            Seconds kept for what surrounds it.
        """
        kept = min(reserved(fallback_seconds, around), LARGEST_SHARE * deadline_seconds)
        return cls(begun + deadline_seconds - kept, begun + deadline_seconds)

    def budget(self, now: float, fallback_seconds: float, around: float) -> float:
        """Seconds of a fallback that begins now: all of its budget, or what is left of it."""
        left = self.deadline - now - around - grace_seconds(fallback_seconds)
        return min(fallback_seconds, max(left, LEAST_SHARE * fallback_seconds))


@dataclass(slots=True)
class Around:
    """Learns how long what surrounds a search takes in this process; old peaks fade.

    Attributes
    ----------
    seconds
        To keep for it.
    """

    seconds: float = AROUND

    def saw(self, seconds: float) -> None:
        """Take note of how long it took once."""
        self.seconds = max(LEAST_AROUND, 1.5 * seconds, 0.8 * self.seconds)


def reserved(fallback_seconds: float, around: float = AROUND) -> float:
    """Seconds kept back from an order: the fallback's budget, its grace, and what is around it."""
    return fallback_seconds + grace_seconds(fallback_seconds) + around


def shortest(fallback_seconds: float) -> float:
    """Shortest deadline that leaves an order some time beside its fallback, in seconds."""
    return reserved(fallback_seconds) / LARGEST_SHARE
