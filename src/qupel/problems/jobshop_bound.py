"""Lower bounds of a job shop's makespan, and each operation's earliest and latest start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from qupel.kernels.jobshop import merge

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop


def lower_bound(shop: JobShop) -> int:
    """Return the largest of each job's and each machine's own bound.

    A job takes at least its operations one after the other around maintenance. A machine
    cannot begin before the earliest job reaches it, works off its load in open time, and the
    job that leaves it last still has its own rest to do.
    """
    heads = earliest_starts(shop)
    bound = 0
    for head, durations in zip(heads, shop.durations, strict=True):
        bound = max(bound, head[-1] + durations[-1])
    for machine in range(shop.machine_count):
        mine = [
            (heads[j][k], shop.durations[j][k], sum(shop.durations[j][k + 1 :]))
            for j, row in enumerate(shop.machines)
            for k, where in enumerate(row)
            if where == machine
        ]
        if mine:
            done = _worked_off(
                min(head for head, _, _ in mine),
                sum(duration for _, duration, _ in mine),
                merge(shop.windows(machine)),
            )
            bound = max(bound, done + min(rest for _, _, rest in mine))
    return bound


def _worked_off(time: int, load: int, windows: list[tuple[int, int]]) -> int:
    """Return when ``load`` is done if work may be interrupted by the windows."""
    for start, end in windows:
        if time + load <= start:
            break
        if time < end:
            load -= max(0, start - time)
            time = end
    return time + load


def earliest_starts(shop: JobShop) -> list[list[int]]:
    """Earliest start of each operation if its job were alone."""
    closed = [merge(shop.windows(k)) for k in range(shop.machine_count)]
    heads = []
    for machines, durations in zip(shop.machines, shop.durations, strict=True):
        time, row = 0, []
        for machine, duration in zip(machines, durations, strict=True):
            for start, end in closed[machine]:
                if end > time and time + duration > start:
                    time = end
            row.append(time)
            time += duration
        heads.append(row)
    return heads


def latest_starts(shop: JobShop, horizon: int) -> list[list[int]]:
    """Latest start of each operation if its job were alone and had to end by ``horizon``."""
    closed = [merge(shop.windows(k)) for k in range(shop.machine_count)]
    tails = []
    for machines, durations in zip(shop.machines, shop.durations, strict=True):
        time, row = horizon, []
        for machine, duration in zip(reversed(machines), reversed(durations), strict=True):
            for start, end in reversed(closed[machine]):
                if start < time and time - duration < end:
                    time = start
            time -= duration
            row.append(time)
        tails.append(row[::-1])
    return tails


def flat(rows: list[list[int]]) -> Int64[np.ndarray, " operations"]:
    """Return nested rows as one plan."""
    return np.array([value for row in rows for value in row], np.int64)
