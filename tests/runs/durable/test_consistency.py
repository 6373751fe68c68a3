"""A run's log that was changed after it was written is not repeated as if it were whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qupel.cli.replaying import replayed
from qupel.errors import InputError
from qupel.runs.durable.lineage import environment_changes, log_document, replay
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from tests.runs.durable.conftest import done

Log = dict[str, Any]


@pytest.fixture
def log(worker: Worker, tmp_path: Path, graph: str) -> Log:
    stages = (
        Stage("graph", "load", settings={"file": graph}),
        Stage("cut", "solve", {"problem": "graph"}, settings={"solver": "greedy", "rounds": 2}),
        Stage("verdict", "judge", {"problem": "graph", "answer": "cut"}),
    )
    run_id = done(worker, Pipeline("cuts", stages, owner="Ada"), tmp_path)
    found: Log = json.loads(json.dumps(log_document(worker.host.log, run_id)))
    assert all(stage.equal for stage in replay(found))
    return found


def falsify_a_value(log: Log) -> None:
    [hashed] = log["stages"]["verdict"]["outputs"].values()
    log["values"][hashed]["objective"] = 999


def forget_a_stage(log: Log) -> None:
    del log["definition"]["stages"]["verdict"]


def forget_what_others_need(log: Log) -> None:
    del log["definition"]["stages"]["graph"]


def empty_a_stage(log: Log) -> None:
    log["definition"]["stages"]["graph"] = None


def fail_a_stage(log: Log) -> None:
    log["stages"]["cut"]["state"] = "failed"


def feed_something_else(log: Log) -> None:
    log["stages"]["cut"]["inputs"]["problem"]["hash"] = "f" * 64


def sign_for_somebody(log: Log) -> None:
    log["owner"] = "Mallory"


def hash_nothing(log: Log) -> None:
    log["definition_hash"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (falsify_a_value, "is not what its hash says"),
        (forget_a_stage, "those of its definition"),
        (forget_what_others_need, "those of its definition"),
        (empty_a_stage, "definition of stage 'graph' is no dict"),
        (fail_a_stage, "stage 'cut' was failed"),
        (feed_something_else, "input 'problem' of stage 'cut' is not what stage 'graph' gave"),
        (sign_for_somebody, "owner is 'Mallory'"),
        (hash_nothing, "its definition is not what definition_hash says"),
    ],
)
def test_a_log_that_was_changed_is_refused(
    log: Log, change: Callable[[Log], None], said: str
) -> None:
    change(log)
    with pytest.raises(InputError, match=said):
        replay(log)


def test_a_log_of_nothing_but_brackets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(InputError, match="is no log"):
        replayed(path, "show --log", replay)


def test_code_that_was_changed_since_its_commit_is_told_so(log: Log) -> None:
    log["revision"] = "a" * 40 + "+dirty"
    [said] = [change for change in environment_changes(log) if change.startswith("code was")]
    assert said.startswith("code was aaaaaaaaaaaa (changed), is ")
