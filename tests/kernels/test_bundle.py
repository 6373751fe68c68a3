"""Replicas side by side do what 64 chains one by one would do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import chisquare

from qupel.kernels import bundle as kernels
from qupel.kernels.bundle import WIDTH, Bundles, SmallModel
from qupel.kernels.ising import Landscape
from tests.oracles import ising as oracle

LANES = np.arange(WIDTH, dtype=np.uint64)


def landscape(
    seed: int, n: int, *, density: float = 0.6, scale: float = 1.0, most: int = 2
) -> Landscape:
    """Fields and couplings that are whole multiples of ``scale``."""
    rng = np.random.default_rng(seed)
    picked = np.triu(rng.random((n, n)) < density, 1)
    pairs = picked * rng.integers(-most, most + 1, (n, n)) * scale
    fields = rng.integers(-most, most + 1, n) * scale
    fields[0] = scale
    both = sparse.csr_array(pairs + pairs.T)
    return Landscape.of(fields, both.indptr, both.indices, both.data)


def small(land: Landscape, *, plain: bool = False) -> SmallModel:
    model = SmallModel.of(land, plain=plain)
    assert model is not None
    return model


def dense(land: Landscape) -> np.ndarray:
    shape = (land.n, land.n)
    arrays = (land.weights.astype(float), land.columns, land.starts)
    return np.asarray(sparse.csr_array(arrays, shape=shape).toarray())


def spins_of(down: np.ndarray) -> np.ndarray:
    """Rows of ±1, a row a lane."""
    return 1.0 - 2.0 * ((down[None, :] >> LANES[:, None]) & np.uint64(1))


def sweep(model: SmallModel, bundles: Bundles, keys: np.ndarray, sweeps: int, at: float) -> None:
    """Sweeps at one temperature, in small pieces."""
    while (bundles.places[:, 0] < sweeps).any():
        kernels.anneal_bundles(
            model, bundles, keys, sweeps=sweeps, hot=at, cold=at, budget=20_000, threads=2
        )


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6), st.integers(1, 14), st.booleans(), st.floats(0.05, 6.0))
def test_a_bundle_is_64_sequential_metropolis_chains(
    seed: int, n: int, plain: bool, temperature: float
) -> None:
    land = landscape(seed, n, scale=0.5)
    model = small(land, plain=plain)
    bundles = Bundles.random(model, np.random.default_rng(seed), 1)
    expected = spins_of(bundles.down[0])
    keys = np.array([seed], np.uint64)
    heat = np.full(WIDTH, temperature)
    fields, pairs = land.fields.astype(float), dense(land)
    for turn in range(2):
        expected = oracle.bundle_sweep(fields, pairs, expected, heat, oracle.draw(seed, turn))
    sweep(model, bundles, keys, 2, temperature)
    np.testing.assert_array_equal(spins_of(bundles.down[0]), expected)
    energies = [oracle.energy(fields, pairs, row) for row in expected]
    np.testing.assert_allclose(bundles.energies[0], energies)


def test_every_instruction_set_walks_the_same_path() -> None:
    land = landscape(3, 2500, density=0.003)
    ends = []
    for plain in (False, True):
        model = small(land, plain=plain)
        bundles = Bundles.random(model, np.random.default_rng(1), 2)
        keys = np.array([5, 6], np.uint64)
        while (bundles.places[:, 0] < 20).any():
            kernels.anneal_bundles(
                model, bundles, keys, sweeps=20, hot=3.0, cold=0.2, budget=20_000
            )
        ends.append(bundles)
    one, other = ends
    np.testing.assert_array_equal(one.down, other.down)
    np.testing.assert_array_equal(one.locals, other.locals)
    np.testing.assert_array_equal(one.energies, other.energies)
    np.testing.assert_array_equal(one.best, other.best)


def test_tracked_fields_and_energies_are_the_true_ones() -> None:
    land = landscape(8, 300, density=0.05, most=3)
    model = small(land)
    bundles = Bundles.random(model, np.random.default_rng(0), 1)
    sweep(model, bundles, np.array([3], np.uint64), 30, 2.0)
    fresh = Bundles.of(model, bundles.down)
    np.testing.assert_array_equal(bundles.locals, fresh.locals)
    np.testing.assert_array_equal(bundles.energies, fresh.energies)
    rows, energies = bundles.lowest(5)
    fields, pairs = land.fields.astype(float), dense(land)
    expected = [oracle.energy(fields, pairs, row.astype(float)) for row in rows]
    np.testing.assert_allclose(energies, expected)
    assert energies[0] == bundles.energies.min()
    kept = oracle.energy(fields, pairs, bundles.best[0].astype(float))
    assert bundles.least[0] == pytest.approx(kept)


def boltzmann(land: Landscape, temperature: float) -> np.ndarray:
    codes = np.arange(1 << land.n)
    spins = 1.0 - 2.0 * (codes[:, None] >> np.arange(land.n) & 1)
    fields, pairs = land.fields.astype(float), dense(land)
    weights = np.exp([-oracle.energy(fields, pairs, row) / temperature for row in spins])
    return np.asarray(weights / weights.sum())


def fits(codes: np.ndarray, chances: np.ndarray) -> float:
    """p-value of the chi-square test; states rarer than ten expected samples are one class."""
    seen = np.bincount(codes, minlength=chances.size)
    often = chances * codes.size >= 10
    seen = np.append(seen[often], seen[~often].sum())
    expected = np.append(chances[often], chances[~often].sum()) * codes.size
    full = expected > 0
    return float(chisquare(seen[full], expected[full]).pvalue)


@pytest.mark.parametrize("temperature", [1.2, 4.0])
def test_sweeps_at_one_temperature_draw_from_the_boltzmann_distribution(
    temperature: float,
) -> None:
    land = landscape(4, 5, density=1.0)
    model = small(land)
    bundles = Bundles.random(model, np.random.default_rng(2), 400)
    sweep(model, bundles, np.arange(400, dtype=np.uint64), 60, temperature)
    bits = (bundles.down[:, :, None] >> LANES) & np.uint64(1)
    codes = (bits << np.arange(5, dtype=np.uint64)[None, :, None]).sum(axis=1).ravel()
    assert fits(codes.astype(np.int64), boltzmann(land, temperature)) > 0.01


def ladder(count: int, ladders: int, rungs: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.tile(np.arange(ladders * rungs, dtype=np.int32), (count, 1))
    return at.reshape(count, ladders, rungs), np.zeros((count, ladders, rungs), np.int64)


@pytest.mark.parametrize("clustered", [0, 3])
def test_every_rung_keeps_its_boltzmann_distribution_through_exchanges_and_clusters(
    clustered: int,
) -> None:
    land = landscape(9, 5, density=0.5)
    model = small(land)
    count = 300
    bundles = Bundles.random(model, np.random.default_rng(6), count)
    at, exchanges = ladder(count, 16, 4)
    temperatures = np.array([0.8, 1.3, 2.2, 4.0])
    keys = np.arange(count, dtype=np.uint64) + np.uint64(77)
    kernels.temper_bundles(
        model,
        bundles,
        temperatures,
        at,
        exchanges,
        keys,
        clustered=clustered,
        every=2,
        budget=80_000,
    )
    assert bundles.places[:, 0].min() > 40
    assert exchanges[:, :, :3].min() > 0
    for rung in (0, 2, 3):
        # Ladders that trade clusters depend on each other: one of each pair is looked at.
        lanes = at[:, ::2, rung].astype(np.uint64)
        bits = (bundles.down[:, None, :] >> lanes[:, :, None]) & np.uint64(1)
        codes = (bits << np.arange(5, dtype=np.uint64)).sum(axis=2).ravel().astype(np.int64)
        assert fits(codes, boltzmann(land, float(temperatures[rung]))) > 0.01


def test_a_trade_of_clusters_keeps_the_sum_of_both_energies() -> None:
    land = landscape(5, 200, density=0.015)
    model = small(land)
    bundles = Bundles.random(model, np.random.default_rng(3), 1)
    # Frozen: whatever a second sweep of a cold chain moves costs nothing.
    sweep(model, bundles, np.array([1], np.uint64), 40, 1e-3)
    before, spins = bundles.energies[0].copy(), bundles.down[0].copy()
    at, exchanges = ladder(1, 2, 32)
    kernels.temper_bundles(
        model,
        bundles,
        np.geomspace(1e-3, 2e-3, 32),
        at,
        exchanges,
        np.array([4], np.uint64),
        clustered=32,
        every=1,
        budget=1,
    )
    after = bundles.energies[0]
    assert (after != before).any()
    assert (bundles.down[0] != spins).any()
    lanes = at[0]
    np.testing.assert_allclose(after[lanes].sum(axis=0), before[lanes].sum(axis=0))
    fresh = Bundles.of(model, bundles.down)
    np.testing.assert_array_equal(fresh.energies[0], after)


def test_threads_do_not_change_the_path() -> None:
    land = landscape(2, 80, density=0.1)
    model = small(land)
    ends = []
    for threads in (1, 3):
        bundles = Bundles.random(model, np.random.default_rng(3), 4)
        at, exchanges = ladder(4, 2, 32)
        kernels.temper_bundles(
            model,
            bundles,
            np.geomspace(0.3, 3.0, 32),
            at,
            exchanges,
            np.arange(4, dtype=np.uint64),
            clustered=16,
            every=4,
            budget=300_000,
            threads=threads,
        )
        ends.append((bundles.down, at, exchanges))
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_models_that_do_not_fit_a_byte_are_left_to_other_kernels() -> None:
    def model(pairs: np.ndarray, fields: np.ndarray, quotas: list[tuple[list[int], int]]) -> bool:
        both = sparse.csr_array(pairs + pairs.T)
        land = Landscape.of(fields, both.indptr, both.indices, both.data, quotas)
        return SmallModel.of(land) is not None

    ones = np.triu(np.ones((20, 20)), 1)
    none = np.zeros(20)
    assert model(ones, none, [])
    assert model(0.25 * ones, none, [])
    assert not model(20 * ones + np.eye(20, k=1), none, [])
    assert not model(0.1 * np.pi * ones, none, [])
    assert not model(ones, none, [([0, 1], 1)])
    assert not model(0 * ones, none, [])
