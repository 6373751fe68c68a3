"""The front raises for nothing that a client sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.emulator import Site, scenario_named
from qupel.backends.transport import Request
from tests.backends.emulator.stand import circuits, stand

WORDS = st.sampled_from(
    ["v1", "v0.4", "admin", "jobs", "devices", "calibration", "quote", "token", "result", "cancel",
     "estimate", "cost", "status", "results", "probabilities", "aggregated", "shots", "backends",
     "characterizations", "calibrations", "current", "ledger", "clock", "scenarios", "ideal",
     "simulator", "qpu.forte-1", "JOB", "CHILD", "outages", "drift", "refund"]
) | st.text(max_size=4)  # fmt: skip
VALUES = st.sampled_from(["0", "1", "²", "-1", "9" * 30, "ideal", "simulator"]) | st.text(
    max_size=4
)
NAMES = st.sampled_from(
    ["tag", "page", "limit", "next", "status", "backend", "device", "shots", "qubits", "1q_gates"]
)
FIELDS = st.sampled_from(
    ["device", "shots", "tag", "programs", "settings", "backend", "type", "input", "metadata",
     "noise", "qubits", "gateset", "circuit", "circuits", "gate", "targets", "rotation", "model",
     "secret", "name", "advance", "seconds", "factor", "job"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**30, "ionq.circuit.v1", "ionq.multi-circuit.v1", "simulator", "ideal"])
    | st.sampled_from(["x", "ms", "pauliexp", "qis", "native", "aria-1", "²", "1" * 9, "NaN"])
    | st.floats()
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6)
)


@given(st.data())
def test_every_request_gets_a_json_reply(data: st.DataObject) -> None:
    held = stand()
    job = held.backend().submit(circuits())
    held.clock.advance(data.draw(st.sampled_from([0.0, 60.0])))
    site = Site(held.provider, "admin")
    parts = data.draw(st.lists(WORDS, max_size=5))
    path = "/" + "/".join(parts)
    path = path.replace("JOB", job).replace("CHILD", f"{job[:24]}000000000000")
    query = data.draw(st.dictionaries(NAMES, VALUES, max_size=3))
    path += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]))
    body = json.dumps(data.draw(DOCUMENTS)).encode()
    token = data.draw(st.sampled_from(["admin", str(held.transport.token), "", "²"]))
    reply = site.handle(Request(method, path, body, {"Authorization": f"Bearer {token}"})).reply
    assert 200 <= reply.status < 600
    assert reply.status != 500
    json.loads(reply.body)


LONG = "/v1/jobs?" + "&".join(f"a{k}=1" for k in range(5000))


@pytest.mark.parametrize("path", ["//[", LONG, "", "?", "/v1/jobs?page=²", "/v0.4/jobs?limit=²"])
def test_a_path_that_is_none_is_answered(path: str) -> None:
    held = stand()
    headers = {"authorization": f"Bearer {held.transport.token}"}
    answer = held.transport.site.handle(Request("GET", path, headers=headers))
    assert answer.reply.status in (200, 400, 404, 422)


SUBMISSION: dict[str, Any] = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "shots": 10,
    "input": {"qubits": 2, "gateset": "qis", "circuit": [{"gate": "x", "targets": [0]}]},
}


@given(st.lists(FIELDS, min_size=1, max_size=3), DOCUMENTS)
def test_a_submission_to_ionq_that_is_nearly_right_is_answered(path: list[str], value: Any) -> None:
    document = json.loads(json.dumps(SUBMISSION))
    inner = document
    for name in path[:-1]:
        inner = inner[name] if isinstance(inner.get(name), dict) else inner
    inner[path[-1]] = value
    held = stand()
    headers = {"authorization": f"apiKey {held.transport.token}"}
    sent = Request("POST", "/v0.4/jobs", json.dumps(document).encode(), headers)
    answer = held.transport.site.handle(sent)
    assert answer.reply.status in (200, 400, 404, 422)
    held.clock.advance(60.0)
    held.provider.catch_up()


def test_two_scenarios_of_one_name_are_one() -> None:
    held = stand()
    for rate in ("0", "1"):
        held.provider.stage.turn_on(scenario_named(f"unavailable:{rate}"))
    assert [chosen.rate for chosen in held.provider.stage.on.values()] == [1.0]
