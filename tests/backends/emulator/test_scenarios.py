"""Every fault by name: described, effective, and at the rate it is told."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from qupel.backends.contract import Order, Result, State
from qupel.backends.emulator import scenario_named, scenarios
from qupel.backends.emulator.scenario import GROUPS
from qupel.backends.transport import Request
from qupel.errors import (
    InputError,
    QupelError,
    ResultError,
    RunError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from tests.backends.emulator.stand import Stand, annealing, circuits, stand

BATCH = circuits(Circuit(6).x(0), Circuit(2).x(1), name="1")

#: Public issues, each of which at least one scenario plays.
ISSUES = [
    "Qiskit/qiskit-ibm-runtime/issues/1114",
    "Qiskit/qiskit-ibm-runtime/issues/2673",
    "Qiskit/qiskit-ibm-runtime/issues/568",
    "Qiskit/qiskit-ibm-runtime/issues/509",
    "Qiskit/qiskit-ibm-runtime/issues/1518",
    "Qiskit/qiskit-ibm-runtime/issues/516",
    "Qiskit/qiskit-ibm-runtime/pull/930",
    "Qiskit/qiskit-ibm-runtime/issues/3284",
    "Qiskit/documentation/issues/1347",
    "Qiskit/qiskit-ibm-provider/issues/517",
    "Qiskit/qiskit/issues/1686",
    "Qiskit/qiskit-ibm-runtime/issues/792",
    "amazon-braket/amazon-braket-sdk-python/pull/66",
    "amazon-braket/amazon-braket-sdk-python/pull/1171",
    "amazon-braket/amazon-braket-sdk-python/pull/177",
    "amazon-braket/amazon-braket-sdk-python/issues/581",
    "amazon-braket/amazon-braket-examples/issues/296",
    "amazon-braket/amazon-braket-sdk-python/issues/1043",
    "amazon-braket/qiskit-braket-provider/issues/374",
    "amazon-braket/qiskit-braket-provider/issues/54",
    "dwavesystems/dwave-cloud-client/issues/394",
    "dwavesystems/dwave-cloud-client/issues/469",
    "dwavesystems/dwave-system/issues/218",
    "dwavesystems/dwave-cloud-client/pull/149",
    "dwavesystems/dwave-cloud-client/issues/408",
    "dwavesystems/dwave-system/issues/286",
    "dwavesystems/dwave-system/issues/171",
    "PennyLaneAI/PennyLane-IonQ/issues/26",
    "cirq-ionq/cirq_ionq/ionq_client.py",
    "qiskit-community/qiskit-ionq/issues/19",
    "microsoft/azure-quantum-python/issues/248",
    "microsoft/azure-quantum-python/issues/326",
    "microsoft/azure-quantum-python/issues/361",
    "microsoft/azure-quantum-python/issues/553",
    "microsoft/azure-quantum-python/issues/744",
    "microsoft/azure-quantum-python/issues/178",
    "microsoft/azure-quantum-python/issues/330",
    "microsoft/azure-quantum-python/issues/200",
    "AgnostiqHQ/covalent/issues/1331",
    "AgnostiqHQ/covalent-slurm-plugin/issues/20",
    "qBraid/qBraid/issues/1304",
    "NVIDIA/cuda-quantum/issues/4621",
    "marqov-dev/marqov-sdk/issues/133",
    "Quantinuum/pytket-qiskit/issues/498",
]


def attempt(act: Any, *about: Any) -> Any:
    """What comes of an act, errors included."""
    try:
        return act(*about)
    except QupelError as error:
        return type(error)


def shown(result: Any) -> Any:
    """A result as plain data."""
    if not isinstance(result, Result):
        return result
    rows = [
        (
            r.bits.tolist(),
            r.occurrences.tolist(),
            None if r.energies is None else r.energies.tolist(),
        )
        for r in result.readings
    ]
    return result.job, rows, result.calibration


def played(scenario: str, device: str, order: Order) -> list[Any]:
    """Everything a client and the books tell of some jobs under a scenario."""
    held = stand(scenario, seed=2)
    backend = held.backend(device)
    told: list[Any] = [attempt(backend.capabilities), attempt(backend.estimate, order)]
    other = Order(order.programs, 11, "key-0", "tag-0")
    told += [attempt(backend.submit, sent) for sent in (other, order, order)]
    told += [attempt(backend.submit, circuits(name=f"more-{k}")) for k in range(8)]
    held.clock.advance(2.0)
    told.append(attempt(backend.find, order))
    mine = [job for job in held.provider.jobs.values() if job.key == order.key]
    name = mine[0].id if mine else "none"
    for pause in (0.0, 30.0, 1.0, 1.0):
        held.clock.advance(pause)
        told.append(attempt(backend.status, name))
    told += [shown(attempt(backend.result, name, order)) for _ in range(2)]
    told += [attempt(backend.status, job) for job in list(held.provider.jobs)]
    told.append(attempt(backend.status, "00000000-0000-4000-8000-000000000000"))
    told.append(attempt(held.transport.send, Request("GET", "/v1/jobs?tag=tag-1")))
    told.append(attempt(held.transport.send, Request("GET", "/v1/jobs")))
    late = circuits(name="late") if device != "annealer" else annealing("late")
    cancelled = attempt(backend.submit, late)
    told += [cancelled, attempt(backend.cancel, str(cancelled))]
    held.clock.advance(1e6)
    return [*told, *held.provider.ledger(), held.clock.now()]


ORDERS = {"ideal": BATCH, "annealer": annealing(), "noisy": BATCH}


@cache
def normal(device: str) -> list[Any]:
    """What is told where nothing goes wrong."""
    return played("", device, ORDERS[device])


#: Faults that only show together with another one.
WITH = {
    "failed-job-billed": "every-other-job-fails",
    "failed-jobs-billed-at-random": "every-other-job-fails",
    "keys-ignored": "",
}


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_changes_what_is_told_or_paid_and_replays(name: str) -> None:
    with_ = WITH.get(name, "")
    for device, order in ORDERS.items():
        usual = played(with_, device, order) if with_ else normal(device)
        changed = played(f"{with_},{name}", device, order)
        if changed != usual:
            assert played(f"{with_},{name}", device, order) == changed
            return
    raise AssertionError("nothing is different under this scenario")


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_is_told_in_one_sentence(name: str) -> None:
    told = scenarios()[name]
    assert re.fullmatch(r"[A-Z\"][^\n]{15,110}[.]", told.about)
    assert told.link == "" or re.fullmatch(r"https://github[.]com/\S+", told.link)
    assert told.group in GROUPS


@pytest.mark.parametrize("issue", ISSUES)
def test_a_public_issue_is_played_by_a_scenario(issue: str) -> None:
    assert any(told.link.endswith(issue) for told in scenarios().values())


def done(scenario: str, order: Order = BATCH, device: str = "ideal") -> tuple[Stand, str]:
    """A stand on which a job was submitted a minute ago."""
    held = stand(scenario)
    attempt(held.backend(device).submit, order)
    held.clock.advance(60.0)
    held.provider.catch_up()
    return held, next(iter(held.provider.jobs), "none")


@pytest.mark.parametrize(
    "name",
    [
        "reply-lost-after-accept", "reply-never-comes-after-accept", "bad-gateway-after-accept",
        "gateway-timeout-after-accept", "server-error-after-accept", "reset-mid-body",
        "accepted-without-a-name", "request-echoed-in-error", "redirect-after-accept",
        "conflict-after-accept",
    ],
)  # fmt: skip
def test_a_job_whose_reply_is_spoilt_is_accepted_once_and_found_by_its_tag(name: str) -> None:
    held = stand(name)
    with pytest.raises(UnknownOutcomeError):
        held.backend().submit(BATCH)
    [job] = held.provider.jobs
    assert held.backend().find(BATCH) == [job]
    with pytest.raises(UnknownOutcomeError):
        held.backend().submit(BATCH)
    assert list(held.provider.jobs) == [job]


def test_a_late_request_arrives_after_the_client_has_given_up() -> None:
    held = stand("request-arrives-late")
    begin = held.clock.now()
    with pytest.raises(UnknownOutcomeError, match="within 30 s"):
        held.backend().submit(BATCH)
    assert held.clock.now() == begin + 30.0
    assert held.backend().find(BATCH) == []
    held.clock.advance(30.0)
    [job] = held.backend().find(BATCH)
    assert held.provider.jobs[job].created == begin + 60.0


def test_nothing_is_done_when_the_connection_is_refused() -> None:
    held = stand("connection-refused")
    with pytest.raises(TransientError, match="refused"):
        held.backend().submit(BATCH)
    assert held.provider.ledger() == ()


def test_a_fourth_pending_job_is_refused_until_one_is_done() -> None:
    held = stand("three-pending-jobs")
    for k in range(3):
        held.backend().submit(circuits(name=str(k)))
    with pytest.raises(TransientError, match="limit"):
        held.backend().submit(circuits(name="3"))
    held.clock.advance(60.0)
    held.backend().submit(circuits(name="3"))


@pytest.mark.parametrize(
    ("name", "wait"),
    [("too-many-requests", 30.0), ("too-many-requests-without-advice", None)],
)
def test_too_many_requests_say_when_to_come_back_or_not(name: str, wait: float | None) -> None:
    with pytest.raises(TransientError) as told:
        stand(name).backend().submit(BATCH)
    assert told.value.wait == wait


@pytest.mark.parametrize(
    "name",
    [name for name, told in scenarios().items() if told.group == "results"],
)
def test_a_result_that_is_none_is_told_as_one_by_our_errors(name: str) -> None:
    held, job = done(name)
    for _ in range(2):  # a result that can be read once is missing the second time
        outcome = attempt(held.backend().result, job, BATCH)
        if name not in ("result-read-once", "storage-link-expires"):
            assert outcome in (ResultError, TransientError)
    assert held.provider.books.billed()["USD"] > Money(0)
    if name == "result-read-once":
        assert outcome is ResultError


@pytest.mark.parametrize(
    "name",
    [
        "result-of-another-job", "result-names-another-job", "batch-permuted", "batch-short",
        "result-of-wrong-types",
    ],
)  # fmt: skip
def test_a_result_of_something_else_is_refused(name: str) -> None:
    held = stand(name)
    held.backend().submit(circuits(name="0"))
    job = held.backend().submit(BATCH)
    held.clock.advance(60.0)
    with pytest.raises(ResultError):
        held.backend().result(job, BATCH)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("bits-reversed", [0, 0, 0, 0, 0, 1]),
        ("bits-reversed-in-batches", [0, 0, 0, 0, 0, 1]),
        ("bits-reversed-from-five-qubits", [0, 0, 0, 0, 0, 1]),
        ("registers-swapped", [0, 0, 0, 1, 0, 0]),
        ("bits-inverted", [0, 1, 1, 1, 1, 1]),
        ("one-bit-stuck", [0, 0, 0, 0, 0, 0]),
    ],
)
def test_wrong_bits_look_like_right_ones(name: str, first: list[int]) -> None:
    held, job = done(name)
    assert held.backend().result(job, BATCH).readings[0].bits.tolist() == [first]


def test_bits_are_reversed_from_five_qubits_on_and_not_before() -> None:
    held, job = done("bits-reversed-from-five-qubits")
    assert held.backend().result(job, BATCH).readings[1].bits.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("name", "shots"),
    [
        ("shots-short-by-rounding", 99), ("shots-short", 99), ("shots-doubled", 200),
        ("shots-not-given", 1), ("shots-ignored", 500),
    ],
)  # fmt: skip
def test_shots_that_were_not_asked_for_come_back(name: str, shots: int) -> None:
    held, job = done(name)
    assert {r.shots for r in held.backend().result(job, BATCH).readings} == {shots}


@pytest.mark.parametrize(
    ("name", "billed"),
    [
        ("bill-twice", ["0.37", "0.37"]),
        ("bill-larger-than-quote", ["3.70"]),
        ("prices-change-after-quote", ["0.555"]),
        ("bill-of-zero", ["0"]),
        ("bill-in-cents", ["37"]),
        ("bill-refunded", ["0.37", "-0.37"]),
        ("bill-raised-later", ["0.37", "0.185"]),
        ("bill-lowered-later", ["0.37", "-0.123333"]),
    ],
)
def test_bills_are_not_as_quoted(name: str, billed: list[str]) -> None:
    order = circuits(shots=200)
    held, _ = done(name, order)
    held.clock.advance(1e6)
    booked = [e for e in held.provider.ledger() if e.amount is not None]
    signs = [1 if e.what == "bill" else -1 for e in booked]
    amounts = [e.amount * sign for e, sign in zip(booked, signs, strict=True) if e.amount]
    assert amounts == [Money.of(text) for text in billed]


def test_a_late_bill_is_unknown_until_it_comes() -> None:
    held, job = done("bill-late")
    assert held.backend().status(job).billed is None
    held.clock.advance(86_400.0)
    assert held.backend().status(job).billed == Money.of("0.67")


@pytest.mark.parametrize(
    ("name", "later"),
    [("bill-raised-later", "1.005"), ("bill-lowered-later", "0.446667"), ("bill-refunded", "0")],
)
def test_a_bill_that_changes_after_it_was_final_is_told_by_the_same_question(
    name: str, later: str
) -> None:
    held, job = done(name)
    assert held.backend().status(job).billed == Money.of("0.67")
    held.clock.advance(3 * 86_400.0)
    assert held.backend().status(job).billed == Money.of(later)
    assert held.provider.books.billed()["USD"] == Money.of(later)


def test_a_cancelled_job_may_be_billed() -> None:
    held = stand("cancelled-job-billed")
    job = held.backend().submit(BATCH)
    held.backend().cancel(job)
    assert held.backend().status(job).billed == Money.of("0.67")


@pytest.mark.parametrize("name", ["unknown-final-word", "cancelled-ran-too-long"])
def test_a_word_that_nobody_knows_is_no_final_state(name: str) -> None:
    held, job = done(name)
    assert held.backend().status(job).state in (State.UNKNOWN, State.QUEUED)


def test_a_token_that_ends_while_queued_can_be_replaced_and_the_job_fetched() -> None:
    held = stand("token-expires-while-queued")
    job = held.backend().submit(BATCH)
    with pytest.raises(TransientError, match="token-expired"):
        held.backend().status(job)
    held.clock.advance(60.0)
    accounts = held.provider.accounts
    token, _ = accounts.renew(accounts.secret("tenant"), held.clock.now())
    held.transport = type(held.transport)(held.transport.site, token)
    assert held.backend().result(job, BATCH).job == job


def test_a_redirect_of_a_submission_is_not_followed() -> None:
    with pytest.raises(UnknownOutcomeError, match="307"):
        stand("redirect-to-other-host").backend().submit(BATCH)


def test_a_rate_strikes_its_share_of_the_calls() -> None:
    held = stand("reply-lost-after-accept:0.1")
    lost = [attempt(held.backend().submit, circuits(name=str(k))) for k in range(1000)]
    assert 60 < lost.count(UnknownOutcomeError) < 140


def test_a_rate_strikes_its_share_of_the_jobs_and_these_always() -> None:
    held = stand("result-never-written:0.3")
    orders = [circuits(name=str(k)) for k in range(200)]
    jobs = [held.backend().submit(order) for order in orders]
    held.clock.advance(1e5)
    pairs = list(zip(jobs, orders, strict=True))
    first, second = (
        [attempt(held.backend().result, *pair) is ResultError for pair in pairs] for _ in range(2)
    )
    assert first == second
    assert 35 < sum(first) < 90


def test_scenarios_on_at_once_add_up() -> None:
    held, job = done("bits-reversed,shots-doubled,bill-twice")
    [first, _] = held.backend().result(job, BATCH).readings
    assert (first.bits[0, -1], first.shots) == (1, 200)
    held.clock.advance(100.0)
    held.provider.catch_up()
    assert len(held.provider.books.of("bill")) == 2


def test_a_scenario_that_is_turned_off_strikes_no_more() -> None:
    held = stand("unavailable")
    with pytest.raises(RunError):
        held.backend().submit(BATCH)
    held.provider.stage.turn_off("unavailable")
    held.backend().submit(BATCH)


@pytest.mark.parametrize("text", ["nothing-such", "flapping:2", "flapping:often", "flapping:nan"])
def test_a_scenario_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        scenario_named(text)
