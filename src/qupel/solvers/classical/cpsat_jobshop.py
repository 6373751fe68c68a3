"""CP-SAT of OR-Tools for job shops: intervals that must not overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int64

from qupel.errors import InputError
from qupel.kernels.jobshop import Kind, merge
from qupel.model.samples import Outcome, Samples
from qupel.problems.jobshop import JobShop
from qupel.problems.jobshop_bound import earliest_starts, flat, latest_starts
from qupel.solvers.classical.cpsat import run_engine
from qupel.solvers.classical.dispatching import best_rule
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

#: The relaxation says little about a job shop, and thorough propagation of each machine pays:
#: with one worker and four instances, proofs took a third to all of the time they took without.
SETTINGS = {"linearization_level": 0, "use_strong_propagation_in_disjunctive": True}


@dataclass(frozen=True, slots=True)
class CpSatJobShop:
    """CP-SAT on the job shop itself: one interval an operation, no overlap on a machine.

    Maintenance stands as fixed intervals among those of its machine. A short tabu search gives
    the first schedule: a hint, and the latest end of everything. A round of the stop rule is
    0.01 of the engine's deterministic seconds, and runs that count rounds use one worker.

    Attributes
    ----------
    threads
        Workers of the engine.
    warm_up
        Steps of the tabu search for the first schedule.
    """

    name: ClassVar[str] = "cpsat"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = JobShop
    keeps_quotas: ClassVar[bool] = False

    threads: int = 1
    warm_up: int = 3000

    def __post_init__(self) -> None:
        if self.threads < 1 or self.warm_up < 0:
            raise InputError(
                f"threads must be at least 1 and warm_up at least 0, "
                f"got {self.threads} and {self.warm_up}"
            )

    def solve(
        self,
        form: JobShop,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so or the best schedule is proved best."""
        watch = Watch(on_event)
        seed = int(rng.integers(2**31))
        lower = form.lower_bound()
        watch.proved(lower)
        first = _first_plan(form, lower, seed, self.warm_up, stop)
        horizon = form.makespan(first)
        watch.saw(horizon)
        if horizon == lower or stop.seconds_left() <= 0 or horizon <= stop.target:
            proved = Outcome.OPTIMAL if horizon == lower else Outcome.STOPPED
            return Samples.of(first[None], [float(horizon)], outcome=proved, bound=float(lower))
        model, columns = _build(form, first, horizon, lower)
        run = run_engine(
            model,
            columns,
            stop=stop,
            seed=seed,
            threads=self.threads,
            watch=watch,
            energy=lambda row: float(form.makespan(row)),
            lower=lambda bound: max(bound, float(lower)),
            settings=SETTINGS,
        )
        plans = np.array([first, *run.rows], np.int64)
        makespans = [float(form.makespan(plan)) for plan in plans]
        return Samples.of(
            plans,
            makespans,
            outcome=Outcome.OPTIMAL if run.outcome is Outcome.OPTIMAL else Outcome.STOPPED,
            bound=min(max(run.bound, float(lower)), min(makespans)),
            facts={"solutions": len(run.rows), "first_makespan": horizon},
        )


def _first_plan(
    form: JobShop, lower: int, seed: int, steps: int, stop: Stop
) -> Int64[np.ndarray, " operations"]:
    """Return the best plan of the dispatching rules and a short tabu search."""
    kernel = form.kernel()
    sequence, _ = best_rule(form, kernel)
    search = kernel.search(Kind.TABU, sequence, seed=seed, patience=steps + 1, lower=lower)
    for _ in range(0, steps, 100):
        if search.finished or stop.seconds_left() <= 0:
            break
        search.advance(100)
    return search.best()


def _build(
    form: JobShop, first: Int64[np.ndarray, " operations"], horizon: int, lower: int
) -> tuple[Any, list[int]]:
    """Return the engine's model of schedules that end by ``horizon``, and the starts' columns."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    early, late = flat(earliest_starts(form)).tolist(), flat(latest_starts(form, horizon)).tolist()
    makespan = model.new_int_var(lower, horizon, "makespan")
    busy: list[list[Any]] = [[] for _ in range(form.machine_count)]
    starts: list[Any] = []
    for job, (machines, durations) in enumerate(zip(form.machines, form.durations, strict=True)):
        for k, (machine, duration) in enumerate(zip(machines, durations, strict=True)):
            op = len(starts)
            start = model.new_int_var(early[op], late[op], f"start[{job},{k}]")
            busy[machine].append(model.new_fixed_size_interval_var(start, duration, f"op[{op}]"))
            if k:
                model.add(start >= starts[-1] + durations[k - 1])
            starts.append(start)
            model.add_hint(start, int(first[op]))
        model.add(makespan >= starts[-1] + durations[-1])
    for machine, intervals in enumerate(busy):
        for begin, end in merge(form.windows(machine)):
            closed = model.new_fixed_size_interval_var(begin, end - begin, f"closed[{machine}]")
            intervals.append(closed)
        model.add_no_overlap(intervals)
    model.add_hint(makespan, horizon)
    model.minimize(makespan)
    return model, [start.index for start in starts]
