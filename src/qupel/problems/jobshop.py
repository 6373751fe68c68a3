"""Job shop scheduling with maintenance windows: the data, the judge, and the ways in and out.

>>> from qupel.problems.jobshop import JobShop, Window
>>> shop = JobShop(machines=[[0, 1], [1, 0]], durations=[[3, 2], [2, 4]])
>>> best = shop.repair(shop.answer(np.array([0, 3, 0, 3])))
>>> shop.judge(best).objective
7.0
>>> closed = JobShop(shop.machines, shop.durations, maintenance=[Window(1, 2, 4)])
>>> [violation.constraint for violation in closed.judge(best).violations]
['maintenance']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Int64, Shaped

from qupel.errors import InputError
from qupel.kernels.jobshop import LARGEST_TIME, Rule, Shop
from qupel.model.model import Model
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem
from qupel.problems.jobshop_schedule import Schedule


@dataclass(frozen=True, slots=True)
class Window:
    """A machine is closed from ``start`` until ``end``; no operation may overlap it."""

    machine: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JobShop:
    """Sequence the operations of jobs on machines so that the last one ends soonest.

    Each job is a fixed row of operations, each on one machine for a known time, without
    interruption. A machine carries out one operation at a time, none during its maintenance.
    A job may visit a machine more than once, and jobs may differ in length.

    Attributes
    ----------
    machines, durations
        Machine (from 0) and duration (whole) of each operation, a row a job. An operation that
        takes no time may not stand strictly inside another one or a window.
    maintenance
        Windows in which a machine is closed.
    name
        Name of the instance.
    unit
        Unit of all times, such as ``min``.
    job_names, machine_names
        For charts and messages; numbered names by default. The number of machine names is the
        number of machines.
    """

    family: ClassVar[str] = "jobshop"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ("cpsat", "tabu")
    searchable_as_form: ClassVar[bool] = False
    exact_parts: ClassVar[bool] = False  # three moves together may do what no two foretell

    machines: tuple[tuple[int, ...], ...]
    durations: tuple[tuple[int, ...], ...]
    maintenance: tuple[Window, ...] = ()
    name: str = "jobshop"
    unit: str = ""
    job_names: tuple[str, ...] = ()
    machine_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "machines", _rows(self.machines, "machine"))
        keep(self, "durations", _rows(self.durations, "duration"))
        windows: Any = self.maintenance
        keep(
            self, "maintenance", tuple(w if isinstance(w, Window) else Window(*w) for w in windows)
        )
        used = 1 + max((k for row in self.machines for k in row), default=-1)
        used = max([used, *(window.machine + 1 for window in self.maintenance)])
        jobs = tuple(self.job_names) or tuple(f"job {j}" for j in range(len(self.machines)))
        names = tuple(self.machine_names) or tuple(f"machine {k}" for k in range(used))
        keep(self, "job_names", jobs)
        keep(self, "machine_names", names)
        self._check(used)

    def _check(self, used: int) -> None:
        if [len(row) for row in self.machines] != [len(row) for row in self.durations]:
            raise InputError("each job needs as many durations as machines")
        if not self.machines or not all(self.machines):
            raise InputError("a job shop needs a job, and each job an operation")
        if len(self.job_names) != len(self.machines) or len(self.machine_names) < used:
            raise InputError(
                f"{len(self.machines)} jobs and {used} machines do not fit "
                f"{len(self.job_names)} job names and {len(self.machine_names)} machine names"
            )
        if min(k for row in self.machines for k in row) < 0:
            raise InputError("machines are numbered from 0")
        if min(d for row in self.durations for d in row) < 0:
            raise InputError("durations must not be negative")
        for window in self.maintenance:
            if window.machine < 0 or not 0 <= window.start < window.end:
                raise InputError(f"a window needs a machine and 0 <= start < end, got {window}")
        last = max((window.end for window in self.maintenance), default=0)
        if last + sum(map(sum, self.durations)) >= LARGEST_TIME:
            raise InputError("the times are too large; choose a coarser unit of time")

    # ---- sizes ------------------------------------------------------------------------------

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return len(self.machines)

    @property
    def machine_count(self) -> int:
        """Number of machines."""
        return len(self.machine_names)

    @property
    def operations(self) -> int:
        """Number of operations of all jobs."""
        return sum(map(len, self.machines))

    def first(self) -> Int64[np.ndarray, " jobs_and_one"]:
        """Position of each job's first operation in a plan, and the number of operations."""
        return np.cumsum([0, *map(len, self.machines)])

    def windows(self, machine: int) -> list[tuple[int, int]]:
        """Maintenance of one machine as ``(start, end)``, in the order given."""
        return [(w.start, w.end) for w in self.maintenance if w.machine == machine]

    def kernel(self) -> Shop:
        """Return the data laid out for the compiled search."""
        return Shop(
            self.first().tolist(),
            [k for row in self.machines for k in row],
            [d for row in self.durations for d in row],
            [self.windows(k) for k in range(self.machine_count)],
        )

    # ---- form and answer --------------------------------------------------------------------

    def form(self, horizon: int | None = None) -> Model:
        """Return the disjunctive model: starts, an order of each pair, the makespan.

        Variables, in this order: the start of each operation; for each pair of operations of
        different jobs on one machine, 1 if the first goes first; for each operation and window
        of its machine, 1 if it goes before the window; for each job, 1 if it is named as the
        last to end; the makespan. The named job makes the makespan exact rather than an upper
        bound, so that the energy of every feasible point is its schedule's makespan.

        Parameters
        ----------
        horizon
            Schedules that end later are left out; by default the best of the dispatching
            rules, so an optimal schedule always remains.
        """
        from qupel.problems.jobshop_model import disjunctive

        return disjunctive(self, self.quick_makespan() if horizon is None else horizon)

    def time_indexed(self, horizon: int) -> Model:
        """Return a model of binaries alone, for tiny shops: operation ``i`` starts at ``t``.

        Its constraints are one-hot and at-most-one rows, so it turns into a QUBO without
        slack variables but for the makespan's rows. See `answer_time_indexed` for the way back.
        """
        from qupel.problems.jobshop_time_indexed import time_indexed

        return time_indexed(self, horizon)

    def answer_time_indexed(self, values: Shaped[np.ndarray, " n"], horizon: int) -> Schedule:
        """Return the schedule of a row of `time_indexed`; the earliest start of several."""
        from qupel.problems.jobshop_time_indexed import starts_of

        return self.answer(starts_of(self, values, horizon))

    def answer(self, values: Shaped[np.ndarray, " n"]) -> Schedule:
        """Return the schedule of a row of values.

        A row as long as the operations is a plan, the start of each operation, which is what
        solvers of job shops return; a longer one is a row of `form`, whose starts come first.
        """
        row = np.asarray(values).reshape(-1)
        known = {self.operations, self._form_size()}
        if row.size not in known:
            raise InputError(
                f"a row has {min(known)} starts or {max(known)} values, got {row.size}"
            )
        times = np.rint(row[: self.operations]).astype(np.int64)
        cuts = self.first()
        return Schedule(tuple(tuple(times[a:b].tolist()) for a, b in pairwise(cuts.tolist())))

    def values(self, answer: Schedule) -> Int64[np.ndarray, " variables"]:
        """Return the row of `form` that stands for ``answer``; `plan` gives the starts alone.

        The row is feasible in the form if the answer is and ends by the form's horizon.
        """
        from qupel.problems.jobshop_model import disjunctive_values

        return disjunctive_values(self, self.plan(answer))

    def plan(self, answer: Schedule) -> Int64[np.ndarray, " operations"]:
        """Return the start of each operation, job by job: the rows of solvers of job shops."""
        if [len(row) for row in answer.starts] != [len(row) for row in self.machines]:
            raise InputError("this schedule has not one start for each operation of the shop")
        return np.array([time for row in answer.starts for time in row], np.int64)

    def _form_size(self) -> int:
        from qupel.problems.jobshop_model import disjunctive_size

        return disjunctive_size(self)

    def quick_makespan(self) -> int:
        """Makespan of the best schedule that simple dispatching rules find: an upper bound."""
        shop = self.kernel()
        rules = [(rule, active) for rule in Rule if rule != Rule.KEYS for active in (True, False)]
        return min(
            self.makespan(shop.starts(shop.dispatch(rule, active=active))) for rule, active in rules
        )

    def makespan(self, plan: Shaped[np.ndarray, " operations"]) -> int:
        """End of the last operation of a plan."""
        return int((plan + np.array([d for row in self.durations for d in row])).max())

    def lower_bound(self) -> int:
        """Return a makespan that no schedule beats: the longest job, the fullest machine."""
        from qupel.problems.jobshop_bound import lower_bound

        return lower_bound(self)

    # ---- the judge --------------------------------------------------------------------------

    def judge(self, answer: Schedule) -> Judgement:
        """Makespan and every broken rule of ``answer``, from the data alone."""
        from qupel.problems.jobshop_judge import judged

        return judged(self, answer)

    # ---- repair and local improvement -------------------------------------------------------

    def repair(self, answer: Schedule) -> Schedule:
        """Return the schedule that starts operations as soon as possible, in ``answer``'s order.

        Jobs are carried out operation by operation, always the one with the least given start
        next (missing ones last, ties to the first job). Every machine keeps that order, each
        operation starts as early as its job, its machine and maintenance allow. A feasible
        answer keeps its machine orders and never gets longer.
        """
        from qupel.problems.jobshop_moves import sequence_of

        return self.answer(self.kernel().starts(sequence_of(self, answer)))

    def polish(self, answer: Schedule, rng: np.random.Generator) -> Schedule:
        """Improve ``answer`` by a few hundred tabu moves on critical blocks; never worse."""
        from qupel.problems.jobshop_moves import polished

        return polished(self, answer, rng)

    def subproblem(
        self, answer: Schedule, size: int, rng: np.random.Generator
    ) -> Subproblem[Schedule] | None:
        """Cut out a choice of at most ``size`` moves around the critical path.

        One binary a move: exchange neighbours on a machine, or take an operation to the other
        end of its critical block. The QUBO's energy is the makespan, exact for one move and
        for two that bring a gain, at least alone or together; two that only do harm count as
        the sum of it. Conflicting moves carry a penalty that no gain outweighs.
        """
        from qupel.problems.jobshop_moves import moves_around

        return moves_around(self, answer, size, rng)

    # ---- seeing, storing, reading -----------------------------------------------------------

    def chart(self, answer: Schedule) -> dict[str, Any]:
        """Gantt chart: machines as rows, jobs as colours, maintenance grey, makespan as a rule."""
        from qupel.problems.jobshop_chart import gantt

        return gantt(self, answer)

    def document(self) -> dict[str, Any]:
        """Return the data as plain JSON values."""
        return {
            "machines": [list(row) for row in self.machines],
            "durations": [list(row) for row in self.durations],
            "maintenance": [[w.machine, w.start, w.end] for w in self.maintenance],
            "name": self.name,
            "unit": self.unit,
            "job_names": list(self.job_names),
            "machine_names": list(self.machine_names),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        return cls(**document)

    @classmethod
    def from_frame(cls, operations: Any, maintenance: Any = None, **more: Any) -> Self:
        """Return the shop of two tables, pandas frames or mappings of equally long columns.

        Parameters
        ----------
        operations
            Columns ``job``, ``machine``, ``duration``; the rows of a job in their order. Jobs
            and machines may be any labels; they keep the order in which they appear.
        maintenance
            Columns ``machine``, ``start``, ``end``.
        **more
            Further fields, such as ``name`` and ``unit``.
        """
        from qupel.problems.jobshop_frame import read_tables

        return cls(**read_tables(operations, maintenance), **more)

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether ``head`` begins with ``jobs machines`` and rows of machine and duration."""
        from qupel.problems.jobshop_text import looks_like_jobshop

        return looks_like_jobshop(head)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the standard text format; see `qupel.problems.jobshop_text`."""
        from qupel.model.formats import read_text
        from qupel.problems.jobshop_text import parse_instance

        machines, durations, windows, count = parse_instance(read_text(path), str(path))
        return cls(
            machines,
            durations,
            tuple(Window(*window) for window in windows),
            name=path.name.partition(".")[0],
            machine_names=tuple(f"machine {k}" for k in range(count)),
        )

    @classmethod
    def random(
        cls, seed: int, *, jobs: int = 6, machines: int = 6, windows: int = 0
    ) -> tuple[Self, Optimum[Schedule]]:
        """Return a seeded shop whose optimum is known, because a machine or job is never idle.

        Parameters
        ----------
        seed
            Of the generator.
        jobs, machines
            Each job visits each machine once.
        windows
            Maintenance windows, set where the known optimum leaves a machine idle; there may
            be fewer such places.
        """
        from qupel.problems.jobshop_random import tight_shop

        return tight_shop(cls, seed, jobs, machines, windows)

    def read_answer(self, text: str) -> Schedule:
        """Read machine orders or starts; see `qupel.problems.jobshop_text`."""
        from qupel.problems.jobshop_text import parse_answer

        return parse_answer(self, text)

    def write_answer(self, answer: Schedule) -> str:
        """Write the word ``starts`` and a line of starts for each job, which loses nothing."""
        return "\n".join(["starts", *(" ".join(map(str, row)) for row in answer.starts), ""])


def _rows(rows: Any, what: str) -> tuple[tuple[int, ...], ...]:
    """Return nested rows of whole numbers as tuples of ints."""
    held = []
    for j, row in enumerate(rows):
        for value in row:
            if isinstance(value, bool) or int(value) != value:
                raise InputError(f"job {j} has {what} {value!r}, which is not a whole number")
        held.append(tuple(int(value) for value in row))
    return tuple(held)
