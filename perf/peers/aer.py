"""qiskit-aer's state-vector method.

As its documentation advises: gate fusion on from the first qubit (its size is measured here on
two layers and the best kept), single precision where it is asked for, ``max_parallel_threads``,
diagonal two-qubit gates (``rzz``) that it fuses as diagonals, no transpilation. Circuits are built
once; the call that compiles and runs them is Aer's own and inside the clock. The energy is taken
from saved probabilities with precomputed costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal, fastest, some_probabilities

PACKAGES = ("qiskit-aer", "qiskit", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task == "circuit-state":
        return _state(int(instance["n"]), options["gates"], threads)
    if task != "qaoa-energy":
        raise UnsupportedError("Aer has no gradient of its own")
    costs = diagonal(int(instance["n"]), instance["pairs"], instance["weights"])
    gammas, betas = options["gammas"], options["betas"]

    trial = _circuit(instance, gammas[:2], betas[:2])
    precision = options.get("precision", "single")
    sizes = {str(size): _simulator(size, precision, threads) for size in (0, 3, 5)}
    fuse = int(fastest(lambda simulator: _probabilities(simulator, trial), sizes))
    chosen, circuit = sizes[str(fuse)], _circuit(instance, gammas, betas)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        return {"energy": float(_probabilities(chosen, circuit) @ costs)}

    return run, f"fused {fuse}"


def _simulator(fuse: int, precision: str, threads: int) -> Any:
    return AerSimulator(
        method="statevector", precision=precision, max_parallel_threads=threads,
        fusion_enable=fuse > 0, fusion_threshold=1, fusion_max_qubit=max(fuse, 1),
    )  # fmt: skip


def _probabilities(simulator: Any, circuit: Any) -> np.ndarray:
    result = simulator.run(circuit, shots=1).result()
    if not result.success:
        raise RuntimeError(result.status)
    return np.asarray(result.data()["probabilities"])


def _circuit(instance: dict[str, np.ndarray], gammas: list[float], betas: list[float]) -> Any:
    circuit = QuantumCircuit(int(instance["n"]))
    circuit.h(range(circuit.num_qubits))
    for gamma, beta in zip(gammas, betas, strict=True):
        for (i, j), weight in zip(instance["pairs"], instance["weights"], strict=True):
            circuit.rzz(2 * gamma * float(weight), int(i), int(j))
        circuit.rx(2 * beta, range(circuit.num_qubits))
    circuit.save_probabilities()
    return circuit


def _state(n: int, gates: list[Any], threads: int) -> tuple[Run, str]:
    circuit = QuantumCircuit(n)
    for name, on, angles in gates:
        getattr(circuit, name)(*angles, *on)
    circuit.save_statevector()
    sizes = {str(size): _simulator(size, "single", threads) for size in (0, 3, 5)}

    def state(simulator: Any) -> np.ndarray:
        result = simulator.run(circuit, shots=1).result()
        if not result.success:
            raise RuntimeError(result.status)
        return np.asarray(result.data()["statevector"])

    fuse = fastest(state, sizes)
    return lambda at: some_probabilities(state(sizes[fuse])), f"fused {fuse}, single"
