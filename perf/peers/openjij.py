"""OpenJij's simulated annealing and simulated quantum annealing.

Sparse storage for sparse models, dense for dense ones. Schedules are those it makes by default
(geometric between its own temperatures; quartic in the transverse field), given as 1000 steps of
several sweeps, because it builds its schedules in Python. It draws its own seeds: with a given seed
all reads of a call are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openjij

from perf.peers.annealers import search_task, sweeps_task
from perf.peers.serve import Run

PACKAGES = ("openjij", "numpy")
STEPS = 1000


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    n = instance["fields"].size
    sparse = len(instance["pairs"]) < 0.1 * n * n / 2
    pairs = zip(map(tuple, instance["pairs"].tolist()), instance["weights"].tolist(), strict=True)
    model = openjij.BinaryQuadraticModel(
        dict(enumerate(instance["fields"].tolist())), dict(pairs), 0.0, "SPIN", sparse=sparse
    )
    if options["sampler"] == "sqa":
        return _quantum(task, model, instance, options)
    sampler = openjij.SASampler()
    sampler.sample(model, num_sweeps=2, sparse=sparse)
    first, last = sorted((sampler.schedule_info["beta_min"], sampler.schedule_info["beta_max"]))

    def anneal(reads: int, sweeps: int, seed: int) -> np.ndarray:
        lengths = _lengths(sweeps)
        betas = np.geomspace(first, last, len(lengths))
        schedule = [[float(b), k] for b, k in zip(betas, lengths, strict=True)]
        return _rows(sampler.sample(model, num_reads=reads, schedule=schedule, sparse=sparse))

    if task == "ising-sweeps":
        return sweeps_task(anneal, instance, options)
    return search_task(anneal, instance, options, reads=int(options["reads"]))


def _quantum(
    task: str, model: Any, instance: dict[str, np.ndarray], options: dict[str, Any]
) -> tuple[Run, str]:
    sampler, trotter = openjij.SQASampler(), int(options.get("trotter", 4))
    # Its inverse temperature is in units of the weights.
    beta = float(options.get("beta", 5.0)) / float(np.abs(instance["weights"]).mean())

    def anneal(reads: int, sweeps: int, seed: int) -> np.ndarray:
        lengths = _lengths(sweeps)
        s = np.linspace(0, 1, len(lengths))
        shape = s**4 * (35 - 84 * s + 70 * s**2 - 20 * s**3)
        schedule = [[float(x), k] for x, k in zip(shape, lengths, strict=True)]
        found = sampler.sample(
            model, beta=beta, gamma=1.0, trotter=trotter, num_reads=reads, schedule=schedule
        )
        return _rows(found)

    if task == "ising-sweeps":
        return sweeps_task(anneal, instance, options, copies=trotter)
    run, note = search_task(anneal, instance, options, reads=int(options["reads"]))
    return run, f"{note}, {trotter} slices, beta {options.get('beta', 5.0)}"


def _lengths(sweeps: int) -> list[int]:
    steps = min(sweeps, STEPS)
    return [sweeps // steps + (i < sweeps % steps) for i in range(steps)]


def _rows(found: Any) -> np.ndarray:
    return np.asarray(found.record.sample)[:, np.argsort(list(found.variables))]
