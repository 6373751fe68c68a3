from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from qupel.backends.checks.diagnosis import one_of
from qupel.backends.checks.direct import Direct
from qupel.backends.checks.smoke import SmokeRun, run_smoke, smoke_circuits
from qupel.backends.checks.test_line import LineReport, Step, TestLine, Verdict
from qupel.backends.local import Local
from qupel.backends.local import open as open_device
from qupel.backends.machines import Noisy
from qupel.errors import InputError, TransientError
from qupel.model import Circuit
from tests.backends.profiles import CHIP

GHZ = Circuit(3).h(0).cx(0, 1).cx(1, 2)
EXPECTED = np.array([0.5, 0, 0, 0, 0, 0, 0, 0.5])
HOUR = 3600.0


def chip(scale: float) -> Local:
    return Local(f"chip-{scale:g}", Noisy.of(CHIP, scale=scale))


def smoke_runs(scale: float, hours: range) -> list[SmokeRun]:
    run = Direct(chip(scale))
    return [
        run_smoke(run, smoke_circuits(3), shots=500, at=hour * HOUR, seed=1000 + hour)
        for hour in hours
    ]


BASELINE = smoke_runs(1.0, range(-48, 0))
LINE = TestLine(
    circuit=GHZ,
    expected=EXPECTED,
    right=one_of((0, 0, 0), (1, 1, 1)),
    wanted=(0.99, 0.85),
    noiseless=open_device("statevector"),
    noisy=chip(1.0),
    device=chip(1.0),
    baseline=BASELINE,
    limit=0.06,
)
STEADY = smoke_runs(1.0, range(24))


def check(line: TestLine, latest: list[SmokeRun] = STEADY) -> LineReport:
    return line.check(latest, now=24 * HOUR)


def test_a_sound_circuit_on_a_steady_device_is_released() -> None:
    report = check(LINE)
    assert [step.step for step in report.steps] == list(Step)
    assert report.verdict is Verdict.RELEASE


def test_a_wrong_gate_is_caught_by_the_unit_test() -> None:
    report = check(replace(LINE, circuit=Circuit(3).h(0).cx(0, 1).cx(0, 1)))
    assert report.caught is Step.UNIT
    assert report.verdict is Verdict.FALLBACK


def test_a_wrong_expectation_of_what_is_right_is_caught_without_noise() -> None:
    assert check(replace(LINE, right=one_of((0, 0, 0)))).caught is Step.NOISELESS


def test_few_shots_of_a_perfect_circuit_are_unclear_and_told_how_many_would_do() -> None:
    report = check(replace(LINE, shots=200))
    assert (report.caught, report.unclear) == (None, Step.NOISELESS)
    assert report.verdict is Verdict.FALLBACK
    told = re.search(r"200 shots cannot tell; about (\d+) would tell", report.steps[-1].text)
    assert told is not None
    assert 640 < int(told[1]) < 680
    assert check(replace(LINE, shots=int(told[1]))).steps[1].passed


def test_a_parity_that_the_shots_cannot_tell_is_unclear() -> None:
    report = check(replace(LINE, device=chip(3.0), shots=800, limit=0.06))
    assert (report.caught, report.unclear) == (None, Step.PARITY)
    assert re.search(r"about \d+ would", report.steps[-1].text)


def test_without_a_baseline_the_steps_on_this_machine_are_walked_and_the_device_is_not_asked() -> (
    None
):
    def asked(order: object) -> None:
        raise AssertionError("the device was asked")

    line = replace(LINE, baseline=(), missing="no baseline yet", run=asked)  # type: ignore[arg-type]
    report = check(line)
    assert [step.step for step in report.steps] == [Step.UNIT, Step.NOISELESS, Step.NOISY]
    assert all(step.passed for step in report.steps)
    assert (report.verdict, report.missing) == (Verdict.FALLBACK, "no baseline yet")
    wrong = check(replace(line, circuit=Circuit(3).h(0).cx(0, 1).cx(0, 1)))
    assert (wrong.caught, wrong.missing) == (Step.UNIT, "")


@pytest.mark.parametrize(("name", "value"), [("wanted", (1.0, 0.8)), ("limit", 0.0)])
def test_what_no_circuit_can_reach_is_bad_input(name: str, value: object) -> None:
    with pytest.raises(InputError, match="above 0 and below 1"):
        replace(LINE, **{name: value})  # type: ignore[arg-type]


def test_a_noise_rise_in_the_calibration_is_caught_by_the_noisy_simulator() -> None:
    noisier = replace(LINE, noisy=chip(6.0), device=chip(6.0))
    assert check(noisier).caught is Step.NOISY


def test_a_device_noisier_than_its_model_is_caught_by_parity() -> None:
    assert check(replace(LINE, device=chip(5.0))).caught is Step.PARITY


def test_a_device_that_breaks_circuits_of_other_kinds_is_caught_by_the_smoke_run() -> None:
    broken = replace(LINE, device=chip(2.0), limit=0.2, wanted=(0.99, 0.6))
    assert check(broken).caught is Step.SMOKE


def test_a_drift_is_caught_by_the_charts_alone() -> None:
    latest = smoke_runs(1.0, range(12)) + smoke_runs(1.5, range(12, 24))
    report = check(LINE, latest)
    assert report.caught is Step.DRIFT
    assert all(step.passed for step in report.steps[:-1])


def test_a_device_that_does_not_answer_ends_in_the_fallback() -> None:
    def gone(order: object) -> None:
        raise TransientError("connection refused")

    report = check(replace(LINE, run=gone))  # type: ignore[arg-type]
    assert report.caught is Step.PARITY
    assert "connection refused" in report.steps[-1].text
