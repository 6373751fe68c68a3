"""Tuning: every arm gets the same allowance, on cells the comparison never sees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.benchmarks.arms import Tuning
from qupel.benchmarks.metrics import primal_gap
from qupel.pilots.charter import Arm, Charter
from qupel.problems.contract import Problem
from qupel.runs.record import Record
from qupel.runs.task import Task
from qupel.solvers.registry import fitting, solver_for

#: Added to the charter's seeds, so that tuning never runs under a compared seed.
SEED_SHIFT = 1_000_003


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of one arm that tuning tries.

    Attributes
    ----------
    arm
        The arm as the charter has it.
    number
        From 0, the settings as given.
    settings
        Settings of the solver in this trial.
    """

    arm: Arm
    number: int
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the trial's records call their arm."""
        return f"{self.arm.name}#{self.number}"


def trials_of(arm: Arm, charter: Charter, family: type[Problem[Any]]) -> list[Trial]:
    """Settings to try: those given first, then a seeded draw from the space, all distinct.

    The space is the charter's ``tune``, or what the solver itself declares as ``tunable``.
    An arm of kind status quo is what runs today and is not tuned.
    """
    space = dict(arm.tune) or dict(getattr(fitting(arm.solver, family), "tunable", {}))
    space = {name: values for name, values in space.items() if name not in arm.settings or arm.tune}
    if arm.kind == "status quo" or not space or charter.tuning.trials < 2:
        return [Trial(arm, 0, arm.settings)]
    combinations = [
        {**arm.settings, **dict(zip(space, values, strict=True))}
        for values in itertools.product(*space.values())
    ]
    given = solver_for(arm.solver, family, arm.settings)
    others = [s for s in combinations if solver_for(arm.solver, family, s) != given]
    order = np.random.default_rng(charter.seeds[0]).permutation(len(others))
    drawn = [others[i] for i in order[: charter.tuning.trials - 1]]
    return [Trial(arm, number, s) for number, s in enumerate([arm.settings, *drawn])]


def granted(charter: Charter) -> tuple[int, float]:
    """Trials and seconds that every arm may use to be tuned."""
    seconds = charter.tuning.seconds or charter.budget.seconds
    return charter.tuning.trials, charter.tuning.trials * charter.tuning.cases * seconds


def chosen(
    trials: Sequence[Trial], tasks: Sequence[Task], records: Sequence[Record], charter: Charter
) -> tuple[Mapping[str, Any], Tuning]:
    """The settings with the smallest mean gap over the tuning cells, and the log of the search.

    Gaps are measured from the best answer any trial of any arm gave to the same case; the
    earlier trial wins a tie.
    """
    number, seconds = granted(charter)
    if len(trials) == 1:
        why = (
            "it is what runs today"
            if trials[0].arm.kind == "status quo"
            else "the charter grants one trial"
            if charter.tuning.trials < 2
            else "its solver declares no settings to tune, and the charter names none"
        )
        return trials[0].settings, Tuning(number, seconds, exempt=why)
    best = best_by_case(records, charter.kpi.direction)
    scores = []
    log = []
    for trial in trials:
        own = [record for record in records if record.arm == trial.name]
        gaps = [
            primal_gap(record.objective if record.feasible else None, best.get(record.case))
            for record in own
        ]
        scores.append(math.fsum(gaps) / len(gaps) if gaps else 1.0)
        log.append(
            {
                "trial": trial.number,
                "settings": dict(trial.settings),
                "gap": scores[-1],
                "seconds": math.fsum(record.end_to_end for record in own),
            }
        )
    cells = tuple(sorted({(task.problem_hash, task.seed) for task in tasks}))
    return trials[int(np.argmin(scores))].settings, Tuning(number, seconds, cells, "", tuple(log))


def best_by_case(records: Sequence[Record], direction: str) -> dict[str, float]:
    """Best feasible objective of each case."""
    better = min if direction == "min" else max
    found: dict[str, float] = {}
    for record in records:
        if record.feasible and record.objective is not None:
            held = found.get(record.case, record.objective)
            found[record.case] = better(held, record.objective)
    return found
