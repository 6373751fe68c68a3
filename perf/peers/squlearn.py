"""sQUlearn's fidelity kernel of state vectors, on Qulacs, the quickest executor it has for them.

It keeps states between calls with equal samples, so every call moves the samples by a trifle.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from qiskit.circuit.library import zz_feature_map
from squlearn import Executor
from squlearn.encoding_circuit import QiskitEncodingCircuit
from squlearn.kernel import FidelityKernel

from perf.peers.serve import Run

PACKAGES = ("squlearn", "qulacs", "qiskit", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    samples, repetitions = instance["samples"], int(instance["repetitions"])
    circuit = QiskitEncodingCircuit(zz_feature_map(samples.shape[1], reps=repetitions))
    kernel = FidelityKernel(circuit, Executor("qulacs"))
    calls = itertools.count(1)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        return {"gram": kernel.evaluate(samples + 1e-12 * next(calls))}

    return run, "executor qulacs, double"
