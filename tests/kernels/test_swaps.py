"""Swaps: paths do what they claim, replayed from the definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.catalogue.lattices import grid, heavy_hex
from qupel.errors import InputError
from qupel.kernels.swaps import Lattice, Manner, Search, Start, Steps
from tests.oracles import swaps as oracle

SEEDS = st.integers(0, 2**32 - 1)
MANNERS = st.builds(
    Manner,
    st.booleans(),
    st.sampled_from(Start),
    st.integers(0, 30),
    power=st.floats(0.3, 1.5),
    late=st.floats(0, 0.1),
)
Edges = list[tuple[int, int]]


def circuit(seed: int, qubits: int, count: int) -> Steps:
    """Random operations on one qubit and two, with random axes and costs."""
    rng = np.random.default_rng(seed)
    on, axes = np.full((2, count, 2), -1, np.int32)
    for k in range(count):
        size = 1 if qubits == 1 or rng.random() < 0.2 else 2
        on[k, :size] = rng.permutation(qubits)[:size]
        axes[k, :size] = rng.integers(-1, 2, size)
    gates = rng.integers(-1, 3, count).astype(float)
    return Steps(qubits, on, axes, gates, rng.uniform(1, 9, (count, 2)), (3.0, 7.0))


def tree(seed: int, qubits: int) -> Edges:
    """A random lattice that hangs together."""
    rng = np.random.default_rng(seed)
    edges = {(int(rng.integers(q)), q) for q in range(1, qubits)}
    for _ in range(qubits // 3):
        a, b = sorted(rng.permutation(qubits)[:2].tolist())
        edges.add((a, b))
    return sorted(edges)


def chain(qubits: int) -> Steps:
    """Operations on neighbours of a line."""
    on = np.array(list(pairwise(range(qubits))), np.int32).reshape(-1, 2)
    count = len(on)
    axes = np.full((count, 2), -1, np.int32)
    return Steps(qubits, on, axes, np.ones(count), np.ones((count, 2)), (3.0, 3.0))


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.integers(1, 9), st.integers(0, 4), st.integers(0, 30), MANNERS)
def test_a_path_does_every_operation_on_coupled_places_and_costs_what_it_says(
    seed: int, qubits: int, spare: int, count: int, manner: Manner
) -> None:
    steps, edges = circuit(seed, qubits, count), tree(seed, qubits + spare)
    search = Search(Lattice(qubits + spare, edges), steps, [manner], layer=0.1, seed=seed)
    search.advance(2, 2)
    search.refine(2)
    path = search.best()
    assert oracle.faults(path, steps, edges, free=manner.commuting) == []
    swaps, gates, depth = oracle.costs(path, steps)
    assert (path.swaps, path.gates) == (swaps, gates)
    assert path.depth == pytest.approx(depth, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS, MANNERS)
def test_searching_longer_never_makes_the_path_worse(seed: int, manner: Manner) -> None:
    lattice, steps = Lattice(*heavy_hex(3, 9, 0, 2)), circuit(seed, 8, 40)
    search = Search(lattice, steps, [manner], layer=0.5, seed=seed)
    costs = []
    search.advance(1, 1)
    for _ in range(3):
        costs.append(search.best().gates + 0.5 * search.best().depth)
        search.advance(1, 2)
        search.refine(3)
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("threads", [2, 3, 9])
def test_threads_change_nothing(threads: int) -> None:
    lattice, steps = Lattice(*heavy_hex(3, 9, 0, 2)), circuit(3, 12, 80)
    manners = [Manner(start=start) for start in Start]
    alone, others = (Search(lattice, steps, manners, layer=0.1, seed=5) for _ in range(2))
    for search, count in ((alone, 1), (others, threads)):
        search.advance(11, 2, count)
        search.refine(9, count)
    np.testing.assert_array_equal(alone.best().steps, others.best().steps)


@pytest.mark.parametrize("start", Start)
def test_other_seeds_give_other_paths(start: Start) -> None:
    lattice, steps = Lattice(*heavy_hex(3, 9, 0, 2)), circuit(3, 12, 80)
    paths = set()
    for seed in range(3):
        search = Search(lattice, steps, [Manner(start=start)], layer=0.1, seed=seed)
        search.advance(1, 1)
        paths.add(search.best().start.tobytes())
    assert len(paths) == 3


@pytest.mark.parametrize("qubits", [2, 12, 20])
def test_pairs_that_fit_on_the_lattice_are_placed_without_swaps(qubits: int) -> None:
    n, edges = heavy_hex(5, 11, 0, 2)
    steps = chain(qubits)
    search = Search(Lattice(n, edges), steps, [Manner()], layer=0.1, seed=0)
    assert search.embed(20_000)
    path = search.best()
    assert path.swaps == 0
    assert oracle.faults(path, steps, edges, free=True) == []


@pytest.mark.parametrize("on", [[(0, 1), (1, 2), (0, 2)], [(0, 1), (0, 2), (0, 3), (0, 4)]])
def test_pairs_that_cannot_fit_are_told(on: Edges) -> None:
    count = len(on)
    pairs = np.array(on, np.int32)
    axes = np.full((count, 2), -1, np.int32)
    steps = Steps(5, pairs, axes, np.ones(count), np.ones((count, 2)), (3.0, 3.0))
    search = Search(Lattice(*heavy_hex(3, 9, 0, 2)), steps, [Manner()], layer=0.1, seed=0)
    assert not search.embed(20_000)


def test_a_line_start_places_a_chain_without_swaps() -> None:
    n, edges = grid(6, 6)
    search = Search(Lattice(n, edges), chain(9), [Manner(start=Start.LINE)], layer=0.1, seed=1)
    search.advance(1, 1)
    assert search.best().swaps == 0


def test_a_swap_that_joins_an_operation_is_preferred() -> None:
    """On a line of three one of two swaps brings the outer ones together; one costs nothing."""
    on = np.array([(0, 1), (1, 2), (0, 2)], np.int32)
    for cheap in (0, 1):
        gates = np.array([3.0, 3.0, 3.0])
        gates[cheap] = 0.0
        steps = Steps(3, on, np.full((3, 2), 0, np.int32), gates, np.ones((3, 2)), (3.0, 1.0))
        search = Search(
            Lattice(3, [(0, 1), (1, 2)]), steps, [Manner(start=Start.LINE)], layer=0.0, seed=2
        )
        search.advance(5, 2)
        assert search.best().gates == 0.0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"edge \(1, 3\) does not join two of 3 qubits"):
        Lattice(3, [(0, 1), (1, 3)])
    with pytest.raises(InputError, match="does not hang together"):
        Lattice(4, [(0, 1), (2, 3)])
    with pytest.raises(InputError, match="a lattice has 1 to 32767 qubits, got 0"):
        Lattice(0, [])
    with pytest.raises(InputError, match="4 qubits do not fit on 3"):
        Search(Lattice(3, [(0, 1), (1, 2)]), chain(4), [Manner()], layer=0.1, seed=0)
    with pytest.raises(InputError, match="at least one manner"):
        Search(Lattice(1, []), chain(1), [], layer=0.1, seed=0)
    with pytest.raises(InputError, match="advance first"):
        Search(Lattice(1, []), chain(1), [Manner()], layer=0.1, seed=0).refine(1)


@pytest.mark.parametrize(
    ("on", "message"),
    [((0, 3), "not one of 3"), ((-1, 1), "not one of 3"), ((1, 1), "two different qubits")],
)
def test_operations_name_qubits_that_are_there(on: tuple[int, int], message: str) -> None:
    pairs = np.array([on], np.int32)
    with pytest.raises(InputError, match=message):
        Steps(3, pairs, pairs * 0, np.ones(1), np.ones((1, 2)), (3.0, 3.0))


@pytest.mark.parametrize("value", [-1.0, 33.0, np.nan])
def test_weights_are_small_numbers(value: float) -> None:
    with pytest.raises(InputError, match="power must be 0 to 32, got"):
        Manner(power=value)


def test_costs_are_finite() -> None:
    pairs = np.array([(0, 1)], np.int32)
    with pytest.raises(InputError, match="must be finite"):
        Steps(2, pairs, pairs * 0, np.array([np.inf]), np.ones((1, 2)), (3.0, 3.0))


def test_a_search_that_was_not_made_is_refused() -> None:
    search = Search(Lattice(3, [(0, 1), (1, 2)]), chain(3), [Manner()], layer=0.1, seed=1)
    with pytest.raises(InputError, match="no path yet"):
        search.best()
    with pytest.raises(InputError, match="passes must be at least 1, got 0"):
        search.advance(2, 0)
    with pytest.raises(InputError, match="threads must be at least 1, got 0"):
        search.advance(2, 1, 0)
