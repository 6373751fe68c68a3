"""A loop again, from its log alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.problems.maxcut import MaxCut
from qupel.runs.variational.log import replay
from qupel.runs.variational.running import Runner
from tests.runs.variational.conftest import Measuring, loop


@pytest.fixture
def log(runner: Callable[..., Runner], problem: MaxCut) -> str:
    return runner().run(loop(), problem)


def test_the_log_alone_gives_the_same_trajectory_byte_for_byte(
    log: str, provider: Measuring
) -> None:
    calls = dict(provider.calls)
    found = replay(log)
    assert found.text == log
    assert (found.same, found.difference, found.largest) == (True, "", 0.0)
    assert dict(provider.calls) == calls


def test_a_budget_that_ended_it_is_told_again(
    runner: Callable[..., Runner], problem: MaxCut
) -> None:
    running = runner()
    running.ledger.set_budget("experiment:few", shots=100)
    log = running.run(loop(accounts=("experiment:few",)), problem)
    assert replay(log).same


def test_a_trajectory_that_does_not_follow_from_its_shots_is_told(log: str) -> None:
    lines = log.splitlines()
    place = next(k for k, text in enumerate(lines) if '"evaluation":3' in text)
    line = json.loads(lines[place])
    line["angles"][0] += 1e-9
    lines[place] = json.dumps(line, sort_keys=True, separators=(",", ":"))
    found = replay("\n".join(lines) + "\n")
    assert not found.same
    assert found.difference.startswith(f"line {place + 1}, angles[0]: was ")
    assert 0 < found.largest < 2e-9


def test_shots_that_were_changed_are_told(log: str) -> None:
    lines = log.splitlines()
    place = next(k for k, text in enumerate(lines) if '"evaluation":2' in text)
    line = json.loads(lines[place])
    word, times = next(iter(line["counts"].items()))
    line["counts"][word] = times + 5
    lines[place] = json.dumps(line, sort_keys=True, separators=(",", ":"))
    found = replay("\n".join(lines) + "\n")
    assert (found.same, found.largest) == (False, float("inf"))


@pytest.mark.parametrize("text", ["", "{}", "[1]\n", '{"log":"other","schema":1}\n', "x"])
def test_what_is_no_log_is_told(text: str) -> None:
    with pytest.raises(InputError, match="no log of a loop"):
        replay(text)


def test_a_log_of_a_loop_that_has_not_ended_is_told(log: str) -> None:
    with pytest.raises(InputError, match="the log is not whole"):
        replay("".join(line + "\n" for line in log.splitlines()[:-3]))


@pytest.mark.slow
def test_with_everything_deleted_but_the_log_a_fresh_process_gives_the_same(
    log: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    alone = tmp_path_factory.mktemp("alone")
    (alone / "log.jsonl").write_text(log)
    for path in tmp_path.iterdir():  # the database and all beside it
        path.unlink()
    command = [sys.executable, "-m", "qupel", "variational", "replay", "log.jsonl", "--json"]
    given = {"PATH": "/usr/bin:/bin", "QUPEL_HOME": str(alone / "home")}
    done = subprocess.run(
        [*command, "--out", "again.jsonl"], cwd=alone, env=given, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["same"] is True
    assert (alone / "again.jsonl").read_text() == log
    assert not (alone / "home").exists()
