from __future__ import annotations

import json
from pathlib import Path

import pytest

from qupel.cli.exits import Exit
from qupel.errors import InputError, RunError
from qupel.integrations import commands
from qupel.integrations.commands import (
    Ended,
    Outcome,
    database_variable,
    pipeline_command,
    run_command,
)
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem

PIPELINE = {
    "pipeline": "plan",
    "stages": {
        "graph": {"kind": "load", "file": "graph.qupel.json"},
        "cut": {"kind": "solve", "needs": {"problem": "graph"}, "solver": "tabu", "rounds": 5},
        "verdict": {"kind": "judge", "needs": {"problem": "graph", "answer": "cut"}},
    },
}


def test_the_codes_are_those_of_the_command_line() -> None:
    codes = (Exit.OK, Exit.INPUT, Exit.FALLBACK, Exit.USAGE)
    assert codes == (commands.SUCCESS, commands.INPUT, commands.FALLBACK, commands.USAGE)


@pytest.mark.slow
def test_a_stage_runs_through_the_command_line_and_gives_its_document(tmp_path: Path) -> None:
    problem, _ = MaxCut.random(1, nodes=8)
    write_problem(problem, tmp_path / "graph.qupel.json")
    path = tmp_path / "plan.yaml"  # JSON is YAML
    path.write_text(json.dumps(PIPELINE))
    place = database_variable(str(tmp_path / "q.db"))
    ended = run_command(pipeline_command(str(path), "cut"), environment=place)
    assert (tmp_path / "q.db").exists()
    assert (ended.outcome, ended.code) == (Outcome.SUCCESS, 0)
    assert [held["stage"] for held in ended.checked()["stages"]] == ["graph", "cut"]


def test_bad_input_is_a_failure_that_no_retry_mends(tmp_path: Path) -> None:
    ended = run_command(pipeline_command(str(tmp_path / "none.yaml")))
    assert (ended.outcome, ended.code) == (Outcome.FAILURE, Exit.INPUT)
    assert not ended.is_worth_a_retry
    with pytest.raises(InputError, match="cannot be read"):
        ended.checked()


def test_a_run_that_did_not_deliver_may_be_tried_again() -> None:
    ended = Ended(Outcome.FAILURE, Exit.RUN, {}, "no answer")
    assert ended.is_worth_a_retry
    with pytest.raises(RunError, match="no answer"):
        ended.checked()


def test_a_fallback_is_an_outcome_with_a_document() -> None:
    ended = Ended(Outcome.FALLBACK, Exit.FALLBACK, {"outcome": "fallback"}, "")
    assert ended.checked() == {"outcome": "fallback"}
