"""Tuning: the same allowance for every arm."""

from __future__ import annotations

from pathlib import Path

import pytest

from qupel.pilots.pilot import prepare
from qupel.pilots.tuning import trials_of
from qupel.problems.registry import families, family
from qupel.solvers.registry import fitting, solver_for, solver_points
from tests.pilots.small import small_pilot


@pytest.mark.parametrize("name", sorted(families()))
@pytest.mark.parametrize("solver", sorted(solver_points()))
def test_every_declared_setting_makes_a_solver(solver: str, name: str) -> None:
    made = fitting(solver, family(name))
    for setting, values in getattr(made, "tunable", {}).items():
        for value in values:
            assert getattr(solver_for(solver, family(name), {setting: value}), setting) == value


@pytest.mark.parametrize("solver", ["annealing", "tabu", "genetic", "local-search"])
def test_a_classical_arm_is_tuned_though_its_charter_names_no_settings(
    tmp_path: Path, solver: str
) -> None:
    path = small_pilot(tmp_path, tuning={"trials": 3, "cases": 1})
    path.write_text(path.read_text().replace("solver: milp", f"solver: {solver}"))
    path.write_text(path.read_text().replace("solver: greedy", "solver: cpsat", 1))
    charter = prepare(path).charter
    arm = next(arm for arm in charter.arms if arm.solver == solver)
    tried = [dict(trial.settings) for trial in trials_of(arm, charter, family("subset"))]
    assert len(tried) == 3
    assert tried[0] == {}
    made = [solver_for(solver, family("subset"), settings) for settings in tried]
    assert all(made.count(one) == 1 for one in made)
