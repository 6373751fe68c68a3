from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from qupel.backends.spin_reads import anneal_spins, distinct_rows
from qupel.model import Ising, Quota
from qupel.model.quota import keep_quotas
from tests.solvers.quantum.test_qaoa import spin_glass


def read(form: Ising, reads: int = 300, sweeps: int = 100, seed: int = 0) -> Any:
    return anneal_spins(form, reads, sweeps, np.random.default_rng(seed))


def test_every_read_is_counted() -> None:
    assert read(spin_glass(10, 1), reads=1234).shots == 1234


def test_energies_are_true_and_rows_distinct() -> None:
    form = spin_glass(12, 2)
    reading = read(form)
    np.testing.assert_allclose(reading.energies, form.energies(1 - 2 * reading.bits.astype(int)))
    assert len(np.unique(reading.bits, axis=0)) == len(reading.bits)


def test_quotas_are_kept() -> None:
    form = spin_glass(12, 3, (Quota((0, 1, 2, 3, 4), 2),))
    assert keep_quotas(read(form).bits, form.quotas).all()


def test_more_sweeps_read_lower_energies() -> None:
    form = spin_glass(60, 4)
    means = []
    for sweeps in (1, 10, 300):
        reading = read(form, sweeps=sweeps)
        means.append(float(reading.energies @ reading.occurrences / reading.shots))
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize("n", [1, 4])
def test_where_nothing_acts_reads_are_uniform(n: int) -> None:
    reading = read(Ising(np.zeros(n), np.zeros((n, n))), reads=4000)
    expected = 4000 / 2**n
    assert len(reading.bits) == 2**n
    assert np.abs(reading.occurrences - expected).max() < 6 * np.sqrt(expected)


def test_many_spins_are_read_in_batches() -> None:
    n = 50_000
    form = Ising(np.ones(n), sparse.csr_array((n, n)))
    reading = read(form, reads=90, sweeps=10)
    assert reading.shots == 90
    assert (reading.bits.mean(axis=1) > 0.99).all()


def test_distinct_rows_are_those_of_numpy() -> None:
    rows = np.random.default_rng(0).integers(0, 2, (200, 5), dtype=np.uint8)
    expected, inverse = np.unique(rows, axis=0, return_inverse=True)
    found, where = distinct_rows(rows)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(where, inverse.reshape(-1))
