from __future__ import annotations

import numpy as np
import pytest

from qupel.backends import ManualClock
from qupel.backends.checks.direct import Direct
from qupel.backends.checks.drift import STEP, Chart, Detector, mean_run_length
from qupel.backends.checks.smoke import SmokeRun, run_smoke, smoke_circuits
from qupel.backends.local import Local
from qupel.backends.machines import Noisy
from qupel.errors import InputError
from tests.backends.profiles import CHIP

HOUR, DAY = 3600.0, 86_400.0
CIRCUITS = smoke_circuits(3)
STEADY = {"single": 0.03, "ghz": 0.05, "mirror": 0.12}


def simulated(runs: int, rng: np.random.Generator, shares: dict[str, float]) -> list[SmokeRun]:
    return [
        SmokeRun(hour * HOUR, 500, {k: int(rng.binomial(500, p)) for k, p in shares.items()})
        for hour in range(runs)
    ]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.of(simulated(48, np.random.default_rng(0), STEADY), run_length=1000)


def week(worse: float) -> tuple[list[SmokeRun], list[SmokeRun]]:
    """Two days of baseline, then a week, every two hours; the noise rises on the third day."""
    clock = ManualClock()
    began = clock.now() + 2 * DAY
    before, after = (Local("chip", Noisy.of(CHIP, scale=scale), clock) for scale in (1.0, worse))
    runs = []
    for hour in range(0, 24 * 9, 2):
        at = clock.now() - began
        backend = after if at >= 2 * DAY + 9 * HOUR else before
        runs.append(run_smoke(Direct(backend), CIRCUITS, shots=500, at=at, seed=hour))
        clock.sleep(2 * HOUR)
    return runs[:24], runs[24:]


def test_a_drift_on_day_three_raises_the_alarm_on_that_day_and_not_before() -> None:
    baseline, runs = week(worse=2.5)
    first = Detector.of(baseline).alarms(runs)[0]
    assert 2 * DAY + 9 * HOUR <= first.at < 3 * DAY
    assert first.share > first.before


def test_a_week_without_drift_raises_no_alarm() -> None:
    baseline, runs = week(worse=1.0)
    assert Detector.of(baseline).alarms(runs) == []


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_the_mean_run_length_is_that_of_simulated_charts(share: float) -> None:
    rng = np.random.default_rng(1)
    spread = np.sqrt(100 * share * (1 - share))
    reference = round((100 * share + 0.4 * spread) / STEP) * STEP
    threshold = round(3 * spread / STEP) * STEP
    expected = mean_run_length(share, 100, reference, threshold)
    levels, lengths = np.zeros(4000), np.zeros(4000)
    while (on := levels < threshold).any():
        drawn = rng.binomial(100, share, 4000)
        levels = np.where(on, np.maximum(levels + drawn - reference, 0), levels)
        lengths += on
    error = np.std(lengths) / np.sqrt(lengths.size)
    assert abs(np.mean(lengths) - expected) < 4 * error


def test_the_run_length_asked_for_is_reached(detector: Detector) -> None:
    assert detector.run_length >= 1000


def test_false_alarms_are_no_more_than_stated(detector: Detector) -> None:
    rng = np.random.default_rng(2)
    runs = 60_000
    found = detector.alarms(simulated(runs, rng, STEADY))
    stated = runs / detector.run_length
    assert len(found) <= stated + 3 * np.sqrt(stated)


def test_false_alarms_stay_as_stated_whatever_the_baseline_looked_like() -> None:
    rng = np.random.default_rng(3)
    runs, alarms = 0, 0
    for _ in range(12):
        detector = Detector.of(simulated(24, rng, STEADY), run_length=500)
        alarms += len(detector.alarms(simulated(2500, rng, STEADY)))
        runs += 2500
    assert alarms <= runs / 500 + 3 * np.sqrt(runs / 500)


def test_a_rise_of_half_the_odds_is_found_within_a_day(detector: Detector) -> None:
    rng = np.random.default_rng(4)
    worse = {name: 1.5 * share / (1 + 0.5 * share) for name, share in STEADY.items()}
    delays = [detector.alarms(simulated(24, rng, worse))[0].at / HOUR for _ in range(50)]
    assert max(delays) < 24
    assert np.mean(delays) < 6


def test_an_alarm_tells_when_the_rise_began() -> None:
    chart = Chart("ghz", 100, 0.1, 12.0, 20.0, 1000.0)
    counts = [10, 12, 25, 10, 22, 30]
    runs = [SmokeRun(float(k), 100, {"ghz": count}) for k, count in enumerate(counts)]
    [alarm] = Detector((chart,)).alarms(runs)
    assert (alarm.since, alarm.at) == (2.0, 4.0)
    assert alarm.share == pytest.approx((25 + 10 + 22) / 300)


def test_a_device_that_always_fails_has_no_baseline() -> None:
    with pytest.raises(InputError, match="nothing to lose"):
        Detector.of([SmokeRun(0.0, 100, {"ghz": 100})])


def test_runs_of_other_shots_are_refused(detector: Detector) -> None:
    with pytest.raises(InputError, match="the baseline has 500 shots"):
        detector.alarms([SmokeRun(0.0, 100, dict.fromkeys(STEADY, 1))])
    with pytest.raises(InputError, match="same shots and circuits"):
        Detector.of([SmokeRun(0.0, 1, {"ghz": 0}), SmokeRun(0.0, 2, {"ghz": 0})])


@pytest.mark.parametrize(("rise", "length"), [(1.0, 100.0), (2.0, 0.0)])
def test_settings_are_checked(rise: float, length: float) -> None:
    with pytest.raises(InputError, match="must be"):
        Detector.of([SmokeRun(0.0, 100, {"ghz": 1})], rise=rise, run_length=length)
