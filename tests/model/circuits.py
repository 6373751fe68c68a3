"""Random circuits for tests."""

from __future__ import annotations

import numpy as np

from qupel.model import Angle, Circuit, Gate
from qupel.model.gates import GATES


def random_circuit(
    seed: int, *, qubits: int | None = None, gates: int | None = None, parameters: int = 0
) -> Circuit:
    """Gates of every kind that fits, on any qubits, by any angles."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5)) if qubits is None else qubits
    size = int(rng.integers(0, 12)) if gates is None else gates
    names = [name for name, kind in GATES.items() if kind.qubits <= n]
    found = []
    for _ in range(size):
        name = names[rng.integers(len(names))]
        on = rng.permutation(n)[: GATES[name].qubits].tolist()
        angles: list[float | Angle] = rng.uniform(-7, 7, GATES[name].angles).tolist()
        if parameters:
            angles = [
                Angle(int(rng.integers(parameters)), float(rng.normal()), float(rng.normal()))
                if rng.random() < 0.5
                else angle
                for angle in angles
            ]
        found.append(Gate(name, tuple(on), tuple(angles)))
    return Circuit(n, found, parameter_names=[f"p{k}" for k in range(parameters)])
