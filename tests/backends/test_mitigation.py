from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends import Order, Reading, Result
from qupel.backends.catalogue.figures import Fidelities
from qupel.backends.local import Local
from qupel.backends.machines import Noisy
from qupel.backends.mitigation import (
    Cost,
    ReadoutCalibration,
    calibration_circuits,
    mean_energy,
    nearest_distribution,
)
from qupel.errors import InputError, ResultError
from qupel.model import Circuit, Ising
from qupel.simulators import Readout, StateVector
from tests.backends.profiles import CHIP
from tests.solvers.quantum.test_qaoa import spin_glass

MISREAD = replace(
    CHIP, fidelities=Fidelities(1.0, 1.0, false_one=0.03, false_zero=0.08), coherence=None
)
STATE = Circuit(5).ry(0.4, 0).cx(0, 1).ry(1.1, 2).cx(2, 3).cx(1, 4).rx(0.3, 3)
FORM = spin_glass(5, 1)


def run(circuits: tuple[Circuit, ...], seed: int, shots: int = 500) -> tuple[Reading, ...]:
    backend = Local("misread", Noisy.of(MISREAD))
    order = Order(circuits, shots, key="k", tag="t", settings={"seed": seed})
    result: Result = backend.result(backend.submit(order), order)
    return result.readings


def true_energy() -> float:
    chances = StateVector().probabilities(STATE)
    codes = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(np.int8)
    return float(chances @ FORM.energies(1 - 2 * codes))


def test_the_calibration_finds_the_errors_of_the_device() -> None:
    zeros, ones = run(calibration_circuits(3), seed=0, shots=40_000)
    for readout in ReadoutCalibration.of(zeros, ones).readouts:
        assert readout.false_one == pytest.approx(0.03, abs=0.005)
        assert readout.false_zero == pytest.approx(0.08, abs=0.007)


def test_inversion_undoes_the_confusion_exactly() -> None:
    readouts = (Readout(0.1, 0.2), Readout(0.05, 0.0), Readout(0.0, 0.3))
    true = np.array([0.1, 0.2, 0.0, 0.3, 0.05, 0.15, 0.15, 0.05])
    whole = np.kron(np.kron(readouts[2].matrix(), readouts[1].matrix()), readouts[0].matrix())
    shots = 10_000_000
    counts = np.round(whole @ true * shots).astype(np.int64)
    bits = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(np.uint8)
    found = ReadoutCalibration(readouts, 100).quasi(Reading(bits, counts))
    np.testing.assert_allclose(found, true, atol=1e-6)


def test_the_mitigated_energy_is_unbiased_where_the_raw_one_is_not() -> None:
    runs = [run((*calibration_circuits(5), STATE), seed) for seed in range(200)]
    found = [ReadoutCalibration.of(z, o).energy(FORM, reading) for z, o, reading in runs]
    values, raws = np.array([m.value for m in found]), np.array([m.raw for m in found])
    error = values.std(ddof=1) / np.sqrt(len(runs))
    assert abs(values.mean() - true_energy()) < 3.5 * error
    assert abs(raws.mean() - true_energy()) > 10 * error


def test_the_stated_error_is_the_spread_over_runs_and_more_than_the_raw_one() -> None:
    runs = [run((*calibration_circuits(5), STATE), seed) for seed in range(200)]
    found = [ReadoutCalibration.of(z, o).energy(FORM, reading) for z, o, reading in runs]
    spread = np.std([m.value for m in found], ddof=1)
    assert np.mean([m.error for m in found]) == pytest.approx(spread, rel=0.15)
    assert min(m.overhead for m in found) > 1


def test_the_cost_is_two_circuits() -> None:
    zeros, ones, reading = run((*calibration_circuits(5), STATE), 0)
    assert ReadoutCalibration.of(zeros, ones).energy(FORM, reading).cost == Cost(2, 1000)


def test_the_energy_of_the_quasi_distribution_is_the_mitigated_energy() -> None:
    zeros, ones, reading = run((*calibration_circuits(5), STATE), 3)
    calibration = ReadoutCalibration.of(zeros, ones)
    codes = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(np.int8)
    expected = float(calibration.quasi(reading) @ FORM.energies(1 - 2 * codes))
    assert calibration.energy(FORM, reading).value == pytest.approx(expected)


@given(st.lists(st.floats(-1, 2), min_size=2, max_size=6))
def test_the_nearest_distribution_is_that_of_least_squares(numbers: list[float]) -> None:
    quasi = np.array(numbers) - (sum(numbers) - 1) / len(numbers)
    found = nearest_distribution(quasi)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    # At the nearest point of a convex set no corner lies on the far side.
    for corner in np.eye(quasi.size):
        assert (quasi - found) @ (corner - found) <= 1e-9


def test_the_distribution_is_nearer_to_the_truth_than_what_was_read() -> None:
    zeros, ones, reading = run((*calibration_circuits(5), STATE), 1, shots=5000)
    true = StateVector().probabilities(STATE)
    read = ReadoutCalibration((Readout(0.0, 0.0),) * 5, 1).quasi(reading)
    found = ReadoutCalibration.of(zeros, ones).distribution(reading)
    assert np.abs(found - true).sum() < np.abs(read - true).sum() / 2


def test_a_qubit_that_tells_nothing_is_named() -> None:
    with pytest.raises(ResultError, match="qubit 1 was misread so often"):
        ReadoutCalibration((Readout(0.1, 0.1), Readout(0.5, 0.5)), 100)


def test_readings_of_other_qubits_are_refused() -> None:
    calibration = ReadoutCalibration((Readout(0.1, 0.1),), 100)
    with pytest.raises(InputError, match="1 qubits were calibrated, 5 were read"):
        calibration.energy(FORM, run((STATE,), 0)[0])


def test_the_mean_energy_has_the_error_of_its_shots() -> None:
    form = Ising([1.0], [[0.0]])
    reading = Reading(np.array([[0], [1]], np.uint8), np.array([50, 50], np.int64))
    assert mean_energy(form, reading) == pytest.approx((0.0, 1 / np.sqrt(99)))
