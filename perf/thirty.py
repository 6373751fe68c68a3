"""Thirty qubits on one machine: seconds and memory of a QAOA energy in single precision."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np

from perf.tables import ROOT, publish
from qupel.model import Ising
from qupel.simulators import Qaoa

LAYERS = 6
TEXT = """
One energy, then 1,000 shots, of QAOA with six layers on random 3-regular graphs, in single
precision; each row in a fresh process, so that its peak memory is its own. `fields` adds a field
to every spin, so that the state cannot be halved; `real weights` draws couplings from a normal
distribution, so that costs are kept in full.
"""


def main() -> None:
    rows = [
        _measured(qubits, kind)
        for qubits, kind in (
            (26, "graph"),
            (28, "graph"),
            (30, "graph"),
            (30, "fields"),
            (28, "real weights"),
        )
    ]
    publish(
        "thirty",
        "QAOA at thirty qubits",
        TEXT.strip().replace("\n", " "),
        [
            "qubits",
            "form",
            "seconds to build",
            "seconds per energy",
            "seconds for shots",
            "peak GiB",
        ],
        rows,
    )


def _measured(qubits: int, kind: str) -> Sequence[Any]:
    done = subprocess.run(
        [sys.executable, "-m", "perf.thirty", str(qubits), kind],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    print(qubits, kind, done.stdout.strip(), flush=True)
    return [qubits, kind, *json.loads(done.stdout)]


def _once(qubits: int, kind: str) -> None:
    rng = np.random.default_rng(qubits)
    couplings = np.zeros((qubits, qubits))
    for a, b in _regular(qubits, rng):
        couplings[a, b] = rng.normal() if kind == "real weights" else 0.5
    fields = np.full(qubits, 0.5 if kind == "fields" else 0.0)
    gammas, betas = np.linspace(0.3, 0.8, LAYERS), np.linspace(-0.6, -0.2, LAYERS)
    began = time.perf_counter()
    circuit = Qaoa(Ising(fields, couplings))
    built = time.perf_counter()
    circuit.energy(gammas, betas)
    evolved = time.perf_counter()
    circuit.sample(gammas, betas, shots=1000, rng=rng)
    done = time.perf_counter()
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([built - began, evolved - built, done - evolved, peak]))


def _regular(qubits: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Edges of a random 3-regular graph."""
    while True:
        ends = rng.permutation(np.repeat(np.arange(qubits), 3)).reshape(-1, 2)
        edges = {(min(a, b), max(a, b)) for a, b in ends.tolist()}
        if len(edges) == 3 * qubits // 2 and all(a != b for a, b in edges):
            return sorted(edges)


if __name__ == "__main__":
    _once(int(sys.argv[1]), sys.argv[2])
