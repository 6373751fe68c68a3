"""A run's data, code, environment and parameters are pinned: it repeats elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qupel.cli.exits import Exit
from qupel.runs.durable.lineage import lineage, log_document, replay
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from tests.acceptance.command import qupel
from tests.runs.durable.conftest import done, function

MODEL = """
def scores(rows):
    return [row["worth"] / 3.0 for row in rows]
"""
PIPELINE = """
pipeline: pinned
seed: 5
stages:
  graph: {kind: load, file: graph.qupel.json}
  rows: {kind: load, file: rows.csv, as: table}
  scores:
    kind: function
    call: pinned_model:scores
    needs: {rows: rows}
    inputs: {rows: table}
    outputs: {scores: document}
  cut: {kind: solve, needs: {problem: graph}, solver: annealing, rounds: 20, seconds: 60}
  verdict: {kind: judge, needs: {problem: graph, answer: cut}}
"""


@pytest.fixture
def place(tmp_path: Path, graph: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rows.csv").write_text("item,worth\n1,2.0\n2,7.5\n")
    (tmp_path / "pinned_model.py").write_text(MODEL)
    (tmp_path / "pinned.yaml").write_text(PIPELINE)
    monkeypatch.setenv("QUPEL_DATABASE", str(tmp_path / "qupel.db"))
    return tmp_path


def replayed(log: Path, folder: Path, code: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """A replay in a fresh process elsewhere, which finds its functions in ``code``."""
    command = [sys.executable, "-m", "qupel", "pipeline", "replay", str(log), "--json", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUPEL")}
    given = {**kept, "PYTHONPATH": str(code), "QUPEL_HOME": str(folder / "home")}
    ended = subprocess.run(command, cwd=folder, env=given, capture_output=True, check=False)
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.slow
def test_a_run_repeats_elsewhere_after_its_data_changed_and_were_deleted(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ran = qupel("pipeline", "run", place / "pinned.yaml", "--json")
    run_id = ran.document["run"]
    log = tmp_path_factory.mktemp("log") / "log.json"
    assert qupel("pipeline", "show", run_id, "--log", log).code == Exit.OK
    elsewhere, code = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("code")
    (code / "pinned_model.py").write_text(MODEL)
    before = json.loads(log.read_text())["stages"]

    (place / "rows.csv").write_text("item,worth\n1,99.0\n")
    (place / "graph.qupel.json").write_text("{}")
    ended, document = replayed(log, elsewhere, code)
    assert (ended, [stage["equal"] for stage in document["stages"]]) == (0, [True] * 5)

    for path in sorted(place.iterdir()):
        if path.is_file():
            path.unlink()
    ended, document = replayed(log, elsewhere, code)
    assert (ended, [stage["equal"] for stage in document["stages"]]) == (0, [True] * 5)
    assert {s["stage"]: s["found"] for s in document["stages"]} == {
        name: held["outputs"] for name, held in before.items()
    }
    # Of what it ran on, a commit meanwhile may have changed the revision.
    assert [said for said in document["environment_changes"] if "code was" not in said] == []
    assert not (elsewhere / "home").exists()


@pytest.mark.slow
def test_a_machine_that_rounds_differently_passes_within_the_stated_tolerance(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_id = qupel("pipeline", "run", place / "pinned.yaml", "--json").document["run"]
    log = place / "log.json"
    assert qupel("pipeline", "show", run_id, "--log", log).code == Exit.OK
    code = tmp_path_factory.mktemp("code")
    (place / "pinned_model.py").unlink()
    (code / "pinned_model.py").write_text(MODEL.replace("/ 3.0", "/ 3.0 * (1 + 1e-12)"))
    ended, document = replayed(log, code, code)
    [stage] = [held for held in document["stages"] if held["equal"] is False]
    assert (ended, stage["stage"]) == (Exit.RUN, "scores")
    assert 0 < stage["largest_difference"] < 1e-11
    ended, document = replayed(log, code, code, "--tolerance", "1e-9")
    assert ended == Exit.OK
    assert all(stage["within_tolerance"] for stage in document["stages"])


def test_lineage_names_every_file_that_was_read_with_its_hashes(
    worker: Worker, tmp_path: Path, graph: str
) -> None:
    import hashlib

    pipeline = Pipeline("read", (Stage("graph", "load", settings={"file": graph}),), owner="Ada")
    found = lineage(worker.host.log, done(worker, pipeline, tmp_path))
    [snapshot] = found["data"]
    path = tmp_path / graph
    assert snapshot["source"] == str(path)
    assert snapshot["source_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert snapshot["hash"] == found["stages"]["graph"]["outputs"]["problem"]
    assert (found["owner"], found["of"]) == ("Ada", "read")
    assert found["environment"]["machine"]["machine"]
    assert found["code"]["revision"] == found["revision"]


def test_what_failed_on_the_way_is_beyond_every_tolerance(worker: Worker, tmp_path: Path) -> None:
    stage = function("rows", "rows", arguments={"count": 2}, outputs={"table": "table"})
    document = log_document(
        worker.host.log, done(worker, Pipeline("small", (stage,)), tmp_path), None
    )
    document["definition"]["stages"]["rows"]["settings"]["call"] = "nowhere:gone"
    document["parameters"]["definition"] = document["definition"]
    fresh = Pipeline.from_document(document["definition"]).hash()
    document["definition_hash"] = document["code"]["definition_hash"] = fresh
    [again] = replay(document)
    assert (again.equal, again.within(1e9)) == (False, False)
    assert "cannot be imported" in again.why
