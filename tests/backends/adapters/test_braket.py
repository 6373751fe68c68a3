from __future__ import annotations

import json
from typing import Any

import pytest

from qupel.backends.adapters import braket
from qupel.backends.adapters.braket import Braket, token_of
from qupel.backends.adapters.braket_formats import source_of
from qupel.backends.contract import JobStatus, Order, State
from qupel.errors import InputError, RefusedError, ResultError
from qupel.model.circuit import Circuit

ORDER = Order((Circuit(3).x(2).measure(2, 0),), 3, "key", "tag")


class Kept:
    """A line whose one task has a result that is given."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.tokens: list[str] = []
        self.state, self.shots = State.DONE, None

    def create(self, source: str, shots: int, token: str, tag: str) -> str:
        self.tokens.append(token)
        return "task-1"

    def find(self, tag: str) -> list[str]:
        return ["task-1"]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        return []

    def status(self, job: str) -> tuple[JobStatus, int | None]:
        return JobStatus(self.state), self.shots

    def fetch(self, job: str, tag: str) -> bytes:
        return json.dumps(self.document).encode()

    def cancel(self, job: str) -> None:
        return None


def document(**changes: Any) -> dict[str, Any]:
    """A result as Braket stores one, of the order, in the device's own order of qubits."""
    return {
        "measurements": [[1, 0, 0], [1, 0, 0], [1, 0, 1]],
        "measuredQubits": [2, 1, 0],
        "taskMetadata": {"createdAt": "2026-11-21T10:00:00.000Z", "shots": 3},
        "additionalMetadata": {"action": {"source": source_of(ORDER.programs[0])}},
        **changes,
    }


def test_columns_follow_the_measured_qubits_wherever_the_device_put_them() -> None:
    result = Braket("local", Kept(document()), None).result("task-1", ORDER)
    [reading] = result.readings
    assert reading.bits.tolist() == [[1, 0], [1, 1]]
    assert reading.occurrences.tolist() == [2, 1]


BAD: dict[str, dict[str, Any]] = {
    "no rows": {"measurements": []},
    "no list": {"measurements": None},
    "short rows": {"measurements": [[1, 0]]},
    "other values": {"measurements": [[1, 0, 2]]},
    "truths": {"measurements": [[True, False, False]]},
    "texts": {"measurements": ["100"]},
    "a qubit missing": {"measuredQubits": [2, 1]},
    "a qubit twice": {"measuredQubits": [2, 2, 0]},
    "no echo": {"additionalMetadata": {}},
    "another program": {"additionalMetadata": {"action": {"source": "OPENQASM 3.0;"}}},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_result_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ResultError):
        Braket("local", Kept(document(**changes)), None).result("task-1", ORDER)


def test_missing_shots_are_told() -> None:
    held = Braket("local", Kept(document(measurements=[[1, 0, 0]])), None)
    assert held.result("task-1", ORDER).facts["shots_returned"] == [1]


def test_the_client_token_follows_from_the_key() -> None:
    line = Kept(document())
    held = Braket("local", line, None)
    held.submit(ORDER)
    held.submit(Order(ORDER.programs, 3, "key", "another tag"))
    held.submit(Order(ORDER.programs, 3, "another key", "tag"))
    first, again, other = line.tokens
    assert first == again == token_of(ORDER) != other
    assert 1 <= len(first) <= 64


def test_settings_that_nobody_knows_are_refused() -> None:
    odd = Order(ORDER.programs, 3, "key", "tag", {"colour": "blue"})
    with pytest.raises(RefusedError, match="colour"):
        Braket("local", Kept(document()), None).submit(odd)


def test_the_seed_of_a_hosted_solver_is_taken() -> None:
    seeded = Order(ORDER.programs, 3, "key", "tag", {"seed": 7})
    assert Braket("local", Kept(document()), None).submit(seeded)


def test_missing_credentials_are_told_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID"):
        braket.open("sv1")
