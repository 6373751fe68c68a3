"""A pilot from its file to its verdict: lock, tune, run every cell, compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qupel.benchmarks.arms import Tuning
from qupel.benchmarks.compare import compare
from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.figures import Reference
from qupel.benchmarks.money import Prices, Worth
from qupel.benchmarks.rule import Kpi, Rule
from qupel.model.samples import Outcome
from qupel.pilots.cases import Cases, load_cases
from qupel.pilots.charter import Charter
from qupel.pilots.locking import Lock, lock
from qupel.pilots.pilot_file import read_charter
from qupel.pilots.plan import Entry, entries, task_of, tasks
from qupel.pilots.readiness import check_ready
from qupel.pilots.tuning import SEED_SHIFT, Trial, chosen, trials_of
from qupel.problems.registry import family
from qupel.runs.description import describe
from qupel.runs.pool import Workers, preloaded, processes
from qupel.runs.record import Record
from qupel.runs.store import Store
from qupel.runs.task import Task
from qupel.solvers.registry import solver_for


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pilot that may run: its charter and cases, read and checked."""

    path: Path
    charter: Charter
    cases: Cases


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pilot is.

    Attributes
    ----------
    phase
        ``tuning`` or ``comparing``.
    done, total
        Cells of the phase.
    record
        The cell that was just finished; None at the start of a phase.
    """

    phase: str
    done: int
    total: int
    record: Record | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """What a pilot has found.

    Attributes
    ----------
    lock
        The charter as it was locked, with its amendments.
    comparison
        Metrics, statistics and the verdict.
    records
        One for each cell.
    complete
        Whether every planned cell has run; the stop rule may end a pilot before.
    """

    prepared: Prepared
    lock: Lock
    comparison: Comparison
    records: tuple[Record, ...]
    complete: bool


def prepare(path: Path) -> Prepared:
    """Read a pilot file and its cases, and check that it may run.

    Raises
    ------
    PilotFileError
        With the line of every fault in the file.
    InputError
        If a case cannot be loaded.
    """
    charter = read_charter(path)
    check_ready(charter, path)
    return Prepared(path, charter, load_cases(charter, path.parent))


def run_pilot(
    prepared: Prepared,
    store: Store,
    *,
    workers: int | None = None,
    amend: str = "",
    on_progress: OnProgress = lambda progress: None,
) -> Finished:
    """Run a pilot to its verdict, or go on where an earlier run of it ended.

    Parameters
    ----------
    prepared
        The pilot, see `prepare`. Its charter is locked at the first run.
    store
        Where records are kept; a cell that it holds is not run again.
    workers
        Worker processes; one for each core unless given.
    amend
        Reason for a change of the charter since it was locked.
    on_progress
        Is told of every finished cell.

    Raises
    ------
    InputError
        If charter or data differ from what is locked, and no reason is given.
    """
    charter, cases = prepared.charter, prepared.cases
    held = lock(store, charter, cases, prepared.path, amend)
    used = sorted({arm.solver for arm in charter.arms} | {charter.fallback.solver})
    with Workers(processes(workers), preloaded(*used), store.samples) as hired:
        crew = Crew(charter, store, held, hired, on_progress)
        tuned = crew.tune(cases)
        arms = entries(charter, next(iter(cases.compared.values())), tuned)
        records, complete = crew.make("comparing", tasks(charter, arms, cases.compared))
    store.set_status(charter.name, "finished" if complete else "ended by its stop rule")
    comparison = concluded(charter, cases, arms, records)
    return Finished(prepared, held, comparison, tuple(records), complete)


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers that make the records of a pilot and keep them in its store."""

    charter: Charter
    store: Store
    held: Lock
    workers: Workers
    on_progress: OnProgress

    def tune(self, cases: Cases) -> dict[str, tuple[Mapping[str, Any], Tuning]]:
        """Settings of every arm, found on the tuning cases with an equal allowance."""
        chosen_family = family(self.charter.family)
        trials = {
            arm.name: trials_of(arm, self.charter, chosen_family) for arm in self.charter.arms
        }
        todo = {
            name: [task for trial in tried for task in self._trial(trial, cases)]
            for name, tried in trials.items()
            if len(tried) > 1
        }
        planned = [task for each in todo.values() for task in each]
        records, _ = self.make("tuning", planned) if planned else ([], True)
        return {
            name: chosen(tried, todo.get(name, ()), records, self.charter)
            for name, tried in trials.items()
        }

    def _trial(self, trial: Trial, cases: Cases) -> list[Task]:
        problems = list(cases.tuning.items())[: self.charter.tuning.cases]
        return [
            task_of(
                self.charter,
                problem,
                describe(
                    solver_for(trial.arm.solver, type(problem), trial.settings), type(problem)
                ),
                arm=trial.name,
                case=case,
                seed=SEED_SHIFT + index,
                seconds=self.charter.tuning.seconds or self.charter.budget.seconds,
                repair=trial.arm.repairs,
                polish=trial.arm.polish,
            )
            for index, (case, problem) in enumerate(problems)
        ]

    def make(self, phase: str, planned: Sequence[Task]) -> tuple[list[Record], bool]:
        """Run every planned cell that the store does not hold yet; return all of them.

        Cells of runs before an amendment count where they are the same to the last byte. The
        stop rule's hours count the running time of all cells so far, resumed or not.
        """
        suffix = "/tuning" if phase == "tuning" else ""
        run, *earlier = (f"{name}{suffix}" for name in self.held.runs)
        done = {(r.arm, r.case, r.seed): r for r in self.store.records(run)}
        same = {r.id: r for name in earlier for r in self.store.records(name)}
        kept: list[Record] = []
        todo: list[Task] = []
        for task in planned:
            record = done.get(task.cell) or same.get(task.identity())
            if record is None:
                todo.append(task)
                continue
            kept.append(record)
            if task.cell not in done:
                self.store.save(run, record)
        self.on_progress(Progress(phase, len(kept), len(planned)))
        ends = time.monotonic() + 3600 * self.charter.stop_rule.max_hours
        ends -= sum(record.end_to_end for record in kept) / self.workers.count
        in_time = (task for task in todo if time.monotonic() < ends)
        for record in self.workers.run(in_time):
            self.store.save(run, record)
            kept.append(record)
            self.on_progress(Progress(phase, len(kept), len(planned), record))
        return kept, len(kept) == len(planned)


def rule_of(charter: Charter) -> Rule:
    """The rule that a charter fixes."""
    gates, contract = charter.gates, charter.contract
    return Rule(
        margin=charter.kpi.margin,
        level=gates.level,
        feasibility_margin=gates.feasibility_loss / 100,
        max_cost_ratio=gates.max_cost_ratio,
        max_cost=contract.max_cost,
        max_latency_seconds=contract.max_seconds,
        min_cases=gates.min_cases,
        epsilon=gates.success_gap / 100,
    )


def concluded(
    charter: Charter, cases: Cases, arms: Sequence[Entry], records: Sequence[Record]
) -> Comparison:
    """Compare the records of a pilot by the rule of its charter."""
    prices, worth = charter.prices, charter.kpi.value_per_percent
    return compare(
        records,
        [entry.arm for entry in arms],
        rule_of(charter),
        kpi=Kpi(charter.kpi.name, charter.kpi.unit, charter.kpi.direction),
        baselines=family(charter.family).baselines,
        references=references(cases, records),
        tags=charter.data.tags,
        prices=Prices(
            currency=prices.currency,
            core_hour=prices.core_hour,
            cores=charter.budget.threads,
            shot=prices.shot,
            task=prices.quantum_task,
            quantum_second=prices.quantum_second,
        ),
        worth=None if worth is None else Worth(per_percent=worth),
    )


def references(cases: Cases, records: Sequence[Record]) -> dict[str, Reference]:
    """What gaps are measured from: a proof of some arm, else what charter or generator know.

    A solver's claim of optimality counts as a proof if its bound meets the judged objective.
    """
    found = {
        case: Reference(value, "the generator", proved=True)
        if case in cases.proved
        else Reference(value, "the charter")
        for case, value in cases.best_known.items()
    }
    for record in records:
        sign = 1.0 if cases.compared[record.case].sense == "min" else -1.0
        value, bound = record.objective, record.claimed_bound
        if not record.feasible or value is None or bound is None:
            continue
        proved = bound >= sign * value - 1e-9 * max(1.0, abs(value))
        if record.outcome == Outcome.OPTIMAL.name and proved and record.answered_by == "primary":
            found[record.case] = Reference(value, f"proved by {record.arm}", proved=True)
    return found
