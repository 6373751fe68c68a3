"""Jobs of routes and pipelines, and how runs stand, are for their readers; others are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from qupel.backends.contract import Order
from qupel.backends.registry import backend_named
from qupel.cli.exits import Exit
from qupel.model.circuit import Circuit
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger, drive
from qupel.runs.tables import jobs
from tests.acceptance.command import Ended, qupel
from tests.acceptance.test_lineage_command import ROLES, ROUTE, asked
from tests.runs.routes.conftest import BOTH, place_of

PIPELINE = """\
pipeline: plan
seed: 5
owner: Ada
readers: [planners]
stages:
  graph: {kind: load, file: graph.qupel.json}
  cut:
    kind: quantum
    quantum: true
    needs: {problem: graph}
    solver: {solver: hosted-qaoa, shots: 20, angles: fixed}
    backend: local:statevector
    fallback: greedy
"""


@dataclass(frozen=True)
class Work:
    """What the tests ask for: ids of runs and jobs.

    Attributes
    ----------
    run, guarded
        Of a pipeline that planners may read; and one whose paid stage only clinicians may.
    job, stage_job, guarded_job
        Of a route that auditors may read, and of the runs' paid stages.
    open_job
        Of nobody's route or pipeline.
    """

    run: str
    guarded: str
    job: str
    stage_job: str
    guarded_job: str
    open_job: str


@pytest.fixture(scope="module", params=BOTH)
def work(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Work]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "route.yaml").write_text(ROUTE)
    (folder / "plan.yaml").write_text(PIPELINE)
    guarded_text = PIPELINE.replace("seed: 5", "seed: 6")  # else the result is found, not ordered
    (folder / "guarded.yaml").write_text(guarded_text + "    readers: [clinicians]\n")
    (folder / "roles.yaml").write_text(ROLES)
    write_problem(MaxCut.random(2, nodes=4)[0], folder / "graph.qupel.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_HOME", str(folder))
        patch.setenv("QUPEL_IDENTITY", "Ada")
        patch.setenv("QUPEL_DATABASE", place_of(request, request.param, folder))
        patch.delenv("QUPEL_ROLES", raising=False)
        assert qupel("route", "deploy", folder / "route.yaml", "--by", "Ada").code == Exit.OK
        run, stage_job = ran(folder / "plan.yaml")
        guarded, guarded_job = ran(folder / "guarded.yaml")
        with Database.open() as database:
            ledger = Ledger(database)
            job = planned(ledger, "of the route", route="cuts", decision="d1", problem="0" * 64)
            open_job = planned(ledger, "of nobody", check="hand")
            drive(ledger, backend_named)
        yield Work(run, guarded, job, stage_job, guarded_job, open_job)


def ran(path: Path) -> tuple[str, str]:
    """Run a pipeline; return the ids of its run and of its paid job."""
    ended = qupel("pipeline", "run", path, "--json")
    assert ended.code == Exit.OK, ended.err
    return ended.document["run"], ended.document["stages"][-1]["job"]


def planned(ledger: Ledger, key: str, **purpose: str) -> str:
    order = Order((Circuit(1).x(0),), 10, key, f"tag {key}", {"seed": 1})
    return ledger.plan(order, backend="local:statevector", bound=None, purpose=purpose).id


def reads(what: str, who: str) -> list[tuple[str, str]]:
    """What somebody read or was refused, as its owner is told."""
    events = asked("Ada", "access", "log", what, "--json").document["events"]
    return [(event["kind"], event["item"]) for event in events if event["who"] == who]


def is_refused(ended: Ended) -> bool:
    """Whether it ended with 8 and one line about who may read, and printed nothing."""
    told = ended.err.splitlines()
    return (ended.code, ended.out) == (Exit.DENIED, "") and [
        " may not read " in line for line in told
    ] == [True]


def test_readers_of_a_route_read_its_jobs_and_that_is_written_down(work: Work) -> None:
    [reading] = asked("Otto", "jobs", "result", work.job, "--json").document["readings"]
    assert reading["counts"] == {"1": 10}
    assert asked("Otto", "jobs", "show", work.job, "--json").document["purpose"]["decision"] == "d1"
    assert reads("cuts", "Otto") == [
        ("read", f"result of job {work.job}"),
        ("read", f"job {work.job}"),
    ]


@pytest.mark.parametrize("command", ["result", "show"])
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_others_are_refused_and_nothing_is_printed(
    work: Work, command: str, as_json: list[str]
) -> None:
    for job in (work.job, work.stage_job):
        ended = asked("Eve", "jobs", command, job[:14], *as_json)
        assert is_refused(ended)
        assert "counts" not in ended.err
    item = f"result of job {work.job}" if command == "result" else f"job {work.job}"
    assert reads("cuts", "Eve")[-1] == ("denied", item)


def test_a_run_stage_by_stage_is_for_its_readers(work: Work) -> None:
    assert is_refused(asked("Otto", "pipeline", "status", work.run, "--json"))
    assert asked("Paula", "pipeline", "status", work.run, "--json").document["state"] == "done"
    assert reads(f"run:{work.run}", "Otto") == [("denied", f"stages of run {work.run}")]
    [held] = [
        held
        for held in asked("Otto", "pipeline", "status", "--json").document["runs"]
        if held["run"] == work.run
    ]
    assert set(held) == {"run", "pipeline", "state", "created", "ended"}


def test_a_job_of_a_stage_with_fewer_readers_is_theirs_alone(work: Work) -> None:
    assert asked("Paula", "pipeline", "status", work.guarded).code == Exit.OK
    assert asked("Paula", "jobs", "result", work.stage_job).code == Exit.OK
    assert asked("Ada", "access", "grant", f"run:{work.guarded}", "Paula").code == Exit.OK
    ended = asked("Paula", "jobs", "result", work.guarded_job)
    assert is_refused(ended)
    assert "Only the file that it was made from can name more of them" in ended.err
    assert asked("Ada", "jobs", "result", work.guarded_job).code == Exit.OK


def test_a_grant_opens_a_routes_jobs(work: Work) -> None:
    assert is_refused(asked("Quentin", "jobs", "show", work.job))
    asked("Ada", "access", "grant", "cuts", "Quentin")
    assert asked("Quentin", "jobs", "show", work.job).code == Exit.OK


def test_a_job_of_no_route_or_pipeline_is_open(work: Work) -> None:
    assert asked("Eve", "jobs", "result", work.open_job).out.splitlines()[1:] == ["1  10"]
    assert asked("Eve", "jobs", "show", work.open_job).code == Exit.OK


def test_a_list_tells_everybody_how_jobs_stand_and_readers_what_they_are_for(work: Work) -> None:
    def listed(who: str) -> dict[str, dict[str, object]]:
        found = asked(who, "jobs", "list", "--json").document["jobs"]
        return {held["id"]: held for held in found}

    everything, eve, otto = listed("Ada"), listed("Eve"), listed("Otto")
    assert set(eve) == set(everything)
    for job, held in eve.items():
        own = job == work.open_job
        assert held.pop("withheld", None) == (None if own else ["purpose", "why"])
        assert (held["purpose"] == {}) is not own
        assert {**held, "purpose": None} == {**everything[job], "purpose": None}
    assert otto[work.job] == everything[work.job]
    assert otto[work.stage_job]["purpose"] == {}
    told = asked("Eve", "jobs", "list").out
    assert told.count("for its readers") == len(eve) - 1
    assert work.run not in told


def test_what_somebody_does_to_a_job_tells_them_no_more(work: Work) -> None:
    found = asked("Eve", "jobs", "cancel", work.job, "--json").document
    assert (found["purpose"], found["withheld"]) == ({}, ["purpose", "why"])
    assert asked("Otto", "jobs", "cancel", work.job, "--json").document["purpose"]


def test_a_job_found_before_it_was_planned_has_the_readers_of_the_stage_that_waits(
    work: Work,
) -> None:
    with Database.open() as database:
        with database.writing() as connection:
            mine = jobs.c.id == work.guarded_job
            purpose = connection.execute(sa.select(jobs.c.purpose).where(mine)).scalar_one()
            connection.execute(sa.update(jobs).where(mine).values(purpose="{}"))
        try:
            assert is_refused(asked("Paula", "jobs", "result", work.guarded_job))
        finally:
            with database.writing() as connection:
                connection.execute(sa.update(jobs).where(mine).values(purpose=purpose))


def test_without_named_readers_a_job_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    monkeypatch.delenv("QUPEL_DATABASE", raising=False)
    (tmp_path / "route.yaml").write_text(ROUTE.replace("readers: [auditors]\n", ""))
    unnamed = PIPELINE.replace("owner: Ada\nreaders: [planners]\n", "")
    (tmp_path / "plan.yaml").write_text(unnamed)
    write_problem(MaxCut.random(2, nodes=4)[0], tmp_path / "graph.qupel.json")
    assert asked("Ada", "route", "deploy", tmp_path / "route.yaml", "--by", "Ada").code == Exit.OK
    queued = asked("Ada", "pipeline", "run", tmp_path / "plan.yaml", "--detach", "--json")
    run = queued.document["run"]
    with Database.open() as database:
        job = planned(Ledger(database), "of the route", route="cuts", decision="d1")
        other = planned(Ledger(database), "of the run", run=run, stage="cut")
        drive(Ledger(database), backend_named)
    for command in (("pipeline", "status", run), ("jobs", "show", job), ("jobs", "result", other)):
        assert asked("Ada", *command).code == Exit.OK
        assert is_refused(asked("Otto", *command))
