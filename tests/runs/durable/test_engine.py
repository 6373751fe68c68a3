from __future__ import annotations

import inspect
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from qupel.errors import InputError, RunError
from qupel.runs.durable.engine import Engine, Queue
from qupel.runs.durable.engine_tables import engine_url

Made = Callable[[], Engine]


def started(folder: Path, executor: str, gate: Path) -> Engine:
    """An engine with a workflow that waits until a file is there."""
    held: list[Engine] = []

    async def waiting(word: str) -> dict[str, Any]:
        engine = held[0]
        await engine.step("before", _write, folder / "before", word)
        while not await engine.step("look", gate.exists):
            await engine.sleep(0.05)
        return {"word": word}

    async def failing() -> None:
        await held[0].step("fail", _fail)

    workflows: dict[str, Callable[..., Awaitable[Any]]] = {"waiting": waiting, "failing": failing}
    url = f"sqlite:///{folder / 'qupel.db'}"
    held.append(Engine.start(url, workflows, executor=executor, queues=[Queue("q")]))
    return held[0]


def _write(path: Path, word: str) -> None:
    with path.open("a") as file:
        file.write(word)


def _fail() -> None:
    raise ValueError("as asked")


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def test_what_one_executor_leaves_another_adopts_and_finishes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = tmp_path / "gate"
    with started(tmp_path, "one", gate) as engine:
        engine.submit("q", "waiting", "key", "hello")
        engine.submit("q", "waiting", "key", "a second time")
        until((tmp_path / "before").exists)
        with pytest.raises(RunError, match="already"):
            started(tmp_path, "two", gate)
    with started(tmp_path, "two", gate) as engine:
        assert engine.state("key") == "PENDING"  # it waits for an executor that is gone
        assert engine.adopt("one") == ["key"]
        assert engine.adopt("one") == []
        gate.touch()
        assert engine.result("key") == {"word": "hello"}
        engine.submit("q", "failing", "bad")
        with pytest.raises(RunError, match="as asked"):
            engine.result("bad")
    assert (tmp_path / "before").read_text() == "hello"  # a finished step is not run again
    assert capfd.readouterr() == ("", "")
    kept = sqlite3.connect(engine_url(f"sqlite:///{tmp_path / 'qupel.db'}").database or "")
    rows = kept.execute("SELECT inputs, output, error FROM workflow_status").fetchall()
    kept.close()
    for text in (text for row in rows for text in row if text is not None):
        json.loads(text)  # nothing is pickled


def test_dbos_still_has_the_private_function_that_adopts() -> None:
    from dbos import DBOS

    adopts = inspect.signature(DBOS._recover_pending_workflows)
    assert list(adopts.parameters) == ["executor_ids"], "see Engine.adopt: DBOS has changed it"


def test_an_engine_keeps_its_tables_beside_a_file_and_within_a_server() -> None:
    assert engine_url("sqlite:////data/qupel.db").database == "/data/qupel-engine.db"
    server = "postgresql+psycopg://user@host/name"
    assert str(engine_url(server)) == server
    with pytest.raises(InputError, match="in a file"):
        engine_url("sqlite://")


def test_no_conductor_is_connected_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBOS__CLOUD", "true")
    with pytest.raises(InputError, match="conductor"):
        started(tmp_path, "one", tmp_path / "gate")
