"""QOKit's fast QAOA simulator in C, double precision (it has no other), costs precomputed.

Its wheel carries the C sources without their headers and no library; the environment compiles them
with ``-O3 -march=native -ffast-math -fopenmp`` (see ``perf/environments.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from qokit.fur import choose_simulator

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal

PACKAGES = ("qokit", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task != "qaoa-energy":
        raise UnsupportedError("QOKit has no gradient of its own")
    n = int(instance["n"])
    costs = diagonal(n, instance["pairs"], instance["weights"]).astype(np.float64)
    simulator = choose_simulator("c")(n, costs=costs)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        # Its layer is exp(-i gamma C / 2).
        state = simulator.simulate_qaoa([2 * gamma for gamma in at["gammas"]], at["betas"])
        return {"energy": float(simulator.get_expectation(state))}

    return run, "double"
