"""One command from a published decision to its data, code and readers; others are refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.cli.exits import Exit
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from tests.acceptance.command import Ended, qupel
from tests.runs.routes.conftest import BOTH, place_of

ROUTE = """\
name: cuts
family: maxcut
owner: Ada
slo: {on_time: 0.99}
deadline_seconds: 3.0
primary: {solver: tabu, rounds: 30}
fallback: {solver: greedy}
fallback_seconds: 0.8
budget: {}
sample: graph.qupel.json
readers: [auditors]
"""
PIPELINE = """\
pipeline: plan
seed: 5
owner: Ada
readers: [planners]
stages:
  graph: {kind: load, file: graph.qupel.json, readers: [Ada]}
  cut: {kind: solve, needs: {problem: graph}, solver: tabu, rounds: 20, seconds: 10}
  verdict: {kind: judge, needs: {problem: graph, answer: cut}}
  file: {kind: export, needs: {verdict: verdict}, file: out/plan.json}
"""
ROLES = "people: {Otto: [auditors], Paula: [planners], Root: [administrator]}\n"


@pytest.fixture(scope="module", params=BOTH)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("lineage")
    (made / "route.yaml").write_text(ROUTE)
    (made / "plan.yaml").write_text(PIPELINE)
    (made / "home").mkdir()
    (made / "home" / "roles.yaml").write_text(ROLES)
    write_problem(MaxCut.random(2, nodes=10)[0], made / "graph.qupel.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_HOME", str(made / "home"))
        patch.setenv("QUPEL_IDENTITY", "Ada")
        patch.setenv("QUPEL_DATABASE", place_of(request, request.param, made / "home"))
        patch.delenv("QUPEL_ROLES", raising=False)
        yield made


@pytest.fixture(scope="module")
def decision(place: Path) -> str:
    assert qupel("route", "deploy", place / "route.yaml", "--by", "Ada").code == Exit.OK
    ended = qupel("route", "decide", "cuts", place / "graph.qupel.json", "--json")
    assert ended.code == Exit.OK, ended.err
    return str(ended.document["id"])


@pytest.fixture(scope="module")
def run(place: Path) -> str:
    ended = qupel("pipeline", "run", place / "plan.yaml", "--json")
    assert ended.code == Exit.OK, ended.err
    return str(ended.document["run"])


def asked(who: str, *arguments: object) -> Ended:
    """The command, asked by somebody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_IDENTITY", who)
        return qupel(*arguments)


def test_one_command_lists_data_code_and_readers_of_a_decision(place: Path, decision: str) -> None:
    found = asked("Otto", "lineage", decision, "--json").document
    file = place / "graph.qupel.json"
    [snapshot] = found["data"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() in snapshot["source"]
    assert str(file) in snapshot["source"]
    assert (len(snapshot["hash"]), snapshot["kept"]) == (64, True)
    assert found["environment"]["versions"]["numpy"]
    assert found["environment"]["machine"]["cores"]
    assert "revision" in found["code"]
    assert found["parameters"]["route"]["seed"] == 0
    assert found["access"]["owner"] == "Ada"
    assert found["access"]["readers"] == ["auditors"]
    assert "Otto" in found["access"]["read_by"]


def test_it_is_told_in_a_few_lines(decision: str) -> None:
    ended = asked("Ada", "lineage", decision)
    told = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert {"decision", "data", "code", "versions", "machine", "owner", "readers"} <= set(told)


def test_an_unauthorised_role_is_denied_and_that_is_written_down(decision: str) -> None:
    ended = asked("Paula", "lineage", decision)
    assert (ended.code, ended.out) == (Exit.DENIED, "")
    assert f"Paula (planners) may not read lineage of decision {decision}" in ended.err
    assert "Ada or the role 'administrator' may grant it" in ended.err
    assert len(ended.err.splitlines()) == 1
    events = asked("Ada", "lineage", decision, "--json").document["access"]["events"]
    [denied] = [event for event in events if event["kind"] == "denied" and event["who"] == "Paula"]
    assert (denied["roles"], denied["item"]) == ("planners", f"lineage of decision {decision}")


def test_a_grant_lets_a_role_read_until_it_is_taken_back(decision: str) -> None:
    assert asked("Quentin", "lineage", decision).code == Exit.DENIED
    assert asked("Otto", "access", "grant", "cuts", "Quentin").code == Exit.DENIED
    granted = asked("Root", "access", "grant", "cuts", "Quentin", "--why", "audit", "--json")
    assert granted.document["readers"] == ["auditors", "Quentin"]
    assert asked("Quentin", "lineage", decision).code == Exit.OK
    assert asked("Ada", "access", "revoke", "cuts", "Quentin").code == Exit.OK
    assert asked("Quentin", "lineage", decision).code == Exit.DENIED
    log = asked("Ada", "access", "log", "cuts", "--json").document["events"]
    kinds = [event["kind"] for event in log if "Quentin" in (event["who"], event["reader"])]
    assert kinds == ["denied", "granted", "read", "revoked", "denied"]
    assert asked("Otto", "access", "log", "cuts").code == Exit.DENIED


def test_what_a_route_itself_says_is_not_revoked(decision: str) -> None:
    ended = asked("Ada", "access", "revoke", "cuts", "auditors")
    assert (ended.code, "is named as a reader by route:cuts itself" in ended.err) == (3, True)


def test_one_command_goes_from_a_published_file_to_its_data(place: Path, run: str) -> None:
    found = asked("Paula", "lineage", place / "out" / "plan.json", "--json").document
    assert (found["kind"], found["id"], found["of"]) == ("run", run, "plan")
    [snapshot] = found["data"]
    held = hashlib.sha256((place / "graph.qupel.json").read_bytes()).hexdigest()
    assert (snapshot["what"], snapshot["source_sha256"]) == ("problem of stage 'graph'", held)
    assert found["environment"]["machine"]["cores"]
    assert found["parameters"]["seed"] == 5
    assert len(found["published"]) == 1


@pytest.mark.parametrize("way", ["lineage", "show", "value", "log"])
def test_every_door_of_a_run_is_shut_to_others(place: Path, run: str, way: str) -> None:
    arguments: list[object] = ["lineage", run] if way == "lineage" else ["pipeline", "show", run]
    if way == "value":
        arguments += ["--value", "verdict"]
    if way == "log":
        arguments += ["--log", place / "stolen.json"]
    ended = asked("Otto", *arguments)
    assert (ended.code, ended.out) == (Exit.DENIED, "")
    assert not (place / "stolen.json").exists()


def test_a_stage_may_have_fewer_readers_than_its_run(place: Path, run: str) -> None:
    assert asked("Paula", "pipeline", "show", run, "--value", "verdict").code == Exit.OK
    ended = asked("Paula", "pipeline", "show", run, "--value", "graph")
    assert ended.code == Exit.DENIED
    assert "may not read what stage 'graph' gave" in ended.err
    assert asked("Paula", "pipeline", "show", run, "--log", place / "log.json").code == Exit.DENIED
    assert asked("Ada", "pipeline", "show", run, "--value", "graph").code == Exit.OK


def test_a_run_repeats_from_its_log(place: Path, run: str) -> None:
    assert asked("Ada", "pipeline", "show", run, "--log", place / "run.json").code == Exit.OK
    stages = asked("Eve", "pipeline", "replay", place / "run.json", "--json").document["stages"]
    assert [stage["equal"] for stage in stages] == [True, True, True, None]


@pytest.mark.parametrize("what", ["route", "pipeline"])
def test_a_file_that_is_no_log_is_named(tmp_path: Path, what: str) -> None:
    for text, said in (
        ("{", "is no log:"),
        ("[]", "is no log; make one with: qupel "),
        ('{"log": 0, "decision_log": 0}', "this is no log of"),
    ):
        (tmp_path / "other.json").write_text(text)
        ended = qupel(what, "replay", tmp_path / "other.json")
        assert ended.code == Exit.INPUT
        assert ended.err.startswith(f"error: {tmp_path / 'other.json'}: {said}")
        ended = qupel("variational", "replay", tmp_path / "other.json")
        assert ended.err.startswith(f"error: {tmp_path / 'other.json'}: this is no log of a loop")


def test_a_run_belongs_to_whoever_submitted_it(place: Path) -> None:
    text = PIPELINE.replace("owner: Ada\nreaders: [planners]\n", "").replace("plan.json", "my.json")
    (place / "mine.yaml").write_text(text.replace("pipeline: plan", "pipeline: mine"))
    queued = asked("Paula", "pipeline", "run", place / "mine.yaml", "--detach", "--json")
    mine = queued.document["run"]
    assert asked("Paula", "lineage", mine).code == Exit.OK
    assert asked("Ada", "lineage", mine).code == Exit.DENIED


def test_roles_come_from_a_file(place: Path) -> None:
    assert asked("otto", "access", "whoami", "--json").document["roles"] == ["auditors"]
    other = place / "other.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_ROLES", str(other))
        ended = asked("Otto", "access", "whoami")
        assert (ended.code, "other.yaml: cannot be read" in ended.err) == (Exit.INPUT, True)
        other.write_text("people: {Otto: auditors}\n")
        ended = asked("Otto", "access", "whoami")
        assert (ended.code, "other.yaml:1: people.Otto" in ended.err) == (Exit.INPUT, True)


@pytest.mark.slow
def test_a_decision_repeats_from_its_log_after_its_data_were_deleted(
    place: Path, decision: str, tmp_path: Path
) -> None:
    log = tmp_path / "decision.json"
    assert asked("Quentin", "lineage", decision, "--log", log).code == Exit.DENIED
    assert not log.exists()
    assert asked("Ada", "lineage", decision, "--log", log).code == Exit.OK
    command = [sys.executable, "-m", "qupel", "route", "replay", str(log), "--json"]
    given = {"PATH": "/usr/bin:/bin", "QUPEL_HOME": str(tmp_path / "home")}
    ended = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, check=True)
    steps = json.loads(ended.stdout)["steps"]
    assert [step["equal"] for step in steps] == [True, True, True, True, None]
    document = json.loads(log.read_text())
    document["decision"]["objective"] += 1.0
    log.write_text(json.dumps(document))
    assert asked("Ada", "route", "replay", log).code == Exit.RUN


def test_what_nobody_published_is_told(place: Path, run: str) -> None:
    ended = asked("Ada", "lineage", "nothing")
    assert (ended.code, "nor is 'nothing' a file" in ended.err) == (Exit.INPUT, True)
    ended = asked("Ada", "lineage", place / "plan.yaml")
    assert (ended.code, "no run of this database wrote these bytes" in ended.err) == (3, True)


def test_faults_of_readers_are_told_with_their_line(place: Path) -> None:
    (place / "faulty.yaml").write_text(PIPELINE.replace("[planners]", "everybody"))
    ended = qupel("pipeline", "validate", place / "faulty.yaml")
    assert ended.code == Exit.INPUT
    assert "line 4: the pipeline, readers: must be a list of people and roles" in ended.err
    json.loads(qupel("pipeline", "validate", place / "plan.yaml", "--json").out)
