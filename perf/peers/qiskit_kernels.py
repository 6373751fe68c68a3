"""qiskit-machine-learning's kernel of state vectors, its quickest for exact values."""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit.circuit.library import zz_feature_map
from qiskit_machine_learning.kernels import FidelityStatevectorKernel

from perf.peers.serve import Run

PACKAGES = ("qiskit-machine-learning", "qiskit", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    samples, repetitions = instance["samples"], int(instance["repetitions"])
    circuit = zz_feature_map(samples.shape[1], reps=repetitions)
    kernel = FidelityStatevectorKernel(feature_map=circuit)
    return lambda at: {"gram": kernel.evaluate(samples)}, "state vectors, double"
