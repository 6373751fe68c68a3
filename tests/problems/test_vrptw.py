import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.problems.routing import Routes, VehicleType
from qupel.problems.routing_places import Places
from qupel.problems.vrptw import WindowRouting
from qupel.testing.problem import check_problem
from tests.data import best_known, instances, solutions
from tests.oracles import routing as oracle
from tests.problems.small_milp import solved

LINE = Places.at([[0, 0], [10, 0], [20, 0]], "tenth")
DAY = [[0, 100], [30, 40], [0, 25]]


def line(available: int | None = None) -> WindowRouting:
    return WindowRouting([0, 1, 1], DAY, [0, 5, 5], [VehicleType(2, available)], LINE)


def test_every_public_solution_is_judged_to_its_listed_value() -> None:
    listed, files = best_known("vrptw"), instances("vrptw")
    problems = {name: WindowRouting.from_file(path) for name, path in files.items()}
    assert len(problems) == len(listed)
    for name, path in solutions("vrptw").items():
        problem = problems[name]
        judged = problem.judge(problem.read_answer(path.read_text(encoding="utf-8")))
        assert judged.feasible, name
        vehicles, _, distance = listed[name].rpartition("/")
        if vehicles:
            assert problem.convention == "sintef"
            assert judged.measures["vehicles"] == int(vehicles), name
            assert f"{judged.objective:.4f}" == distance, name
        else:
            assert problem.convention == "dimacs"
            assert judged.objective == float(distance), name


def test_the_judge_follows_the_clock() -> None:
    in_time = line().judge(Routes(((2, 1),)))
    assert in_time.feasible
    assert in_time.objective == 40
    late = line().judge(Routes(((1, 2),)))
    [violation] = late.violations
    assert (violation.constraint, violation.where) == ("time window", "route 1, stop 2")
    assert violation.amount == 45 - 25
    assert late.measures["waiting"] == 20
    hours = [[0, 49], [0, 45], [0, 45]]
    short = WindowRouting([0, 1, 1], hours, [0, 5, 5], [VehicleType(2)], LINE)
    [horizon] = short.judge(Routes(((1, 2),))).violations
    assert (horizon.constraint, horizon.where) == ("horizon", "route 1, depot")
    assert horizon.amount == 1


def test_fewer_vehicles_come_first_where_that_is_asked() -> None:
    problem, optimum = WindowRouting.random(3, customers=7)
    ranked = problem.vehicles_first()
    few, many = optimum.answer, Routes(tuple((stop,) for stop in range(1, 8)))
    gap = ranked.judge(many).objective - ranked.judge(few).objective
    distance = problem.judge(many).objective
    assert gap > distance
    assert ranked.judge(few).measures["distance"] == problem.judge(few).objective


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 2))
def test_form_and_enumeration_agree_on_the_optimum(seed: int, customers: int, types: int) -> None:
    problem, optimum = WindowRouting.random(seed, customers=customers, vehicle_types=types)
    best = oracle.optimum(problem.network())
    assert optimum.objective == pytest.approx(best)
    row, energy = solved(problem.form())
    assert energy == pytest.approx(best)
    judged = problem.judge(problem.answer(row))
    assert judged.feasible
    assert judged.objective == pytest.approx(best)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.booleans())
def test_points_of_the_form_are_the_feasible_plans(seed: int, minutes: bool) -> None:
    rng = np.random.default_rng(seed)
    customers = 3
    opens = rng.integers(0, 30, customers + 1)
    windows = np.column_stack((opens, opens + rng.integers(0, 40, customers + 1)))
    windows[0] = 3, 90
    durations = rng.integers(1, 25, (4, 4)) if minutes else None
    if durations is not None:
        np.fill_diagonal(durations, 0)
    problem = WindowRouting(
        [0, *rng.integers(0, 4, customers)],
        windows,
        [0, *rng.integers(0, 9, customers)],
        [VehicleType(6, 2)],
        Places.at(rng.integers(0, 20, (customers + 1, 2)), "tenth"),
        durations=durations,
    )
    network = problem.network()
    try:
        form = problem.form()
    except InputError:
        assert not np.isfinite(oracle.optimum(network))
        return
    for plan in oracle.plans(network):
        row = problem.values(plan)
        kept = bool(form.feasible(row[None])[0])
        assert kept == oracle.feasible(network, plan) == problem.judge(plan).feasible
        if kept:
            assert form.energies(row[None])[0] == pytest.approx(oracle.cost(network, plan))


def test_real_times_are_rounded_against_us_in_the_form() -> None:
    places = Places.at([[0, 0], [1, 1], [2, 3]], "none")
    problem = WindowRouting(
        [0, 1, 1], [[0, 9], [0, 1.5], [3, 4]], [0, 0, 0], [VehicleType(2)], places
    )
    row, energy = solved(problem.form())
    judged = problem.judge(problem.answer(row))
    assert judged.feasible
    assert judged.objective == pytest.approx(energy)
    assert energy == pytest.approx(oracle.optimum(problem.network()))


@pytest.mark.parametrize(("customers", "types"), [(7, 1), (7, 3), (14, 2), (40, 1)])
def test_generated_problems_obey_the_laws(customers: int, types: int) -> None:
    problem, optimum = WindowRouting.random(5, customers=customers, vehicle_types=types)
    single = Routes(tuple((stop,) for stop in range(1, customers + 1)))
    check_problem(problem, optimum.answer, single, optimum=optimum, exact_parts=True)


def test_repair_keeps_the_windows() -> None:
    problem = WindowRouting.from_file(instances("vrptw")["R101"])
    everybody = Routes((tuple(range(1, 101)),))
    assert not problem.judge(everybody).feasible
    mended = problem.repair(everybody)
    assert problem.judge(mended).feasible
    polished = problem.polish(mended, np.random.default_rng(0))
    assert problem.judge(polished).feasible
    assert problem.judge(polished).objective < problem.judge(mended).objective


def test_subproblems_of_windows_lift_exactly() -> None:
    problem = WindowRouting.from_file(instances("vrptw")["RC105"])
    answer = problem.repair(Routes(()))
    rng = np.random.default_rng(1)
    for _ in range(6):
        part = problem.subproblem(answer, 14, rng)
        assert part is not None
        assert problem.judge(part.lift(part.start)).objective == problem.judge(answer).objective
        row, energy = solved(part.form)
        judged = problem.judge(part.lift(row))
        assert judged.feasible
        assert judged.objective == pytest.approx(energy)


def test_data_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="node 1 closes at 2, before it opens"):
        WindowRouting(
            [0, 1], [[0, 9], [3, 2]], [0, 0], [VehicleType(1)], Places.at([[0, 0], [1, 1]], "none")
        )
    with pytest.raises(InputError, match="windows must be finite"):
        WindowRouting(
            [0, 1], [[0, 9]], [0, 0], [VehicleType(1)], Places.at([[0, 0], [1, 1]], "none")
        )


def test_the_timeline_shows_driving_waiting_and_serving() -> None:
    chart = line().timeline(Routes(((2, 1),)))
    states = [bar["state"] for bar in chart["data"]["values"]]
    assert states == ["driving", "serving", "driving", "serving", "driving"]
    assert chart["data"]["values"][-1]["to"] == 50
