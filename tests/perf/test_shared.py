from __future__ import annotations

import numpy as np
from perf.peers.shared import diagonal, expectation

from qupel.model import Ising


def test_the_diagonal_is_the_energy_of_each_state() -> None:
    pairs, weights = [(0, 1), (1, 3), (0, 3), (2, 3)], [0.5, -1.0, 2.0, 0.25]
    couplings = np.zeros((4, 4))
    for (i, j), weight in zip(pairs, weights, strict=True):
        couplings[i, j] = weight
    spins = 1 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
    expected = Ising(np.zeros(4), couplings).energies(spins)
    np.testing.assert_allclose(diagonal(4, pairs, weights), expected, atol=1e-6)


def test_expectation_in_blocks_is_the_whole_sum() -> None:
    rng = np.random.default_rng(3)
    state = (rng.standard_normal(64) + 1j * rng.standard_normal(64)).astype(np.complex64)
    costs = rng.standard_normal(64).astype(np.float32)
    whole = float((np.abs(state) ** 2 * costs).sum())
    assert np.isclose(expectation(state, costs, block=16), whole, rtol=1e-5)
