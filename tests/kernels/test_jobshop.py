from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.kernels.jobshop import Kind, Rule, Shop, merge
from tests.oracles import jobshop as oracle

Data = tuple[list[list[int]], list[list[int]], list[tuple[int, int, int]]]


@st.composite
def shops(draw: st.DrawFn, most_jobs: int = 3, most_operations: int = 3) -> Data:
    count = draw(st.integers(1, most_jobs))
    machine, duration = st.integers(0, 2), st.integers(0, 6)
    lengths = [draw(st.integers(1, most_operations)) for _ in range(count)]
    machines = [draw(st.lists(machine, min_size=k, max_size=k)) for k in lengths]
    durations = [draw(st.lists(duration, min_size=k, max_size=k)) for k in lengths]
    window = st.tuples(machine, st.integers(0, 12), st.integers(1, 5))
    windows = [(k, a, a + w) for k, a, w in draw(st.lists(window, max_size=3))]
    return machines, durations, windows


def laid_out(data: Data) -> Shop:
    machines, durations, windows = data
    return Shop(
        np.cumsum([0, *map(len, machines)]).tolist(),
        [k for row in machines for k in row],
        [d for row in durations for d in row],
        [[(a, b) for k, a, b in windows if k == machine] for machine in range(3)],
    )


def operations(data: Data, jobs: list[int]) -> list[int]:
    first = np.cumsum([0, *map(len, data[0])]).tolist()
    return [first[job] + jobs[:at].count(job) for at, job in enumerate(jobs)]


def test_windows_that_touch_become_one() -> None:
    assert merge([(5, 7), (0, 2), (2, 3), (6, 9)]) == [(0, 3), (5, 9)]


@settings(deadline=None)
@given(shops(4, 4), st.randoms(use_true_random=False))
def test_starts_are_those_of_appending_one_by_one(data: Data, random: object) -> None:
    machines, durations, windows = data
    merged = [(k, *w) for k in range(3) for w in merge([x[1:] for x in windows if x[0] == k])]
    jobs = [job for job, row in enumerate(machines) for _ in row]
    random.shuffle(jobs)  # type: ignore[attr-defined]
    expected = oracle.append(machines, durations, merged, jobs)
    starts = laid_out(data).starts(np.array(operations(data, jobs)))
    assert starts.tolist() == [t for row in expected for t in row]


def test_operations_that_wait_for_each_other_have_no_start() -> None:
    shop = Shop([0, 2, 4], [0, 1, 1, 0], [1, 1, 1, 1], [[], []])
    assert shop.starts(np.array([1, 2, 3, 0])).tolist() == [-1, -1, -1, -1]


@settings(deadline=None)
@given(shops(4, 4), st.sampled_from([r for r in Rule if r != Rule.KEYS]), st.booleans())
def test_dispatching_sequences_can_be_carried_out(data: Data, rule: Rule, active: bool) -> None:
    shop = laid_out(data)
    assert (shop.starts(shop.dispatch(rule, active=active)) >= 0).all()


@settings(deadline=None, max_examples=60)
@given(shops(), st.sampled_from(list(Kind)), st.integers(0, 2**62))
def test_every_search_finds_the_optimum_of_a_tiny_shop(data: Data, kind: Kind, seed: int) -> None:
    machines, durations, windows = data
    merged = [(k, *w) for k in range(3) for w in merge([x[1:] for x in windows if x[0] == k])]
    shop = laid_out(data)
    search = shop.search(
        kind, shop.dispatch(Rule.SHORTEST, active=True), seed=seed, patience=40, pool=3
    )
    search.advance(3000)
    best = oracle.least_makespan(machines, durations, merged)
    assert search.makespan >= best
    if not windows:  # with windows the critical path's moves need not reach every schedule
        assert search.makespan == best
    starts = search.best()
    ends = starts + np.array([d for row in durations for d in row])
    assert ends.max() == search.makespan
    again = shop.starts(np.array(sorted(range(len(starts)), key=lambda i: (starts[i], ends[i], i))))
    assert (again >= 0).all()
    assert (again <= starts).all()


def test_a_search_repeats_whatever_the_size_of_its_portions() -> None:
    rng = np.random.default_rng(0)
    machines = [rng.permutation(6).tolist() for _ in range(8)]
    shop = Shop(
        list(range(0, 49, 6)),
        [k for row in machines for k in row],
        rng.integers(1, 50, 48).tolist(),
        [[(40, 60)], *([] for _ in range(5))],
    )
    start = shop.dispatch(Rule.MOST_WORK, active=False)
    for kind in Kind:
        whole, parts = (shop.search(kind, start, seed=5, patience=200, pool=4) for _ in range(2))
        whole.advance(2000)
        for _ in range(20):
            parts.advance(100)
        assert whole.best().tobytes() == parts.best().tobytes()
        assert whole.steps == parts.steps


def test_tabu_search_without_elite_starts_at_random_when_it_has_no_moves() -> None:
    # One job: its path has no block to change, and a window keeps the bound out of reach.
    shop = Shop([0, 2], [0, 1], [3, 2], [[(1, 4)], []])
    search = shop.search(Kind.TABU, np.arange(2), seed=1, patience=5, pool=0)
    assert search.advance(50) == 9
    assert search.restarts == 50


def test_moves_are_timed_alone_and_in_pairs() -> None:
    shop = Shop([0, 1, 2, 3], [0, 0, 0], [3, 2, 1], [[(4, 6)]])
    u, v, forward = np.array([0, 0]), np.array([1, 2]), np.array([True, True])
    alone = [shop.starts(np.array(order)).tolist() for order in ([1, 0, 2], [1, 2, 0])]
    table = shop.time_moves(np.arange(3), u, v, forward)
    durations = [3, 2, 1]
    expected = [max(t + d for t, d in zip(row, durations, strict=True)) for row in alone]
    assert np.diag(table).tolist() == expected


def test_latest_ends_keep_the_makespan() -> None:
    shop = Shop([0, 2, 4], [0, 1, 1, 0], [3, 2, 2, 4], [[], []])
    assert shop.starts(np.arange(4)).tolist() == [0, 3, 5, 7]
    assert shop.latest_ends(np.arange(4)).tolist() == [3, 5, 7, 11]


def test_what_the_kernel_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="coarser unit"):
        Shop([0, 1], [0], [2**30], [[]])
    with pytest.raises(InputError, match="machines must be"):
        Shop([0, 1], [1], [1], [[]])
    shop = Shop([0, 2, 4], [0, 1, 1, 0], [1, 1, 1, 1], [[], []])
    with pytest.raises(InputError, match="every operation once"):
        shop.starts(np.array([0, 1, 2, 2]))
    with pytest.raises(InputError, match="can be carried out"):
        shop.search(Kind.TABU, np.array([1, 2, 3, 0]), seed=0, patience=1)
