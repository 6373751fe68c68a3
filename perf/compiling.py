"""Compiling: added two-qubit gates, depth and time, Qupel's compiler beside Qiskit's."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from perf.tables import publish
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Compiled, compile_circuit, compile_with_qiskit
from qupel.model import Circuit, Gate

DEVICE = "ibm-heron-r2"
ROUNDS = 5
TEXT = f"""
Circuits compiled to the heavy-hex lattice of 156 qubits of `{DEVICE}`, in `rz`, `sx`, `x` and
`cz`; medians over {ROUNDS} seeds, which for QAOA are also {ROUNDS} random 3-regular graphs. The
compilers take turns on the same circuits. *Added* are `cz` gates that are there only because not
all pairs are coupled: all of them less those of our compilation for any pair. Ratios are Qupel's
figure over that of the row: below 1 Qupel adds fewer gates, has less depth, or takes less time.
`Qiskit 3` is `transpile` at `optimization_level=3`, called by `compile_with_qiskit` with the same
coupling map, gates and seed.
""".strip().replace("\n", " ")

Compiler = Callable[[Circuit, int], Compiled]


def main() -> None:
    """Compile every case with every compiler and write the table."""
    profile = profile_named(DEVICE)
    ours = "Qupel"
    compilers: dict[str, Compiler] = {
        ours: lambda circuit, seed: compile_circuit(circuit, profile, seed=seed),
        "Qupel, 16 trials": lambda circuit, seed: compile_circuit(
            circuit, profile, seed=seed, trials=16
        ),
    }
    for level in (1, 2, 3):
        compilers[f"Qiskit {level}"] = lambda circuit, seed, level=level: compile_with_qiskit(  # type: ignore[misc]
            circuit, profile, level=level, seed=seed
        )
    cases: dict[str, Callable[[int], Circuit]] = {
        "QFT, 16 qubits": lambda _: fourier(16),
        "QAOA p=1, 50 nodes": lambda seed: qaoa(50, seed),
        "QAOA p=1, 100 nodes": lambda seed: qaoa(100, seed),
    }
    rows = []
    load = os.getloadavg()[0]
    for compiler in compilers.values():
        compiler(fourier(4), 0)
    for case, make in cases.items():
        found: dict[str, list[Compiled]] = {name: [] for name in compilers}
        for seed in range(ROUNDS):
            circuit = make(seed)
            for name, compiler in compilers.items():
                found[name].append(compiler(circuit, seed))
        own = _medians(found[ours])
        for name, results in found.items():
            figures = _medians(results)
            ratios = [f"{a / b:.2f}" for a, b in zip(own, figures, strict=True)]
            needed = statistics.median(r.unrouted.two_qubit_gates for r in results)
            added, depth, seconds = figures
            rows.append([case, name, needed, added, depth, f"{seconds:.2f}", *ratios])
            print(rows[-1], flush=True)
    columns = ["case", "compiler", "cz needed", "cz added", "depth", "seconds", "ratio, added",
               "ratio, depth", "ratio, time"]  # fmt: skip
    said = f" Load average {load:.1f} before and {os.getloadavg()[0]:.1f} after."
    publish("compiling", "Compiling beside Qiskit", TEXT + said, columns, rows)


def _medians(results: list[Compiled]) -> tuple[float, float, float]:
    return (
        statistics.median(result.routing_gates for result in results),
        statistics.median(result.compiled.depth for result in results),
        statistics.median(result.seconds for result in results),
    )


def fourier(qubits: int) -> Circuit:
    """Quantum Fourier transform with its final swaps."""
    gates = []
    for j in reversed(range(qubits)):
        gates.append(Gate("h", (j,)))
        gates += [Gate("cp", (k, j), (math.pi / 2 ** (j - k),)) for k in reversed(range(j))]
    gates += [Gate("swap", (k, qubits - 1 - k)) for k in range(qubits // 2)]
    return Circuit(qubits, gates)


def qaoa(nodes: int, seed: int) -> Circuit:
    """One layer of QAOA on a random 3-regular graph."""
    rng = np.random.default_rng(seed)
    edges: set[tuple[int, int]] = set()
    while len(edges) < 3 * nodes // 2:  # until stubs pair up without loops and double edges
        ends = rng.permutation(np.repeat(np.arange(nodes), 3)).tolist()
        pairs = [pair for k, pair in enumerate(pairwise(ends)) if k % 2 == 0]
        edges = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    gates = [Gate("h", (q,)) for q in range(nodes)]
    gates += [Gate("rzz", edge, (0.6,)) for edge in sorted(edges)]
    gates += [Gate("rx", (q,), (0.8,)) for q in range(nodes)]
    return Circuit(nodes, gates)


if __name__ == "__main__":
    main()
