"""Solvers of vehicle routing: PyVRP, OR-Tools, savings, local search, annealing."""

import sys

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Samples
from qupel.problems.cvrp import CapacitatedRouting
from qupel.problems.routing import VehicleRouting, VehicleType
from qupel.problems.routing_places import Places
from qupel.problems.vrptw import WindowRouting
from qupel.solvers.classical.ortools_routing import OrToolsRouting
from qupel.solvers.classical.pyvrp import PyVrp
from qupel.solvers.classical.routing_search import RoutingAnnealing, RoutingLocalSearch
from qupel.solvers.classical.savings import Savings
from qupel.solvers.contract import Solver, after_rounds, after_seconds, any_of, reached
from qupel.testing import check_solver
from tests.data import instances

SEARCHES: list[Solver[VehicleRouting]] = [
    RoutingLocalSearch(),
    RoutingAnnealing(),
    PyVrp(),
    OrToolsRouting(),
]
SOLVERS: list[Solver[VehicleRouting]] = [Savings(), *SEARCHES]


def solve(solver: Solver[VehicleRouting], problem: VehicleRouting, seconds: float) -> Samples:
    return solver.solve(problem, stop=after_seconds(seconds), rng=np.random.default_rng(1))


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
@pytest.mark.parametrize("made", [CapacitatedRouting, WindowRouting], ids=lambda m: m.family)
def test_solver_keeps_its_contract(
    solver: Solver[VehicleRouting], made: type[CapacitatedRouting] | type[WindowRouting]
) -> None:
    problem, _ = made.random(2, customers=30, vehicle_types=2)
    check_solver(solver, problem, seconds=0.1)


@pytest.mark.parametrize("solver", SEARCHES, ids=lambda solver: solver.name)
@pytest.mark.parametrize("made", [CapacitatedRouting, WindowRouting], ids=lambda m: m.family)
@pytest.mark.parametrize("types", [1, 2])
def test_searches_find_known_optima(
    solver: Solver[VehicleRouting],
    made: type[CapacitatedRouting] | type[WindowRouting],
    types: int,
) -> None:
    for customers in (1, 7, 20):
        problem, optimum = made.random(4, customers=customers, vehicle_types=types)
        stop = any_of(after_seconds(2), reached(optimum.objective + 1e-6))
        samples = solver.solve(problem, stop=stop, rng=np.random.default_rng(0))
        judged = problem.judge(problem.answer(samples.values[0]))
        assert judged.feasible
        assert judged.objective == pytest.approx(optimum.objective)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
@pytest.mark.parametrize("name", ["RC105", "r1_2_1"])
def test_plans_for_public_instances_are_feasible(solver: Solver[VehicleRouting], name: str) -> None:
    problem = WindowRouting.from_file(instances("vrptw")[name])
    samples = solve(solver, problem, 0.3)
    judged = problem.judge(problem.answer(samples.values[0]))
    assert judged.feasible
    assert judged.objective == samples.energies[0]


def test_scarce_large_vans_are_shared_out() -> None:
    rng = np.random.default_rng(0)
    places = Places.at(rng.integers(0, 100, (21, 2)), "nearest")
    fleet = [VehicleType(30, 2, 50.0, "large"), VehicleType(12, None, 25.0, "small")]
    problem = CapacitatedRouting([0, *rng.integers(1, 9, 20)], fleet, places)
    best = []
    for solver in (Savings(), *SEARCHES):
        samples = solve(solver, problem, 0.3)
        judged = problem.judge(problem.answer(samples.values[0]))
        assert judged.feasible
        best.append(judged.objective)
    assert max(best[1:4]) <= best[0]


def test_a_fleet_that_is_too_small_gives_no_plan() -> None:
    places = Places.at([[0, 0], [1, 0], [2, 0]], "nearest")
    problem = CapacitatedRouting([0, 2, 2], [VehicleType(2, 1)], places)
    for solver in SOLVERS:
        assert len(solver.solve(problem, stop=after_rounds(20), rng=np.random.default_rng(0))) == 0


def test_pyvrp_starts_from_given_routes() -> None:
    problem, optimum = CapacitatedRouting.random(1, customers=30)
    solver = PyVrp(start=optimum.answer)
    samples = solver.solve(problem, stop=after_rounds(1), rng=np.random.default_rng(0))
    assert samples.energies[0] == optimum.objective


def test_without_pyvrp_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvrp", None)
    problem, _ = CapacitatedRouting.random(1)
    with pytest.raises(InputError, match=r"qupel\[routing\]"):
        solve(PyVrp(), problem, 0.1)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="hot >= cold > 0"):
        RoutingAnnealing(hot=0.1, cold=1.0)
    with pytest.raises(InputError, match="removals"):
        RoutingLocalSearch(removals=0)
    with pytest.raises(InputError, match="did you mean 'SAVINGS'"):
        OrToolsRouting(first="SAVING")


@pytest.mark.slow
def test_annealing_comes_close_to_the_best_known() -> None:
    problem = CapacitatedRouting.from_file(instances("cvrp")["X-n110-k13"])
    for seconds in (3.0, 12.0, 48.0):  # a busy machine searches less in as many of them
        energy = solve(RoutingAnnealing(), problem, seconds).energies[0]
        if energy <= 14971 * 1.01:
            return
    pytest.fail(f"{energy} at the best")
