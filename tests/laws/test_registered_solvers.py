"""Every registered solver, whoever wrote it, keeps the contract of solvers."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest

from qupel.model import Ising, Model, Qubo, Quota, bits
from qupel.problems.registry import families
from qupel.testing import check_solver

#: All but the status quo, which needs a command; its own tests hold it to the contract.
POINTS = sorted(
    (point for point in entry_points(group="qupel.solvers") if point.name != "command"),
    key=lambda point: point.name,
)
SIZES: dict[str, dict[str, int]] = {
    "subset": {"items": 12, "size": 4},
    "maxcut": {"nodes": 14},
    "qubo": {"variables": 14},
    "mis": {"size": 4, "clique": 3},
    "jobshop": {"jobs": 3, "machines": 3},
    "cvrp": {"customers": 7},
    "vrptw": {"customers": 7},
}


def form_for(accepts: type[Any]) -> Any:
    """A small form or problem that a solver of this kind takes."""
    rng = np.random.default_rng(3)
    weights = np.triu(rng.integers(-4, 5, (9, 9))).astype(float)
    if accepts is Ising:
        return Ising(rng.integers(-2, 3, 9), np.triu(weights, 1), 1.5, [Quota((0, 1, 2, 3), 2)])
    if accepts is Qubo:
        return Qubo(weights)
    if accepts is Model:
        pick = bits("pick", 8)
        fits = rng.integers(1, 9, 8) @ pick <= 17
        return Model(minimise=pick.quadratic(weights[:8, :8]), subject_to=[fits])
    for name, family in families().items():
        problem = family.random(1, **SIZES[name])[0]
        if isinstance(problem, accepts):
            return problem
    raise AssertionError(f"no family fits {accepts}")


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_registered_solver_keeps_the_contract(point: Any) -> None:
    made = point.load()
    check_solver(made(), form_for(made.accepts), rounds=4, seconds=0.2)
