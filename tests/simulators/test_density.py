from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Circuit, Gate, PauliSum
from qupel.simulators import DensityMatrix, NoiseModel, Readout, StateVector, noise
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

EVERYTHING = NoiseModel.of(
    after={
        "*": [noise.depolarising(0.02), noise.thermal_relaxation(50, 60, 1, 0.1)],
        "cx": [noise.depolarising(0.05, 2), noise.over_rotation("ZX", 0.1)],
        "cz": noise.amplitude_damping(0.1),
        "h": [noise.phase_damping(0.1), noise.pauli({"X": 0.1, "Y": 0.05})],
    },
    readout={0: Readout(0.1, 0.2)},
)


def after(gate: Gate) -> list[tuple[tuple[np.ndarray, ...], tuple[int, ...]]]:
    return [(channel.kraus, qubits) for channel, qubits in EVERYTHING.after(gate)]


def circuit(seed: int, n: int) -> Circuit:
    made = random_circuit(seed, qubits=n, gates=12).h(0)
    return made.cx(n - 1, 0).cz(0, n - 1) if n > 1 else made


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_noisy_circuits_agree_with_their_kraus_sums(n: int, seed: int) -> None:
    made = circuit(seed, n)
    expected = oracle.density(made, after)
    np.testing.assert_allclose(DensityMatrix(EVERYTHING).run(made), expected, atol=1e-13)
    rough = DensityMatrix(EVERYTHING, "single").run(made)
    np.testing.assert_allclose(rough, expected, atol=3e-6)


def test_without_noise_it_is_the_state_with_itself() -> None:
    made = random_circuit(3, qubits=5, gates=30)
    psi = StateVector().run(made)
    np.testing.assert_allclose(DensityMatrix().run(made), np.outer(psi, psi.conj()), atol=1e-13)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_expectations_are_traces(seed: int) -> None:
    made, rng = circuit(seed, 3), np.random.default_rng(seed)
    terms = [("".join(rng.choice(list("IXYZ"), 3)), rng.normal()) for _ in range(9)]
    rho = DensityMatrix(EVERYTHING).run(made)
    expected = np.trace(oracle.observable(terms) @ rho).real
    found = DensityMatrix(EVERYTHING).expectation(made, PauliSum.of(terms))
    assert found == pytest.approx(expected, abs=1e-12)


def test_readout_is_confused_after_the_measurement() -> None:
    made = Circuit(2).x(0).measure(1, 0)
    model = NoiseModel(readout={0: Readout(0.0, 0.25)})
    np.testing.assert_allclose(DensityMatrix(model).probabilities(made), [0.25, 0, 0.75, 0])


def test_shots_spread_as_the_probabilities_say() -> None:
    made = circuit(9, 3)
    weights = DensityMatrix(EVERYTHING).probabilities(made)
    counts = DensityMatrix(EVERYTHING).sample(made, 20_000, np.random.default_rng(1))
    share = np.zeros(8)
    share[counts.outcomes] = counts.occurrences / 20_000
    assert np.abs(share - weights).max() < 4 * np.sqrt(0.25 / 20_000)


def test_fidelity_falls_as_noise_grows() -> None:
    made = random_circuit(11, qubits=4, gates=30)
    psi = StateVector().run(made)
    found = []
    for p in (0.0, 0.01, 0.03, 0.1, 0.3):
        rho = DensityMatrix(NoiseModel.of(after={"*": noise.depolarising(p)})).run(made)
        found.append(float((psi.conj() @ rho @ psi).real))
    assert found[0] == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)


def test_the_trace_stays_one() -> None:
    rho = DensityMatrix(EVERYTHING).run(circuit(12, 7))
    assert np.trace(rho) == pytest.approx(1.0, abs=1e-12)


def test_an_initial_matrix_is_taken() -> None:
    even = np.eye(2) / 2
    np.testing.assert_allclose(DensityMatrix().run(Circuit(1).h(0), initial=even), even, atol=1e-15)


def test_too_many_qubits_are_sent_to_trajectories() -> None:
    with pytest.raises(InputError, match=r"14 qubits.*use Trajectories"):
        DensityMatrix().run(Circuit(14))
