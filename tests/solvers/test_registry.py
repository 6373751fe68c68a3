"""Solvers made by name with settings."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from qupel.errors import InputError
from qupel.problems.registry import families
from qupel.solvers.registry import solver_for, solver_points, takes

GRAPHS = families()["maxcut"]


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("tabu", {"walkers": "x"}, "'walkers' of solver 'tabu' must be int, got 'x'"),
        ("tabu", {"walkers": 2.5}, "must be int, got 2.5"),
        ("tabu", {"walkers": True}, "must be int, got True"),
        ("tabu", {"walkers": None}, "must be int, got None"),
        ("tabu", {"tenure": "long"}, "must be int or none, got 'long'"),
        ("milp", {"presolve": "yes"}, "must be bool, got 'yes'"),
        ("hybrid", {"size": [1]}, r"must be int, got \[1\]"),
        ("hybrid", {"inner": {"solver": "qaoa", "shots": "many"}}, "'shots' of solver 'qaoa'"),
        ("tabu", {"walker": 2}, "did you mean 'walkers'"),
    ],
)
def test_settings_of_another_kind_are_refused_by_name(
    name: str, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        solver_for(name, GRAPHS, settings)


@pytest.mark.parametrize("name", sorted(solver_points()))
def test_every_solver_takes_its_own_settings(name: str) -> None:
    for family in families().values():
        if takes(name, family) and name != "command":
            made = solver_for(name, family)
            fields = dataclasses.fields(made)  # type: ignore[arg-type]
            held = {field.name: getattr(made, field.name) for field in fields if field.init}
            assert solver_for(name, family, held) == made


def test_a_whole_number_will_do_where_any_number_does() -> None:
    assert solver_for("milp", GRAPHS, {"gap": 0}) == solver_for("milp", GRAPHS)
