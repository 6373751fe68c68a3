"""Cases of the shop floor pilot: a classic job shop, each shift with its own maintenance.

The shop is ft06 of Fisher and Thompson, "Probabilistic learning combinations of local job-shop
scheduling rules", in Muth and Thompson (eds.), Industrial Scheduling (1963): six jobs visit six
machines, each in its own order. Without maintenance its best makespan is 55.
"""

from __future__ import annotations

import numpy as np

from qupel.problems.jobshop import JobShop, Window

#: Machine and minutes of each operation, a row a job.
FT06 = (
    ((2, 1), (0, 3), (1, 6), (3, 7), (5, 3), (4, 6)),
    ((1, 8), (2, 5), (4, 10), (5, 10), (0, 10), (3, 4)),
    ((2, 5), (3, 4), (5, 8), (0, 9), (1, 1), (4, 7)),
    ((1, 5), (0, 5), (2, 5), (3, 3), (4, 8), (5, 9)),
    ((2, 9), (1, 3), (4, 5), (5, 4), (0, 3), (3, 1)),
    ((1, 3), (3, 3), (5, 9), (0, 10), (4, 4), (2, 1)),
)
SHIFTS = 8


def shops() -> dict[str, JobShop]:
    """Eight shifts: the first is ft06 with machine 3 closed from 20 to 30, the others vary it."""
    first = _shop([[minutes for _, minutes in job] for job in FT06], [Window(3, 20, 30)], "ft06")
    return {"shift-1": first} | {f"shift-{k}": shift(k) for k in range(2, SHIFTS + 1)}


def tuning_shops() -> dict[str, JobShop]:
    """Four further shifts that no comparison uses."""
    return {f"tuning-{k}": shift(100 + k) for k in range(1, 5)}


def shift(seed: int) -> JobShop:
    """Durations up to three tenths shorter or longer, and one or two machines closed a while."""
    rng = np.random.default_rng(seed)
    durations = [
        [max(1, round(minutes * float(rng.uniform(0.7, 1.3)))) for _, minutes in job]
        for job in FT06
    ]
    machines = rng.permutation(6)[: rng.integers(1, 3)]
    windows = []
    for machine in sorted(machines.tolist()):
        start = int(rng.integers(10, 36))
        windows.append(Window(machine, start, start + int(rng.integers(6, 13))))
    return _shop(durations, windows, f"ft06 shift {seed}")


def _shop(durations: list[list[int]], windows: list[Window], name: str) -> JobShop:
    return JobShop(
        tuple(tuple(machine for machine, _ in job) for job in FT06),
        tuple(map(tuple, durations)),
        tuple(windows),
        name=name,
        unit="min",
    )
