"""Greedy subset selection: best marginal gains within all limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising, Model, Qubo
from qupel.problems.independent_set import IndependentSet
from qupel.problems.maxcut import MaxCut
from qupel.problems.quadratic import BinaryQuadratic
from qupel.problems.subset import SubsetSelection
from qupel.solvers.classical.greedy_subset import GreedySubset
from qupel.solvers.contract import Incumbent, after_rounds
from qupel.solvers.registry import fitting, solver_for
from qupel.testing.solver import check_solver


def solved(problem: SubsetSelection, solver: GreedySubset | None = None) -> tuple[str, ...]:
    samples = (solver or GreedySubset()).solve(
        problem, stop=after_rounds(1), rng=np.random.default_rng(0)
    )
    answer = problem.answer(samples.values[0])
    judged = problem.judge(answer)
    assert judged.feasible
    assert judged.objective == samples.energies[0] == problem.form().energies(samples.values)[0]
    return answer.names


def test_each_step_takes_the_best_item_given_those_chosen() -> None:
    pairs = [[0, 5, 0], [0, 0, 0], [0, 0, 0]]
    assert solved(SubsetSelection([6, 5, 2], pairs, size=2, names=["a", "b", "c"])) == ("a", "c")


def test_it_stops_when_nothing_gains_and_enough_are_chosen() -> None:
    assert solved(SubsetSelection([3, -1, -2])) == ("1",)
    assert solved(SubsetSelection([3, -1, -2], min_size=2)) == ("1", "2")
    assert solved(SubsetSelection([-1.0])) == ()


def test_an_item_that_leaves_no_way_on_is_passed_over() -> None:
    problem = SubsetSelection([9, 2, 1], size=2, costs=[5, 2, 2], budget=6)
    assert solved(problem) == ("2", "3")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [{}, {"groups": 3, "budget": True}, {"items": 50, "size": 8}])
def test_generated_instances_are_answered_within_limits(seed: int, sizes: dict[str, Any]) -> None:
    problem, optimum = SubsetSelection.random(seed, **sizes)
    names = solved(problem)
    assert problem.judge(problem.select(*names)).objective >= optimum.objective


def test_mean_redundancy_needs_a_fixed_size() -> None:
    with pytest.raises(InputError, match="fixed size"):
        solved(SubsetSelection([1, 2]), GreedySubset("mrmr"))
    with pytest.raises(InputError, match="did you mean 'mrmr'"):
        GreedySubset("mrmrr")  # type: ignore[arg-type]


def test_it_reports_what_it_found() -> None:
    seen: list[Any] = []
    GreedySubset().solve(
        SubsetSelection([1.0, 2.0], size=1),
        stop=after_rounds(1),
        rng=np.random.default_rng(0),
        on_event=seen.append,
    )
    assert [type(event) for event in seen] == [Incumbent]


def test_it_is_the_greedy_solver_of_subsets_and_of_no_other_family() -> None:
    assert fitting("greedy", SubsetSelection) is GreedySubset
    for family in (MaxCut, BinaryQuadratic, IndependentSet):
        found = fitting("greedy", family)
        assert found is not None
        assert found.accepts in (Model, Qubo, Ising)


def test_settings_come_from_plain_data() -> None:
    assert solver_for("greedy", SubsetSelection, {"criterion": "mrmr"}) == GreedySubset("mrmr")


@pytest.mark.parametrize("solver", [GreedySubset(), GreedySubset("mrmr")], ids=repr)
def test_it_keeps_the_contract_of_solvers(solver: GreedySubset) -> None:
    problem, _ = SubsetSelection.random(2, items=20, size=4, budget=True, groups=2)
    check_solver(solver, problem, seconds=0.1)
