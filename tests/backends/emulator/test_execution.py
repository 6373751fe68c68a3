"""Jobs really run."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.backends.contract import Annealing, Order
from qupel.backends.emulator.calibration import Calibration
from qupel.backends.emulator.execution import run_program
from qupel.model.circuit import Circuit
from tests.backends.emulator.stand import FORM, annealing, circuits, stand

QUIET = Calibration("c", 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("n", range(1, 21))
@pytest.mark.parametrize("batch", [False, True])
def test_the_bit_of_one_qubit_comes_back_in_its_own_place(n: int, *, batch: bool) -> None:
    held = stand()
    flipped = [0, n - 1] if batch else [n // 3]
    order = circuits(*(Circuit(n).x(q) for q in flipped), shots=10)
    job = held.backend().submit(order)
    held.clock.advance(60.0)
    readings = held.backend().result(job, order).readings
    for qubit, reading in zip(flipped, readings, strict=True):
        assert reading.bits.tolist() == [[int(k == qubit) for k in range(n)]]


def test_measured_qubits_come_in_the_order_in_which_they_are_measured() -> None:
    held, circuit = stand(), Circuit(4).x(2).measure(2, 0, 3)
    order = circuits(circuit)
    job = held.backend().submit(order)
    held.clock.advance(60.0)
    [reading] = held.backend().result(job, order).readings
    assert reading.bits.tolist() == [[1, 0, 0]]


def test_annealing_gives_rows_with_their_true_energies_and_finds_the_best() -> None:
    held, order = stand(), annealing(shots=200)
    job = held.backend("annealer").submit(order)
    held.clock.advance(60.0)
    [reading] = held.backend("annealer").result(job, order).readings
    assert reading.energies is not None
    energies = FORM.energies(1 - 2 * reading.bits.astype(np.int8))
    np.testing.assert_allclose(reading.energies, energies)
    every = 1 - 2 * ((np.arange(32)[:, None] >> np.arange(5)) & 1).astype(np.int8)
    assert reading.energies.min() == pytest.approx(FORM.energies(every).min())
    assert reading.shots == 200


def test_a_longer_anneal_ends_lower() -> None:
    rng = np.random.default_rng(0)
    n = 120
    from qupel.model.ising import Ising

    form = Ising(np.zeros(n), np.triu(rng.choice([-1.0, 1.0], (n, n)), 1))
    means = []
    for microseconds in (0.4, 60.0):
        read = run_program(Annealing(form, microseconds), 50, QUIET, np.random.default_rng(1))
        assert read.energies is not None
        means.append(float(read.energies @ read.occurrences) / 50)
    assert means[1] < means[0] - 50


@pytest.mark.parametrize("n", [3, 11])
def test_noise_misreads_as_often_as_the_calibration_says(n: int) -> None:
    device = Calibration("c", 0.0, 0.0, 0.0, 0.1)
    read = run_program(Circuit(n).x(0), 2000, device, np.random.default_rng(2))
    ones = (read.bits * read.occurrences[:, None]).sum(axis=0) / 2000
    assert abs(ones[0] - 0.9) < 0.03
    assert np.abs(ones[1:] - 0.1).max() < 0.03


def test_a_result_is_the_same_however_often_it_is_asked_for() -> None:
    held = stand()
    order = Order((Circuit(2).h(0),), 100, "k", "t")
    job = held.backend("noisy").submit(order)
    held.clock.advance(60.0)
    first, second = (held.backend("noisy").result(job, order).readings[0] for _ in range(2))
    np.testing.assert_array_equal(first.bits, second.bits)
    np.testing.assert_array_equal(first.occurrences, second.occurrences)
