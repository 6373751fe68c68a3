"""Schedulers of others, unmodified, each in an environment of its own; see the Makefile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import qupel
from tests.data import ROOT

SCHEDULERS = Path(__file__).parent / "schedulers"
EXAMPLES = ROOT / "examples" / "schedulers"

#: Runs a script or module in an environment: its Python, arguments, and more variables.
Run = Callable[..., subprocess.CompletedProcess[str]]


def python_of(scheduler: str) -> Path:
    """The Python that has a scheduler, and no Qupel but the source of this checkout."""
    return ROOT / "build" / "vendors" / scheduler / "bin" / "python"


def needs(scheduler: str) -> pytest.MarkDecorator:
    """Skip where a scheduler is not installed."""
    return pytest.mark.skipif(
        not python_of(scheduler).exists(), reason=f"no {scheduler}; `make vendors` installs it"
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run something beside an own database, and nothing that calls home."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "src"),
        "QUPEL_PYTHON": sys.executable,
        "QUPEL_HOME": str(tmp_path / "qupel"),
        "QUPEL_DATABASE": str(tmp_path / "qupel.db"),
        "DO_NOT_TRACK": "1",
    }

    def ran(python: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            [str(python), *map(str, arguments)],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
        return ended

    return ran


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples: they write beside themselves."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


@pytest.fixture
def outcomes(tmp_path: Path) -> Path:
    """Tasks that end in every way, and a deployed route for one of them."""
    folder = Path(shutil.copytree(SCHEDULERS, tmp_path / "outcomes"))
    for script in folder.glob("in_*.py"):
        script.unlink()  # Airflow would look for DAGs in it
    place = ("--database", tmp_path / "qupel.db")
    sample = ("--sample", folder / "network.qupel.json")
    assert qupel("route", "deploy", folder / "cuts.yaml", "--by", "Ada", *sample, *place).code == 0
    return folder


def last_document(printed: str) -> dict[str, Any]:
    """The JSON document on the last line of what was printed."""
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return found
