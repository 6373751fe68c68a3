"""kill -9 at every kind of place; the count of calls and the provider's books decide."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters import neutral
from qupel.backends.checks.canary import check_canary
from qupel.backends.checks.locks import FileCanaries, canary_file
from qupel.backends.emulator import running_emulator
from qupel.backends.emulator.process import Running
from qupel.cli.exits import Exit
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.run import RUN_OPEN
from tests import postgres
from tests.runs.durable.conftest import function
from tests.runs.durable.harness import started

pytestmark = pytest.mark.slow


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        process.kill()
        process.wait()


def killed_while(log: RunLog, run_id: str, stage: str, process: subprocess.Popen[str]) -> None:
    """Kill a worker as soon as a stage runs."""
    until = time.monotonic() + 30
    while log.stage(run_id, stage).state != "running" and time.monotonic() < until:
        time.sleep(0.01)
    assert log.stage(run_id, stage).state == "running"
    process.kill()
    process.wait()


def ended(log: RunLog, run_id: str, seconds: float = 150.0) -> str:
    until = time.monotonic() + seconds
    while (state := log.run(run_id).state) in RUN_OPEN and time.monotonic() < until:
        time.sleep(0.05)
    return state


def graph_stage(tmp_path: Path, graph: str) -> Stage:
    return Stage("graph", "load", {}, {"file": f"{tmp_path}/{graph}"})


def test_a_worker_killed_inside_a_function_and_a_search_is_followed_by_another(
    database: Database, tmp_path: Path, graph: str, workers: list[subprocess.Popen[str]]
) -> None:
    before, mark = tmp_path / "before", tmp_path / "deadly"
    pipeline = Pipeline(
        "killed",
        (
            graph_stage(tmp_path, graph),
            function("before", "counted", {}, arguments={"mark": str(before)}),
            function(
                "deadly",
                "deadly",
                {"times": "before"},
                inputs={"times": "document"},
                arguments={"mark": str(mark)},
            ),
            Stage("cut", "solve", {"problem": "graph"}, {"solver": "tabu", "seconds": 4.0}),
            Stage("verdict", "judge", {"problem": "graph", "answer": "cut"}),
            Stage("file", "export", {"judged": "verdict", "n": "deadly"}, {"file": "out.json"}),
        ),
    )
    log = RunLog(database)
    run_id = log.submit(pipeline, tmp_path)
    workers.append(started(database.place))
    workers[0].wait(60)  # the function kills it
    assert workers[0].returncode == -signal.SIGKILL
    workers.append(started(database.place))
    killed_while(log, run_id, "cut", workers[1])
    workers.append(started(database.place))
    assert ended(log, run_id) == "done"
    assert (tmp_path / "out.json").exists()
    assert len(before.read_text().splitlines()) == 1  # it had ended, and is not run again
    assert len(mark.read_text()) == 2  # it was killed once
    assert log.stage(run_id, "cut").attempts == 2


def test_three_workers_killed_at_random_leave_every_run_done(
    database: Database, tmp_path: Path, workers: list[subprocess.Popen[str]]
) -> None:
    log, rng, runs = RunLog(database), np.random.default_rng(5), []
    for number in range(12):
        mark = {stage: str(tmp_path / f"{number}-{stage}") for stage in "abc"}
        after = {"inputs": {"after": "number"}}
        stages = (
            function(
                "a",
                "counted",
                outputs={"n": "number"},
                arguments={"mark": mark["a"], "seconds": 0.05},
            ),
            function("b", "counted_after", {"after": "a"}, arguments={"mark": mark["b"]}, **after),
            function("c", "counted_after", {"after": "b"}, arguments={"mark": mark["c"]}, **after),
        )
        runs.append(log.submit(Pipeline(f"run{number}", stages), tmp_path))
    for _ in range(4):
        process = started(database.place, "lease=2.0")
        workers.append(process)
        time.sleep(2.0 + rng.random())
        process.kill()
        process.wait()
    workers.append(started(database.place))
    assert {ended(log, run_id) for run_id in runs} == {"done"}
    calls = [
        len((tmp_path / f"{n}-{s}").read_text().splitlines()) for n in range(12) for s in "abc"
    ]
    assert min(calls) == 1
    assert sum(calls) - len(calls) <= 4 * 2  # no more than what was under way at a kill


def test_two_workers_run_three_hundred_runs_once_each(
    database: Database, tmp_path: Path, workers: list[subprocess.Popen[str]]
) -> None:
    log = RunLog(database)
    stage = Stage("read", "load", {}, {"file": "d.json", "as": "document"})
    runs = [log.submit(Pipeline("one", (stage,)), tmp_path) for _ in range(300)]
    (tmp_path / "d.json").write_text("[1, 2]")
    workers += [started(database.place, "--once", log=tmp_path / f"{k}.log") for k in range(2)]
    for process in workers:
        assert process.wait(100) == 0
    rows = [log.stages(run_id)[0] for run_id in runs]
    assert {row.state for row in rows} == {"done"}
    assert {row.attempts for row in rows} == {1}
    assert len({row.executor for row in rows}) == 2


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A provider whose canary has passed; workers find it, and the report, in the environment."""
    with running_emulator("--queue-seconds", "1") as running:
        monkeypatch.setenv("QUPEL_EMULATOR_URL", running.url)
        monkeypatch.setenv("QUPEL_EMULATOR_TOKEN", running.token)
        monkeypatch.setenv("QUPEL_HOME", str(tmp_path / "home"))
        report = check_canary(neutral.open("ideal"), sizes=(1, 2), most=Money.of(100))
        assert report.passed
        FileCanaries(canary_file()).save(report)
        yield running


def bills(emulator: Running) -> Counter[str]:
    """How often each job was billed so far."""
    return Counter(entry["job"] for entry in emulator.ledger() if entry["what"] == "bill")


def test_a_paid_stage_is_paid_once_however_often_its_worker_is_killed(
    database: Database,
    tmp_path: Path,
    graph: str,
    emulator: Running,
    workers: list[subprocess.Popen[str]],
) -> None:
    log, before = RunLog(database), bills(emulator)
    runs = []
    for number in range(6):
        quantum = {
            "solver": {"solver": "qupel.solvers.quantum.hosted:HostedQaoa", "shots": 50 + number},
            "backend": "emulator:ideal",
            "tier": "cloud simulator",
            "fallback": "tabu",
            "deadline_seconds": 60.0,
        }
        stages = (
            graph_stage(tmp_path, graph),
            Stage("paid", "quantum", {"problem": "graph"}, quantum, quantum=True),
            Stage("verdict", "judge", {"problem": "graph", "answer": "paid"}),
        )
        runs.append(log.submit(Pipeline(f"paid{number}", stages), tmp_path))
    rng = np.random.default_rng(1)
    for _ in range(4):
        process = started(database.place)
        workers.append(process)
        time.sleep(2.2 + rng.random())
        process.kill()
        process.wait()
    workers.append(started(database.place))
    assert {ended(log, run_id) for run_id in runs} == {"done"}
    assert [log.stage(run_id, "paid").state for run_id in runs] == ["done"] * 6
    paid = bills(emulator) - before
    assert len(paid) == 6
    assert set(paid.values()) == {1}


def test_a_worker_asked_to_stop_lets_its_stage_end_and_hands_the_rest_over(
    database: Database, tmp_path: Path, workers: list[subprocess.Popen[str]]
) -> None:
    mark = str(tmp_path / "mark")
    given: dict[str, Any] = {
        "arguments": {"mark": mark, "seconds": 2.0},
        "outputs": {"n": "number"},
    }
    after = {"arguments": {"mark": mark}, "inputs": {"after": "number"}}
    first = function("first", "counted", **given)
    pipeline = Pipeline(
        "drain", (first, function("then", "counted_after", {"after": "first"}, **after))
    )
    log = RunLog(database)
    run_id = log.submit(pipeline, tmp_path)
    workers.append(started(database.place))
    until = time.monotonic() + 30
    while log.stage(run_id, "first").state != "running" and time.monotonic() < until:
        time.sleep(0.01)
    workers[0].terminate()
    assert workers[0].wait(20) == 0
    assert log.stage(run_id, "first").state == "done"
    workers.append(started(database.place))
    assert ended(log, run_id) == "done"
    assert len(Path(mark).read_text().splitlines()) == 2


def test_a_worker_that_slept_past_its_lease_stops_and_spoils_nothing(
    database: Database, tmp_path: Path, workers: list[subprocess.Popen[str]]
) -> None:
    mark = str(tmp_path / "mark")
    given: dict[str, Any] = {
        "arguments": {"mark": mark, "seconds": 1.0},
        "outputs": {"n": "number"},
    }
    log = RunLog(database)
    run_id = log.submit(Pipeline("sleep", (function("first", "counted", **given),)), tmp_path)
    workers.append(started(database.place, "lease=2.0"))
    until = time.monotonic() + 30
    while log.stage(run_id, "first").state != "running" and time.monotonic() < until:
        time.sleep(0.01)
    workers[0].send_signal(signal.SIGSTOP)
    workers.append(started(database.place, "lease=2.0"))
    assert ended(log, run_id) == "done"
    assert log.stage(run_id, "first").attempts == 2
    outputs = log.stage(run_id, "first").outputs
    workers[0].send_signal(signal.SIGCONT)
    assert workers[0].wait(30) == Exit.RUN
    assert log.stage(run_id, "first").outputs == outputs
    assert log.run(run_id).state == "done"


@pytest.mark.skipif(bool(postgres.why_not()), reason=postgres.why_not())
def test_on_postgresql_a_killed_worker_is_followed_and_two_share_the_work(
    tmp_path: Path, workers: list[subprocess.Popen[str]]
) -> None:
    mark, dead = str(tmp_path / "mark"), str(tmp_path / "dead")
    with postgres.server() as url, Database.open(url) as database:
        log = RunLog(database)
        first = function("first", "counted", arguments={"mark": mark})
        deadly = function(
            "deadly",
            "deadly",
            {"times": "first"},
            inputs={"times": "document"},
            arguments={"mark": dead},
        )
        run_id = log.submit(Pipeline("killed", (first, deadly)), tmp_path)
        workers.append(started(url))
        assert workers[0].wait(60) == -signal.SIGKILL
        (tmp_path / "d.json").write_text("[1, 2]")
        stage = Stage("read", "load", {}, {"file": "d.json", "as": "document"})
        runs = [log.submit(Pipeline("one", (stage,)), tmp_path) for _ in range(60)]
        workers += [started(url, "--once") for _ in range(2)]
        for process in workers[1:]:
            assert process.wait(60) == 0
        assert log.run(run_id).state == "done"
        assert len(Path(mark).read_text().splitlines()) == 1
        assert len(Path(dead).read_text()) == 2
        assert {log.run(run).state for run in runs} == {"done"}
        assert {log.stages(run)[0].attempts for run in runs} == {1}
