from __future__ import annotations

import json
from pathlib import Path

import pytest

from qupel.cli.exits import Exit
from tests.acceptance.command import qupel

FUNCTIONS = """
import numpy as np

def rows():
    return [{"item": 1, "worth": 2.0}, {"item": 2, "worth": 3.0}]

def scores(rows, rng):
    return [row["worth"] * float(rng.random()) for row in rows]

def fails(scores):
    raise ValueError("no")

def simple(scores):
    return 0.0
"""
PIPELINE = """
pipeline: shop
seed: 5
stages:
  data: {kind: load, file: data.json, as: document}
  scores:
    kind: function
    role: scoring
    call: own_functions:scores
    needs: {rows: data}
    inputs: {rows: document}
    outputs: {scores: document}
  best:
    kind: function
    call: own_functions:CALL
    needs: {scores: scores}
    inputs: {scores: document}
    outputs: {best: number}
    fallback: own_functions:simple
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_functions.py").write_text(FUNCTIONS)
    (tmp_path / "data.json").write_text('[{"worth": 2.0}, {"worth": 3.0}]')
    (tmp_path / "shop.yaml").write_text(PIPELINE.replace("CALL", "simple"))
    (tmp_path / "falls.yaml").write_text(PIPELINE.replace("CALL", "fails"))
    monkeypatch.setenv("QUPEL_DATABASE", str(tmp_path / "qupel.db"))
    return tmp_path


@pytest.mark.slow
def test_a_run_is_queued_done_explained_and_repeated_from_its_log(folder: Path) -> None:
    assert (
        "scores: function, for scoring" in qupel("pipeline", "validate", f"{folder}/shop.yaml").out
    )
    queued = qupel("pipeline", "run", f"{folder}/shop.yaml", "--detach", "--json")
    run_id = json.loads(queued.out)["run"]
    worked = qupel("worker", "--once", "--json-logs")
    assert {json.loads(line)["event"] for line in worked.err.splitlines()} >= {"stage done"}
    status = json.loads(qupel("pipeline", "status", run_id, "--json").out)
    assert (status["state"], status["outcome"]) == ("done", "success")
    log = folder / "log.json"
    shown = json.loads(qupel("pipeline", "show", run_id, "--log", str(log), "--json").out)
    assert shown["stages"]["best"]["inputs"]["scores"]["stage"] == "scores"
    for gone in ("data.json", "qupel.db", "shop.yaml"):
        (folder / gone).unlink()
    again = qupel("pipeline", "replay", str(log), "--json")
    assert again.code == 0
    assert [stage["equal"] for stage in json.loads(again.out)["stages"]] == [True] * 3
    (folder / "own_functions.py").write_text(FUNCTIONS.replace('["worth"] *', '["worth"] + 1 +'))
    changed = qupel("pipeline", "replay", str(log))
    assert changed.code == Exit.RUN
    assert "the code that it calls has changed" in changed.out


def test_a_fallback_ends_with_a_code_of_its_own(folder: Path) -> None:
    ended = qupel("pipeline", "run", f"{folder}/falls.yaml", "--json")
    assert ended.code == Exit.FALLBACK
    assert json.loads(ended.out)["outcome"] == "fallback"


def test_faults_of_a_file_are_told_with_their_lines(folder: Path) -> None:
    broken = folder / "broken.yaml"
    broken.write_text(PIPELINE.replace("kind: function", "kind: fonction"))
    ended = qupel("pipeline", "validate", str(broken))
    assert ended.code == Exit.INPUT
    assert "line 7: stage 'scores', kind: unknown kind of stage" in ended.err


def test_a_queued_run_is_cancelled(folder: Path) -> None:
    queued = qupel("pipeline", "run", f"{folder}/shop.yaml", "--detach", "--json")
    run_id = json.loads(queued.out)["run"]
    assert "cancelled" in qupel("pipeline", "cancel", run_id).out
    assert qupel("worker", "--once").code == 0
    assert qupel("pipeline", "status", run_id).code == Exit.INTERRUPTED


def test_an_unknown_run_is_told(folder: Path) -> None:
    ended = qupel("pipeline", "show", "none")
    assert (ended.code, "no run has an id that begins with 'none'" in ended.err) == (3, True)


PAID = """
pipeline: paid
owner: Ada
stages:
  graph: {kind: load, file: graph.qupel.json}
  plan:
    kind: quantum
    quantum: true
    needs: {problem: graph}
    solver: hosted-qaoa
    backend: emulator:ideal
    tier: hardware
    fallback: greedy
"""


def test_quantum_stages_are_approved_by_somebody_other_than_the_owner(folder: Path) -> None:
    (folder / "paid.yaml").write_text(PAID)
    command = ("pipeline", "approve", f"{folder}/paid.yaml", "--why", "reviewed", "--by")
    own = qupel(*command, "Ada")
    assert (own.code, "somebody else has to approve it" in own.err) == (Exit.INPUT, True)
    assert qupel(*command, "Grace").out == "paid, stage plan: approved by Grace\n"


def test_a_paid_stage_without_its_canary_is_told_to_run_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, graph: str
) -> None:
    monkeypatch.setenv("QUPEL_HOME", str(folder / "home"))
    (folder / "paid.yaml").write_text(PAID)
    monkeypatch.setenv("QUPEL_EMULATOR_URL", "http://127.0.0.1:9")  # nobody is asked
    monkeypatch.setenv("QUPEL_EMULATOR_TOKEN", "token")
    ended = qupel("pipeline", "run", f"{folder}/paid.yaml")
    assert ended.code == Exit.FALLBACK
    assert "plan: fallback: nothing was ordered: emulator:ideal is locked" in ended.out
    assert "run `qupel canary emulator:ideal`" in ended.out
