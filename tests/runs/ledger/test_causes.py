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


@pytest.mark.parametrize(
    ("why", "cause"),
    [
        # networks, accounts and timetables
        ("[Errno 113] No route to host", Cause.SERVICE),
        ("network is unreachable", Cause.SERVICE),
        ("Backend is under calibration, try again later", Cause.SERVICE),
        ("This instance has been suspended", Cause.SERVICE),
        ("Your plan does not include this instance", Cause.SERVICE),
        ("The Backend is not available.", Cause.SERVICE),
        ("Job exceeded its maximum execution time", Cause.SERVICE),
        ("limit of 3 pending jobs reached", Cause.SERVICE),
        ("NOT_CREDITS_AVALIABLES", Cause.SERVICE),  # spelt so by IBM
        ("QuotaExhaustedError", Cause.SERVICE),
        ("ContractExpiredError", Cause.SERVICE),
        ("DeviceOfflineException", Cause.SERVICE),
        ("ThrottlingException: rate exceeded", Cause.SERVICE),
        ("AuthorizationFailed: the client may not write to this workspace", Cause.SERVICE),
        ("insufficient remaining solver access time in this project", Cause.SERVICE),
        ("Internal SAPI Error", Cause.SERVICE),
        # programs
        ("The number of qubits 30 is out of range for this device", Cause.CIRCUIT),
        ("circuit JSON is invalid: gate cx is not supported by this device", Cause.CIRCUIT),
        ("[line 196] uses a gate: i which is not supported by the device", Cause.CIRCUIT),
        ("UnsupportedGate", Cause.CIRCUIT),
        ("NotEnoughQubits", Cause.CIRCUIT),
        ("TooManyShots", Cause.CIRCUIT),
        ("TooLongPredictedExecutionTime", Cause.CIRCUIT),
        ("the number of shots is higher than the backend takes", Cause.CIRCUIT),
        # mapping onto a device
        ("routing failed after 100 swaps", Cause.COMPILATION),
        ("cannot route the qubits of gate 7", Cause.COMPILATION),
        ("problem node 5612 is not in solver", Cause.COMPILATION),
        ("Problem graph incompatible with solver", Cause.COMPILATION),
        ("the instruction cx on qubits (0, 5) is not supported by the target", Cause.COMPILATION),
        ("Basis gates not available.", Cause.COMPILATION),
        # the device itself
        ("qubit 7 is not operational", Cause.DEVICE_NOISE),
        ("the circuit uses faulty qubit 7", Cause.DEVICE_NOISE),
        # the problem's numbers
        ("h range exceeded: bias 5.0", Cause.DATA),
    ],
)
def test_a_provider_s_words_tell_who_can_mend_it(why: str, cause: Cause) -> None:
    assert cause_of(RefusedError(why)) is cause
    assert cause_of(why) is cause


def test_an_error_that_names_its_cause_decides() -> None:
    error = RefusedError("qubits")
    error.cause = Cause.DEVICE_NOISE  # type: ignore[attr-defined]
    assert cause_of(error) is Cause.DEVICE_NOISE


def test_what_says_nothing_has_the_usual_cause() -> None:
    assert cause_of(RefusedError("no"), usual=Cause.CIRCUIT) is Cause.CIRCUIT
