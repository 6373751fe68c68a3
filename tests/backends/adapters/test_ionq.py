from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters import ionq
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.ionq import Ionq
from qupel.backends.adapters.ionq_formats import plain_gate, written
from qupel.backends.contract import Order, State
from qupel.backends.emulator.ionq_circuits import circuits_of
from qupel.backends.transport import Reply, Request
from qupel.errors import InputError, RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.gate import Gate
from qupel.model.gates import GATES
from qupel.model.money import Money
from qupel.simulators.statevector import StateVector
from tests.backends.adapters.clouds import Cloud

ORDER = Order((Circuit(3).x(0).measure(0, 2),), 1233, "key", "tag")
BATCH = Order((Circuit(3).x(0), Circuit(2).x(1)), 100, "key", "tag")


@dataclass
class Told(Cloud):
    """IonQ with one job, told as given, and its result."""

    result: Any = field(default_factory=lambda: {"1": 1.0})
    job: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: Request) -> tuple[int, Any]:
        path = request.path.partition("?")[0]
        if request.method == "POST":
            return 200, {"id": "j1", "status": "submitted"}
        if "/results/" in path:
            return 200, self.result
        if path.endswith("/cost"):
            return 200, {"cost": {"value": 24.83, "unit": "usd"}, "dry_run": False}
        plain = {
            "id": "j1",
            "status": "completed",
            "backend": "qpu.forte-1",
            "metadata": {"qupel_tag": "tag"},
            "submitted_at": "2026-11-21T10:00:00.000Z",
            "completed_at": "2026-11-21T10:00:09Z",
            "child_job_ids": ["c1", "c2"],
        }
        return (200, {**plain, **self.job}) if path == "/jobs/j1" else (404, {})


def backend(cloud: Cloud, device: str = "qpu.forte-1") -> Ionq:
    return Ionq(device, cloud, profile_behind("ionq", device))


def test_shares_are_whole_counts_again_and_none_is_lost() -> None:
    told = Told(result={"1": round(411 / 1233, 7), "5": round(822 / 1233, 7)})
    result = backend(told).result("j1", ORDER)
    [reading] = result.readings
    assert reading.bits.tolist() == [[1, 0], [1, 1]]
    assert reading.occurrences.tolist() == [411, 822]
    assert result.facts == {"counts": "shares of shots"}


def test_shares_that_no_counts_give_are_flagged() -> None:
    told = Told(result={"0": 1 / 3, "1": 2 / 3})
    order = Order((Circuit(3).x(0),), 100, "key", "tag")
    assert backend(told).result("j1", order).facts["shots_rounded"] == 2


BAD: dict[str, Any] = {
    "a key too large": {"8": 1.0},
    "a negative key": {"-1": 1.0},
    "a key with zeros": {"01": 1.0},
    "a key of bits": {"0b1": 1.0},
    "another digit": {"\u0661": 1.0},
    "shares too small": {"0": 0.5},
    "shares too large": {"0": 0.9, "1": 0.9},
    "a negative share": {"0": 1.2, "1": -0.2},
    "a share as text": {"0": "1.0"},
    "a share that is true": {"0": True},
    "nothing": {},
    "a list": [1.0],
}


@pytest.mark.parametrize("result", BAD.values(), ids=BAD)
def test_a_result_that_cannot_be_is_refused(result: Any) -> None:
    with pytest.raises(ResultError):
        backend(Told(result=result)).result("j1", ORDER)


def test_a_result_of_another_order_or_device_is_refused() -> None:
    for job in ({"metadata": {"qupel_tag": "x"}}, {"metadata": None}, {"backend": "simulator"}):
        with pytest.raises(ResultError):
            backend(Told(job=job)).result("j1", ORDER)


def test_circuits_of_a_batch_are_told_apart_by_the_job_and_not_by_their_order() -> None:
    told = Told(result={"c2": {"2": 1.0}, "c1": {"1": 1.0}})
    first, second = backend(told).result("j1", BATCH).readings
    assert (first.bits.tolist(), second.bits.tolist()) == ([[1, 0, 0]], [[0, 1]])
    for bad in ({"c1": {"1": 1.0}}, {"c1": {"1": 1.0}, "c3": {"2": 1.0}}):
        with pytest.raises(ResultError):
            backend(Told(result=bad)).result("j1", BATCH)


@pytest.mark.parametrize("fault", [500, 502, 503, 504, "lost", b"<html>", b"{}", b'{"id": 5}'])
def test_a_submission_of_unknown_fate_is_posted_once(fault: int | str | bytes) -> None:
    cloud = Told(faults=[("^POST", fault)])
    with pytest.raises(UnknownOutcomeError):
        backend(cloud).submit(ORDER)
    assert cloud.count("POST", "/jobs") == 1


@pytest.mark.parametrize("fault", [400, 401, 404, 409, 422])
def test_a_refusal_is_final(fault: int) -> None:
    with pytest.raises(RefusedError):
        backend(Told(faults=[("^POST", fault)])).submit(ORDER)


def test_too_many_requests_are_to_be_tried_again_after_the_time_named() -> None:
    with pytest.raises(TransientError) as caught:
        backend(Told(faults=[("^POST", 429)])).submit(ORDER)
    assert caught.value.wait == 7.0


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("submitted", State.QUEUED),
        ("ready", State.QUEUED),
        ("started", State.RUNNING),
        ("completed", State.DONE),
        ("canceled", State.CANCELLED),
        ("failed", State.FAILED),
        ("Completed", State.UNKNOWN),
        ("deleted", State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_words_are_known_or_unknown(word: Any, state: State) -> None:
    status = backend(Told(job={"status": word})).status("j1")
    assert status.state is state
    assert status.times.created == 1795255200.0
    assert status.billed == (Money.of("24.83") if state.final else None)


def test_a_job_that_is_done_is_not_cancelled_since_ionq_would_call_it_so() -> None:
    cloud = Told()
    backend(cloud).cancel("j1")
    assert cloud.count("PUT", "cancel") == 0
    cloud.job = {"status": "ready"}
    backend(cloud).cancel("j1")
    assert cloud.count("PUT", "cancel") == 1


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_means_the_same_at_ionq(name: str) -> None:
    kind = GATES[name]
    angles = (0.7, -1.1, 0.4)[: kind.angles]
    start = Circuit(3).h(0).rx(0.4, 1).t(1).h(1).ry(1.1, 2).s(2).cx(2, 0)
    circuit = start.then(Gate(name, (2, 0, 1)[: kind.qubits], angles)).h(0).rx(0.3, 1).h(2)
    there = written(circuit)
    gates = [plain_gate(gate) for gate in there.gates]
    plain = {"type": "ionq.circuit.v1", "input": {"qubits": 3, "circuit": gates}}
    [read] = circuits_of(json.loads(json.dumps(plain)))
    found = StateVector(threads=1).probabilities(read)
    columns = list(there.measured or ())
    states = np.arange(8)
    moved = sum(((states >> q) & 1) << k for k, q in enumerate(columns))
    ordered = np.zeros(8)
    ordered[moved] = found
    np.testing.assert_allclose(ordered, StateVector(threads=1).probabilities(circuit), atol=1e-5)


def test_only_ionq_itself_is_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONQ_API_KEY", "canary")
    monkeypatch.delenv("QUPEL_IONQ_URL", raising=False)
    assert ionq.open("qpu.forte-1").capabilities().evidence is Evidence.HARDWARE
    assert ionq.open("simulator").capabilities().evidence is Evidence.NOISELESS
    monkeypatch.setenv("QUPEL_IONQ_URL", "http://127.0.0.1:9/v0.4")
    held = ionq.open("qpu.forte-1")
    assert held.capabilities().evidence is Evidence.EMULATOR
    assert "canary" not in repr(held)


def test_missing_credentials_are_told_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    with pytest.raises(InputError, match="IONQ_API_KEY"):
        ionq.open("simulator")
    with pytest.raises(InputError, match=r"unknown ionq device 'qpu\.forte'"):
        ionq.open("qpu.forte")


def test_replies_are_whole_or_nothing() -> None:
    class Broken:
        def send(self, request: Request) -> Reply:
            return Reply(200, b'{"id": "j1", "id": "j2"}')

    with pytest.raises(UnknownOutcomeError):
        Ionq("simulator", Broken(), profile_behind("ionq", "simulator")).submit(ORDER)
