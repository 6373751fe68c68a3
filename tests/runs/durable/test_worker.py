from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.tables import pipeline_runs
from tests.runs.durable.conftest import done, function, states, value


def scoring(**more: Any) -> Pipeline:
    return Pipeline(
        "scoring",
        (
            function("rows", "rows", arguments={"count": 5}, outputs={"table": "table"}),
            function("scores", "scored", {"table": "rows"}, role="scoring", **more),
            function("sum", "total", {"numbers": "scores"}, outputs={"sum": "number"}),
        ),
    )


def test_a_pipeline_of_an_instance_is_loaded_solved_and_judged(
    worker: Worker, tmp_path: Path, graph: str
) -> None:
    pipeline = Pipeline(
        "cuts",
        (
            Stage("graph", "load", {}, {"file": f"{tmp_path}/{graph}"}),
            Stage("cut", "solve", {"problem": "graph"}, {"solver": "tabu", "rounds": 50}),
            Stage("verdict", "judge", {"problem": "graph", "answer": "cut"}),
            Stage("file", "export", {"judged": "verdict"}, {"file": "out/verdict.json"}),
        ),
    )
    run_id = done(worker, pipeline, tmp_path)
    assert value(worker, run_id, "verdict")["feasible"]
    written = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert written == {"judged": value(worker, run_id, "verdict")}


def test_values_flow_from_stage_to_stage(worker: Worker, tmp_path: Path) -> None:
    run_id = done(worker, scoring(), tmp_path)
    assert value(worker, run_id, "sum") == 2.0 * (0 + 1 + 2 + 3 + 4)


def test_a_second_run_computes_nothing_again(worker: Worker, tmp_path: Path) -> None:
    mark = tmp_path / "calls"
    stage = function("once", "counted", arguments={"mark": str(mark)})
    first = done(worker, Pipeline("twice", (stage,)), tmp_path)
    second = done(worker, Pipeline("twice", (stage,)), tmp_path)
    log = worker.host.log
    assert len(mark.read_text().splitlines()) == 1
    assert log.stage(second, "once").reused
    assert log.stage(first, "once").outputs == log.stage(second, "once").outputs


def test_another_seed_draws_other_numbers_and_an_equal_one_the_same(
    worker: Worker, tmp_path: Path
) -> None:
    found = []
    for seed, version in ((1, "1"), (1, "2"), (2, "1")):  # another version is not reused
        pipeline = Pipeline("draw", (function("draw", "drawn", version=version),), seed)
        found.append(value(worker, done(worker, pipeline, tmp_path), "draw"))
    assert found[0] == found[1] != found[2]


def test_what_a_failed_stage_feeds_is_skipped_and_the_rest_goes_on(
    worker: Worker, tmp_path: Path
) -> None:
    pipeline = scoring()
    broken = function("broken", "broken", {"numbers": "scores"})
    after = function("after", "total", {"numbers": "broken"})
    run_id = done(worker, Pipeline("half", (*pipeline.stages, broken, after)), tmp_path)
    assert states(worker, run_id) == {
        "rows": "done", "scores": "done", "sum": "done", "broken": "failed", "after": "skipped"
    }  # fmt: skip
    assert worker.host.log.run(run_id).state == "failed"
    assert "no such thing" in worker.host.log.stage(run_id, "broken").why


@pytest.mark.parametrize("call", ["broken", "unlucky", "odd", "wrong", "not_a_number"])
def test_a_function_that_fails_is_answered_by_its_fallback(
    worker: Worker, tmp_path: Path, call: str
) -> None:
    pipeline = scoring()
    name, outputs = "tests.runs.durable.shop:total", {"out": "number"}
    mended = function("mended", call, {"numbers": "scores"}, fallback=name, outputs=outputs)
    run_id = done(worker, Pipeline("mended", (*pipeline.stages, mended)), tmp_path)
    assert states(worker, run_id)["mended"] == "fallback"
    assert value(worker, run_id, "mended") == value(worker, run_id, "sum")


@pytest.mark.parametrize(
    ("call", "said"),
    [("wrong", "of type number"), ("not_a_number", "finite"), ("both", "of type number")],
)
def test_outputs_that_break_their_type_fail_the_stage(
    worker: Worker, tmp_path: Path, call: str, said: str
) -> None:
    pipeline = scoring()
    odd = function("odd", call, {"numbers": "scores"}, outputs={"out": "number"})
    run_id = done(worker, Pipeline("odd", (*pipeline.stages, odd)), tmp_path)
    assert said in worker.host.log.stage(run_id, "odd").why


def test_a_run_that_this_version_cannot_read_keeps_no_other_waiting(
    worker: Worker, tmp_path: Path
) -> None:
    first = worker.host.log.run(done(worker, scoring(), tmp_path))
    chosen = sa.select(pipeline_runs).where(pipeline_runs.c.id == first.id)
    with worker.database.writing() as connection:
        row = connection.execute(chosen).one()._asdict()
        odd = {"id": "odd-1", "state": "queued", "definition": '{"pipeline": 9}', "created": 1.0}
        connection.execute(sa.insert(pipeline_runs).values({**row, **odd}))
    try:
        done(worker, scoring(version="2"), tmp_path)
    finally:
        worker.host.log.cancel("odd-1")


def test_several_outputs_are_told_apart_by_name(worker: Worker, tmp_path: Path) -> None:
    pipeline = scoring()
    outputs = {"least": "number", "most": "number"}
    both = function("both", "both", {"numbers": "scores"}, outputs=outputs)
    most = function("most", "sleeping", {"seconds": "both.least"})
    run_id = done(worker, Pipeline("both", (*pipeline.stages, both, most)), tmp_path)
    assert value(worker, run_id, "most") == 0.0


def test_a_function_that_overruns_is_killed(worker: Worker, tmp_path: Path) -> None:
    slow = function("slow", "sleeping", arguments={"seconds": 60.0}, seconds=1.0)
    began = time.monotonic()
    run_id = done(worker, Pipeline("slow", (slow,)), tmp_path)
    assert "killed" in worker.host.log.stage(run_id, "slow").why
    assert time.monotonic() - began < 15


def test_what_a_function_prints_stays_out_of_the_results(
    worker: Worker, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done(worker, Pipeline("loud", (function("loud", "loud"),)), tmp_path)
    assert capfd.readouterr().out == ""


def test_a_cancelled_run_begins_nothing_more(worker: Worker, tmp_path: Path) -> None:
    first = function("first", "sleeping", arguments={"seconds": 1.0})
    second = function("second", "sleeping", {"seconds": "first"})
    run_id = worker.host.log.submit(Pipeline("cancel", (first, second)), tmp_path)
    while worker.host.log.stage(run_id, "first").state != "running":
        time.sleep(0.02)
    worker.host.log.cancel(run_id)
    time.sleep(1.5)
    assert states(worker, run_id) == {"first": "cancelled", "second": "cancelled"}
    assert worker.host.log.run(run_id).state == "cancelled"


def test_an_instance_that_is_missing_fails_with_its_name(worker: Worker, tmp_path: Path) -> None:
    pipeline = Pipeline("none", (Stage("graph", "load", {}, {"file": "none.txt"}),))
    run_id = done(worker, pipeline, tmp_path)
    assert "none.txt: cannot be read" in worker.host.log.stage(run_id, "graph").why
