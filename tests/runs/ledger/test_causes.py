from __future__ import annotations

import pytest

from qupel.errors import (
    ContractError,
    InputError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.runs.ledger import Cause, cause_of


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (InputError("weights must be finite"), Cause.DATA),
        (ContractError("too many variables"), Cause.DATA),
        (RefusedError("payload is no valid JSON"), Cause.DATA),
        (RefusedError("the circuit has 40 qubits, the device 30"), Cause.CIRCUIT),
        (RefusedError("20000 shots, at most 10000"), Cause.CIRCUIT),
        (RefusedError("transpilation failed: gate 'xx' is not native"), Cause.COMPILATION),
        ("no embedding found for 170 variables", Cause.COMPILATION),
        (ResultError("readout error above the limit of the calibration"), Cause.DEVICE_NOISE),
        ("chain break fraction 0.8", Cause.DEVICE_NOISE),
        (RefusedError("quota exceeded"), Cause.SERVICE),
        (RefusedError("Internal Server Error"), Cause.SERVICE),
        (TransientError("the circuit breaker of the host"), Cause.SERVICE),
        (UnknownOutcomeError("no reply"), Cause.SERVICE),
        ("", Cause.SERVICE),
    ],
)
def test_failures_are_laid_at_the_right_door(failure: Exception | str, cause: Cause) -> None:
    assert cause_of(failure) is cause


def test_an_error_that_names_its_cause_decides() -> None:
    error = RefusedError("qubits")
    error.cause = Cause.DEVICE_NOISE  # type: ignore[attr-defined]
    assert cause_of(error) is Cause.DEVICE_NOISE


def test_what_says_nothing_has_the_usual_cause() -> None:
    assert cause_of(RefusedError("no"), usual=Cause.CIRCUIT) is Cause.CIRCUIT
