"""When what has to be done, so that an answer is there by the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from qupel.runs.slot import grace_seconds

#: Share of the deadline, and seconds at most, kept for choosing and keeping the answer.
LAST_SHARE, LAST_SECONDS = 0.15, 0.3
#: Seconds past the deadline for which an answer is waited for where there is none at all, and
#: within which it is out.
LATE_SECONDS, LATEST_SECONDS = 0.5, 0.9
#: Seconds that keeping the decision may take at least, however late it is.
LEAST_TO_KEEP = 0.1


@dataclass(frozen=True, slots=True)
class Timetable:
    """Readings of a monotonic clock.

    Attributes
    ----------
    begun
        When the decision was asked for.
    answer_by
        When the answer is chosen at the latest, from what is there.
    deadline
        When the answer must be with whoever asked.
    last_call
        When nothing is waited for any more, even if nobody has answered.
    """

    begun: float
    answer_by: float
    deadline: float
    last_call: float

    @classmethod
    def of(cls, begun: float, deadline_seconds: float) -> Self:
        """Timetable of a decision asked for at ``begun``."""
        kept = min(LAST_SHARE * deadline_seconds, LAST_SECONDS)
        deadline = begun + deadline_seconds
        return cls(begun, deadline - kept, deadline, deadline + LATE_SECONDS)

    def to_keep(self, now: float) -> float:
        """Seconds to write the decision down, in each of two places if need be."""
        if now < self.deadline - LEAST_TO_KEEP:
            return self.deadline - now - 0.02
        return max(LEAST_TO_KEEP, (self.deadline + LATEST_SECONDS - now) / 2)

    def left(self, now: float) -> float:
        """Seconds until the answer is chosen."""
        return max(0.0, self.answer_by - now)

    def budget(self, now: float) -> float:
        """Longest budget of an attempt begun now that, its grace included, ends in time."""
        left = self.left(now)
        return max(0.0, min(left - grace_seconds(0.0), left / (1.0 + grace_seconds(1e9) / 1e9)))


def overdue(asked: float, seconds: float) -> float:
    """When an attempt that was asked for is given up, whatever its worker says."""
    return asked + seconds + 2 * grace_seconds(seconds)
