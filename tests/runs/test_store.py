from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from qupel.errors import ContractError, InputError, RunError
from qupel.model.samples import Outcome, Samples
from qupel.runs import access, approvals, sqlite_file
from qupel.runs.attempt import attempt
from qupel.runs.record import Record
from qupel.runs.routes import tables as route_tables
from qupel.runs.store import REVISION, Store, home
from qupel.runs.tables import metadata
from qupel.runs.task import Task
from tests.runs.toy import SMALL, Shots


@pytest.fixture(scope="module")
def record() -> Record:
    return attempt(Task.of(SMALL, Shots(), seconds=1.0, arm="shots", case="small"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def test_a_saved_record_comes_back_equal(store: Store, record: Record) -> None:
    assert store.save("run", record) is True
    assert store.records("run") == [record]
    assert store.record(record.id[:10]) == record
    assert store.finished_cells("run") == {("shots", "small", 0)}


def test_a_cell_is_saved_once(store: Store, record: Record) -> None:
    store.save("run", record)
    assert store.save("run", replace(record, why="again")) is False
    assert store.records("run") == [record]
    assert store.save("other run", record) is True
    assert store.save("run", replace(record, seed=1)) is True
    assert [known.records for known in store.runs()] == [2, 1]


def test_the_store_is_found_again(tmp_path: Path, record: Record) -> None:
    with Store.open(tmp_path / "deep" / "store.sqlite") as first:
        first.save("run", record)
    with Store.open(tmp_path / "deep" / "store.sqlite") as second:
        assert second.records("run") == [record]


def test_the_store_is_at_home_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path / "home"))
    with Store.open() as store:
        assert store.path == tmp_path / "home" / "qupel.db"
    monkeypatch.delenv("QUPEL_HOME")
    assert home() == Path.home() / ".local" / "share" / "qupel"


def test_unknown_names_are_told(store: Store, record: Record) -> None:
    store.save("run", record)
    with pytest.raises(InputError, match="no run 'rum'"):
        store.run("rum")
    with pytest.raises(InputError, match="no record has an id that begins with 'zz'"):
        store.record("zz")
    store.save("run", replace(record, seed=2, id=record.id[:5] + "x"))
    with pytest.raises(InputError, match="several records"):
        store.record(record.id[:5])
    assert store.run("run").records == 2
    assert store.records("none") == []


def test_status_is_kept(store: Store) -> None:
    store.set_status("run", "running")
    assert store.run("run").status == "running"
    store.set_status("run", "finished")
    assert store.run("run").status == "finished"


def test_a_charter_is_locked_once(store: Store) -> None:
    charter = {"kpi": "cost", "margin": 0.02}
    hashed = store.lock_charter("run", charter)
    assert store.lock_charter("run", dict(reversed(charter.items()))) == hashed
    with pytest.raises(ContractError, match="amend it with who and why"):
        store.lock_charter("run", {**charter, "margin": 0.01})
    assert store.charter("run") == charter
    assert store.run("run").charter_hash == hashed
    assert store.charter("other") is None


def test_an_amendment_is_kept_beside_the_locked_charter(store: Store) -> None:
    first, second = {"margin": 0.02}, {"margin": 0.01}
    locked = store.lock_charter("run", first)
    amended = store.amend("run", second, who="Ada", why="the margin was a slip")
    assert store.charter("run") == second
    assert store.lock_charter("run", second) == amended
    with pytest.raises(ContractError):
        store.lock_charter("run", first)
    [change] = store.amendments("run")
    assert (change.who, change.why) == ("Ada", "the margin was a slip")
    assert (change.before_hash, change.charter_hash) == (locked, amended)
    assert change.at.startswith("20")
    assert store.run("run").charter_hash == locked
    assert store.run("run").amendments == 1


def test_an_amendment_needs_a_charter_a_change_a_name_and_a_reason(store: Store) -> None:
    with pytest.raises(InputError, match="no locked charter"):
        store.amend("run", {"a": 1}, who="Ada", why="so")
    store.lock_charter("run", {"a": 1})
    with pytest.raises(InputError, match="this charter already"):
        store.amend("run", {"a": 1}, who="Ada", why="so")
    with pytest.raises(InputError, match="who makes it and why"):
        store.amend("run", {"a": 2}, who=" ", why="so")


def test_samples_come_back_equal_and_are_kept_once(store: Store) -> None:
    samples = Samples.of(
        np.array([[0, 1], [1, 1], [0, 1]], np.uint8),
        [2.0, 1.0, 2.0],
        outcome=Outcome.SAMPLED,
        bound=-3.0,
        seconds={"queue": 1.0},
        facts={"shots": 3},
    )
    name = store.save_samples(samples)
    assert store.save_samples(samples) == name
    assert len(list(store.samples.rglob("*"))) == 2
    back = store.load_samples(name)
    for part in ("values", "energies", "occurrences"):
        np.testing.assert_array_equal(getattr(back, part), getattr(samples, part))
    assert back.values.dtype == np.uint8
    assert (back.outcome, back.bound) == (samples.outcome, samples.bound)
    assert (back.seconds, back.facts) == (samples.seconds, samples.facts)


def test_changed_or_missing_samples_are_told(store: Store) -> None:
    name = store.save_samples(Samples.of([[0, 1]], [1.0]))
    other = store.save_samples(Samples.of([[0, 1]], [2.0]))
    [path, changed] = (next(store.samples.rglob(f"{known}.npz")) for known in (name, other))
    changed.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="its content was changed"):
        store.load_samples(other)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="is not a samples file"):
        store.load_samples(name)
    with pytest.raises(InputError, match="no samples of hash"):
        store.load_samples("00" * 32)


def test_migrations_make_the_tables_that_the_code_names(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    # Importing them defines their tables.
    assert {route_tables.routes.metadata, access.access_events.metadata} == {metadata}
    assert approvals.gates.metadata is metadata
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
        constraints = sa.inspect(connection).get_unique_constraints("records")
    assert constraints[0]["column_names"] == ["run_id", "arm", "case", "seed"]
    config = Config()
    config.set_main_option("script_location", "qupel.runs:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_current_store_opens_without_the_migration_package(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    script = (
        "import sys; from pathlib import Path; from qupel.runs.store import Store;"
        f"Store.open({str(tmp_path)!r}); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    with pytest.raises(InputError, match="is not a store of Qupel"):
        Store.open(text)
    newer = tmp_path / "newer.db"
    Store.open(newer).close()
    with sqlite3.connect(newer) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(InputError, match="made by a newer Qupel"):
        Store.open(newer)


def test_a_store_that_stays_busy_is_told(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
    store = Store.open(tmp_path)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunError, match="could not be written"):
        store.save("run", record)
    other.execute("ROLLBACK")
    other.close()
    assert store.save("run", record)
    store.close()


WRITER = """
import sys
from dataclasses import replace
from qupel.runs.attempt import attempt
from qupel.runs.store import Store
from qupel.runs.task import Task
from tests.runs.toy import *
arm, folder = sys.argv[1:]
store = Store.open(folder)
record = attempt(Task.of(SMALL, Shots(), seconds=1.0, arm=arm))
print("ready", flush=True)
sys.stdin.readline()
for seed in range(40):
    assert store.save("run", replace(record, seed=seed))
"""


@pytest.mark.slow
def test_two_processes_open_migrate_and_write_at_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, arm, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for arm in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n")
        assert writer.returncode == 0
    with Store.open(tmp_path) as store:
        cells = store.finished_cells("run")
    assert cells == {(arm, "", seed) for arm in "ab" for seed in range(40)}


RUN = """
import sys
from qupel.runs.pool import Workers
from qupel.runs.store import Store
from qupel.runs.task import Task
from tests.runs.toy import *
folder, log = sys.argv[1:]
store = Store.open(folder)
tasks = [
    Task.of(SMALL, Climb(), seconds=1.0, rounds=3, arm=arm, seed=seed)
    for arm in ("a", "b") for seed in range(60)
]
done = store.finished_cells("run")
with Workers(2) as workers, open(log, "a") as saved:
    for record in workers.run(task for task in tasks if task.cell not in done):
        assert store.save("run", record), "a cell was repeated"
        saved.write(f"{record.arm} {record.seed}\\n")
        saved.flush()
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_repeats_and_loses_no_cell(tmp_path: Path) -> None:
    log = tmp_path / "log"
    rng = np.random.default_rng(0)
    kills = 0
    command = [sys.executable, "-c", RUN, str(tmp_path), str(log)]
    while True:
        run = subprocess.Popen(command)
        before = _lines(log)
        deadline = time.monotonic() + 240
        enough = before + int(rng.integers(5, 40))
        while run.poll() is None and (kills >= 3 or _lines(log) < enough):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        if run.poll() is not None:
            break
        time.sleep(float(rng.uniform(0, 0.01)))
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        kills += 1
    assert run.returncode == 0
    assert kills == 3
    store = Store.open(tmp_path)
    cells = [(record.arm, record.seed) for record in store.records("run")]
    expected = {(arm, seed) for arm in "ab" for seed in range(60)}
    assert len(cells) == 120
    assert set(cells) == expected
    told = [tuple(line.split()) for line in log.read_text().splitlines()]
    assert len(told) == len(set(told)), "what was told as saved was saved for good"
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()


def _lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0
