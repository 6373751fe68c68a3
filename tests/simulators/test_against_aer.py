"""Against Qiskit Aer, where it is installed: an independent simulator with the same conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.model import Circuit, Gate
from qupel.model.to_qiskit import to_qiskit
from qupel.simulators import DensityMatrix, NoiseModel, Readout, StateVector, noise
from tests.model.circuits import random_circuit

aer: Any = pytest.importorskip("qiskit_aer")


def aer_result(circuit: Circuit, method: str, model: Any = None) -> np.ndarray:
    """State or density matrix by Aer, without any rewriting of gates."""
    translated = to_qiskit(circuit)
    getattr(translated, f"save_{method}")()
    simulator = aer.AerSimulator(method=method, noise_model=model)
    data = simulator.run(translated, shots=1).result().data()
    return np.asarray(data[method])


#: Gates that Aer itself knows; the others it would have to rewrite.
KNOWN = {
    "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p", "u", "cx",
    "cy", "cz", "swap", "cp", "crx", "cry", "crz", "rxx", "ryy", "rzz", "rzx", "ccx", "ccz",
    "cswap", "ecr",
}  # fmt: skip


def known(seed: int, n: int, gates: int) -> Circuit:
    made = random_circuit(seed, qubits=n, gates=gates)
    return Circuit(n, [gate for gate in made.gates if gate.name in KNOWN])


@pytest.mark.parametrize("seed", range(12))
def test_states_agree(seed: int) -> None:
    circuit = known(seed, seed % 8 + 1, 60)
    np.testing.assert_allclose(
        StateVector().run(circuit), aer_result(circuit, "statevector"), atol=1e-10
    )


def test_large_states_agree() -> None:
    circuit = known(99, 17, 200)
    np.testing.assert_allclose(
        StateVector().run(circuit), aer_result(circuit, "statevector"), atol=1e-10
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: noise.depolarising(0.1), lambda e: e.depolarizing_error(0.1, 1)),
        (lambda: noise.amplitude_damping(0.2), lambda e: e.amplitude_damping_error(0.2)),
        (
            lambda: noise.generalised_amplitude_damping(0.2, 0.3),
            lambda e: e.amplitude_damping_error(0.2, excited_state_population=0.3),
        ),
        (lambda: noise.phase_damping(0.2), lambda e: e.phase_damping_error(0.2)),
        (
            lambda: noise.thermal_relaxation(50, 60, 7, 0.1),
            lambda e: e.thermal_relaxation_error(50, 60, 7, 0.1),
        ),
        (
            lambda: noise.thermal_relaxation(50, 30, 7),
            lambda e: e.thermal_relaxation_error(50, 30, 7),
        ),
        (
            lambda: noise.pauli({"X": 0.1, "Y": 0.05}),
            lambda e: e.pauli_error([("X", 0.1), ("Y", 0.05), ("I", 0.85)]),
        ),
    ],
)  # fmt: skip
def test_channels_agree(ours: Any, theirs: Any) -> None:
    errors = pytest.importorskip("qiskit_aer.noise")
    model = errors.NoiseModel()
    model.add_all_qubit_quantum_error(theirs(errors), ["h", "t"])
    circuit = Circuit(2).h(0).t(0).h(1).cx(0, 1).h(0)
    expected = aer_result(circuit, "density_matrix", model)
    channel = ours()
    found = DensityMatrix(NoiseModel.of(after={"h": channel, "t": channel})).run(circuit)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_noise_on_two_qubits_agrees() -> None:
    errors = pytest.importorskip("qiskit_aer.noise")
    model = errors.NoiseModel()
    model.add_all_qubit_quantum_error(errors.depolarizing_error(0.1, 2), ["cx"])
    circuit = Circuit(3).h(0).cx(0, 1).ry(0.3, 2).cx(2, 1)
    expected = aer_result(circuit, "density_matrix", model)
    ours = NoiseModel.of(after={"cx": noise.depolarising(0.1, 2)})
    np.testing.assert_allclose(DensityMatrix(ours).run(circuit), expected, atol=1e-10)


def test_bits_are_read_in_the_same_order() -> None:
    errors = pytest.importorskip("qiskit_aer.noise")
    model = errors.NoiseModel()
    model.add_readout_error(errors.ReadoutError([[1, 0], [1, 0]]), [2])  # qubit 2 always reads 0
    circuit = Circuit(3, [Gate("x", (0,)), Gate("x", (2,))]).measure(2, 1, 0)
    result = aer.AerSimulator(noise_model=model).run(to_qiskit(circuit), shots=10).result()
    ours = NoiseModel(readout={2: Readout(0.0, 1.0)})
    counts = DensityMatrix(ours).sample(circuit, 10, np.random.default_rng(0)).to_dict()
    assert counts == dict(result.get_counts())
