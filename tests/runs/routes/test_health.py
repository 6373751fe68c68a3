from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from qupel.errors import InputError
from qupel.runs.routes.health import (
    Limits,
    Sighting,
    assess,
    kolmogorov_smirnov,
    stability_index,
)

FINE = Sighting(tried=True, by_primary=True, on_time=True, timed_out=False, gain=0.1)


def seen(values: Sequence[float], **changed: Any) -> list[Sighting]:
    parts = {"tried": True, "by_primary": True, "on_time": True, "timed_out": False, **changed}
    return [Sighting(**parts, measures={"size": value}) for value in values]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(
    st.lists(st.floats(-5, 5), min_size=5, max_size=30, unique=True),
    st.lists(st.floats(-5, 5), min_size=5, max_size=30, unique=True),
)
def test_the_two_sample_test_is_the_exact_one(first: list[float], second: list[float]) -> None:
    if set(first) & set(second):
        return
    distance, p = kolmogorov_smirnov(np.array(first), np.array(second))
    expected = stats.ks_2samp(first, second, method="exact")
    assert distance == pytest.approx(expected.statistic)
    assert p == pytest.approx(expected.pvalue, abs=1e-9)


def test_equal_samples_are_no_alarm() -> None:
    same = np.full(20, 3.0)
    assert kolmogorov_smirnov(same, same) == (0.0, 1.0)
    assert stability_index(same, same) == pytest.approx(0.0)


def test_the_stability_index_grows_with_the_shift() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=200)
    near, far = (stability_index(base, rng.normal(size=200) + by) for by in (0.2, 2.0))
    assert near < 0.25 < far


def test_drifted_inputs_are_a_breach_and_like_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    base = seen(rng.normal(10, 1, 20).tolist())
    like = assess(base, seen(rng.normal(10, 1, 20).tolist()), Limits())
    drifted = assess(base, seen(rng.normal(20, 1, 20).tolist()), Limits())
    assert like.breaches == ()
    [breach] = drifted.breaches
    assert breach.startswith("input_drift: size is distributed otherwise")


@pytest.mark.slow
def test_the_alarm_level_of_the_input_test_is_kept() -> None:
    rng = np.random.default_rng(3)
    alarms = sum(
        bool(
            assess(
                seen(rng.normal(size=20).tolist()),
                seen(rng.normal(size=20).tolist()),
                Limits(input_drift=0.05),
            ).breaches
        )
        for _ in range(1000)
    )
    assert alarms < 75  # 50 expected at most, and three standard deviations


@pytest.mark.parametrize(
    ("changed", "limits", "word"),
    [
        ({"by_primary": False}, Limits(fallback_rate=0.5), "fallback_rate is 1"),
        ({"timed_out": True}, Limits(timeout_rate=0.2), "timeout_rate is 1"),
    ],
)
def test_rates_above_their_limits_are_breaches(
    changed: dict[str, Any], limits: Limits, word: str
) -> None:
    [breach] = assess([], seen([1.0] * 6, **changed), limits).breaches
    assert breach.startswith(word)


def test_a_lost_gain_is_a_breach() -> None:
    worse = [Sighting(True, True, True, False, gain=-0.2)] * 6
    [breach] = assess([FINE] * 6, worse, Limits(objective_drift=0.1)).breaches
    assert "fell from 0.1 to -0.2" in breach


def test_samples_that_are_feasible_less_often_are_a_breach() -> None:
    base, now = seen([1.0] * 6, feasible_share=0.9), seen([1.0] * 6, feasible_share=0.4)
    assert assess(base, base, Limits(feasible_drift=0.3)).breaches == ()
    [breach] = assess(base, now, Limits(feasible_drift=0.3)).breaches
    assert "feasible share of samples fell from 0.9 to 0.4" in breach


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [(0, "no decisions yet"), (4, "too few decisions for rates: 4 of 5"), (5, "")],
)
def test_few_decisions_say_nothing_but_why(decisions: int, reason: str) -> None:
    few = [FINE] * decisions
    found = assess(few, few, Limits(fallback_rate=0.0, objective_drift=0.0))
    assert found.reason == reason
    assert (found.fallback_rate is None) == (found.gain is None) == bool(reason)
    assert found.breaches == ()


@pytest.mark.parametrize(
    "wrong",
    [{"window": 2}, {"fallback_rate": 1.5}, {"objective_drift": -1.0}, {"feasible_drift": -0.1}],
)
def test_limits_check_themselves(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**wrong)
