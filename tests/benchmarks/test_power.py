"""Power and the number of cases needed."""

from dataclasses import replace

import numpy as np
import pytest

from qupel.benchmarks import Rule, cases_needed, power
from qupel.benchmarks.intervals import mean_interval
from qupel.errors import InputError
from tests.clocked import quickest

RULE = Rule(margin=1.0)


def test_power_is_fast_enough_to_print_in_a_charter() -> None:
    timed = quickest(
        lambda: power(RULE, cases=13, seeds=3, spread=1.5, effect=3.0, noise=0.5), within=2.0
    )
    assert 0.5 < timed.value < 1.0
    assert timed.seconds < 2.0


def test_power_grows_with_cases_and_effect_and_falls_with_spread() -> None:
    by_cases = [power(RULE, n, 3, 2.0, 3.0) for n in (6, 10, 20, 41, 80)]
    assert by_cases == sorted(by_cases)
    assert power(RULE, 10, 3, 2.0, 4.0) > power(RULE, 10, 3, 2.0, 3.0)
    assert power(RULE, 10, 3, 3.0, 3.0) < power(RULE, 10, 3, 2.0, 3.0)
    assert power(RULE, 10, 1, 2.0, 3.0, noise=2.0) < power(RULE, 10, 9, 2.0, 3.0, noise=2.0)
    assert power(RULE, 10, 3, 2.0, 3.0, candidates=3) < power(RULE, 10, 3, 2.0, 3.0)


def test_power_at_the_margin_is_the_rate_of_error() -> None:
    assert power(RULE, 10, 3, 2.0, 1.0) <= 0.025
    assert power(RULE, 100, 3, 2.0, 1.0) == pytest.approx(0.025, abs=1e-6)


def test_power_of_too_few_cases_is_zero_and_of_no_spread_certain() -> None:
    assert power(RULE, 5, 3, 2.0, 30.0) == 0.0
    assert power(RULE, 6, 3, 2.0, 30.0, candidates=2) == 0.0
    assert power(RULE, 6, 3, 0.0, 1.5) == 1.0
    with pytest.raises(InputError, match="cases=0"):
        power(RULE, 0, 3, 1.0, 1.0)


@pytest.mark.parametrize("effect", [3.0, 2.0, 0.0])
def test_needed_cases_have_the_power_that_was_asked_for_and_one_fewer_has_not(
    effect: float,
) -> None:
    needed = cases_needed(RULE, 1.2, effect)
    assert needed is not None
    shares = []
    for cases in (needed - 1, needed):
        drawn = effect + 1.2 * np.random.default_rng(1).standard_normal((1500, cases))
        low, _ = mean_interval(drawn, 0.95)
        _, most = mean_interval(drawn, 0.9)
        shares.append(float(np.mean(low > 1.0 if effect > 1.0 else most < 1.0)))
    assert shares[0] <= 0.82
    assert shares[1] >= 0.78


def test_needed_cases_are_unknown_on_the_margin_and_few_without_spread() -> None:
    assert cases_needed(RULE, 1.0, 1.0) is None
    assert cases_needed(RULE, 1.0, 1.001) is None
    assert cases_needed(RULE, 0.0, 2.0) == 6
    assert cases_needed(replace(RULE, min_cases=8), 0.0, 2.0) == 8
