from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.bits import bits_of
from qupel.model.qubo import Qubo
from qupel.problems.jobshop import JobShop, Window
from qupel.problems.jobshop_schedule import Schedule
from qupel.problems.jobshop_text import write_instance
from qupel.testing.encoding import all_points
from qupel.testing.problem import check_family, check_problem
from tests.data import best_known, folder, instances
from tests.oracles import jobshop as oracle

TWO = JobShop(((0, 1), (1, 0)), ((3, 2), (2, 4)))


@st.composite
def shops(
    draw: st.DrawFn, most_jobs: int = 3, most_operations: int = 3, longest: int = 5
) -> JobShop:
    lengths = [
        draw(st.integers(1, most_operations)) for _ in range(draw(st.integers(1, most_jobs)))
    ]
    machine, duration = st.integers(0, 1), st.integers(0, longest)
    machines = tuple(tuple(draw(st.lists(machine, min_size=k, max_size=k))) for k in lengths)
    durations = tuple(tuple(draw(st.lists(duration, min_size=k, max_size=k))) for k in lengths)
    window = st.tuples(machine, st.integers(0, 8), st.integers(1, 4))
    drawn = draw(st.lists(window, max_size=2, unique_by=lambda each: each[0]))
    windows = tuple(Window(k, start, start + length) for k, start, length in drawn)
    return JobShop(machines, durations, windows, machine_names=("A", "B"))


def best_of(shop: JobShop) -> int:
    windows = [(w.machine, w.start, w.end) for w in shop.maintenance]
    return oracle.least_makespan(shop.machines, shop.durations, windows)


# ---- the judge ---------------------------------------------------------------------------------


def test_the_judge_names_each_broken_rule_and_by_how_much() -> None:
    shop = JobShop(TWO.machines, TWO.durations, (Window(1, 4, 6),), machine_names=("saw", "drill"))
    judged = shop.judge(Schedule(((-1, 1), (3, 1))))
    assert [(each.constraint, each.where, each.amount) for each in judged.violations] == [
        ("negative start", "job 0 operation 0", 1.0),
        ("job order", "job 0 operation 1 before the end of operation 0", 1.0),
        ("job order", "job 1 operation 1 before the end of operation 0", 4.0),
        ("machine overlap", "saw: job 0 operation 0 and job 1 operation 1", 1.0),
        ("maintenance", "drill closed 4 to 6: job 1 operation 0", 1.0),
    ]
    assert judged.objective == 5.0


def test_missing_and_surplus_operations_are_violations() -> None:
    found = TWO.judge(Schedule(((0,), (0, 3, 9), (1,)))).violations
    assert [(each.constraint, each.amount) for each in found[:3]] == [
        ("missing operation", 1.0),
        ("unknown operation", 1.0),
        ("unknown operation", 1.0),
    ]
    assert not TWO.judge(Schedule(())).feasible


def test_measures_count_work_pauses_and_ends() -> None:
    shop = JobShop(TWO.machines, TWO.durations, (Window(1, 5, 7),))
    judged = shop.judge(Schedule(((0, 3), (0, 3))))
    assert judged.feasible
    assert judged.objective == 7.0
    assert judged.measures == {
        "utilisation": 11 / 14,
        "busiest_utilisation": 1.0,
        "idle_time": 1.0,
        "mean_flow_time": 6.0,
    }


def test_an_operation_without_length_may_not_stand_inside_another() -> None:
    shop = JobShop(((0,), (0,)), ((4,), (0,)))
    assert shop.judge(Schedule(((0,), (4,)))).feasible
    assert not shop.judge(Schedule(((0,), (1,)))).feasible


# ---- forms -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(shops(2, 2, 3))
def test_the_forms_best_point_is_the_best_schedule(shop: JobShop) -> None:
    form, best = shop.form(), best_of(shop)
    if np.prod((form.upper - form.lower + 1).astype(float)) > 2e5:
        return
    points = all_points(form)
    points = points[form.feasible(points)]
    energies = form.energies(points)
    assert energies.min() == best
    for row, energy in zip(
        points[:: max(1, len(points) // 50)], energies[:: max(1, len(points) // 50)], strict=True
    ):
        judged = shop.judge(shop.answer(row))
        assert judged.feasible
        assert judged.objective == energy


@settings(deadline=None, max_examples=60)
@given(shops(), st.integers(0, 2**32 - 1))
def test_repaired_schedules_are_feasible_in_both_forms(shop: JobShop, seed: int) -> None:
    plan = np.random.default_rng(seed).integers(-3, 20, shop.operations)
    answer = shop.repair(shop.answer(plan))
    judged = shop.judge(answer)
    assert judged.feasible
    assert shop.lower_bound() <= best_of(shop) <= judged.objective
    row = shop.values(answer)
    form = shop.form(horizon=int(judged.objective))
    assert form.feasible(row[None])[0]
    assert form.energies(row[None])[0] == judged.objective
    assert shop.answer(row) == answer
    again = shop.judge(shop.repair(answer))
    assert again.feasible
    assert again.objective <= judged.objective


@settings(deadline=None, max_examples=20)
@given(shops(2, 2, 2))
def test_the_time_indexed_model_has_the_same_optimum(shop: JobShop) -> None:
    best = best_of(shop)
    form = shop.time_indexed(best + 1)
    assert form.is_binary
    if form.variables > 16:
        return
    points = bits_of(np.arange(2**form.variables), form.variables)
    points = points[form.feasible(points)]
    energies = form.energies(points)
    assert energies.min() == best
    for row, energy in zip(points, energies, strict=True):
        judged = shop.judge(shop.answer_time_indexed(row, best + 1))
        assert judged.feasible
        assert judged.objective == energy


def test_a_horizon_without_schedules_is_refused() -> None:
    with pytest.raises(InputError, match="at least 7"):
        TWO.form(horizon=6)
    with pytest.raises(InputError, match="longer horizon"):
        TWO.time_indexed(4)
    with pytest.raises(InputError, match="starts or"):
        TWO.answer(np.zeros(5))


# ---- moves -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_single_moves_of_a_part_have_their_exact_makespan(seed: int, windows: int) -> None:
    shop, _ = JobShop.random(seed, jobs=4, machines=4, windows=windows)
    rng = np.random.default_rng(seed)
    answer = shop.repair(shop.answer(rng.integers(0, 60, shop.operations)))
    part = shop.subproblem(answer, 8, rng)
    if part is None:
        return
    assert isinstance(part.form, Qubo)
    assert part.form.variables <= 8
    assert shop.judge(part.lift(part.start)).objective == part.form.offset
    for row in np.eye(part.form.variables, dtype=np.uint8):
        lifted = shop.judge(part.lift(row))
        assert lifted.feasible
        assert lifted.objective == part.form.energies(row[None])[0]
    everything = part.lift(np.ones(part.form.variables, np.uint8))
    assert shop.judge(everything).feasible


def test_pairs_that_gain_are_exact_and_no_best_point_holds_a_conflict() -> None:
    rng = np.random.default_rng(3)
    exact = 0
    for seed in range(12):
        shop, _ = JobShop.random(seed, jobs=5, machines=4)
        answer = shop.repair(shop.answer(rng.integers(0, 80, shop.operations)))
        part = shop.subproblem(answer, 7, rng)
        assert part is not None
        n = part.form.variables
        points = bits_of(np.arange(2**n), n)
        energies = part.form.energies(points)
        best = points[int(energies.argmin())]
        for row in points[points.sum(axis=1) == 2]:
            energy = part.form.energies(row[None])[0]
            apart = part.form.energies(np.diag(row)[row > 0])
            if energy < part.form.offset and (energy <= apart).all():
                assert shop.judge(part.lift(row)).objective == energy
                exact += 1
        for i in np.flatnonzero(best):
            alone = best.copy()
            alone[i] = 0
            assert part.form.energies(alone[None])[0] >= energies.min()
    assert exact > 20


def test_polish_improves_and_repeats() -> None:
    shop = JobShop.from_file(instances("jobshop")["ft10"])
    answer = shop.repair(shop.answer(np.zeros(100)))
    polished = [shop.polish(answer, np.random.default_rng(1)) for _ in range(2)]
    assert polished[0] == polished[1]
    assert shop.judge(polished[0]).objective < shop.judge(answer).objective


# ---- laws and generated shops ------------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes",
    [{}, {"windows": 4}, {"jobs": 3, "machines": 5, "windows": 2}, {"jobs": 1, "machines": 1}],
    ids=str,
)
def test_generated_shops_obey_the_laws(sizes: dict[str, int]) -> None:
    check_family(JobShop, **sizes)  # type: ignore[arg-type]


def test_generated_optima_are_optimal() -> None:
    for seed in range(6):
        shop, optimum = JobShop.random(seed, jobs=3, machines=3, windows=seed % 3)
        assert shop.lower_bound() == optimum.objective == best_of(shop)


def test_infeasible_answers_obey_the_laws_too() -> None:
    shop, optimum = JobShop.random(5, windows=2)
    late = Schedule(tuple(tuple(t - 1 for t in row) for row in optimum.answer.starts))
    check_problem(shop, late, optimum=optimum, exact_parts=False)


# ---- files -------------------------------------------------------------------------------------


def test_every_public_instance_parses_and_its_bound_is_below_its_optimum() -> None:
    known = best_known("jobshop")
    for name, path in instances("jobshop").items():
        text = path.read_text(encoding="utf-8")
        assert JobShop.recognises(path, text[:4000]), name
        shop = JobShop.from_file(path)
        assert shop.lower_bound() <= int(known[name])
        assert shop.quick_makespan() >= int(known[name])
    assert len(known) == 108


@pytest.mark.parametrize("family", ["maxcut", "qubo", "mis", "cvrp", "vrptw", "set_cover", "gap"])
def test_files_of_other_families_are_not_taken_for_shops(family: str) -> None:
    for path in (folder(family) / "instances").iterdir():
        if path.suffix != ".gz":
            head = path.read_bytes()[:4000].decode("utf-8", errors="replace")
            assert not JobShop.recognises(path, head), path.name


def test_an_instance_with_maintenance_survives_its_file(tmp_path: Path) -> None:
    shop = JobShop(((0, 2), (2,)), ((3, 2), (2,)), (Window(2, 1, 3),), name="small")
    path = tmp_path / "small.txt"
    path.write_text("# a comment\n" + write_instance(shop), encoding="utf-8")
    assert JobShop.from_file(path) == shop
    assert JobShop.recognises(path, path.read_text(encoding="utf-8"))
    assert JobShop.from_document(json.loads(json.dumps(shop.document()))) == shop
    assert pickle.loads(pickle.dumps(shop)) == shop  # noqa: S301  (our own)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("2\n0 1\n", r"shop.txt:1: expected `jobs machines`"),
        ("2 2\n0 1 1 2\n", r"promises 2 jobs, but there are 1"),
        ("1 2\n0 1 1\n", r"shop.txt:2: a job line has pairs"),
        ("1 2\n0 1 2 5\n", r"shop.txt:2: machine 2 is not among 0 to 1"),
        ("1 2\n0 1 1 -5\n", r"shop.txt:2: duration -5"),
        ("1 2\n0 1 1 x\n", r"shop.txt:2: expected whole numbers, got 'x'"),
        ("1 2\n0 1 1 3\nmaintenance 1 5 5\n", r"shop.txt:3: expected `maintenance"),
    ],
)
def test_malformed_instances_say_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shop.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        JobShop.from_file(path)


def test_solutions_are_read_as_machine_orders_or_as_starts() -> None:
    best = Schedule(((0, 3), (0, 3)))
    for text in ("0 1\n1 0\n", "orders\n0 1\n1 0\n", "0 3\n0 3\n", "starts\n0 3\n0 3\n"):
        assert TWO.read_answer(text) == best, text
    assert TWO.write_answer(best) == "starts\n0 3\n0 3\n"


def test_contradicting_machine_orders_leave_operations_missing() -> None:
    stuck = TWO.read_answer("1 0\n0 1\n")
    assert stuck == Schedule(((), ()))
    assert [v.constraint for v in TWO.judge(stuck).violations] == ["missing operation"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 2 lines"),
        ("0 1\n", "expected 2 lines"),
        ("orders\n0 0\n1 0\n", "solution:2: job 0 is named too often for machine 0"),
        ("orders\n0 1\n1\n", "solution:3: job 0 is missing from the order of machine 1"),
        ("starts\n0 3 4\n0 3\n", "solution:2: this job has 2 operations, got 3 starts"),
        ("0 3\n0 b\n", "solution:2: expected whole numbers, got 'b'"),
    ],
)
def test_malformed_solutions_say_where_and_what(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TWO.read_answer(text)


def test_tables_make_a_shop() -> None:
    pandas = pytest.importorskip("pandas")
    operations = pandas.DataFrame(
        {"job": ["a", "a", "b"], "machine": ["saw", "drill", "saw"], "duration": [3, 2, 4]}
    )
    closed = pandas.DataFrame({"machine": ["drill"], "start": [1], "end": [2]})
    shop = JobShop.from_frame(operations, closed, name="shop", unit="min")
    assert shop.machines == ((0, 1), (0,))
    assert shop.machine_names == ("saw", "drill")
    assert shop.maintenance == (Window(1, 1, 2),)
    frame = Schedule(((0, 3), (5,))).to_frame()
    assert frame["start"].tolist() == [0, 3, 5]


def test_a_schedule_survives_json_and_refuses_fractions() -> None:
    schedule = Schedule(((0, 3), (5,)))
    assert Schedule.from_json(json.loads(json.dumps(schedule.to_json()))) == schedule
    with pytest.raises(InputError, match="whole numbers"):
        Schedule(((0.5,),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"machines": ((0,),), "durations": ((1, 2),)}, "as many durations"),
        ({"machines": (), "durations": ()}, "needs a job"),
        ({"machines": ((-1,),), "durations": ((1,),)}, "numbered from 0"),
        ({"machines": ((0,),), "durations": ((-1,),)}, "not be negative"),
        ({"machines": ((0,),), "durations": ((1.5,),)}, "not a whole number"),
        ({"machines": ((0,),), "durations": ((2**30,),)}, "coarser unit"),
        ({"machines": ((0,),), "durations": ((1,),), "maintenance": ((0, 3, 3),)}, "a window"),
        ({"machines": ((1,),), "durations": ((1,),), "machine_names": ("A",)}, "do not fit"),
    ],
)
def test_data_that_make_no_shop_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        JobShop(**fields)  # type: ignore[arg-type]


def test_the_chart_shows_every_operation_the_maintenance_and_the_makespan() -> None:
    shop = JobShop(TWO.machines, TWO.durations, (Window(1, 5, 7),), unit="min")
    text = json.dumps(shop.chart(Schedule(((0, 3), (0, 3)))))
    assert text.count('"operation": ') == 4
    assert '"closed"' in text
    assert "makespan 7 min" in text
