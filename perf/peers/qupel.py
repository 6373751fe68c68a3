"""Qupel itself, a worker like the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from perf.peers.serve import Run
from qupel.model.ising import Ising
from qupel.simulators import Qaoa

PACKAGES = ("qupel", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    """Build what a caller would keep from call to call."""
    if task in {"qaoa-energy", "qaoa-gradient"}:
        simulator = Qaoa(
            _ising(instance), precision=options.get("precision", "single"), threads=threads
        )
        if task == "qaoa-energy":
            return lambda at: {"energy": simulator.energy(at["gammas"], at["betas"])}, ""
        return lambda at: _gradient(simulator, at), ""
    raise NotImplementedError(task)


def _ising(instance: dict[str, np.ndarray]) -> Ising:
    n, pairs = int(instance["n"]), instance["pairs"]
    couplings = sparse.csr_array((instance["weights"], (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return Ising(np.zeros(n), couplings)


def _gradient(simulator: Qaoa, at: dict[str, Any]) -> dict[str, Any]:
    energy, by_gamma, by_beta = simulator.energy_and_gradient(at["gammas"], at["betas"])
    return {"energy": energy, "gradient": np.concatenate([by_gamma, by_beta])}
