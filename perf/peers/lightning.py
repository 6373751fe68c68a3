"""PennyLane's lightning.qubit, single precision (``c_dtype``).

As its documentation advises: one thread a core, the adjoint method for gradients, gates it applies
natively (``IsingZZ``, ``RX``). Energies are taken from its probabilities with precomputed costs,
which beats the expectation of a Hamiltonian term by term. The circuit is built once as a tape and
executed by the device, so the cost of a QNode's call is outside the clock; gradients are those of
the tape's angles, summed to layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal, fastest, some_probabilities

PACKAGES = ("pennylane-lightning", "pennylane", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    """Build the tape; its angles are those of the options."""
    if task == "circuit-state":
        return _state(int(instance["n"]), options["gates"])
    if task not in {"qaoa-energy", "qaoa-gradient"}:
        raise UnsupportedError(task)
    n = int(instance["n"])
    kind = np.complex64 if options.get("precision", "single") == "single" else np.complex128
    device = qml.device("lightning.qubit", wires=n, c_dtype=kind)
    layers = _gates(instance, options["gammas"], options["betas"])
    if task == "qaoa-gradient":
        return _gradient(device, instance, layers, len(options["gammas"]))
    costs = diagonal(n, instance["pairs"], instance["weights"])
    tape = qml.tape.QuantumScript([gate for gate, _ in layers], [qml.probs(wires=range(n))])

    def run(at: dict[str, Any]) -> dict[str, Any]:
        return {"energy": float(np.asarray(device.execute(tape)) @ costs)}

    return run, "probabilities"


def _gates(
    instance: dict[str, np.ndarray], gammas: list[float], betas: list[float]
) -> list[tuple[Any, tuple[int, float] | None]]:
    """Gates, each with the parameter it belongs to and the factor of its angle."""
    n, p = int(instance["n"]), len(gammas)
    # PennyLane's first wire is the highest bit.
    wires = [n - 1 - i for i in range(n)]
    gates: list[tuple[Any, tuple[int, float] | None]] = [(qml.Hadamard(w), None) for w in wires]
    for layer, (gamma, beta) in enumerate(zip(gammas, betas, strict=True)):
        for (i, j), weight in zip(instance["pairs"], instance["weights"], strict=True):
            factor = 2 * float(weight)
            gates.append((qml.IsingZZ(factor * gamma, [wires[i], wires[j]]), (layer, factor)))
        gates += [(qml.RX(2 * beta, w), (p + layer, 2.0)) for w in wires]
    return gates


def _gradient(
    device: Any, instance: dict[str, np.ndarray], gates: list[Any], layers: int
) -> tuple[Run, str]:
    from scipy import sparse

    n = int(instance["n"])
    terms = [qml.Z(n - 1 - int(i)) @ qml.Z(n - 1 - int(j)) for i, j in instance["pairs"]]
    costs = diagonal(n, instance["pairs"], instance["weights"])
    matrix = sparse.diags_array(costs.astype(np.complex128), format="csr")
    observables = {
        "Hamiltonian": qml.Hamiltonian(list(map(float, instance["weights"])), terms),
        "sparse matrix": qml.SparseHamiltonian(sparse.csr_matrix(matrix), wires=range(n)),
    }
    tapes = {
        name: qml.tape.QuantumScript([gate for gate, _ in gates], [qml.expval(observable)])
        for name, observable in observables.items()
    }
    for tape in tapes.values():
        tape.trainable_params = list(range(len(gates) - n))  # the angles; not the observable's
    config = device.setup_execution_config(qml.devices.ExecutionConfig(gradient_method="adjoint"))
    slots = [slot for _, slot in gates if slot is not None]

    def call(tape: Any) -> dict[str, Any]:
        energy, slopes = device.execute_and_compute_derivatives(tape, config)
        gradient = np.zeros(2 * layers)
        for slope, (place, factor) in zip(slopes, slots, strict=True):
            gradient[place] += factor * float(slope)
        return {"energy": float(np.asarray(energy).item()), "gradient": gradient}

    best = fastest(call, tapes)
    return lambda at: call(tapes[best]), f"adjoint, {best}"


GATES = {"h": qml.Hadamard, "swap": qml.SWAP, "cz": qml.CZ, "cx": qml.CNOT, "ry": qml.RY,
         "rz": qml.RZ, "cp": qml.ControlledPhaseShift}  # fmt: skip


def _state(n: int, gates: list[Any]) -> tuple[Run, str]:
    device = qml.device("lightning.qubit", wires=n, c_dtype=np.complex64)
    made = [GATES[name](*angles, wires=[n - 1 - i for i in on]) for name, on, angles in gates]
    tape = qml.tape.QuantumScript(made, [qml.state()])
    return lambda at: some_probabilities(device.execute(tape)), "single"
