from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.runs.description import (
    describe,
    family_from,
    family_name,
    plain,
    solver_from,
    solvers_in,
)
from qupel.solvers.classical.command import Command
from tests.runs.toy import FAMILY, SMALL, Knapsack, Rows, Shots, Within, place


def test_a_described_solver_comes_back_equal() -> None:
    for solver in (Shots(5), Within(Within(Shots(3)), size=2), Rows(((0, 1, 0),))):
        document = json.loads(json.dumps(describe(solver)))
        assert solver_from(document, Knapsack) == solver


def test_settings_that_are_not_given_take_their_defaults() -> None:
    made = solver_from(place("Within", inner=place("Shots", shots=9)), Knapsack)
    assert made == Within(inner=Shots(9))


def test_a_registered_solver_is_described_by_its_name() -> None:
    solver = Command(("solve", "{instance}", "{answer}"))
    document = describe(solver)
    # Entry points of a clone that was not installed again do not know the newest solvers.
    assert document["solver"] in {"command", "qupel.solvers.classical.command:Command"}
    assert document["command"] == ["solve", "{instance}", "{answer}"]
    assert solver_from(document, Knapsack) == solver


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"shots": 3}, "needs the key 'solver'"),
        (place("Shot"), "cannot be imported"),
        (place("Shots", shot=3), "did you mean 'shots'"),
        ({"solver": "anneling"}, "did you mean 'annealing'"),
    ],
)
def test_a_wrong_description_is_told(document: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        solver_from(document, Knapsack)


def test_families_outside_the_registry_are_named_by_place() -> None:
    assert family_name(SMALL) == FAMILY
    assert family_from(FAMILY) is Knapsack
    assert family_from("maxcut").family == "maxcut"


def test_nested_solvers_are_found() -> None:
    assert [inner.name for inner in solvers_in(Within(Within()))] == [
        "toy-within",
        "toy-within",
        "toy-shots",
    ]


class Colour(enum.Enum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    at: tuple[int, ...]


def test_plain_values_survive_json() -> None:
    value = {
        "array": np.arange(4, dtype=np.uint8).reshape(2, 2),
        "float": np.float32(0.5),
        "bool": np.bool_(True),
        "inf": np.inf,
        "nan": float("nan"),
        "enum": Colour.RED,
        "part": Part((1, 2)),
        3: {2, 1},
    }
    expected = {
        "array": [[0, 1], [2, 3]],
        "float": 0.5,
        "bool": True,
        "inf": None,
        "nan": None,
        "enum": "red",
        "part": {"at": [1, 2]},
        "3": [1, 2],
    }
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_what_cannot_be_plain_is_told() -> None:
    with pytest.raises(InputError, match="a object cannot be written"):
        plain(object())
