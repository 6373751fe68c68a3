"""What the workers for Ising search share: sweeps that fill a budget, and the best row found.

An instance has ``fields``, ``pairs`` and ``weights`` of ``sum h s + sum w s s``, to be minimised. A
peer gives ``anneal(reads, sweeps, seed) -> rows of spins``; two tasks come of it. ``ising-sweeps``
does a fixed number of sweeps and tells the spin updates. ``ising-search`` spends a budget of CPU
seconds on ``reads`` reads (a setting tuned beforehand) of as many sweeps as fit, measured in short
runs while it prepares, and gives its best row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from perf.peers.serve import Run

Anneal = Callable[[int, int, int], np.ndarray]


def energies(instance: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Energy of each row of spins."""
    i, j = instance["pairs"].T
    return np.array([row @ instance["fields"] + (row[i] * row[j]) @ instance["weights"]
                     for row in rows.astype(np.float64)])  # fmt: skip


def sweeps_task(
    anneal: Anneal, instance: dict[str, np.ndarray], options: dict[str, Any], *, copies: int = 1
) -> tuple[Run, str]:
    """Reads of a fixed length, as many as take about ``seconds``; ``copies`` spins a variable.

    ``setup`` is the CPU time of a call with a single read, ``updates`` what the others add to it.
    """
    sweeps, seconds = int(options["sweeps"]), float(options["seconds"])
    anneal(1, sweeps, 0)
    setup = min(_seconds(anneal, 1, sweeps) for _ in range(3))
    reads = 2
    while (spent := _seconds(anneal, reads, sweeps) - setup) < 0.2 * seconds:
        reads *= 2
    reads = 1 + max(1, round((reads - 1) * seconds / spent))
    updates = (reads - 1) * sweeps * instance["fields"].size * copies

    def run(at: dict[str, Any]) -> dict[str, Any]:
        anneal(reads, sweeps, 1)
        return {"updates": updates, "setup": setup}

    return run, f"{reads} reads of {sweeps} sweeps"


def search_task(
    anneal: Anneal,
    instance: dict[str, np.ndarray],
    options: dict[str, Any],
    *,
    reads: int,
    most: int = 1 << 30,
) -> tuple[Run, str]:
    """Reads of at most ``most`` sweeps in a budget; more reads fill it where they are short."""
    budget, n = float(options["seconds"]), instance["fields"].size
    reads, trial = max(1, reads), 8
    anneal(reads, 1, 0)
    start = _seconds(anneal, reads, 1)
    while (spent := _seconds(anneal, reads, trial) - start) < 0.04 * budget and trial < 1 << 22:
        trial *= 2
    sweeps = max(1, int((budget - start) * (trial - 1) / max(spent, 1e-9)))
    runs = max(1, round(sweeps / most))
    sweeps = min(sweeps // runs, most)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        best, least = np.zeros(n, np.int8), np.inf
        for i in range(runs):
            rows = anneal(reads, sweeps, int(at["seed"]) + i)
            found = energies(instance, rows)
            if found.min() < least:
                best, least = rows[found.argmin()].astype(np.int8), float(found.min())
        return {"spins": best}

    return run, f"{runs * reads} reads of {sweeps} sweeps"


def _seconds(anneal: Anneal, reads: int, sweeps: int) -> float:
    begun = time.process_time()
    anneal(reads, sweeps, 0)
    return time.process_time() - begun
