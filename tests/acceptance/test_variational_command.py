"""Loops that measure, through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.cli.exits import Exit
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from tests.acceptance.command import qupel

LOOP = """\
name: cut
problem: graph.qupel.json
backend: local:statevector
owner: Ada
seed: 4
search: {shots: 30, evaluations: 7}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("loop")
    (made / "loop.yaml").write_text(LOOP)
    write_problem(MaxCut.random(3, nodes=8)[0], made / "graph.qupel.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_HOME", str(made / "home"))
        patch.delenv("QUPEL_DATABASE", raising=False)
        yield made


@pytest.fixture(scope="module")
def log(place: Path) -> Path:
    path = place / "log.jsonl"
    ended = qupel("variational", "run", place / "loop.yaml", "--log", path, "--json")
    assert ended.code == Exit.OK, ended.err
    assert ended.document["end"]["ended"] == "all 7 evaluations were made"
    assert set(ended.document["comparison"]["objectives"]) == {"baseline", "simulator", "backend"}
    return path


def test_a_loop_is_repeated_from_its_log(place: Path, log: Path) -> None:
    again = place / "again.jsonl"
    ended = qupel("variational", "replay", log, "--out", again, "--json")
    assert (ended.code, ended.document["same"]) == (Exit.OK, True)
    assert again.read_text() == log.read_text()
    assert "the same, byte for byte" in qupel("variational", "replay", log).out


def test_a_changed_log_ends_with_a_code_unless_it_is_within_the_tolerance(
    place: Path, log: Path
) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[-2]["settled"][0] *= 1 + 1e-12
    changed = place / "changed.jsonl"
    changed.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = qupel("variational", "replay", changed)
    assert (ended.code, "settled[0]: was" in ended.out) == (Exit.RUN, True)
    assert qupel("variational", "replay", changed, "--tolerance", "1e-9").code == Exit.OK


def test_each_evaluation_is_a_job_with_its_purpose(log: Path) -> None:
    jobs = qupel("jobs", "list", "--json").document["jobs"]
    mine = [job for job in jobs if job["purpose"].get("loop") == "cut"]
    assert len(mine) == 14  # on the simulator first, then on the backend
    report = qupel("budget", "report", "--by", "purpose.loop", "--json").document
    [line] = [line for line in report["lines"] if line["name"] == "cut"]
    assert line["shots"] == 14 * 30


@pytest.mark.parametrize(
    ("by", "said"), [("Ada", "somebody else has to approve it"), ("Grace", "is approved by Grace")]
)
def test_somebody_else_than_the_owner_approves(place: Path, by: str, said: str) -> None:
    ended = qupel("variational", "approve", place / "loop.yaml", "--by", by, "--why", "tried")
    assert said in ended.out + ended.err


def test_what_is_no_log_is_told(place: Path) -> None:
    ended = qupel("variational", "replay", place / "loop.yaml")
    assert (ended.code, "this is no log of a loop" in ended.err) == (Exit.INPUT, True)
