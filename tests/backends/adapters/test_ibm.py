from __future__ import annotations

import json
from typing import Any

import pytest

from qupel.backends.adapters import ibm
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.ibm import Ibm
from qupel.backends.adapters.ibm_service import Login, Service
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order, State
from qupel.backends.transport import Reply, Request
from qupel.errors import (
    InputError,
    QupelError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from tests.backends.adapters.clouds import FakeIbm

ORDER = Order((Circuit(3).x(0), Circuit(2).x(1).measure(1)), 20, "key", "tag one")


def backend(cloud: FakeIbm) -> Ibm:
    return Ibm("ibm_fez", Service(cloud, "ibm_fez"), profile_behind("ibm", "ibm_fez"))


@pytest.mark.parametrize("fault", [500, 502, 503, 504, 520, "lost", b"<html>"])
def test_a_submission_of_unknown_fate_is_posted_once(fault: int | str | bytes) -> None:
    cloud = FakeIbm(faults=[("^POST /jobs$", fault)])
    with pytest.raises(UnknownOutcomeError):
        backend(cloud).submit(ORDER)
    assert cloud.count("POST", "/jobs$") == 1


def test_a_lost_submission_is_found_by_its_tag() -> None:
    cloud = FakeIbm(faults=[("^POST /jobs$", "lost")])
    held = backend(cloud)
    with pytest.raises(UnknownOutcomeError):
        held.submit(ORDER)
    assert held.find(ORDER) == ["ibm-job-0"]
    assert held.result("ibm-job-0", ORDER).readings[0].bits.tolist() == [[1, 0, 0]]


def test_jobs_are_tagged_limited_in_time_and_never_private() -> None:
    cloud = FakeIbm()
    held = backend(cloud)
    cost = held.estimate(ORDER).cost
    held.submit(ORDER)
    [job] = cloud.jobs.values()
    assert job["tags"] == ["tag one"]
    assert "private" not in job
    assert cost == Money.of("1.60") * job["cost"]


def test_a_look_up_waits_longer_than_ibm_s_own_client_does_for_a_reply() -> None:
    settle = backend(FakeIbm()).capabilities().settle_seconds
    assert settle is not None
    assert settle > 900


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Queued", State.QUEUED),
        ("Running", State.RUNNING),
        ("Completed", State.DONE),
        ("Failed", State.FAILED),
        ("Cancelled", State.CANCELLED),
        ("Cancelled - Ran too long", State.FAILED),
        ("Melted", State.UNKNOWN),
    ],
)
def test_words_are_known_or_unknown(word: str, state: State) -> None:
    cloud = FakeIbm(status=word)
    held = backend(cloud)
    status = held.status(held.submit(ORDER))
    assert (status.state, status.word) == (state, word)
    # The device was used for two seconds.
    assert status.billed == (Money.of("3.20") if state.final else None)


BAD: dict[str, Any] = {
    "no results": {},
    "one of two": {"results": [{"data": {"c": {"samples": ["0x0"], "num_bits": 3}}}]},
    "two registers": {"results": [{"data": {"c": {}, "d": {}}}] * 2},
    "another width": {"results": [{"data": {"c": {"samples": ["0x0"], "num_bits": 2}}}] * 2},
    "a sample too wide": {"results": [{"data": {"c": {"samples": ["0x8"], "num_bits": 3}}}] * 2},
    "no hexadecimal": {"results": [{"data": {"c": {"samples": ["0xz"], "num_bits": 3}}}] * 2},
    "no prefix": {"results": [{"data": {"c": {"samples": ["1"], "num_bits": 3}}}] * 2},
    "a sign": {"results": [{"data": {"c": {"samples": ["0x-1"], "num_bits": 3}}}] * 2},
    "a number": {"results": [{"data": {"c": {"samples": [1], "num_bits": 3}}}] * 2},
    "no samples": {"results": [{"data": {"c": {"samples": [], "num_bits": 3}}}] * 2},
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_a_result_that_cannot_be_is_refused(document: Any) -> None:
    cloud = FakeIbm(faults=[("/results$", json.dumps(document).encode())])
    held = backend(cloud)
    job = held.submit(ORDER)
    with pytest.raises(ResultError):
        held.result(job, ORDER)


def test_a_result_under_another_tag_is_refused() -> None:
    held = backend(FakeIbm())
    job = held.submit(ORDER)
    with pytest.raises(ResultError, match="not tagged"):
        held.result(job, Order(ORDER.programs, 20, "key", "another tag"))


def test_more_shots_than_a_job_may_hold_are_refused() -> None:
    many = Order((Circuit(2),) * 100, 1000, "key", "tag")
    assert backend(FakeIbm()).estimate(many).shots == 100_000
    with pytest.raises(RefusedError, match="1000 shots"):
        backend(FakeIbm()).submit(Order((Circuit(2),), 1001, "key", "tag"))


class Identity:
    """IBM's identity service."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.status = 200

    def send(self, request: Request) -> Reply:
        self.asked.append(request)
        given = {"access_token": f"token-{len(self.asked)}", "expires_in": 3600}
        return Reply(self.status, json.dumps(given).encode())


def test_an_access_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "canary-key")
    identity, clock = Identity(), ManualClock()
    login = Login(identity, "crn:canary", clock)
    assert login()["Authorization"] == "Bearer token-1"
    clock.advance(3500.0)
    assert login()["Authorization"] == "Bearer token-1"
    clock.advance(60.0)
    assert login() == {"Authorization": "Bearer token-2", "Service-CRN": "crn:canary"}
    assert "canary" not in repr(login)
    identity.status = 400
    clock.advance(4000.0)
    with pytest.raises(TransientError) as caught:
        login()
    assert "canary" not in str(caught.value)


def test_missing_credentials_are_told_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="QISKIT_IBM_INSTANCE"):
        ibm.open("ibm_fez")
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "crn:canary")
    with pytest.raises(InputError, match="QISKIT_IBM_TOKEN"):
        ibm.open("ibm_fez")
    with pytest.raises(QupelError, match="unknown ibm device 'ibm_no'"):
        ibm.open("ibm_no")
