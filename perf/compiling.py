"""Compiling: added two-qubit gates, depth and time, Qupel's compiler beside Qiskit's."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import NamedTuple

from perf.compiling_cases import Case, cases, fourier
from perf.tables import publish
from qupel.backends.compiling import compile_circuit
from qupel.backends.compiling.compiler import TRIALS, _connected
from qupel.backends.compiling.operations import _of_gate
from qupel.backends.compiling.pairs import _pieces
from qupel.model import Circuit
from qupel.model.to_qiskit import to_qiskit

ROUNDS = 5
CORES = len(os.sched_getaffinity(0))
TEXT = """
Circuits compiled to `rz`, `sx`, `x` and `cz` on the heavy-hex lattice of the 156 qubits of
`ibm-heron-r2`, or on a square lattice of 7 by 7 where a case says so; medians over {rounds} seeds,
which for random circuits are also {rounds} circuits. In the rows *with rx* both compilers may write
`rx` of any angle, too. The compilers take turns on the same circuits. *Added* are `cz` gates that
are there only because not all pairs are coupled: all of them less those of our compilation for any
pair. Ratios are Qupel's figure over that of the row: below 1 Qupel adds fewer gates, has less
depth, or takes less time. Both use all cores, where a row does not say otherwise, and CPU time
counts all threads. `Qiskit 3` is `transpile` of Qiskit
{qiskit} at `optimization_level=3`, with the same coupling map, gates and seed, timed
without the conversion to Qiskit's circuit and back; our time is that of all of `compile_circuit`,
with its caches emptied before every call. Cases marked with a star are *held out*: no constant of
the compiler was chosen by looking at them.
""".strip().replace("\n", " ")


class Figures(NamedTuple):
    """What compiling gave and took: gates on pairs, depth, wall and CPU seconds."""

    gates: float
    depth: float
    seconds: float
    cpu: float


Compiler = Callable[[Circuit, Case, int], Figures]
COLUMNS = ["case", "compiler", "cz needed", "cz added", "depth", "seconds", "CPU seconds",
           "ratio, added", "ratio, depth", "ratio, time", "ratio, CPU"]  # fmt: skip


def main() -> None:
    """Compile every case with every compiler and write the table."""
    compilers: dict[str, Compiler] = {}
    for name, rx in (("", False), (" with rx", True)):
        compilers[f"Qupel{name}"] = _ours(rx=rx)
        if not rx:
            compilers["Qupel, 1 thread"] = _ours(threads=1)
            compilers["Qupel, 96 trials"] = _ours(trials=96)
            compilers |= {f"Qiskit {level}": _qiskit(level) for level in (1, 2)}
        compilers[f"Qiskit 3{name}"] = _qiskit(3, rx=rx)
    load = os.getloadavg()[0]
    warm = Case("", lambda _: fourier(4))
    for compiler in compilers.values():
        compiler(fourier(4), warm, 0)
    rows = [row for case in cases() for row in _measured(case, compilers)]
    said = f" Load average {load:.1f} before and {os.getloadavg()[0]:.1f} after."
    text = TEXT.format(rounds=ROUNDS, qiskit=version("qiskit"))
    publish("compiling", "Compiling beside Qiskit", text + said, COLUMNS, rows)


def _ours(*, rx: bool = False, trials: int = TRIALS, threads: int = CORES) -> Compiler:
    def run(circuit: Circuit, case: Case, seed: int) -> Figures:
        for cache in (_connected, _of_gate, _pieces):
            cache.cache_clear()
        target = case.target(rx=rx)
        watch = _Watch()
        out = compile_circuit(circuit, target, seed=seed, trials=trials, threads=threads)
        return Figures(out.compiled.two_qubit_gates, out.compiled.depth, *watch.read())

    return run


def _qiskit(level: int, *, rx: bool = False) -> Compiler:
    def run(circuit: Circuit, case: Case, seed: int) -> Figures:
        import qiskit

        theirs, target = to_qiskit(circuit), case.target(rx=rx)
        edges = [list(edge)[::way] for edge in target.edges or () for way in (1, -1)]
        watch = _Watch()
        out = qiskit.transpile(
            theirs,
            basis_gates=sorted(target.gates),
            coupling_map=edges,
            optimization_level=level,
            seed_transpiler=seed,
        )
        used = watch.read()
        return Figures(out.count_ops()["cz"], out.depth(), *used)

    return run


def _measured(case: Case, compilers: dict[str, Compiler]) -> list[list[object]]:
    found: dict[str, list[Figures]] = {name: [] for name in compilers}
    needed = []
    for seed in range(ROUNDS):
        circuit = case.make(seed)
        free = replace(case.target(rx=False), qubits=circuit.qubits, edges=None)
        needed.append(compile_circuit(circuit, free).compiled.two_qubit_gates)
        for name, compiler in compilers.items():
            gc.collect()  # or one clears up, on its own time, what another left
            figures = compiler(circuit, case, seed)
            found[name].append(figures._replace(gates=figures.gates - needed[-1]))
    medians = {
        name: Figures(*map(statistics.median, zip(*results, strict=True)))
        for name, results in found.items()
    }
    rows: list[list[object]] = []
    for name, theirs in medians.items():
        own = medians["Qupel with rx" if name.endswith("with rx") else "Qupel"]
        ratios = [f"{a / b:.2f}" if b else "" for a, b in zip(own, theirs, strict=True)]
        rows.append([f"{case.name}{' *' if case.held_out else ''}", name,
                     statistics.median(needed), theirs.gates, theirs.depth,
                     f"{theirs.seconds:.3f}", f"{theirs.cpu:.3f}", *ratios])  # fmt: skip
        print(rows[-1], flush=True)
    return rows


class _Watch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        wall, cpu = self._began
        return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
