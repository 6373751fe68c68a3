"""PennyLane: states from a device, then one product of matrices.

Its own ``kernel_matrix`` runs a circuit for every pair and is slower by far; this is what its users
do who want a Gram matrix of states. Measured here on a few samples, the best is kept: sample by
sample on lightning.qubit in single precision, or default.qubit with all samples broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml

from perf.peers.serve import Run
from perf.peers.shared import fastest

PACKAGES = ("pennylane", "pennylane-lightning", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    samples, repetitions = instance["samples"], int(instance["repetitions"])
    n = samples.shape[1]
    devices = {
        "lightning.qubit, single": qml.device("lightning.qubit", wires=n, c_dtype=np.complex64),
        "default.qubit, broadcast": qml.device("default.qubit", wires=n),
    }

    def states(name: str, some: np.ndarray) -> np.ndarray:
        device = devices[name]
        if "broadcast" in name:
            return np.asarray(device.execute(_tape(some.T, repetitions)))
        return np.stack([np.asarray(device.execute(_tape(row, repetitions))) for row in some])

    best = fastest(lambda name: states(name, samples[:16]), {name: name for name in devices})

    def run(at: dict[str, Any]) -> dict[str, Any]:
        rows = states(best, samples)
        return {"gram": np.abs(rows.conj() @ rows.T) ** 2}

    return run, best


def _tape(x: np.ndarray, repetitions: int) -> Any:
    """Circuit of the ZZ map but for global phases; ``x`` has one entry, or one row, a feature."""
    gates = []
    for _ in range(repetitions):
        gates += [qml.Hadamard(i) for i in range(len(x))]
        gates += [qml.RZ(2 * x[i], i) for i in range(len(x))]
        gates += [
            qml.IsingZZ(2 * (np.pi - x[i]) * (np.pi - x[j]), [i, j])
            for i in range(len(x))
            for j in range(i + 1, len(x))
        ]
    return qml.tape.QuantumScript(gates, [qml.state()])
