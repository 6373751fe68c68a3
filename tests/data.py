"""Public instances with known values, read where they lie; nothing of them is kept here.

The environment variable ``QUPEL_DATA`` names the folder; without it, ``../shared/data`` beside
the repository is taken. A test that asks for a family which is not there is skipped.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def folder(family: str) -> Path:
    """Folder of a family such as ``maxcut``; skips the test that asks if there is none."""
    data = Path(os.environ.get("QUPEL_DATA", ROOT.parent / "shared" / "data"))
    found = data / family
    if not (found / "best_known.csv").is_file():
        pytest.skip(f"no {family} instances in {data}; set QUPEL_DATA to the folder that has them")
    return found


def instances(family: str) -> dict[str, Path]:
    """Every instance file of a family by the name that `best_known` lists it under."""
    files = sorted((folder(family) / "instances").iterdir())
    return {
        name: next(path for path in files if _instance_name(path, name))
        for name in best_known(family)
    }


def solutions(family: str) -> dict[str, Path]:
    """Solution files that came with a family's instances, by instance name."""
    files = sorted((folder(family) / "instances").iterdir())
    found = {name: [p for p in files if _solution_name(p, name)] for name in best_known(family)}
    return {name: paths[0] for name, paths in found.items() if paths}


def best_known(family: str) -> dict[str, str]:
    """Best known value of each instance, as it is written in the family's list.

    Mostly a number; ``vehicles/distance`` where the objective is hierarchical.
    """
    with (folder(family) / "best_known.csv").open(encoding="utf-8", newline="") as lines:
        return {row["instance"]: row["best_known"] for row in csv.DictReader(lines)}


def _instance_name(path: Path, name: str) -> bool:
    return _is_of(path, name) and not _is_solution(path)


def _solution_name(path: Path, name: str) -> bool:
    return _is_of(path, name) and _is_solution(path)


def _is_of(path: Path, name: str) -> bool:
    return path.name == name or path.name.startswith(f"{name}.")


def _is_solution(path: Path) -> bool:
    return any(part in {"sol", "opt", "bst"} for part in path.name.split(".")[1:])
