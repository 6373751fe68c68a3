"""Random job shops whose optimum is known by construction."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from qupel.errors import InputError
from qupel.problems.contract import Optimum
from qupel.problems.jobshop_schedule import Schedule

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop

Made = TypeVar("Made", bound="JobShop")


def tight_shop(
    made: type[Made], seed: int, jobs: int, machines: int, windows: int
) -> tuple[Made, Optimum[Schedule]]:
    """Shop around a schedule in which one machine (or one job) is at work without a pause.

    Time is cut into as many slots as there are jobs or machines, whichever are more. In each
    slot a job is on its own machine, by a shuffled cyclic Latin square. Machine 0, or job 0
    where there are more machines than jobs, fills every slot; other operations fill half of
    theirs or more. The schedule is as long as that machine's or job's work, so none is shorter.
    """
    from qupel.problems.jobshop import Window

    if jobs < 1 or machines < 1 or windows < 0:
        raise InputError(f"sizes must be at least 1, got {jobs} jobs, {machines} machines")
    rng = np.random.default_rng(seed)
    slots = max(jobs, machines)
    width = rng.integers(4, 21, slots)
    begin = np.concatenate([[0], np.cumsum(width)])
    slot_of = rng.permutation(slots)
    row, column = rng.permutation(slots)[:jobs], rng.permutation(slots)[:machines]
    rows: list[list[tuple[int, int, int]]] = []
    for j in range(jobs):
        placed = []
        for k in range(machines):
            slot = int(slot_of[(row[j] + column[k]) % slots])
            full = k == 0 if jobs >= machines else j == 0
            duration = int(
                width[slot] if full else rng.integers((width[slot] + 1) // 2, width[slot] + 1)
            )
            start = int(begin[slot] + rng.integers(0, width[slot] - duration + 1))
            placed.append((start, k, duration))
        rows.append(sorted(placed))
    schedule = Schedule(tuple(tuple(start for start, _, _ in job) for job in rows))
    shop = made(
        tuple(tuple(k for _, k, _ in job) for job in rows),
        tuple(tuple(d for _, _, d in job) for job in rows),
        tuple(starmap(Window, _closures(rows, machines, int(begin[-1]), windows, rng))),
        name=f"random-{seed}",
        machine_names=tuple(f"machine {k}" for k in range(machines)),
    )
    return shop, Optimum(float(begin[-1]), schedule)


def _closures(
    rows: list[list[tuple[int, int, int]]],
    machines: int,
    makespan: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[tuple[int, int, int], ...]:
    """Return maintenance in at most ``count`` of the pauses that the schedule leaves."""
    pauses = []
    for machine in range(machines):
        busy = sorted((start, start + d) for job in rows for start, k, d in job if k == machine)
        ends = [0, *(end for _, end in busy)]
        starts = [*(start for start, _ in busy), makespan]
        pauses += [(machine, a, b) for a, b in zip(ends, starts, strict=True) if b - a >= 2]
    picked = rng.permutation(len(pauses))[:count]
    return tuple(pauses[i] for i in sorted(picked.tolist()))
