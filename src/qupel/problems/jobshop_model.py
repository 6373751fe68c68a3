"""The disjunctive model of a job shop (Manne 1960), with maintenance and an exact makespan."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64
from scipy import sparse

from qupel.errors import InputError
from qupel.kernels.jobshop import merge
from qupel.model.model import Model
from qupel.problems.jobshop_bound import earliest_starts, flat, latest_starts, lower_bound

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop


@dataclass(slots=True)
class Rows:
    """Constraints collected one by one."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    entry: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(
        self, terms: list[tuple[int, float]], name: str, lower: float, upper: float = np.inf
    ) -> None:
        """Take ``lower <= sum of weight * variable <= upper`` in."""
        for column, weight in terms:
            self.row.append(len(self.names))
            self.column.append(column)
            self.entry.append(weight)
        self.lower.append(lower)
        self.upper.append(upper)
        self.names.append(name)

    def matrix(self, variables: int) -> sparse.csr_array:
        """Return the rows as a matrix."""
        shape = (len(self.names), variables)
        return sparse.csr_array(sparse.coo_array((self.entry, (self.row, self.column)), shape))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the variables of the disjunctive model stand.

    Attributes
    ----------
    pairs
        Operations of different jobs that share a machine.
    closures
        Operation and window of its machine, ``(operation, start, end)``.
    """

    machine: list[int]
    duration: list[int]
    job: list[int]
    pairs: list[tuple[int, int]]
    closures: list[tuple[int, int, int]]

    @classmethod
    def of(cls, shop: JobShop) -> Layout:
        """Lay the variables of ``shop`` out."""
        machine = [k for row in shop.machines for k in row]
        job = [j for j, row in enumerate(shop.machines) for _ in row]
        sharing: dict[int, list[int]] = {}
        for op, k in enumerate(machine):
            sharing.setdefault(k, []).append(op)
        pairs = [
            (i, j)
            for k in sorted(sharing)
            for i, j in combinations(sharing[k], 2)
            if job[i] != job[j]
        ]
        windows = [merge(shop.windows(k)) for k in range(shop.machine_count)]
        closures = [(op, *window) for op, k in enumerate(machine) for window in windows[k]]
        return cls(machine, [d for row in shop.durations for d in row], job, pairs, closures)


def disjunctive_size(shop: JobShop) -> int:
    """Return the number of variables of `disjunctive`, whatever the horizon."""
    layout = Layout.of(shop)
    return len(layout.machine) + len(layout.pairs) + len(layout.closures) + shop.jobs + 1


def disjunctive(shop: JobShop, horizon: int) -> Model:
    """Model of schedules that end by ``horizon``; see `JobShop.form` for the variables.

    Every big-M is the least that the operations' earliest and latest starts allow, and orders
    that those decide are fixed.
    """
    layout, early = Layout.of(shop), flat(earliest_starts(shop))
    late, p = flat(latest_starts(shop, horizon)), layout.duration
    least = lower_bound(shop)
    if (late < early).any() or least > horizon:
        raise InputError(f"no schedule ends by {horizon}; give a horizon of at least {least}")
    ops, pairs, closures = len(p), layout.pairs, layout.closures
    makespan = ops + len(pairs) + len(closures) + shop.jobs
    lower, upper = np.zeros(makespan + 1, np.int64), np.ones(makespan + 1, np.int64)
    lower[:ops], upper[:ops] = early, late
    lower[makespan], upper[makespan] = least, horizon
    rows = Rows()

    for op in range(1, ops):
        if layout.job[op] == layout.job[op - 1]:
            rows.add([(op, 1.0), (op - 1, -1.0)], f"order[{op - 1},{op}]", p[op - 1])
    for at, (i, j) in enumerate(pairs, start=ops):
        first, second = early[i] + p[i] <= late[j], early[j] + p[j] <= late[i]
        lower[at], upper[at] = int(not second), int(first)
        if not (first or second):
            raise InputError(f"no schedule ends by {horizon}; give a longer horizon")
        big = float(late[i] + p[i] - early[j])
        rows.add([(j, 1.0), (i, -1.0), (at, -big)], f"before[{i},{j}]", p[i] - big)
        big = float(late[j] + p[j] - early[i])
        rows.add([(i, 1.0), (j, -1.0), (at, big)], f"before[{j},{i}]", float(p[j]))
    for at, (op, start, end) in enumerate(closures, start=ops + len(pairs)):
        lower[at], upper[at] = int(late[op] < end), int(early[op] + p[op] <= start)
        big = float(max(0, late[op] + p[op] - start))
        rows.add([(op, -1.0), (at, -big)], f"closed[{op},{start}]", p[op] - start - big)
        big = float(max(0, end - early[op]))
        rows.add([(op, 1.0), (at, big)], f"open[{op},{end}]", float(end))
    named = list(range(makespan - shop.jobs, makespan))
    for at, op in zip(named, shop.first()[1:] - 1, strict=True):
        rows.add([(makespan, 1.0), (op, -1.0)], f"end[{op}]", p[op])
        big = float(horizon - early[op] - p[op])
        rows.add([(op, 1.0), (makespan, -1.0), (at, -big)], f"last[{op}]", -p[op] - big)
    rows.add([(at, 1.0) for at in named], "last", 1.0, 1.0)

    objective = np.zeros(makespan + 1)
    objective[makespan] = 1.0
    return Model.from_arrays(
        objective,
        lower=lower,
        upper=upper,
        rows=rows.matrix(makespan + 1),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        names=_names(layout, shop),
        row_names=rows.names,
    )


def disjunctive_values(
    shop: JobShop, plan: Int64[np.ndarray, " operations"]
) -> Int64[np.ndarray, " variables"]:
    """Return the row of `disjunctive` that stands for a plan, whatever the horizon."""
    layout = Layout.of(shop)
    ends = plan + np.array(layout.duration)
    last_ends = ends[shop.first()[1:] - 1]
    return np.array(
        [
            *plan,
            *(int(ends[i] <= plan[j]) for i, j in layout.pairs),
            *(int(ends[op] <= start) for op, start, _ in layout.closures),
            *(int(j == int(last_ends.argmax())) for j in range(shop.jobs)),
            ends.max(),
        ],
        np.int64,
    )


def _names(layout: Layout, shop: JobShop) -> list[str]:
    return [
        *(f"start[{op}]" for op in range(len(layout.machine))),
        *(f"before[{i},{j}]" for i, j in layout.pairs),
        *(f"early[{op},{start}]" for op, start, _ in layout.closures),
        *(f"last[{j}]" for j in range(shop.jobs)),
        "makespan",
    ]
