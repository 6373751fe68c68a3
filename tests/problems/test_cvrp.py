import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.problems.cvrp import CapacitatedRouting
from qupel.problems.routing import Routes, VehicleType
from qupel.problems.routing_places import Places
from qupel.testing.problem import check_problem
from tests.data import best_known, instances, solutions
from tests.oracles import routing as oracle
from tests.problems.small_milp import solved

LINE = Places.at([[0, 0], [1, 0], [2, 0], [4, 0]], "nearest")
VANS = (VehicleType(5, 1, 10.0, "large"), VehicleType(2, None, 3.0, "small"))


@pytest.mark.parametrize("family", ["cvrp", "cvrp_small"])
def test_every_public_solution_is_judged_to_its_listed_value(family: str) -> None:
    listed, files = best_known(family), instances(family)
    problems = {name: CapacitatedRouting.from_file(path) for name, path in files.items()}
    assert len(problems) == len(listed)
    for name, path in solutions(family).items():
        judged = problems[name].judge(problems[name].read_answer(path.read_text()))
        assert judged.feasible, name
        assert judged.objective == float(listed[name]), name


def test_the_judge_names_everything_that_is_broken() -> None:
    problem = CapacitatedRouting([0, 2, 3, 2], VANS, LINE)
    judged = problem.judge(Routes(((1, 2, 3), (1,)), (0, 0)))
    assert judged.objective == 8 + 2 + 20
    found = {(v.constraint, v.where, v.amount) for v in judged.violations}
    assert found == {
        ("capacity", "route 1", 2.0),
        ("customer visited again", "stop 1", 1.0),
        ("vehicle count", "large (type 0)", 1.0),
    }
    missing = problem.judge(Routes(((9,),), (4,)))
    assert np.isnan(missing.objective)
    assert not missing.feasible
    assert {v.constraint for v in missing.violations} == {
        "unknown customer",
        "customer not visited",
        "unknown vehicle type",
    }


def test_the_judge_measures_vehicles_distance_and_load() -> None:
    problem = CapacitatedRouting([0, 2, 3, 2], VANS, LINE)
    judged = problem.judge(Routes(((1, 2), (3,)), (0, 1)))
    assert judged.feasible
    assert judged.objective == 4 + 8 + 13
    assert judged.measures == {
        "vehicles": 2,
        "distance": 12,
        "load utilisation": 1.0,
        "vehicle cost": 13,
    }


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 2))
def test_form_and_enumeration_agree_on_the_optimum(seed: int, customers: int, types: int) -> None:
    problem, optimum = CapacitatedRouting.random(seed, customers=customers, vehicle_types=types)
    network = problem.network()
    best = oracle.optimum(network)
    assert optimum.objective == pytest.approx(best)
    row, energy = solved(problem.form())
    assert energy == pytest.approx(best)
    judged = problem.judge(problem.answer(row))
    assert judged.feasible
    assert judged.objective == pytest.approx(best)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_points_of_the_form_are_the_feasible_plans(seed: int, customers: int) -> None:
    rng = np.random.default_rng(seed)
    limit = int(rng.integers(1, 3))
    problem = CapacitatedRouting(
        [0, *rng.integers(0, 4, customers)],
        [VehicleType(6, limit, 2.0), VehicleType(3, 1, 1.0)],
        Places.at(rng.integers(0, 20, (customers + 1, 2)), "nearest"),
    )
    network, form = problem.network(), problem.form()
    for plan in oracle.plans(network):
        row = problem.values(plan)
        kept = bool(form.feasible(row[None])[0])
        assert kept == oracle.feasible(network, plan) == problem.judge(plan).feasible
        if kept:
            assert form.energies(row[None])[0] == pytest.approx(oracle.cost(network, plan))
            assert problem.judge(problem.answer(row)).objective == pytest.approx(
                oracle.cost(network, plan)
            )


@pytest.mark.parametrize(("customers", "types"), [(7, 1), (7, 3), (14, 2), (40, 1)])
def test_generated_problems_obey_the_laws(customers: int, types: int) -> None:
    problem, optimum = CapacitatedRouting.random(5, customers=customers, vehicle_types=types)
    single = Routes(
        tuple((stop,) for stop in range(1, customers + 1)),
        tuple(0 for _ in range(customers)),
    )
    check_problem(problem, optimum.answer, single, optimum=optimum, exact_parts=True)


def test_repair_drops_splits_and_inserts() -> None:
    problem = CapacitatedRouting.from_frame(
        {"x": [0, 1, 2, 3, 4, 5], "y": [0] * 6, "demand": [0, 2, 2, 2, 2, 2]},
        [VehicleType(5, 3)],
    )
    mended = problem.repair(Routes(((1, 2, 2, 3, 99, -4), (2,)), (0, 7)))
    assert problem.judge(mended).feasible
    assert problem.judge(problem.repair(Routes(()))).feasible


def test_repair_squeezes_customers_into_a_tight_fleet() -> None:
    demands = [0, 6, 6, 4, 4, 5, 5]
    places = Places.at([[0, 0], *([k, 1] for k in range(6))], "nearest")
    problem = CapacitatedRouting(demands, [VehicleType(10, 3)], places)
    greedy = Routes(((3, 4), (5, 1), (2,)))
    assert problem.judge(problem.repair(greedy)).feasible


def test_polish_finds_the_optimum_of_small_problems_from_far_away() -> None:
    reached = 0
    for seed in range(10):
        problem, optimum = CapacitatedRouting.random(seed, customers=7)
        single = Routes(tuple((stop,) for stop in range(1, 8)))
        polished = problem.polish(single, np.random.default_rng(seed))
        before, after = problem.judge(single), problem.judge(polished)
        assert after.feasible
        assert after.objective < before.objective
        reached += after.objective == optimum.objective
    assert reached >= 5


def test_subproblems_improve_plans_and_hold_no_more_than_asked() -> None:
    problem = CapacitatedRouting.from_file(instances("cvrp")["A-n32-k5"])
    answer = problem.repair(Routes(()))
    rng = np.random.default_rng(3)
    first = problem.judge(answer).objective
    for _ in range(12):
        part = problem.subproblem(answer, 16, rng)
        assert part is not None
        assert part.form.variables <= 16
        row, energy = solved(part.form)
        lifted = part.lift(row)
        judged = problem.judge(lifted)
        assert judged.feasible
        assert judged.objective == pytest.approx(energy)
        assert judged.objective <= problem.judge(answer).objective
        answer = lifted
    assert problem.judge(answer).objective < first


def test_too_few_routes_leave_nothing_to_cut_out() -> None:
    problem = CapacitatedRouting([0, 1, 1, 1], [VehicleType(5)], LINE)
    assert problem.subproblem(Routes(((1, 2, 3),)), 9, np.random.default_rng(0)) is None


def test_data_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="customer 2 demands 9"):
        CapacitatedRouting([0, 1, 9, 1], [VehicleType(5)], LINE)
    with pytest.raises(InputError, match="the depot"):
        CapacitatedRouting([1, 1, 1, 1], [VehicleType(5)], LINE)
    with pytest.raises(InputError, match="whole numbers"):
        CapacitatedRouting([0, 1.5, 1, 1], [VehicleType(5)], LINE)
    with pytest.raises(InputError, match="each of 4 nodes"):
        CapacitatedRouting([0, 1], [VehicleType(5)], LINE)


def test_a_chart_needs_no_coordinates() -> None:
    places = Places.apart([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    problem = CapacitatedRouting([0, 1, 1], [VehicleType(1)], places)
    assert "layer" in problem.chart(Routes(((1,), (2,))))


def test_the_map_numbers_routes_as_the_judge_does() -> None:
    places = Places.at([[0, 0], [5, 0], [0, 5], [-5, 0]], "nearest")
    problem = CapacitatedRouting([0, 1, 1, 1], [VehicleType(1)], places)
    chart = problem.chart(Routes(((3,), (), (2,), (1,))))
    numbers = {row["customer"]: row["route"] for row in chart["data"]["values"]}
    assert (numbers[3], numbers[2], numbers[1]) == ("1", "3", "4")
