"""The search kernels do what their definitions say, spin by spin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from qupel.errors import InputError
from qupel.kernels import ising as kernels
from qupel.kernels.ising import Chains, Landscape
from tests.oracles import ising as oracle
from tests.shapes import unchecked


def instance(
    seed: int, n: int, *, density: float = 0.6, whole: bool = False, groups: int = 0
) -> tuple[Landscape, np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """A landscape with its fields and dense couplings in the landscape's order."""
    rng = np.random.default_rng(seed)
    pairs = np.triu(rng.random((n, n)) < density, 1) * rng.normal(size=(n, n))
    fields = rng.normal(size=n)
    if whole:
        pairs, fields = np.rint(2 * pairs), np.rint(2 * fields)
    both = sparse.csr_array(pairs + pairs.T)
    members = np.array_split(rng.permutation(n)[: 2 * n // 3], groups) if groups else []
    quotas = [(np.sort(m).tolist(), m.size // 2) for m in members]
    land = Landscape.of(fields, both.indptr, both.indices, both.data, quotas)
    dense = (pairs + pairs.T)[np.ix_(land.order, land.order)]
    return land, fields[land.order], dense, [(g.start, g.stop) for g in land.groups]


def one_pass(land: Landscape, chains: Chains, sweeps: int, key: int, temperature: float) -> None:
    """Sweep in small chunks, so that every cut is crossed."""
    rows = len(chains.energies)
    places = np.zeros((rows, 2), np.int64)
    lengths = np.full(rows, sweeps)
    keys = np.array([key + r for r in range(rows)], np.uint64)
    while (places[:, 0] < sweeps).any():
        kernels.anneal(
            land, chains, places, lengths, keys, hot=temperature, cold=temperature, budget=40
        )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40), st.booleans(), st.integers(0, 3))
def test_a_sweep_is_the_sequential_metropolis_sweep(
    seed: int, n: int, whole: bool, groups: int
) -> None:
    land, fields, dense, ranges = instance(seed, n, whole=whole, groups=groups if n > 9 else 0)
    chains = Chains.of(land, land.random(np.random.default_rng(seed), 1))
    expected = chains.spins[0, :n]
    for sweep in range(3):
        key = oracle.draw(seed, sweep)
        expected = oracle.sweep(fields, dense, expected, 1.3, key, ranges)
    one_pass(land, chains, 3, seed, 1.3)
    np.testing.assert_array_equal(chains.spins[0, :n], expected)
    assert chains.energies[0] == pytest.approx(oracle.energy(fields, dense, expected), abs=1e-9)


@pytest.mark.parametrize(
    ("n", "quotas"),
    [
        (4, []),
        (7, [(range(5), 2)]),
        (7, [(range(1, 7), 3)]),
        (6, [(range(4), 1)]),
        (6, [(range(5), 4)]),
        (8, [(range(3), 1), (range(3, 8), 3)]),
    ],
    ids=["free", "two of five", "three of six", "one of four", "four of five", "two groups"],
)
@pytest.mark.parametrize("coupled", [False, True], ids=["apart", "coupled"])
def test_sweeps_at_one_temperature_draw_from_the_boltzmann_distribution(
    n: int, quotas: list[tuple[range, int]], coupled: bool
) -> None:
    rng = np.random.default_rng(3)
    pairs = np.triu(rng.normal(size=(n, n)), 1)
    if not coupled:
        for members, _ in quotas:
            pairs[np.ix_(members, members)] = 0
    fields = rng.normal(size=n)
    both = sparse.csr_array(pairs + pairs.T)
    land = Landscape.of(
        fields, both.indptr, both.indices, both.data, [(list(m), count) for m, count in quotas]
    )
    rows = 20_000
    chains = Chains.of(land, land.random(rng, rows))
    keys = np.arange(rows, dtype=np.uint64)
    places = np.zeros((rows, 2), np.int64)
    sweeps = np.full(rows, 40)
    kernels.anneal(land, chains, places, sweeps, keys, hot=2.0, cold=2.0, budget=1 << 40)
    seen = land.rows(chains.spins).astype(float)
    states = 1.0 - 2.0 * (np.arange(1 << n)[:, None] >> np.arange(n) & 1)
    for members, count in quotas:
        states = states[(states[:, list(members)] < 0).sum(axis=1) == count]
    weights = np.exp([-oracle.energy(fields, pairs + pairs.T, s) / 2.0 for s in states])
    expected = rows * weights / weights.sum()
    code = 1 << np.arange(n)
    counted = np.bincount(((seen < 0) @ code).astype(int), minlength=1 << n)
    counts = counted[((states < 0) @ code).astype(int)]
    assert counts.sum() == rows
    squares = (counts - expected) ** 2 / expected
    # Pearson's statistic has its degrees of freedom as mean, twice that as variance.
    freedom = len(states) - 1
    assert squares.sum() < freedom + 4 * np.sqrt(2 * freedom)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_steepest_descent_takes_the_best_flip_each_time(seed: int, n: int) -> None:
    land, fields, dense, _ = instance(seed, n)
    chains = Chains.of(land, land.random(np.random.default_rng(seed), 2))
    expected = [oracle.steepest(fields, dense, row[:n]) for row in chains.spins]
    assert kernels.steepest(land, chains, key=1, moves=10 * n + 10)
    np.testing.assert_array_equal(chains.spins[:, :n], expected)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 30), st.booleans(), st.integers(0, 2))
def test_descent_ends_where_no_flip_or_swap_gains(
    seed: int, n: int, whole: bool, groups: int
) -> None:
    land, fields, dense, ranges = instance(seed, n, whole=whole, groups=groups if n > 9 else 0)
    chains = Chains.of(land, land.random(np.random.default_rng(seed), 2))
    ones = [(chains.spins[:, a:b] < 0).sum(axis=1) for a, b in ranges]
    kernels.descend(land, chains, key=5)
    for row, tracked in zip(chains.spins[:, :n].astype(float), chains.energies, strict=True):
        start = oracle.energy(fields, dense, row)
        assert tracked == pytest.approx(start, abs=1e-9)
        assert all(oracle.flip_cost(fields, dense, row, i) > -1e-9 for i in range(land.free))
        for a, b in ranges:
            for i in np.flatnonzero(row[a:b] < 0) + a:
                for j in np.flatnonzero(row[a:b] > 0) + a:
                    swapped = row.copy()
                    swapped[[i, j]] *= -1
                    assert oracle.energy(fields, dense, swapped) > start - 1e-9
    for before, (a, b) in zip(ones, ranges, strict=True):
        np.testing.assert_array_equal((chains.spins[:, a:b] < 0).sum(axis=1), before)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(5, 1.0), (23, 1.0), (40, 0.5), (240, 0.001), (300, 0.005), (400, 0.01)]),
    st.integers(0, 9),
    st.integers(1, 60),
)
def test_tabu_makes_the_cheapest_move_that_is_not_tabu(
    seed: int, size: tuple[int, float], high: int, budget: int
) -> None:
    land, fields, dense, _ = instance(seed, size[0], density=size[1])
    chains = Chains.of(land, land.random(np.random.default_rng(seed), 1))
    expected, best = oracle.tabu(
        fields,
        dense,
        chains.spins[0, : land.n],
        base=2,
        high=2 + high,
        spread=3,
        moves=40,
        key=seed,
    )
    trails = np.zeros((1, 2), np.int64)
    until = np.zeros(chains.spins.shape, np.int32)
    while trails[0, 0] < 40:
        kernels.tabu(
            land,
            chains,
            until,
            trails,
            np.array([40]),
            np.array([seed], np.uint64),
            base=2,
            high=2 + high,
            spread=3,
            budget=50 * budget,
        )
    np.testing.assert_array_equal(chains.spins[0, : land.n], expected)
    assert chains.least[0] == pytest.approx(best, abs=1e-9)
    assert oracle.energy(fields, dense, chains.best[0, : land.n]) == pytest.approx(best, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 2))
def test_a_graft_takes_each_region_that_is_no_worse(seed: int, mirror: bool, groups: int) -> None:
    land, fields, dense, ranges = instance(seed, 40, density=0.06, whole=True, groups=groups)
    rng = np.random.default_rng(seed)
    mirror = mirror and not groups
    chains, guests = Chains.of(land, land.random(rng, 1)), land.random(rng, 1)
    home = chains.spins[0, :40].copy()
    expected, regions = oracle.graft(fields, dense, home, guests[0, :40], ranges, mirror=mirror)
    assert kernels.graft(land, chains, guests, mirror=mirror).tolist() == [regions]
    np.testing.assert_array_equal(chains.spins[0, :40], expected)
    assert chains.energies[0] == pytest.approx(oracle.energy(fields, dense, expected), abs=1e-9)


def test_a_walk_is_not_longer_than_its_counter() -> None:
    land, *_ = instance(0, 5)
    chains = Chains.of(land, land.random(np.random.default_rng(0), 1))
    with pytest.raises(InputError, match="at most"):
        kernels.tabu(
            land,
            chains,
            np.zeros(chains.spins.shape, np.int32),
            np.zeros((1, 2), np.int64),
            np.array([kernels.LONGEST_WALK + 1]),
            np.zeros(1, np.uint64),
            base=1,
            spread=1,
            budget=1,
        )


@pytest.mark.parametrize("discrete", [False, True])
def test_bifurcation_follows_its_equations(discrete: bool) -> None:
    land, fields, dense, _ = instance(1, 24, whole=True)
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-0.1, 0.1, (2, 24, kernels.BLOCK)).astype(np.float32) for _ in range(2))
    runs = [np.concatenate(list(part), axis=1).astype(float) for part in (x, y)]
    expected, _ = oracle.bifurcate(
        fields, dense, *runs, steps=12, step=0.5, strength=0.05, discrete=discrete
    )
    for begin in (0, 5):
        kernels.bifurcate(
            land,
            x,
            y,
            np.zeros_like(x),
            begin=begin,
            end=begin + 7 if begin else 5,
            steps=12,
            step=0.5,
            strength=0.05,
            pull=0.0,
            discrete=discrete,
        )
    np.testing.assert_allclose(np.concatenate(list(x), axis=1), expected, atol=2e-4)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(4, 9), st.integers(1, 40))
def test_the_gray_code_meets_every_configuration_once(seed: int, n: int, chunk: int) -> None:
    _, fields, dense, _ = instance(seed, n)
    states = np.zeros(1 << 10, np.uint64)
    energies = np.zeros(1 << 10)
    code, size = 0, 0
    while code < 1 << (n - 4):
        code, size = kernels.enumerate_codes(
            fields,
            dense,
            states,
            energies,
            begin=code,
            end=min(code + chunk, 1 << (n - 4)),
            size=size,
            limit=np.inf,
        )
    assert sorted(states[:size].tolist()) == list(range(1 << n))
    for state, claimed in zip(states[:size].tolist(), energies[:size], strict=True):
        spins = 1.0 - 2.0 * ((state >> np.arange(n)) & 1)
        assert claimed == pytest.approx(oracle.energy(fields, dense, spins), abs=1e-9)


def test_combinations_meet_every_configuration_that_keeps_the_counts() -> None:
    land, fields, dense, ranges = instance(4, 11, groups=2)
    start = np.ones((1, land.stride))
    chosen = np.zeros(land.n, np.int32)
    for (a, _), count in zip(ranges, land.counts.tolist(), strict=True):
        chosen[a : a + count] = np.arange(a, a + count)
        start[0, a : a + count] = -1
    chains = Chains.of(land, start)
    rows = np.ones((5000, land.stride), land.fields.dtype)
    kept = np.zeros(5000)
    size, left = 0, True
    while left:
        size, left = kernels.combine(
            land, chains, chosen, rows, kept, size=size, limit=np.inf, budget=300
        )
    found = rows[:size, : land.n].astype(float)
    assert len(np.unique(found, axis=0)) == size
    codes = np.arange(1 << land.n)[:, None] >> np.arange(land.n) & 1
    keeping = np.ones(len(codes), bool)
    for (a, b), count in zip(ranges, land.counts.tolist(), strict=True):
        keeping &= codes[:, a:b].sum(axis=1) == count
    assert size == keeping.sum()
    expected = [oracle.energy(fields, dense, row) for row in found]
    np.testing.assert_allclose(kept[:size], expected, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 3])
def test_tempering_tracks_energies_through_exchanges_and_clusters(threads: int) -> None:
    land, fields, dense, _ = instance(8, 60, density=0.04)
    rng = np.random.default_rng(1)
    chains = Chains.of(land, land.random(rng, 12))
    at = np.arange(12, dtype=np.int32).reshape(2, 6)
    exchanges = np.zeros((2, 6), np.int64)
    place = np.zeros(2, np.int64)
    for _ in range(5):
        kernels.temper(
            land,
            chains,
            place,
            np.geomspace(0.2, 2.0, 6),
            at,
            exchanges,
            clustered=3,
            key=11,
            budget=100_000,
            threads=threads,
        )
    assert sorted(at[0].tolist() + at[1].tolist()) == list(range(12))
    assert place[0] > 5
    assert exchanges.sum() > 0
    for row, tracked in zip(chains.spins[:, :60].astype(float), chains.energies, strict=True):
        assert tracked == pytest.approx(oracle.energy(fields, dense, row), abs=1e-8)
    best = [oracle.energy(fields, dense, row[:60].astype(float)) for row in chains.best]
    np.testing.assert_allclose(chains.least, best, atol=1e-8)


def test_local_search_never_ends_higher_than_it_began() -> None:
    land, fields, dense, ranges = instance(2, 40, groups=2)
    chains = Chains.of(land, land.random(np.random.default_rng(0), 3))
    kernels.descend(land, chains, key=0)
    before = chains.energies.copy()
    kicks = np.zeros(3, np.int64)
    keys = np.arange(3, dtype=np.uint64)
    for _ in range(10):
        kernels.wander(land, chains, kicks, keys, most=5, budget=20_000)
    assert (chains.energies <= before + 1e-9).all()
    assert (kicks > 10).all()
    for row, tracked in zip(chains.spins[:, :40].astype(float), chains.energies, strict=True):
        assert tracked == pytest.approx(oracle.energy(fields, dense, row), abs=1e-8)
        for (a, b), count in zip(ranges, land.counts.tolist(), strict=True):
            assert (row[a:b] < 0).sum() == count


def test_single_precision_is_taken_only_where_it_is_exact() -> None:
    def dtype(weight: float, size: int) -> np.dtype:
        pairs = sparse.csr_array(np.full((size, size), weight) * (1 - np.eye(size)))
        land = Landscape.of(np.zeros(size), pairs.indptr, pairs.indices, pairs.data)
        return land.fields.dtype

    assert dtype(0.25, 5) == np.float32
    assert dtype(-3.0, 20) == np.float32
    assert dtype(0.1, 5) == np.float64
    assert dtype(float(2**22), 5) == np.float64


def test_dense_and_sparse_storage_walk_the_same_path() -> None:
    rng = np.random.default_rng(5)
    pairs = np.triu(rng.choice([-1.0, 0, 1.0], (50, 50)), 1)
    both = sparse.csr_array(pairs + pairs.T)
    zero = np.zeros(50)
    dense = Landscape.of(zero, both.indptr, both.indices, both.data)
    # The same instance among so many lone spins that it is held sparse.
    indptr = np.concatenate([both.indptr, np.full(500, both.indptr[-1])])
    wide = Landscape.of(np.zeros(550), indptr, both.indices, both.data)
    start = dense.random(rng, 2)
    ends = []
    for land in (dense, wide):
        rows = np.ones((2, land.stride), np.float32)
        where = {variable: place for place, variable in enumerate(land.order.tolist())}
        for place, variable in enumerate(dense.order.tolist()):
            rows[:, where[variable]] = start[:, place]
        chains = Chains.of(land, rows)
        kernels.steepest(land, chains, key=0, moves=1000)
        ends.append(chains.energies.tolist())
    assert ends[0] == ends[1]


def test_fields_that_do_not_fit_the_couplings_are_refused() -> None:
    with unchecked(), pytest.raises(InputError, match="do not fit"):
        Landscape.of(np.zeros(3), np.zeros(3, np.int64), np.zeros(0), np.zeros(0))
