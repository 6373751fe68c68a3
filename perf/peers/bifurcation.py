"""The package simulated-bifurcation, on PyTorch without a GPU.

Single precision, agents and mode tuned; its advice is up to 10,000 steps a run, so what is left of
a budget goes into further runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import simulated_bifurcation
import torch

from perf.peers.annealers import search_task
from perf.peers.serve import Run, UnsupportedError

PACKAGES = ("simulated-bifurcation", "torch", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task != "ising-search":
        raise UnsupportedError("bifurcation has no spin updates to count")
    torch.set_num_threads(threads)
    n = instance["fields"].size
    i, j = instance["pairs"].T
    matrix = np.zeros((n, n), np.float32)
    matrix[i, j] = matrix[j, i] = instance["weights"] / 2
    quadratic, linear = torch.from_numpy(matrix), torch.from_numpy(instance["fields"]).float()
    mode = options.get("mode", "discrete")

    def anneal(reads: int, sweeps: int, seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        spins, _ = simulated_bifurcation.minimize(
            quadratic, linear, 0.0, domain="spin", dtype=torch.float32, agents=reads,
            max_steps=sweeps, mode=mode, best_only=False, verbose=False, early_stopping=False,
        )  # fmt: skip
        return spins.numpy().astype(np.int8).reshape(reads, n)

    run, note = search_task(anneal, instance, options, reads=int(options["reads"]), most=10_000)
    return run, f"{note}, {mode}"
