"""From samples to one judged answer: way back, judge, repair, polish."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool

from qupel.model.qubo import Qubo
from qupel.model.quota import keep_quotas
from qupel.model.samples import Samples
from qupel.problems.contract import Judgement, Problem
from qupel.runs.record import Share

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An answer and what the judge says of it."""

    answer: Any
    judgement: Judgement


@dataclass(frozen=True, slots=True, eq=False)
class Jury:
    """Judges and repairs candidates while there is time, at least one whatever the time.

    Nothing is begun that would end too late if it took as long as the longest so far.

    Attributes
    ----------
    problem
        Whose judge is asked.
    deadline
        Reading of ``time.monotonic`` after which no further candidate is looked at.
    """

    problem: Problem[Any]
    deadline: float

    def judged(self, answers: Sequence[Any], *, share: float = 1.0) -> list[Candidate]:
        """Judge the answers in order, in a share of the time that is left."""
        pace = Pace.until(self.deadline, share)
        return [Candidate(answer, self.problem.judge(answer)) for answer in pace.each(answers)]

    def repaired(self, candidates: Sequence[Candidate], *, share: float = 1.0) -> list[Any]:
        """Repair the infeasible ones in order; feasible ones are returned as they are."""
        return [
            known.answer if known.judgement.feasible else self.problem.repair(known.answer)
            for known in Pace.until(self.deadline, share).each(candidates)
        ]

    def judged_again(self, old: Sequence[Candidate], mended: Sequence[Any]) -> list[Candidate]:
        """Judge what repair changed, in order."""
        pairs = list(zip(old, mended, strict=False))
        return [
            known if new is known.answer else Candidate(new, self.problem.judge(new))
            for known, new in Pace.until(self.deadline).each(pairs)
        ]

    def best(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """Best feasible candidate by the judge, the first of equals; None if none is feasible."""
        feasible = [known for known in candidates if known.judgement.feasible]
        return min(feasible, key=self.cost, default=None)

    def cost(self, candidate: Candidate) -> float:
        """Objective turned so that less is better."""
        objective = candidate.judgement.objective
        return objective if self.problem.sense == "min" else -objective


@dataclass(frozen=True, slots=True)
class Pace:
    """Goes through items while there is time for one more.

    Attributes
    ----------
    end
        Reading of ``time.monotonic`` at which the last item should be done with.
    """

    end: float

    @classmethod
    def until(cls, deadline: float, share: float = 1.0) -> Pace:
        """Return a pace that ends after a share of the time to ``deadline``."""
        now = time.monotonic()
        return cls(now + share * (deadline - now))

    def each(self, items: Sequence[Item]) -> Iterator[Item]:
        """Yield the first, and more as long as the slowest so far would still fit."""
        slowest, began = 0.0, time.monotonic()
        for number, item in enumerate(items):
            if number and began + slowest >= self.end:
                return
            yield item
            now = time.monotonic()
            slowest, began = max(slowest, now - began), now


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """Feasible samples counted over all shots where the form can tell, else over those judged.

    Attributes
    ----------
    occurrences
        How often each row was drawn.
    by_form
        Whether each row keeps every constraint of the form; None if the form cannot tell.
    """

    occurrences: np.ndarray
    by_form: Bool[np.ndarray, " rows"] | None

    @classmethod
    def of(cls, samples: Samples, rows: np.ndarray, form: Any) -> Counting:
        """Count the rows, decoded to the values of ``form`` (None for a problem's own plans)."""
        if form is None or len(samples) == 0:
            return cls(samples.occurrences, None)
        if hasattr(form, "feasible"):
            return cls(samples.occurrences, np.asarray(form.feasible(rows), bool))
        if isinstance(form, Qubo):
            return cls(samples.occurrences, keep_quotas(rows, form.quotas))
        return cls(samples.occurrences, None)

    def looked_at(self, keep: int) -> list[int]:
        """Rows to decode and judge: the first ``keep``, and the best that the form allows.

        That one comes before others, for which the time may not suffice.
        """
        rows = list(range(min(keep, self.occurrences.size)))
        if self.by_form is not None and not self.by_form[: len(rows)].any() and self.by_form.any():
            rows.insert(0, int(np.flatnonzero(self.by_form)[0]))
        return rows

    def raw(self, looked: Sequence[int], candidates: Sequence[Candidate]) -> tuple[Share, str]:
        """Feasible among the shots, and in words what was counted."""
        verdicts = [known.judgement.feasible for known in candidates]
        seen = list(looked)[: len(candidates)]
        agreed = self.by_form is not None and self.by_form[seen].tolist() == verdicts
        if agreed and self.by_form is not None:
            share = Share(int(self.occurrences[self.by_form].sum()), int(self.occurrences.sum()))
            words = f"raw: all {share.of} shots by the form's constraints, with which the judge "
            return share, f"{words}agreed on the {len(seen)} rows it saw"
        share = self.share(seen, verdicts)
        return share, f"raw: {share.of} shots in the {len(seen)} best distinct rows, by the judge"

    def share(self, looked: Sequence[int], verdicts: Sequence[bool]) -> Share:
        """Weigh verdicts on some rows by how often each was drawn."""
        weights = self.occurrences[list(looked)[: len(verdicts)]]
        return Share(int(weights[np.asarray(verdicts, bool)].sum()), int(weights.sum()))

    def feasible_rows(
        self, rows: np.ndarray, looked: Sequence[int], candidates: Sequence[Candidate]
    ) -> np.ndarray:
        """Return the feasible rows: of all by the form, or of those judged."""
        if self.by_form is not None:
            return rows[self.by_form]
        good = [i for i, known in zip(looked, candidates, strict=False) if known.judgement.feasible]
        return rows[good]


def objective_of(judgement: Judgement) -> float | None:
    """Objective as a plain number, None if it is not defined."""
    return float(judgement.objective) if math.isfinite(judgement.objective) else None
