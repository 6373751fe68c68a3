"""kill -9 in the middle of a loop on the emulator, whose books alone decide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.backends.adapters import neutral
from qupel.backends.checks.canary import check_canary
from qupel.backends.checks.locks import FileCanaries, canary_file
from qupel.backends.emulator import running_emulator
from qupel.backends.emulator.process import Running
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.variational.log import replay

LOOP = """\
name: cut
problem: graph.qupel.json
backend: emulator:ideal
tier: cloud simulator
seed: 4
accounts: [experiment:loop]
search: {shots: 50, evaluations: 12, tolerance: 0.0}
"""


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A provider whose canary has passed."""
    with running_emulator("--queue-seconds", "0.2") as running:
        monkeypatch.setenv("QUPEL_EMULATOR_URL", running.url)
        monkeypatch.setenv("QUPEL_EMULATOR_TOKEN", running.token)
        monkeypatch.setenv("QUPEL_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("QUPEL_DATABASE", raising=False)
        report = check_canary(neutral.open("ideal"), sizes=(1, 2), most=Money.of(100))
        assert report.passed
        FileCanaries(canary_file()).save(report)
        yield running


def bills(emulator: Running) -> Counter[str]:
    return Counter(entry["job"] for entry in emulator.ledger() if entry["what"] == "bill")


def begun(folder: Path) -> subprocess.Popen[bytes]:
    """The loop in a process of its own."""
    command = [sys.executable, "-m", "qupel", "variational", "run", "loop.yaml", "--log", "log"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, env=os.environ, stdout=quiet, stderr=quiet)


def measured(log: Path) -> int:
    """Evaluations of the backend that a log holds."""
    text = log.read_text() if log.exists() else ""
    return sum("cost" in line and '"run":"backend"' in line for line in text.splitlines())


@pytest.mark.slow
def test_a_loop_killed_again_and_again_pays_each_evaluation_once(
    emulator: Running, tmp_path: Path
) -> None:
    (tmp_path / "loop.yaml").write_text(LOOP)
    write_problem(MaxCut.random(3, nodes=8)[0], tmp_path / "graph.qupel.json")
    before, log = bills(emulator), tmp_path / "log"
    for kill_at in (1, 4, 7):
        process = begun(tmp_path)
        until = time.monotonic() + 240
        while measured(log) < kill_at and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
        process.wait()
    last = begun(tmp_path)
    assert last.wait(240) == 0
    text = log.read_text()
    paid = bills(emulator) - before
    assert (len(paid), set(paid.values())) == (12, {1})
    lines = [json.loads(line) for line in text.splitlines()]
    jobs = {
        line["provider_job"] for line in lines if line.get("run") == "backend" and "job" in line
    }
    assert jobs == set(paid)
    assert replay(text).same
