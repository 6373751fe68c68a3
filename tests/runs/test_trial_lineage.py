"""What a pilot was made from, and who may read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qupel.cli.exits import Exit
from qupel.pilots import listing
from qupel.problems.maxcut import MaxCut
from qupel.runs.attempt import attempt
from qupel.runs.store import Store
from qupel.runs.task import Task
from qupel.solvers.registry import solver_for
from tests.acceptance.command import Ended, qupel

CHARTER: dict[str, Any] = {"name": "cuts", "owner": "Ada", "data": {"random": {"count": 2}}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a pilot that auditors may read, and one that names no readers."""
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    for name in ("QUPEL_DATABASE", "QUPEL_ROLES"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "roles.yaml").write_text("people: {Otto: [auditors]}\n")
    with Store.open(tmp_path) as store:
        for name, readers in (("cuts", ["auditors"]), ("open", None)):
            charter = {**CHARTER, "name": name, "readers": readers}
            store.lock_charter(name, {"charter": charter, "data": {}})
            for number in range(2):
                problem = MaxCut.random(number, nodes=6)[0]
                solver = solver_for("greedy", MaxCut)
                task = Task.of(problem, solver, seconds=5, arm="greedy", case=f"c{number}")
                store.save(name, attempt(task, problem=problem))
    return tmp_path


def asked(who: str, *arguments: object) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_IDENTITY", who)
        return qupel(*arguments)


def test_one_command_goes_from_a_pilot_to_its_data_code_and_readers(place: Path) -> None:
    found = asked("Otto", "lineage", "cuts", "--json").document
    assert [held["what"] for held in found["data"]] == ["case c0", "case c1"]
    assert {len(held["hash"]) for held in found["data"]} == {64}
    assert found["environment"]["versions"]["numpy"]
    assert found["environment"]["machine"]["cores"]
    assert found["parameters"]["charter_hash"]
    assert (found["access"]["owner"], found["access"]["readers"]) == ("Ada", ["auditors"])
    assert "case c0" in asked("Ada", "lineage", "cuts").out


@pytest.mark.parametrize("command", ["lineage", "show", "report", "export", "compare", "resume"])
def test_every_door_of_a_pilot_with_readers_is_shut_to_others(place: Path, command: str) -> None:
    others: dict[str, list[object]] = {"export": [place / "out"], "compare": ["open"]}
    more = others.get(command, [])
    ended = asked("Eve", command, "cuts", *more)
    assert (ended.code, ended.out) == (Exit.DENIED, "")
    assert "Eve (no role) may not read" in ended.err
    assert not (place / "out").exists()


def test_a_record_of_such_a_pilot_is_shut_too(place: Path) -> None:
    with Store.open(place) as store:
        [record, _] = store.records("cuts")
    assert asked("Eve", "show", record.id[:16]).code == Exit.DENIED
    assert asked("Otto", "show", record.id[:16]).code == Exit.OK


def test_a_list_keeps_the_verdict_from_others(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = {"decision": "keep", "run_now": "greedy", "sentence": "It is better."}
    monkeypatch.setattr(listing, "_verdict", lambda *_: verdict)

    def listed(who: str) -> dict[str, str]:
        rows = asked(who, "list", "--json").document["pilots"]
        return {row["pilot"]: row["run_now"] for row in rows}

    assert listed("Otto") == {"cuts": "greedy", "open": "greedy"}
    assert listed("Eve") == {"cuts": "", "open": "greedy"}
    assert "keep" not in next(row for row in asked("Eve", "list").out.splitlines() if "cuts" in row)


def test_records_of_its_tuning_are_shut_too(place: Path) -> None:
    problem = MaxCut.random(3, nodes=5)[0]
    record = attempt(Task.of(problem, solver_for("greedy", MaxCut), seconds=5, case="t"))
    with Store.open(place) as store:
        store.save("cuts/tuning", record)
    assert asked("Eve", "show", record.id[:16]).code == Exit.DENIED


def test_what_came_after_an_amendment_has_the_readers_of_the_pilot(place: Path) -> None:
    with Store.open(place) as store:
        charter = {**CHARTER, "readers": ["clerks"]}
        store.amend("cuts", {"charter": charter, "data": {}}, who="Ada", why="others audit")
        problem = MaxCut.random(9, nodes=5)[0]
        task = Task.of(problem, solver_for("greedy", MaxCut), seconds=5, case="later")
        record = attempt(task, problem=problem)
        store.save("cuts.1", record)
    assert asked("Otto", "show", record.id[:16]).code == Exit.DENIED
    assert asked("Otto", "lineage", "cuts").code == Exit.DENIED
    found = asked("Ada", "lineage", "cuts", "--json").document
    assert [held["what"] for held in found["data"]] == ["case later"]
    assert found["parameters"]["amendments"][0].endswith("others audit")
    assert found["access"]["readers"] == ["clerks"]


def test_a_grant_opens_it(place: Path) -> None:
    assert asked("Ada", "access", "grant", "cuts", "Eve").code == Exit.OK
    assert asked("Eve", "lineage", "cuts").code == Exit.OK
    assert asked("Eve", "show", "cuts").code != Exit.DENIED


def test_a_pilot_that_names_no_readers_is_open(place: Path) -> None:
    assert asked("Eve", "lineage", "open").code == Exit.OK
    assert asked("Eve", "lineage", "open", "--log", place / "log").code == Exit.INPUT
