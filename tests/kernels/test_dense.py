"""Dense chains in step are the sequential chains of the rounded model."""

import numpy as np
import pytest
from scipy import sparse

from qupel.kernels import dense as kernels
from qupel.kernels.dense import DenseChains, DenseModel
from qupel.kernels.ising import Landscape
from tests.oracles import ising as oracle


def landscape(seed: int, n: int, *, whole: bool = True, most: int = 9) -> Landscape:
    rng = np.random.default_rng(seed)
    pairs = np.triu(rng.integers(-most, most + 1, (n, n)), 1).astype(float)
    fields = rng.integers(-most, most + 1, n).astype(float)
    if not whole:
        pairs, fields = pairs * rng.normal(size=(n, n)), rng.normal(size=n)
    both = sparse.csr_array(pairs + pairs.T)
    return Landscape.of(fields, both.indptr, both.indices, both.data)


def dense_model(land: Landscape) -> DenseModel:
    model = DenseModel.of(land)
    assert model is not None
    return model


def full(land: Landscape) -> np.ndarray:
    arrays = (land.weights.astype(float), land.columns, land.starts)
    return np.asarray(sparse.csr_array(arrays, shape=(land.n, land.n)).toarray())


def spins_of(chains: DenseChains, n: int) -> np.ndarray:
    return 1.0 + 2.0 * chains.minus[:, :n]


@pytest.mark.parametrize("n", [3, 64, 130])
@pytest.mark.parametrize("most", [1, 9, 8000])
def test_chains_in_step_are_sequential_metropolis_chains(n: int, most: int) -> None:
    land = landscape(n, n, most=most)
    model = dense_model(land)
    assert model.exact
    chains = DenseChains.random(model, np.random.default_rng(1), 3)
    expected = spins_of(chains, n)
    temperature = 0.8 * most * np.sqrt(n)
    keys = np.array([3, 4, 5], np.uint64)
    for row in range(3):
        for sweep in range(2):
            key = oracle.draw(int(keys[row]), sweep)
            expected[row] = oracle.sweep(
                land.fields.astype(float), full(land), expected[row], temperature, key, []
            )
    while chains.place[0] < 2:
        kernels.anneal_dense(
            model, chains, keys, sweeps=2, hot=temperature, cold=temperature, budget=1
        )
    np.testing.assert_array_equal(spins_of(chains, n), expected)
    energies = [oracle.energy(land.fields.astype(float), full(land), row) for row in expected]
    np.testing.assert_allclose(chains.energies * model.unit, energies)


def test_real_couplings_are_rounded_to_a_fraction_of_the_strongest() -> None:
    land = landscape(2, 90, whole=False)
    model = dense_model(land)
    assert not model.exact
    assert model.unit == pytest.approx(np.abs(land.weights).max() / 8191)
    chains = DenseChains.random(model, np.random.default_rng(1), 2)
    keys = np.array([3, 4], np.uint64)
    while chains.place[0] < 50:
        kernels.anneal_dense(model, chains, keys, sweeps=50, hot=60.0, cold=5.0, budget=10_000)
    for row, energy in zip(chains.best, chains.least, strict=True):
        true = oracle.energy(land.fields.astype(float), full(land), row.astype(float))
        assert energy * model.unit == pytest.approx(true, rel=1e-3)


def tempered(land: Landscape, threads: int) -> tuple[DenseModel, DenseChains, np.ndarray]:
    model = dense_model(land)
    chains = DenseChains.random(model, np.random.default_rng(1), 24)
    at = np.arange(24, dtype=np.int32).reshape(2, 12)
    exchanges = np.zeros((2, 12), np.int64)
    heat = np.geomspace(10.0, 60.0, 12)
    for _ in range(4):
        kernels.temper_dense(
            model, chains, heat, at, exchanges, key=5, budget=3_000_000, threads=threads
        )
    return model, chains, at


def test_tempering_in_step_tracks_energies_and_does_not_depend_on_threads() -> None:
    land = landscape(7, 1500, most=1)
    model, chains, at = tempered(land, 1)
    assert chains.place[0] > 5
    assert sorted(at.ravel().tolist()) == list(range(24))
    pairs, fields = full(land), land.fields.astype(float)
    expected = [oracle.energy(fields, pairs, row) for row in spins_of(chains, 1500)]
    np.testing.assert_allclose(chains.energies * model.unit, expected)
    _, other, places = tempered(land, 2)
    np.testing.assert_array_equal(other.minus, chains.minus)
    np.testing.assert_array_equal(places, at)


def test_sparse_and_grouped_models_are_left_to_other_kernels() -> None:
    empty = sparse.csr_array((50, 50))
    land = Landscape.of(np.ones(50), empty.indptr, empty.indices, empty.data)
    assert DenseModel.of(land) is None
    both = sparse.csr_array(np.ones((9, 9)) - np.eye(9))
    land = Landscape.of(np.ones(9), both.indptr, both.indices, both.data, [([0, 1], 1)])
    assert DenseModel.of(land) is None
