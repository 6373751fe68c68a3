"""A job shop as binaries alone: which operation starts when (Pritsker, Watters, Wolfe 1969)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64, Shaped

from qupel.errors import InputError
from qupel.kernels.jobshop import merge
from qupel.model.model import Model
from qupel.problems.jobshop_bound import earliest_starts, flat, latest_starts, lower_bound
from qupel.problems.jobshop_model import Rows

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop


def time_indexed(shop: JobShop, horizon: int) -> Model:
    """Model with a binary for each operation and possible start, and one for each makespan.

    Each operation starts once; an operation and its successor, and the operations of a machine
    at each time, exclude each other; the makespan is one that no job passes and one job meets.
    """
    starts = _starts(shop, horizon)
    at = {pair: column for column, pair in enumerate(starts)}
    ends = list(range(lower_bound(shop), horizon + 1))
    p = [d for row in shop.durations for d in row]
    last = (shop.first()[1:] - 1).tolist()
    times: list[list[int]] = [[] for _ in p]
    for op, t in starts:
        times[op].append(t)
    if not all(times) or not ends:
        raise InputError(f"no schedule ends by {horizon}; give a longer horizon")
    rows = Rows()
    for op, known in enumerate(times):
        rows.add([(at[op, t], 1.0) for t in known], f"once[{op}]", 1.0, 1.0)
    for op in range(1, len(p)):
        if op - 1 not in last:
            _ordered(rows, at, times, op, p[op - 1])
    _exclusive(rows, at, times, shop, p)
    makespan = {end: len(starts) + k for k, end in enumerate(ends)}
    rows.add([(column, 1.0) for column in makespan.values()], "makespan", 1.0, 1.0)
    for op in last:
        for end in ends[:-1]:
            after = [(at[op, t], 1.0) for t in times[op] if t + p[op] > end]
            if after:
                sooner = [(makespan[e], 1.0) for e in ends if e <= end]
                rows.add([*after, *sooner], f"within[{op},{end}]", -np.inf, 1.0)
    for end, column in makespan.items():
        meets = [(at[op, end - p[op]], 1.0) for op in last if (op, end - p[op]) in at]
        rows.add([*meets, (column, -1.0)], f"met[{end}]", 0.0)
    names = [f"start[{op},{t}]" for op, t in starts] + [f"makespan[{end}]" for end in ends]
    return Model.from_arrays(
        np.concatenate([np.zeros(len(starts)), np.array(ends, np.float64)]),
        rows=rows.matrix(len(starts) + len(ends)),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        names=names,
        row_names=rows.names,
    )


def starts_of(
    shop: JobShop, values: Shaped[np.ndarray, " n"], horizon: int
) -> Int64[np.ndarray, " operations"]:
    """Return the plan of a row of values; the first start of several, the horizon for none."""
    known = _starts(shop, horizon)
    row = np.asarray(values).reshape(-1)
    if row.size != len(known) + horizon + 1 - lower_bound(shop):
        raise InputError(f"a row of {row.size} values does not fit the horizon {horizon}")
    plan = np.full(shop.operations, horizon, np.int64)
    for column in np.flatnonzero(row[: len(known)] > 0.5).tolist():
        op, start = known[column]
        plan[op] = min(plan[op], start)
    return plan


def _starts(shop: JobShop, horizon: int) -> list[tuple[int, int]]:
    """Return every operation and start that its job's length and maintenance allow."""
    early, late = flat(earliest_starts(shop)), flat(latest_starts(shop, horizon))
    machine = [k for row in shop.machines for k in row]
    p = [d for row in shop.durations for d in row]
    closed = [merge(shop.windows(k)) for k in range(shop.machine_count)]
    return [
        (op, t)
        for op in range(len(p))
        for t in range(int(early[op]), int(late[op]) + 1)
        if all(t + p[op] <= start or t >= end for start, end in closed[machine[op]])
    ]


def _ordered(
    rows: Rows, at: dict[tuple[int, int], int], times: list[list[int]], op: int, duration: int
) -> None:
    """Exclude that the operation before ``op`` starts at ``t`` or later and ``op`` too soon."""
    for t in times[op - 1]:
        late = [(at[op - 1, s], 1.0) for s in times[op - 1] if s >= t]
        soon = [(at[op, s], 1.0) for s in times[op] if s < t + duration]
        if soon:
            rows.add([*late, *soon], f"order[{op},{t}]", -np.inf, 1.0)


def _exclusive(
    rows: Rows,
    at: dict[tuple[int, int], int],
    times: list[list[int]],
    shop: JobShop,
    p: list[int],
) -> None:
    """Let each machine work on one operation at any time."""
    machine = [k for row in shop.machines for k in row]
    for k in range(shop.machine_count):
        mine = [op for op, where in enumerate(machine) if where == k]
        for t in sorted({t for op in mine for t in times[op]}):
            running = [(op, s) for op in mine for s in times[op] if s <= t < s + p[op]]
            if len({op for op, _ in running}) > 1:
                terms = [(at[pair], 1.0) for pair in running]
                rows.add(terms, f"machine[{k},{t}]", -np.inf, 1.0)
        for instant in (op for op in mine if p[op] == 0):
            for t in times[instant]:
                inside = [(op, s) for op in mine for s in times[op] if s < t < s + p[op]]
                if inside:
                    terms = [(at[pair], 1.0) for pair in [(instant, t), *inside]]
                    rows.add(terms, f"instant[{instant},{t}]", -np.inf, 1.0)
