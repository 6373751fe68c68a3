"""The records of one benchmark as a table: arms by cases by seeds, values comparable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qupel.benchmarks.arms import Arm
from qupel.benchmarks.figures import Case, Reference
from qupel.benchmarks.intervals import Floats
from qupel.benchmarks.metrics import is_better, primal_gap
from qupel.benchmarks.rule import Kpi, Rule
from qupel.errors import InputError
from qupel.runs.record import Record, Status

SAME = 1e-9
"""Relative difference of objectives below which they are the same."""


def has_answered(record: Record) -> bool:
    """Whether the arm itself, not its fallback, ended with a feasible answer."""
    return (
        record.status is Status.ANSWERED
        and record.feasible
        and record.answered_by != "fallback"
        and record.objective is not None
        and math.isfinite(record.objective)
    )


def objective_of(record: Record) -> float | None:
    """Judged objective of the arm's own feasible answer, else None."""
    return record.objective if has_answered(record) else None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Records by arm and case, in order of seeds, with what gaps are measured from.

    Attributes
    ----------
    arms, cases
        Arms as given, cases in order of their names.
    runs
        Records by ``(arm, case)``, seeds increasing.
    """

    arms: tuple[Arm, ...]
    cases: tuple[Case, ...]
    runs: Mapping[tuple[str, str], tuple[Record, ...]]
    kpi: Kpi
    rule: Rule

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        arms: Sequence[Arm],
        rule: Rule,
        kpi: Kpi,
        references: Mapping[str, Reference],
        tags: Mapping[str, Sequence[str]],
    ) -> Table:
        """Arrange records; those of equal id are one."""
        distinct = {(r.id, r.arm, r.case, r.seed): r for r in records}
        ordered = sorted(distinct.values(), key=lambda r: (r.case, r.arm, r.seed, r.id))
        known = {arm.name for arm in arms}
        if len(known) != len(arms):
            raise InputError("two arms have the same name")
        if strangers := sorted({r.arm for r in ordered} - known):
            raise InputError(f"records of arms that were not given: {', '.join(strangers)}")
        if not ordered:
            raise InputError("there are no records to compare")
        runs: dict[tuple[str, str], list[Record]] = {}
        by_case: dict[str, list[Record]] = {}
        for record in ordered:
            runs.setdefault((record.arm, record.case), []).append(record)
            by_case.setdefault(record.case, []).append(record)
        cases = tuple(
            _case(name, found, kpi, references.get(name), tuple(tags.get(name, ())))
            for name, found in by_case.items()
        )
        return cls(tuple(arms), cases, {k: tuple(v) for k, v in runs.items()}, kpi, rule)

    def of_arm(self, arm: str) -> tuple[Record, ...]:
        """Every record of one arm, by case and seed."""
        return tuple(r for case in self.cases for r in self.runs.get((arm, case.name), ()))

    def gap(self, record: Record, case: Case) -> float:
        """Primal gap of a run's answer, 1 if there is none."""
        return primal_gap(objective_of(record), value_of(case.reference))

    def is_success(self, record: Record, case: Case) -> bool:
        """Whether a run is feasible and within epsilon of the reference."""
        return has_answered(record) and self.gap(record, case) <= self.rule.epsilon + SAME

    def penalty(self, case: Case) -> float | None:
        """KPI that a run without a feasible answer is given, so that it is never left out.

        The worst feasible answer of any arm, or the reference made worse by its whole size,
        whichever is worse; None if nothing is known of the case.
        """
        reference = value_of(case.reference)
        found = [
            value
            for arm in self.arms
            for record in self.runs.get((arm.name, case.name), ())
            if (value := objective_of(record)) is not None
        ]
        if reference is None:
            return None
        if self.kpi.sense == "min":
            return max([*found, reference + abs(reference)])
        return min([*found, reference - abs(reference)])

    def values(self, arm: str) -> Floats:
        """KPI of every run of an arm by case, each row in increasing order, as seeds have none.

        0 in cases of which nothing is known.
        """
        return np.sort(self.by_seed(arm), axis=1)

    def by_seed(self, arm: str) -> Floats:
        """KPI of every run of an arm, cases by seeds."""
        rows = []
        for case in self.cases:
            penalty = self.penalty(case) or 0.0
            records = self.runs[arm, case.name]
            rows.append([penalty if (v := objective_of(r)) is None else v for r in records])
        return np.array(rows, dtype=np.float64)

    def measures(self, arm: str, name: str) -> Floats | None:
        """Mean over seeds of a business measure in each case; None if a case lacks it."""
        means = []
        for case in self.cases:
            found = [r.measures[name] for r in self.runs[arm, case.name] if name in r.measures]
            if not found:
                return None
            means.append(math.fsum(found) / len(found))
        return np.array(means)


def value_of(reference: Reference | None) -> float | None:
    """Objective that gaps are measured from, None if nothing is known."""
    return None if reference is None else reference.value


def _case(
    name: str, records: list[Record], kpi: Kpi, given: Reference | None, tags: tuple[str, ...]
) -> Case:
    """Describe one case, its reference moved to the best found where that is better."""
    found = [(value, r.arm) for r in records if (value := objective_of(r)) is not None]
    pick = min if kpi.sense == "min" else max
    best = pick((value for value, _ in found), default=None)
    reference, improved_by = given, tuple[str, ...]()
    if given is None:
        reference = None if best is None else Reference(best)
    elif best is not None and beats(best, given.value, kpi):
        improved_by = tuple(sorted({arm for v, arm in found if beats(v, given.value, kpi)}))
        reference = Reference(best, f"best of this comparison (before: {given.source})")
    return Case(name, records[0].problem_hash, tags, reference, improved_by)


def beats(value: float, reference: float, kpi: Kpi) -> bool:
    """Whether a value is better than a reference by more than rounding."""
    rounding = SAME * max(abs(value), abs(reference))
    return is_better(value, reference, kpi.sense) and abs(value - reference) > rounding
