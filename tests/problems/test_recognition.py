"""A file tells its family: each public instance fits exactly one."""

from __future__ import annotations

import contextlib
import json
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"family": "maxcut", "problem": {}}', "holds no document of a maxcut problem"),
        ('{"family": "maxcut", "problem": 3}', "holds no document of a maxcut problem"),
        ('{"family": ["maxcut"], "problem": {}}', "unknown family"),
        ('{"family": "subset", "problem": {"items": [1]}}', "odd.qupel.json: item 1 needs"),
        ("[1]", "needs the keys"),
        ("[" * 100_000, "odd.qupel.json: its JSON is nested too deeply"),
        ("{", "odd.qupel.json:1: "),
    ],
)
def test_a_document_that_holds_no_problem_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "odd.qupel.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_problem(path)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_document_short_of_a_part_is_an_input_error(tmp_path: Path, name: str) -> None:
    problem, _ = FAMILIES[name].load().random(1)
    document = problem.document()
    path = tmp_path / "short.qupel.json"
    for part in document:
        for held in ({}, {part: None}, {part: "x"}, {part: [[None]]}):
            changed = {k: v for k, v in document.items() if k != part} | held
            path.write_text(json.dumps({"family": name, "problem": changed}))
            with contextlib.suppress(InputError):
                read_problem(path)
