"""What a schedule of a job shop is worth: its makespan, every broken rule, and its measures."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from qupel.problems.contract import Judgement, Violation
from qupel.problems.jobshop_schedule import Schedule

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop

#: An operation as it was placed: job, its place in it, start and end.
Placed = tuple[int, int, int, int]


def judged(shop: JobShop, answer: Schedule) -> Judgement:
    """Makespan and every broken rule of a schedule, from the data alone."""
    placed = [
        (j, k, start, start + shop.durations[j][k])
        for j, row in enumerate(answer.starts[: shop.jobs])
        for k, start in enumerate(row[: len(shop.durations[j])])
    ]
    makespan = max((end for *_, end in placed), default=0)
    return Judgement(
        float(makespan) if placed else float("nan"),
        (
            *_count_violations(shop, answer),
            *_order_violations(shop, placed),
            *_overlap_violations(shop, placed),
            *_window_violations(shop, placed),
        ),
        _measures(shop, placed, makespan) if makespan > 0 else {},
    )


def _count_violations(shop: JobShop, answer: Schedule) -> list[Violation]:
    found = []
    for j in range(max(shop.jobs, len(answer.starts))):
        have = len(answer.starts[j]) if j < len(answer.starts) else 0
        need = len(shop.durations[j]) if j < shop.jobs else 0
        where = shop.job_names[j] if j < shop.jobs else f"job {j}"
        if have < need:
            missing = f"{where} operations {have} to {need - 1}"
            found.append(Violation("missing operation", missing, float(need - have)))
        if have > need:
            surplus = f"{where} operations {need} to {have - 1}"
            found.append(Violation("unknown operation", surplus, float(have - need)))
    return found


def _order_violations(shop: JobShop, placed: list[Placed]) -> list[Violation]:
    found = []
    for j, k, start, _ in placed:
        if start < 0:
            found.append(Violation("negative start", _label(shop, j, k), float(-start)))
    for (j, k, _, end), (other, after, start, _) in pairwise(placed):
        if j == other and start < end:
            where = f"{_label(shop, j, after)} before the end of operation {k}"
            found.append(Violation("job order", where, float(end - start)))
    return found


def _overlap_violations(shop: JobShop, placed: list[Placed]) -> list[Violation]:
    found = []
    by_machine: dict[int, list[tuple[int, int, int, int]]] = {}
    for j, k, start, end in placed:
        by_machine.setdefault(shop.machines[j][k], []).append((start, end, j, k))
    for machine, rows in sorted(by_machine.items()):
        rows.sort()
        for i, (begin, end, j, k) in enumerate(rows):
            for start, other_end, other_j, other_k in rows[i + 1 :]:
                if start >= end:
                    break
                where = (
                    f"{shop.machine_names[machine]}: {_label(shop, j, k)} "
                    f"and {_label(shop, other_j, other_k)}"
                )
                overlap = min(end, other_end) - start or min(start - begin, end - start)
                found.append(Violation("machine overlap", where, float(overlap)))
    return found


def _window_violations(shop: JobShop, placed: list[Placed]) -> list[Violation]:
    found = []
    for j, k, start, end in placed:
        for window in shop.maintenance:
            overlap = min(end, window.end) - max(start, window.start)
            if start == end:
                overlap = min(start - window.start, window.end - start)
            if window.machine == shop.machines[j][k] and overlap > 0:
                where = (
                    f"{shop.machine_names[window.machine]} closed {window.start} to "
                    f"{window.end}: {_label(shop, j, k)}"
                )
                found.append(Violation("maintenance", where, float(overlap)))
    return found


def _label(shop: JobShop, job: int, operation: int) -> str:
    return f"{shop.job_names[job]} operation {operation}"


def _measures(shop: JobShop, placed: list[Placed], makespan: int) -> dict[str, float]:
    """Mean and busiest machine's share of the makespan, idle time, mean end of a job."""
    busy = np.zeros(shop.machine_count)
    ends = np.zeros(shop.jobs)
    for j, k, start, end in placed:
        busy[shop.machines[j][k]] += end - start
        ends[j] = max(ends[j], end)
    closed = np.zeros((shop.machine_count, makespan), dtype=bool) if shop.maintenance else None
    down = 0
    if closed is not None:
        for window in shop.maintenance:
            closed[window.machine, window.start : window.end] = True
        down = int(closed.sum())
    return {
        "utilisation": float(busy.mean() / makespan),
        "busiest_utilisation": float(busy.max() / makespan),
        "idle_time": float(makespan * shop.machine_count - busy.sum() - down),
        "mean_flow_time": float(ends.mean()),
    }
