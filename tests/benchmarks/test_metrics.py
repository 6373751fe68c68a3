"""Metrics against their definitions and hand-computed values."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qupel.benchmarks import metrics
from tests.oracles import statistics as oracle

finite = st.floats(-1e6, 1e6)
gaps = st.floats(0, 1)


@given(finite, finite)
def test_primal_gap_matches_its_definition(value: float, reference: float) -> None:
    assert metrics.primal_gap(value, reference) == pytest.approx(
        oracle.primal_gap(value, reference)
    )


@given(finite, finite, st.floats(1e-3, 1e3))
def test_primal_gap_does_not_depend_on_the_unit(
    value: float, reference: float, unit: float
) -> None:
    assume(all(known == 0 or abs(known) > 1e-100 for known in (value, reference)))
    scaled = metrics.primal_gap(unit * value, unit * reference)
    assert scaled == pytest.approx(metrics.primal_gap(value, reference), abs=1e-9)


def test_no_answer_is_a_gap_of_one() -> None:
    assert metrics.primal_gap(None, 5.0) == 1.0
    assert metrics.primal_gap(5.0, None) == 1.0


def test_rate_of_nothing_has_no_share() -> None:
    assert metrics.rate(0, 0).share is None


def test_time_to_solution_matches_hand_computed_values() -> None:
    half = metrics.time_to_solution("end to end", [2.0] * 10, 5)
    assert half.seconds is not None
    assert half.seconds == pytest.approx(2.0 * math.log(0.01) / math.log(0.5))
    assert half.high is not None
    assert half.low < half.seconds < half.high
    assert metrics.time_to_solution("end to end", [2.0] * 10, 10).seconds == 2.0


def test_time_to_solution_without_success_is_censored_by_the_rule_of_three() -> None:
    never = metrics.time_to_solution("execute", [1.0] * 30, 0)
    assert never.censored
    assert never.seconds is None
    assert never.high is None
    # About 3/30 is the largest probability that 30 failures leave open.
    assert never.low == pytest.approx(math.log(0.01) / math.log(1 - 3 / 30), rel=0.06)


@given(st.integers(1, 40), st.data())
def test_time_to_solution_falls_with_more_successes(runs: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(1, runs))
    now = metrics.time_to_solution("end to end", [1.0] * runs, successes)
    fewer = metrics.time_to_solution("end to end", [1.0] * runs, successes - 1)
    assert now.seconds is not None
    assert now.seconds <= (fewer.seconds or math.inf)
    assert now.low <= now.seconds <= (now.high or math.inf)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 12), gaps), max_size=6), st.floats(0, 12), gaps)
def test_primal_integral_matches_its_definition(
    trace: list[tuple[float, float]], end: float, last: float
) -> None:
    trace.sort()
    trace = [(at, gap) for at, gap in trace if at <= end]
    found = metrics.primal_integral(trace, end, last, 10.0)
    expected = oracle.primal_integral(trace, end, last, 10.0, 20_000)
    assert found == pytest.approx(expected, abs=1e-3)


def test_primal_integral_is_one_without_an_answer_and_zero_with_an_instant_one() -> None:
    assert metrics.primal_integral([], 10.0, 1.0, 10.0) == 1.0
    assert metrics.primal_integral([(0.0, 0.0)], 10.0, 0.0, 10.0) == 0.0


def test_time_to_target_reads_the_first_incumbent_that_is_good_enough() -> None:
    trace = [(1.0, 0.5), (2.0, 0.1), (3.0, 0.0)]
    assert metrics.time_to_target(trace, 4.0, 0.0, 0.1) == 2.0
    assert metrics.time_to_target([], 4.0, 0.0, 0.1) == 4.0
    assert metrics.time_to_target(trace[:1], 4.0, 0.5, 0.1) is None


def test_curve_counts_censored_runs_in_its_shares() -> None:
    found = metrics.curve([3.0, None, 1.0, 3.0], 0.01)
    assert found.seconds == (1.0, 3.0)
    assert found.shares == (0.25, 0.75)
    assert (found.runs, found.reached) == (4, 3)


def test_stability_is_zero_for_equal_seeds_and_unknown_for_one() -> None:
    equal = metrics.stability([[0.1, 0.1], [0.2, 0.2]])
    assert (equal.gap_sd, equal.gap_range, equal.worst_gap) == (0.0, 0.0, 0.2)
    assert metrics.stability([[0.1], [0.2]]).gap_sd is None
    assert metrics.stability([[0.0, 0.2]]).gap_sd == pytest.approx(math.sqrt(0.02))
