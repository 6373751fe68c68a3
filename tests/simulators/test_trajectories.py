from __future__ import annotations

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Circuit, PauliSum
from qupel.simulators import DensityMatrix, NoiseModel, Readout, Trajectories, noise
from tests.model.circuits import random_circuit
from tests.simulators.test_density import EVERYTHING, circuit

MIXTURES = NoiseModel.of(
    after={"*": noise.depolarising(0.05), "cx": noise.depolarising(0.1, 2)},
    readout=Readout(0.05, 0.1),
)
LOSSY = NoiseModel.of(after={"*": [noise.amplitude_damping(0.1), noise.phase_damping(0.05)]})
SUM = PauliSum.of({"ZZI": 1.0, "IXY": 0.7, "YIX": -0.4, "III": 0.3, "IIZ": 0.9})


@pytest.mark.parametrize("model", [EVERYTHING, MIXTURES, LOSSY])
def test_means_agree_with_the_density_matrix(model: NoiseModel) -> None:
    made = circuit(1, 3)
    exact = DensityMatrix(model).expectation(made, SUM)
    found = Trajectories(model, threads=1).expectation(
        made, SUM, trajectories=300, rng=np.random.default_rng(1)
    )
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.standard_error > 0


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    made = circuit(2, 3)
    exact = DensityMatrix(MIXTURES).expectation(made, SUM)
    held = 0
    for seed in range(60):
        found = Trajectories(MIXTURES, threads=1).expectation(
            made, SUM, trajectories=40, rng=np.random.default_rng(seed)
        )
        held += found.low <= exact <= found.high
    assert held >= 52


@pytest.mark.parametrize("model", [EVERYTHING, MIXTURES])
def test_shots_spread_as_the_density_matrix_says(model: NoiseModel) -> None:
    made = circuit(3, 3).measure(2, 0)
    weights = DensityMatrix(model).probabilities(made)
    counts = Trajectories(model).sample(made, 400, np.random.default_rng(4))
    share = np.zeros(4)
    share[counts.outcomes] = counts.occurrences / 400
    assert np.abs(share - weights).max() < 4 * np.sqrt(0.25 / 400)


@pytest.mark.parametrize("model", [EVERYTHING, MIXTURES])
def test_threads_change_nothing(model: NoiseModel) -> None:
    made = circuit(4, 3)
    found = [
        (
            Trajectories(model, threads=threads).expectation(
                made, SUM, trajectories=50, rng=np.random.default_rng(5)
            ),
            Trajectories(model, threads=threads)
            .sample(made, 50, np.random.default_rng(6))
            .to_dict(),
        )
        for threads in (1, 2, 3)
    ]
    assert found[0] == found[1] == found[2]


def test_without_noise_all_runs_agree() -> None:
    made = random_circuit(5, qubits=3, gates=20)
    found = Trajectories().expectation(made, SUM, trajectories=10, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(DensityMatrix().expectation(made, SUM), abs=1e-12)
    assert found.standard_error == 0


def test_more_qubits_than_a_density_matrix_holds() -> None:
    n = 15
    made = Circuit(n).h(0)
    for q in range(n - 1):
        made = made.cx(q, q + 1)
    model = NoiseModel.of(after={"cx": noise.phase_flip(0.02)})
    parity = PauliSum.of({"X" * n: 1.0})
    # Each flip that lands on either qubit of a CX turns the sign of the parity.
    exact = (1 - 2 * 0.02) ** (2 * (n - 1))
    found = Trajectories(model, "single").expectation(
        made, parity, trajectories=150, rng=np.random.default_rng(7)
    )
    assert abs(found.value - exact) < 4 * found.standard_error


def test_channels_on_two_qubits_keep_their_order() -> None:
    lossy = noise.amplitude_damping(1.0)
    kraus = tuple(np.kron(np.eye(2), k) for k in lossy.kraus)  # on the gate's first qubit
    model = NoiseModel.of(after={"cz": noise.Channel("first", kraus)})
    made = Circuit(2).x(0).x(1).cz(1, 0)
    counts = Trajectories(model).sample(made, 20, np.random.default_rng(8))
    assert counts.to_dict() == {"01": 20}
    assert DensityMatrix(model).probabilities(made)[1] == pytest.approx(1.0)


def test_one_run_is_too_few() -> None:
    with pytest.raises(InputError, match="at least 2"):
        Trajectories().expectation(Circuit(3), SUM, trajectories=1, rng=np.random.default_rng(0))


def test_a_confidence_that_no_interval_has_is_refused() -> None:
    with pytest.raises(InputError, match="confidence must be between 0 and 1"):
        Trajectories().expectation(
            Circuit(1).h(0),
            PauliSum.of({"X": 1.0}),
            trajectories=2,
            rng=np.random.default_rng(0),
            confidence=95,
        )
