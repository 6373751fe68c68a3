"""qsim through Cirq, single precision.

As its documentation advises: one thread a core, gate fusion of 2 to 4 qubits (measured here, the
best is kept), ``denormals_are_zeros``, and the translated circuit memoised, so that building and
translating are outside the clock. The expectation is taken from the final state with precomputed
costs, which beats one pass a Pauli term.
"""

from __future__ import annotations

from typing import Any

import cirq
import numpy as np
import qsimcirq

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal, expectation, fastest, some_probabilities

PACKAGES = ("qsimcirq", "cirq-core", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task == "circuit-state":
        return _state(int(instance["n"]), options["gates"], threads)
    if task != "qaoa-energy":
        raise UnsupportedError("qsim has no gradient of its own")
    if options.get("precision", "single") != "single":
        raise UnsupportedError("qsim has single precision only")
    n = int(instance["n"])
    costs = diagonal(n, instance["pairs"], instance["weights"])
    gammas, betas = options["gammas"], options["betas"]

    def simulator(fuse: int) -> Any:
        chosen = {"f": fuse, "t": threads, "z": True}
        return qsimcirq.QSimSimulator(chosen, circuit_memoization_size=2)

    trial = _circuit(instance, gammas[:2], betas[:2])
    sizes = {str(size): simulator(size) for size in (2, 3, 4)}
    fuse = int(fastest(lambda simulator: simulator.simulate_into_1d_array(trial), sizes))
    chosen, circuit = simulator(fuse), _circuit(instance, gammas, betas)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        _, state, _ = chosen.simulate_into_1d_array(circuit)
        return {"energy": expectation(state, costs)}

    return run, f"fused {fuse}"


def _circuit(instance: dict[str, np.ndarray], gammas: list[float], betas: list[float]) -> Any:
    n = int(instance["n"])
    # Cirq's first qubit is the highest bit.
    qubits = [cirq.LineQubit(n - 1 - i) for i in range(n)]
    gates = [cirq.H(q) for q in qubits]
    for gamma, beta in zip(gammas, betas, strict=True):
        for (i, j), weight in zip(instance["pairs"], instance["weights"], strict=True):
            turn = 2 * gamma * float(weight) / np.pi
            gates.append(cirq.ZZPowGate(exponent=turn, global_shift=-0.5)(qubits[i], qubits[j]))
        gates += [cirq.rx(2 * beta)(q) for q in qubits]
    return cirq.Circuit(gates)


def _state(n: int, gates: list[Any], threads: int) -> tuple[Run, str]:
    qubits = [cirq.LineQubit(n - 1 - i) for i in range(n)]
    circuit = cirq.Circuit(
        _gate(name, angles)(*(qubits[i] for i in on)) for name, on, angles in gates
    )
    sizes = {
        str(size): qsimcirq.QSimSimulator(
            {"f": size, "t": threads, "z": True}, circuit_memoization_size=2
        )
        for size in (2, 3, 4)
    }
    fuse = fastest(lambda simulator: simulator.simulate_into_1d_array(circuit), sizes)

    def run(at: dict[str, Any]) -> dict[str, Any]:
        _, state, _ = sizes[fuse].simulate_into_1d_array(circuit)
        return some_probabilities(state)

    return run, f"fused {fuse}"


def _gate(name: str, angles: list[float]) -> Any:
    fixed = {"h": cirq.H, "swap": cirq.SWAP, "cz": cirq.CZ, "cx": cirq.CNOT}
    if name in fixed:
        return fixed[name]
    [angle] = angles
    return {"ry": cirq.ry, "rz": cirq.rz, "cp": lambda a: cirq.CZPowGate(exponent=a / np.pi)}[name](
        angle
    )
