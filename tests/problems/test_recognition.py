"""A file tells its family: each public instance fits exactly one."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.model.formats import read_text
from qupel.problems.registry import read_problem
from tests.data import instances

FAMILIES = {point.name: point for point in entry_points(group="qupel.families")}


@pytest.mark.parametrize(
    ("folder", "family"),
    [
        ("maxcut", "maxcut"),
        ("qubo", "qubo"),
        ("mis", "mis"),
        ("jobshop", "jobshop"),
        ("cvrp", "cvrp"),
        ("cvrp_small", "cvrp"),
        ("vrptw", "vrptw"),
    ],
)
def test_every_public_instance_fits_its_family_alone(folder: str, family: str) -> None:
    loaded = {name: point.load() for name, point in FAMILIES.items()}
    for path in instances(folder).values():
        head = read_text(path)[:4000]
        fitting = [name for name, made in loaded.items() if made.recognises(path, head)]
        assert fitting == [family], path.name


def test_a_file_of_odd_digits_fits_no_family(tmp_path: Path) -> None:
    path = tmp_path / "odd.mc"
    path.write_text("2 1\n1 \N{SUPERSCRIPT TWO} 3\n", encoding="utf-8")
    with pytest.raises(InputError, match="fits no family"):
        read_problem(path)
