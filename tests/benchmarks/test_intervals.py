"""Intervals against slow definitions and SciPy, and what they do not depend on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qupel.benchmarks import intervals
from tests.oracles import statistics as oracle

effects = st.lists(st.integers(-9, 9).map(float), min_size=6, max_size=9)
quick = settings(deadline=None, max_examples=40)


@quick
@given(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0.8, 0.95]))
def test_intervals_of_a_share_match_their_definitions(count: int, of: int, level: float) -> None:
    count = min(count, of)
    exact = oracle.exact_share_bounds(count, of, level)
    assert intervals.clopper_pearson(count, of, level) == pytest.approx(exact, abs=1e-9)
    score = oracle.score_bounds(count, of, float(stats.norm.ppf(0.5 + level / 2)))
    assert intervals.wilson(count, of, level) == pytest.approx(score, abs=1e-6)


def test_t_interval_is_the_textbook_one() -> None:
    values = np.random.default_rng(1).normal(size=9)
    expected = stats.t.interval(0.9, 8, values.mean(), stats.sem(values))
    assert intervals.t_interval(values, 0.9) == pytest.approx(expected)


@quick
@given(st.lists(st.floats(-9, 9), min_size=6, max_size=8, unique=True))
def test_signed_rank_interval_holds_the_shifts_the_test_does_not_reject(
    values: list[float],
) -> None:
    values = [round(value, 3) + place * 1e-5 for place, value in enumerate(values)]
    low, high = intervals.signed_rank_interval(np.array(values), 0.9)
    assert (float(low), float(high)) == pytest.approx(
        oracle.signed_rank_bounds(values, 0.9), abs=1e-9
    )


def test_six_cases_are_the_fewest_at_95_percent_and_seven_for_two_candidates() -> None:
    assert intervals.fewest_cases(0.95) == 6
    assert intervals.fewest_cases(0.975) == 7
    low, high = intervals.mean_interval(np.arange(5.0), 0.95)
    assert (float(low), float(high)) == (-math.inf, math.inf)
    assert np.isfinite(intervals.mean_interval(np.arange(6.0), 0.95)).all()
    assert not np.isfinite(intervals.mean_interval(np.arange(6.0), 0.975)).any()


@quick
@given(effects, st.randoms(use_true_random=False))
def test_interval_of_a_mean_does_not_depend_on_the_order_of_cases(
    values: list[float], random: object
) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = intervals.mean_interval(np.array(values), 0.95)
    assert one == intervals.mean_interval(np.array(shuffled), 0.95)


@quick
@given(effects, st.floats(0.01, 100), st.floats(-50, 50))
def test_interval_of_a_mean_follows_unit_and_shift(
    values: list[float], unit: float, move: float
) -> None:
    low, high = intervals.mean_interval(np.array(values), 0.95)
    scaled = intervals.mean_interval(unit * np.array(values) + move, 0.95)
    assert scaled == pytest.approx((unit * low + move, unit * high + move), rel=1e-6, abs=1e-6)


@quick
@given(effects)
def test_interval_of_a_mean_holds_the_mean_and_mirrors(values: list[float]) -> None:
    array = np.array(values)
    low, high = intervals.mean_interval(array, 0.95)
    assert low <= array.mean() + 1e-12
    assert high >= array.mean() - 1e-12
    wider = intervals.mean_interval(array, 0.99) if array.size > 7 else (-math.inf, math.inf)
    assert wider[0] <= low
    assert wider[1] >= high


def test_interval_of_equal_effects_is_a_point() -> None:
    low, high = intervals.mean_interval(np.full(8, 0.1), 0.95)
    assert (low, high) == pytest.approx((0.1, 0.1))


def test_many_benchmarks_at_once_are_judged_as_one_at_a_time() -> None:
    values = np.random.default_rng(2).normal(size=(5, 7, 9))
    low, high = intervals.mean_interval(values, 0.95)
    assert low.shape == (5, 7)
    for place in np.ndindex(5, 7):
        one = intervals.mean_interval(values[place], 0.95)
        assert [low[place], high[place]] == pytest.approx([float(b) for b in one], rel=1e-12)


def test_studentized_interval_follows_the_long_tail() -> None:
    skewed = np.sort(np.random.default_rng(3).exponential(size=12))
    low, high = intervals.studentized_interval(skewed, 0.95)
    assert high - skewed.mean() > skewed.mean() - low


def test_hierarchical_interval_is_wider_than_resampling_cases_alone() -> None:
    rng = np.random.default_rng(4)
    better, worse = rng.normal(1, 1, (8, 3)), rng.normal(0, 1, (8, 3))
    low, high = intervals.hierarchical_interval(better, worse, 0.95, draws=4000, seed=0)
    means = (better - worse).mean(axis=1)
    drawn = means[rng.integers(8, size=(4000, 8))].mean(axis=1)
    alone = np.quantile(drawn, [0.025, 0.975])
    assert high - low > alone[1] - alone[0]
    assert low < means.mean() < high


def test_hierarchical_interval_is_drawn_as_in_a_plain_loop() -> None:
    rng = np.random.default_rng(6)
    better, worse = rng.normal(1, 1, (6, 2)), rng.normal(0, 1, (6, 3))
    found = intervals.hierarchical_interval(better, worse, 0.9, draws=8000, seed=1)
    means = []
    for _ in range(8000):
        total = 0.0
        for case in rng.integers(6, size=6):
            total += better[case, rng.integers(2, size=2)].mean()
            total -= worse[case, rng.integers(3, size=3)].mean()
        means.append(total / 6)
    assert found == pytest.approx(np.quantile(means, [0.05, 0.95]), abs=0.06)


@quick
@given(st.randoms(use_true_random=False))
def test_hierarchical_interval_does_not_depend_on_names(random: object) -> None:
    rng = np.random.default_rng(7)
    better, worse = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    cases, seeds = list(range(7)), list(range(3))
    random.shuffle(cases)  # type: ignore[attr-defined]
    random.shuffle(seeds)  # type: ignore[attr-defined]
    one = intervals.hierarchical_interval(better, worse, 0.95, draws=200, seed=0)
    two = intervals.hierarchical_interval(
        better[cases][:, seeds], worse[cases], 0.95, draws=200, seed=0
    )
    assert one == two
