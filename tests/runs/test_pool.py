from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from qupel.errors import InputError, RunError
from qupel.problems.maxcut import MaxCut
from qupel.runs.archive import load_samples
from qupel.runs.pool import Workers
from qupel.runs.record import Record, Status
from qupel.runs.slot import SHELF, grace_seconds
from qupel.runs.task import Task
from qupel.solvers.classical.command import Command
from tests.clocked import quickest
from tests.runs.toy import FAMILY, SMALL, Climb, Knapsack, Packs, Rows, Shots, place


def task(solver: Any, problem: Knapsack = SMALL, **more: Any) -> Task:
    return Task.of(problem, solver, **{"seconds": 120.0, **more})


def only(workers: Workers, solver: Any, **more: Any) -> Record:
    [record] = workers.run([task(solver, **more)])
    return record


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pid: int) -> bool:
    until = time.monotonic() + 240
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def test_every_task_gets_its_record(workers: Workers) -> None:
    tasks = [task(Climb(), rounds=5, seed=seed, arm="climb", case="small") for seed in range(20)]
    records = list(workers.run(tasks))
    assert {record.seed for record in records} == set(range(20))
    assert {record.status for record in records} == {Status.ANSWERED}
    assert {record.id for record in records} == {known.identity() for known in tasks}


def test_a_worker_answers_as_this_process_does(workers: Workers) -> None:
    from qupel.runs.attempt import attempt

    asked = task(Climb(), rounds=40, seed=11, polish=True)
    [there] = workers.run([asked])
    here = attempt(asked)
    for name in ("id", "objective", "solution", "seeds", "raw", "claimed_energy", "versions"):
        assert getattr(there, name) == getattr(here, name)


def test_clocks_add_up_on_the_clock_of_all_processes(workers: Workers) -> None:
    list(workers.run([task(Climb(), rounds=1), task(Climb(), rounds=1)]))  # warm
    solver = Rows(((1, 0, 0),), compile=0.1, queue=0.1)
    timed = quickest(lambda: only(workers, solver), within=0.23)
    record, around = timed.value, timed.seconds
    assert record.clocks.total == pytest.approx(record.end_to_end, rel=0.01)
    assert record.end_to_end == pytest.approx(around, abs=0.05)
    assert record.clocks.compile == pytest.approx(0.1)


@pytest.mark.parametrize("mischief", ["sleep", "spin"])
def test_an_attempt_that_overruns_is_killed(workers: Workers, mischief: str) -> None:
    within = 0.4 + grace_seconds(0.4) + 0.3
    timed = quickest(
        lambda: only(workers, Packs(mischief), seconds=0.4, arm="a", case="b", seed=2), within
    )
    record = timed.value
    assert timed.seconds < within
    assert record.status is Status.KILLED
    assert (
        record.why
        == "no answer within its budget of 0.4 s and 0.1 s of grace; the worker was killed"
    )
    assert (record.arm, record.case, record.seed) == ("a", "b", 2)
    assert record.clocks.total == record.end_to_end > 0.4
    assert record.peak_memory > 10_000_000
    if mischief == "spin":
        assert record.cpu_seconds == pytest.approx(record.end_to_end, rel=0.9)
    else:
        assert record.cpu_seconds < 0.2


@pytest.mark.parametrize(
    ("mischief", "why"),
    [
        ("exit", "the worker process died: exit code 7"),
        ("segfault", "the worker process died: signal 11 (SIGSEGV)"),
        ("raise", "KeyError: 'a surprise'"),
        ("input", "weights must be above 0"),
    ],
)
def test_what_ends_an_attempt_is_told_and_the_next_one_runs(
    workers: Workers, mischief: str, why: str
) -> None:
    first, second = workers.run([task(Packs(mischief)), task(Packs())])
    failed, fine = sorted((first, second), key=lambda record: record.status is Status.ANSWERED)
    assert failed.status is Status.FAILED
    assert failed.why == why
    assert fine.status is Status.ANSWERED
    if mischief == "segfault":
        assert "about to fall" in failed.log


def test_what_an_attempt_started_is_killed_with_it(workers: Workers, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    record = only(workers, Packs("spawn", note=str(note)), seconds=0.6)
    assert record.status is Status.KILLED
    assert gone(int(note.read_text()))


def test_a_solver_that_prints_does_not_print_for_us(
    workers: Workers, capfd: pytest.CaptureFixture[str]
) -> None:
    assert only(workers, Packs("print")).status is Status.ANSWERED
    assert capfd.readouterr() == ("", "")


def test_peak_memory_is_what_an_observer_sees(workers: Workers) -> None:
    nursery = psutil.Process(workers._process.pid)
    seen: list[int] = []
    done = threading.Event()

    def observe() -> None:
        while not done.is_set():
            for child in nursery.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    seen.append(child.memory_info().rss)
            time.sleep(0.002)

    watcher = threading.Thread(target=observe)
    watcher.start()
    record = only(workers, Packs(megabytes=150))
    done.set()
    watcher.join()
    assert record.peak_memory == pytest.approx(max(seen), rel=0.1)
    assert only(workers, Packs()).peak_memory < record.peak_memory - 100 * 2**20


def test_a_worker_forgets_problems_and_is_sent_them_again(workers: Workers) -> None:
    problems = [Knapsack((5.0, 2.0), (4.0, 3.0), float(limit)) for limit in range(2 * SHELF)]
    tasks = [task(Climb(), problem, rounds=5, seed=turn) for turn in (0, 1) for problem in problems]
    records = list(workers.run(tasks))
    assert [record.status for record in records] == [Status.ANSWERED] * len(tasks)
    assert len({record.problem_hash for record in records}) == len(problems)
    slots = workers._slots
    assert all(len(slot.shelf) <= SHELF for slot in slots)


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    with Workers(1) as workers:
        assert only(workers, Packs()).status is Status.ANSWERED
        [worker] = psutil.Process(workers._process.pid).children()
        worker.kill()
        assert gone(worker.pid)
        assert only(workers, Packs()).status is Status.ANSWERED


def test_samples_are_stored_by_their_hash(tmp_path: Path) -> None:
    with Workers(1, samples=tmp_path) as workers:
        kept = only(workers, Shots(), store_samples=True)
        other = only(workers, Shots())
    samples = load_samples(tmp_path, kept.samples)
    assert int(samples.occurrences.sum()) == 64
    assert kept.raw.of == 64
    assert other.samples == ""


def test_a_price_is_put_on_the_finished_record(workers: Workers) -> None:
    record = only(workers, Packs(), price=lambda record: 2.0 * len(record.solution))
    assert record.cost == 2.0 * len(record.solution)


def test_threads_of_libraries_are_one_unless_asked(workers: Workers) -> None:
    for asked in (1, 2):
        record = only(workers, place("Threads"), threads=asked)
        assert record.facts["threads"] == asked


def test_engines_are_imported_before_the_clock_starts() -> None:
    with Workers(1) as workers:
        assert only(workers, place("Engine")).facts["was_imported"] is True


def test_tasks_are_taken_as_workers_become_free(workers: Workers) -> None:
    taken = 0

    def tasks() -> Any:
        nonlocal taken
        for seed in range(8):
            taken += 1
            yield task(Climb(), rounds=1, seed=seed)

    for _ in workers.run(tasks()):
        assert taken <= 4
        break
    assert only(workers, Packs()).status is Status.ANSWERED


def test_ending_early_kills_what_is_under_way(workers: Workers) -> None:
    begun = time.monotonic()
    for record in workers.run([task(Packs()), task(Packs("sleep"), seconds=500.0)]):
        assert record.status is Status.ANSWERED
        break
    assert only(workers, Packs()).status is Status.ANSWERED
    assert time.monotonic() - begun < 45


def interrupted() -> None:
    """Be interrupted once three of four attempts are finished; print the seeds of those."""
    with Workers(2) as workers:
        tasks = [task(Packs("sleep"), seconds=500.0, seed=9)]
        tasks += [task(Packs(), seed=seed) for seed in range(3)]
        records: list[Record] = []
        try:
            for record in workers.run(tasks):
                records.append(record)
                if len(records) == 3:  # the fourth sleeps on
                    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        except KeyboardInterrupt:
            after = only(workers, Packs()).status
            sys.stdout.write(f"{sorted(record.seed for record in records)} {after}")


def test_an_interrupt_loses_nothing_that_was_finished() -> None:
    ended = subprocess.run(  # a process of its own: an interrupt may end whoever runs the tests
        [sys.executable, "-c", "from tests.runs.test_pool import interrupted; interrupted()"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.stdout == f"[0, 1, 2] {Status.ANSWERED}", ended.stderr


def test_closing_ends_every_process(tmp_path: Path) -> None:
    workers = Workers(2)
    nursery = psutil.Process(workers._process.pid)
    list(workers.run([task(Packs()), task(Packs())]))
    children = [child.pid for child in nursery.children()]
    assert len(children) == 2
    workers.close()
    workers.close()
    assert all(gone(pid) for pid in [nursery.pid, *children])
    with pytest.raises(RunError, match="closed"):
        list(workers.run([task(Packs())]))


def test_workers_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    script = f"""
import psutil  # type: ignore[import-untyped]
from qupel.runs.pool import Workers
from qupel.runs.task import Task
from qupel.solvers.classical.command import Command
from tests.runs.toy import *
workers = Workers(2)
nursery = psutil.Process(workers._process.pid)
tasks = [Task.of(SMALL, Packs("spin"), seconds=500.0, seed=seed) for seed in (0, 1)]
import os, threading, time
def tell():
    while len(children := nursery.children()) < 2:
        time.sleep(0.02)
    words = [workers._folder.name, nursery.pid, *(child.pid for child in children)]
    open({str(note)!r} + "~", "w").write(" ".join(map(str, words)))
    os.rename({str(note)!r} + "~", {str(note)!r})
threading.Thread(target=tell, daemon=True).start()
list(workers.run(tasks))
"""
    owner = subprocess.Popen([sys.executable, "-c", script])
    until = time.monotonic() + 120
    while not note.exists() and time.monotonic() < until:
        time.sleep(0.02)
    folder, *pids = note.read_text().split()
    assert len(pids) == 3
    owner.kill()
    owner.wait()
    assert all(gone(int(pid)) for pid in pids)
    assert not Path(folder).exists()


def test_workers_are_checked_when_they_are_made() -> None:
    with pytest.raises(InputError, match="count must be at least 1"):
        Workers(0)
    with pytest.raises(RunError, match="No module named 'no_such_module'"):
        Workers(1, preload=("no_such_module",))


def test_a_task_of_an_unknown_family_fails_alone(workers: Workers) -> None:
    unknown = Task("no-such-family", SMALL.document(), place("Packs"), 0, 1.0)
    known = Task(FAMILY, SMALL.document(), place("Packs"), 1, 1.0)
    by_seed = {record.seed: record for record in workers.run([unknown, known])}
    assert by_seed[0].status is Status.FAILED
    assert "unknown family 'no-such-family'" in by_seed[0].why
    assert by_seed[1].status is Status.ANSWERED


def test_a_problem_that_cannot_be_prepared_in_time_fails(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "preparation", 0.3)
    slow = Task("tests.runs.toy:Slow", SMALL.document(), place("Packs"), 0, 1.0)
    [record] = workers.run([slow])
    assert record.status is Status.FAILED
    assert record.why == "the worker was not ready within 0.3 s"
    monkeypatch.undo()
    assert only(workers, Packs()).status is Status.ANSWERED


def after_a_busy_reader(workers: Workers, second: Task, seconds: float, first: str = "") -> Record:
    """Return the record of ``second``, heard of late because its reader had other things to do."""
    records = iter(workers.run([task(Packs(first)), second]))
    assert next(records).solver["mischief"] == first
    time.sleep(seconds)
    return next(records)


def test_a_busy_reader_does_not_lengthen_an_attempt(workers: Workers) -> None:
    list(workers.run([task(Packs()), task(Packs("nap"))]))  # warm
    record = after_a_busy_reader(workers, task(Packs("nap")), 1.0)
    assert record.status is Status.ANSWERED
    assert 0.3 <= record.end_to_end < 0.8


def test_an_answer_after_the_deadline_does_not_count_though_nobody_looked(
    workers: Workers,
) -> None:
    record = after_a_busy_reader(workers, task(Packs("nap"), seconds=0.1), 1.0)
    assert record.status is Status.KILLED
    assert record.clocks.total == record.end_to_end


@pytest.mark.slow
def test_the_system_ends_an_overdue_worker_though_nobody_looked(workers: Workers) -> None:
    record = after_a_busy_reader(workers, task(Packs("spin"), seconds=0.6), 2.0, "nap")
    assert record.status is Status.KILLED
    assert record.why.endswith("the worker was ended")
    assert record.cpu_seconds < 2.0


def test_samples_are_equal_byte_for_byte_whatever_the_number_of_workers(tmp_path: Path) -> None:
    problem, _ = MaxCut.random(3, nodes=40)
    tasks = [
        Task.of(
            problem,
            {"solver": name},
            seconds=60.0,
            rounds=3,
            seed=seed,
            threads=threads,
            arm=f"{name} {seed}",
            store_samples=True,
        )
        for name in ("annealing", "tabu", "tempering")
        for seed in (0, 1)
        for threads in (1, 2)
    ]
    found: dict[str, set[str]] = {}
    for count in (1, 2):
        with Workers(count, samples=tmp_path) as hired:
            for record in hired.run(tasks):
                assert record.status is Status.ANSWERED
                found.setdefault(record.arm, set()).add(record.samples)
    assert len(found) == 6
    assert all(len(hashes) == 1 for hashes in found.values())
    [one] = found["annealing 0"]
    assert len(load_samples(tmp_path, one)) >= 1


def test_an_external_command_is_killed_with_its_worker(workers: Workers, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    command = Command((sys.executable, "-c", script, "{instance}", "{answer}"), margin=0.0)
    record = only(workers, command, seconds=0.7)
    assert record.status in {Status.FAILED, Status.KILLED}
    assert gone(int(note.read_text()))


def test_a_commands_memory_and_time_are_the_attempts(workers: Workers) -> None:
    script = (
        "import sys, time\nblock = bytearray(300 * 2**20)\n"
        "while time.process_time() < 0.4: pass\nopen(sys.argv[2], 'w').write('0')"
    )
    command = Command((sys.executable, "-c", script, "{instance}", "{answer}"))
    record = only(workers, command)
    assert record.objective == 5.0
    assert record.cpu_seconds == pytest.approx(0.5, abs=0.25)
    assert record.peak_memory == pytest.approx(310 * 2**20, rel=0.1)
