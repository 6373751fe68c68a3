"""kill -9 at every kind of place; the count of calls and the provider's books decide."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters import neutral
from qupel.backends.checks.canary import check_canary
from qupel.backends.checks.locks import FileCanaries, canary_file
from qupel.backends.clock import SystemClock
from qupel.backends.contract import Order
from qupel.backends.emulator import Provider, Terms, direct, running_emulator
from qupel.backends.emulator.process import Running
from qupel.cli.exits import Exit
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.host import Host
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


def ended(log: RunLog, run_id: str, seconds: float = 120.0) -> str:
    """Wait for the end of a run.

    Of 29 runs of the paid stages below, niced on a busy machine, the last worker needed 22 s at
    most at a load below 10, and 42 and 61 s at 15: processes that start. Longer waits would be
    for a lease that a killed worker left, of 120 s.
    """
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
        idle = neutral.Neutral("ideal", direct(Provider(Terms(), SystemClock())))
        report = check_canary(idle, most=Money.of(100))  # of the same adapter, without a queue
        assert report.passed
        FileCanaries(canary_file()).save(report)
        yield running


def bills(emulator: Running) -> Counter[str]:
    """How often each job was billed so far."""
    return Counter(entry["job"] for entry in emulator.ledger() if entry["what"] == "bill")


def paid_settings(shots: int) -> dict[str, Any]:
    return {
        "solver": {"solver": "qupel.solvers.quantum.hosted:HostedQaoa", "shots": shots},
        "backend": "emulator:ideal",
        "tier": "cloud simulator",
        "fallback": "tabu",
        "deadline_seconds": 120.0,
    }


def paid_pipeline(folder: Path, graph: str, number: int) -> Pipeline:
    paid = paid_settings(50 + number)
    return Pipeline(
        f"paid{number}",
        (
            graph_stage(folder, graph),
            Stage("paid", "quantum", {"problem": "graph"}, paid, quantum=True),
            Stage("verdict", "judge", {"problem": "graph", "answer": "paid"}),
        ),
    )


def test_a_paid_stage_is_paid_once_however_often_its_worker_is_killed(
    database: Database,
    tmp_path: Path,
    graph: str,
    emulator: Running,
    workers: list[subprocess.Popen[str]],
) -> None:
    log, before = RunLog(database), bills(emulator)
    runs = [log.submit(paid_pipeline(tmp_path, graph, number), tmp_path) for number in range(6)]
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


#: Follows a paid job, and is killed as it fetches the result: with the job's lease in its hands.
DIES_FETCHING = """
import os, signal, sys, time
from qupel.backends.adapters import neutral
from qupel.runs.database import Database
from qupel.runs.durable.host import Host

class Deadly:
    def __init__(self): self.real = neutral.open("ideal")
    def __getattr__(self, name): return getattr(self.real, name)
    def result(self, job, order): os.kill(os.getpid(), signal.SIGKILL)

host = Host(Database.open(sys.argv[1]), "deadly", open_backend=lambda name: Deadly())
while True:
    time.sleep(host.advance(sys.argv[2]) or 0)
"""


def test_a_job_whose_worker_was_killed_with_its_lease_is_taken_up_at_once(
    database: Database, tmp_path: Path, emulator: Running
) -> None:
    bell = Order((Circuit(2, [Gate("h", (0,)), Gate("cx", (0, 1))]),), 50, key="k", tag="t")
    host = Host(database, "other", open_backend=lambda name: neutral.open("ideal"))
    job = host.ledger.plan(bell, backend="emulator:ideal", bound=Money.of(1))
    died = subprocess.run([sys.executable, "-c", DIES_FETCHING, database.place, job.id], timeout=60)
    assert died.returncode == -signal.SIGKILL
    began = time.monotonic()
    while host.ledger.result(job.id) is None:
        time.sleep(min(0.1, host.advance(job.id) or 0.1))
        assert time.monotonic() - began < 10.0  # its lease would have lasted for two minutes


def scoring(folder: Path, version: str, *more: Stage) -> Pipeline:
    """Rows are scored and delivered; what comes after or beside it waits for nothing of that."""
    return Pipeline(
        "batch",
        (
            function("rows", "rows", arguments={"count": 4}, outputs={"table": "table"}),
            function(
                "scores",
                "scored_behind",
                {"table": "rows"},
                role="scoring",
                arguments={"gate": str(folder / version)},
                version=version,  # so that no run finds another's result
            ),
            Stage("delivered", "export", {"scores": "scores"}, {"file": f"{version}.json"}),
            *more,
        ),
    )


def test_a_quantum_worker_killed_during_scoring_changes_and_delays_no_score(
    database: Database,
    tmp_path: Path,
    graph: str,
    emulator: Running,
    workers: list[subprocess.Popen[str]],
) -> None:
    log = RunLog(database)
    workers += [started(database.place, f"queue={queues}") for queues in ("stages", "quantum,jobs")]
    plain = log.submit(scoring(tmp_path, "plain"), tmp_path)
    (tmp_path / "plain").touch()
    assert ended(log, plain) == "done"
    paid = Stage("paid", "quantum", {"problem": "graph"}, paid_settings(90), quantum=True)
    run_id = log.submit(scoring(tmp_path, "hybrid", graph_stage(tmp_path, graph), paid), tmp_path)
    wait_until(lambda: log.stage(run_id, "paid").job and is_running(log, run_id, "scores"))
    workers[1].kill()
    workers[1].wait()
    (tmp_path / "hybrid").touch()
    wait_until(lambda: log.stage(run_id, "delivered").state == "done", 15.0)
    scores = [log.stage(run, "scores").outputs for run in (plain, run_id)]
    assert scores[0] == scores[1]
    assert (tmp_path / "plain.json").read_bytes() == (tmp_path / "hybrid.json").read_bytes()
    assert is_running(log, run_id, "paid")  # and nobody waited for it
    workers.append(started(database.place, "queue=quantum,jobs"))
    assert ended(log, run_id) == "done"
    assert log.stage(run_id, "paid").state == "done"
    assert list(bills(emulator).values()) == [1]


def is_running(log: RunLog, run_id: str, stage: str) -> bool:
    return log.stage(run_id, stage).state == "running"


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


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


@pytest.mark.skipif(bool(postgres.why_not()), reason=postgres.why_not())
def test_on_postgresql_paid_stages_are_paid_once_and_answered_after_kills(
    tmp_path: Path, graph: str, emulator: Running, workers: list[subprocess.Popen[str]]
) -> None:
    with postgres.server() as url, Database.open(url) as database:
        log, before = RunLog(database), bills(emulator)
        runs = [log.submit(paid_pipeline(tmp_path, graph, number), tmp_path) for number in range(3)]
        for _ in range(2):
            process = started(url)
            workers.append(process)
            wait_until(lambda: any(log.stage(run_id, "paid").job for run_id in runs))
            time.sleep(0.7)
            process.kill()
            process.wait()
        workers.append(started(url))
        assert {ended(log, run_id) for run_id in runs} == {"done"}
        assert {log.stage(run_id, "paid").state for run_id in runs} == {"done"}
        assert sorted((bills(emulator) - before).values()) == [1, 1, 1]
        workers[-1].kill()  # before its database goes
        workers[-1].wait()
