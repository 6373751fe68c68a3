from __future__ import annotations

import threading
from pathlib import Path

import pytest

from qupel.errors import RunError
from qupel.runs.routes.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool" / "decisions.jsonl")


def test_documents_come_back_in_order_and_once(spool: Spool) -> None:
    for k in range(3):
        spool.append({"k": k})
    taken: list[int] = []
    assert spool.take_over(lambda held: taken.append(held["k"])) == 3
    assert taken == [0, 1, 2]
    assert spool.take_over(lambda held: taken.append(held["k"])) == 0


def test_nothing_is_lost_if_taking_over_is_stopped(spool: Spool) -> None:
    for k in range(3):
        spool.append({"k": k})

    def stops(held: dict[str, int]) -> None:
        if held["k"] == 1:
            raise RunError("the database is gone again")

    with pytest.raises(RunError):
        spool.take_over(stops)
    assert [held["k"] for held in spool.documents()] == [0, 1, 2]


@pytest.mark.parametrize("kept", [1, 5, -3, -1])
def test_a_torn_line_spoils_no_other(spool: Spool, kept: int) -> None:
    spool.append({"k": 0})
    spool.append({"k": 1})
    body = spool.path.read_bytes()
    first = body.index(b"\n") + 1
    torn = body[first:][:kept]
    spool.path.write_bytes(body[:first] + torn)
    spool.append({"k": 2})
    assert [held["k"] for held in spool.documents() if held["k"] != 1] == [0, 2]


def test_a_changed_line_is_passed_over(spool: Spool) -> None:
    spool.append({"k": 0})
    spool.path.write_bytes(spool.path.read_bytes().replace(b'"k":0', b'"k":9'))
    assert spool.documents() == []


def test_many_writers_lose_nothing(spool: Spool) -> None:
    def write(start: int) -> None:
        for k in range(start, start + 20):
            spool.append({"k": k})

    threads = [threading.Thread(target=write, args=(100 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({held["k"] for held in spool.documents()}) == 80


def test_a_full_disk_is_told(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qupel.runs.routes.spool.os.write", full)
    with pytest.raises(RunError, match="No space left on device"):
        spool.append({"k": 0})
