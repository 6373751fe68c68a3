"""Qulacs, double precision (it has no other).

As its documentation advises: gates merged by its optimiser into blocks (their size is measured here
on two layers), ``QULACS_NUM_THREADS``. Circuits are built and merged once; the energy is taken from
the state with precomputed costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import qulacs
from qulacs.circuit import QuantumCircuitOptimizer

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal, expectation, fastest, some_probabilities

PACKAGES = ("qulacs", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task == "circuit-state":
        return _state(int(instance["n"]), options["gates"])
    if task != "qaoa-energy":
        raise UnsupportedError("measured for energies only")
    n = int(instance["n"])
    costs = diagonal(n, instance["pairs"], instance["weights"])
    state = qulacs.QuantumState(n)
    gammas, betas = options["gammas"], options["betas"]

    def call(circuit: Any) -> None:
        state.set_zero_state()
        circuit.update_quantum_state(state)

    trials = {
        str(size): _circuit(instance, gammas[:2], betas[:2], size) for size in (0, 1, 2, 3, 4)
    }
    size = int(fastest(call, trials))
    chosen = _circuit(instance, gammas, betas, size)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        call(chosen)
        return {"energy": expectation(state.get_vector(), costs)}

    return run, f"merged {size}, double"


def _circuit(
    instance: dict[str, np.ndarray], gammas: list[float], betas: list[float], size: int
) -> Any:
    n = int(instance["n"])
    circuit = qulacs.QuantumCircuit(n)
    for i in range(n):
        circuit.add_H_gate(i)
    for gamma, beta in zip(gammas, betas, strict=True):
        for (i, j), weight in zip(instance["pairs"], instance["weights"], strict=True):
            # Qulacs turns by exp(+i angle/2).
            angle = -2 * gamma * float(weight)
            circuit.add_multi_Pauli_rotation_gate([int(i), int(j)], [3, 3], angle)
        for i in range(n):
            circuit.add_RX_gate(i, -2 * beta)
    if size:
        QuantumCircuitOptimizer().optimize(circuit, size)
    return circuit


def _state(n: int, gates: list[Any]) -> tuple[Run, str]:
    state = qulacs.QuantumState(n)
    circuits = {}
    for size in (0, 1, 2, 3, 4):
        circuit = qulacs.QuantumCircuit(n)
        for name, on, angles in gates:
            circuit.add_gate(_gate(name, on, angles))
        if size:
            QuantumCircuitOptimizer().optimize(circuit, size)
        circuits[str(size)] = circuit

    def call(circuit: Any) -> None:
        state.set_zero_state()
        circuit.update_quantum_state(state)

    merged = fastest(call, circuits)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        call(circuits[merged])
        return some_probabilities(state.get_vector())

    return run, f"merged {merged}, double"


def _gate(name: str, on: list[int], angles: list[float]) -> Any:
    made = qulacs.gate
    if name == "cp":
        gate = made.to_matrix_gate(made.U1(on[1], angles[0]))
        gate.add_control_qubit(on[0], 1)
        return gate
    if name in {"ry", "rz"}:
        return {"ry": made.RY, "rz": made.RZ}[name](on[0], -angles[0])
    return {"h": made.H, "swap": made.SWAP, "cz": made.CZ, "cx": made.CNOT}[name](*on)
