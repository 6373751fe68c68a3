"""Whose answer goes out: a choice by the judge's findings, made when the time is up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from qupel.problems.contract import Sense
from qupel.runs.description import plain
from qupel.runs.record import Record, Status
from qupel.runs.routes.decision import Answerer


@dataclass(slots=True)
class Side:
    """What is known of an arm, of the fallback, or of the last resort.

    Attributes
    ----------
    record
        The last record.
    why
        Why there is no answer.
    over
        Whether nothing more will come.
    """

    record: Record | None = None
    why: str = ""
    over: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is a feasible answer."""
        return self.record is not None and self.record.status is Status.ANSWERED

    @property
    def objective(self) -> float:
        """Judge's objective of an answer."""
        found = None if self.record is None else self.record.objective
        return math.nan if found is None else found


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that may go out.

    Attributes
    ----------
    objective
        Found by the judge.
    answer, solution
        As plain data, and in the family's solution format.
    """

    objective: float | None = None
    answer: Any = None
    solution: str = ""

    @classmethod
    def of(cls, side: Side) -> Answer:
        """Answer of a side that has one."""
        record = side.record
        assert record is not None  # noqa: S101  it answered
        return cls(record.objective, record.answer, record.solution)

    @classmethod
    def earlier(cls, objective: float, answer: Any, solution: str) -> Answer:
        """An answer that went out before, judged by the data at hand."""
        return cls(objective, plain(answer), solution)


@dataclass(slots=True)
class Found:
    """Everything there is to choose from.

    Attributes
    ----------
    sense
        Whether less or more is better.
    arm, reason
        Whose turn it was beside the fallback: the primary's, or with the reason the classical
        arm's.
    primary, fallback, resort
        What each came to; ``primary`` is the arm's whose turn it was.
    remembered
        Earlier answers that are feasible for these data.
    """

    sense: Sense
    arm: Answerer = Answerer.PRIMARY
    reason: str = ""
    primary: Side = field(default_factory=Side)
    fallback: Side = field(default_factory=Side)
    resort: Side = field(default_factory=Side)
    remembered: list[Answer] = field(default_factory=list)

    @property
    def has_any(self) -> bool:
        """Whether there is an answer that may go out."""
        sides = (self.primary, self.fallback, self.resort)
        return bool(self.remembered) or any(side.answered for side in sides)

    def choice(self) -> tuple[Answerer, str, Answer]:
        """Who answers, why not the primary, and the answer."""
        primary, fallback = self.primary, self.fallback
        if primary.answered and fallback.answered and self._is_better(fallback, primary):
            why = (
                f"the judge finds the fallback's answer better: {fallback.objective:g} against "
                f"{primary.objective:g}"
            )
            return Answerer.FALLBACK, why, Answer.of(fallback)
        if primary.answered:
            return self.arm, self.reason, Answer.of(primary)
        why = primary.why or "there was no primary"
        if fallback.answered:
            return Answerer.FALLBACK, why, Answer.of(fallback)
        why = f"{why}; the fallback: {fallback.why or 'no answer in time'}"
        if self.remembered and not self._resort_is_better_than(self.remembered[0]):
            return Answerer.LAST_KNOWN, why, self.remembered[0]
        if self.resort.answered:
            return Answerer.LAST_RESORT, why, Answer.of(self.resort)
        why = f"{why}; the last resort: {self.resort.why or 'none in time'}"
        return Answerer.NOBODY, why, Answer()

    def _is_better(self, one: Side, other: Side) -> bool:
        return self._turn * (one.objective - other.objective) < 0

    def _resort_is_better_than(self, earlier: Answer) -> bool:
        if not self.resort.answered or earlier.objective is None:
            return False
        return self._turn * (self.resort.objective - earlier.objective) < 0

    @property
    def _turn(self) -> float:
        return 1.0 if self.sense == "min" else -1.0
