from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Outcome, Samples
from qupel.problems.contract import Decomposable, Problem
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.contract import (
    Event,
    Incumbent,
    OnEvent,
    Solver,
    Stop,
    after_rounds,
    after_seconds,
    ignore,
    reached,
)
from qupel.solvers.hybrid import Hybrid
from qupel.solvers.placebo import UniformBits, placebos
from qupel.solvers.quantum import Qaoa
from qupel.testing import check_solver
from tests.clocked import quickest
from tests.solvers.hybrid.trucks import TwoTrucks

INNER: dict[str, Solver[Any]] = {
    "qaoa": Qaoa(layers=2, shots=64, evaluations=30),
    "uniform": UniformBits(64),
    "annealing": Annealing(),
}


@dataclass(frozen=True)
class AllOnOneTruck:
    """The worst start there is, and an infeasible one."""

    name: ClassVar[str] = "all-on-one"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = TwoTrucks
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: TwoTrucks, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        values = np.zeros((1, form.weights.size), np.int64)
        return Samples.of(values, [form.judge(form.answer(values[0])).objective])


START = AllOnOneTruck()


def run(
    solver: Hybrid, problem: Any, stop: Stop, seed: int = 0, on_event: OnEvent = ignore
) -> Samples:
    return solver.solve(problem, stop=stop, rng=np.random.default_rng(seed), on_event=on_event)


def test_the_test_problem_is_what_it_claims() -> None:
    trucks, optimum = TwoTrucks.random(1)
    assert isinstance(trucks, Decomposable)
    assert trucks.judge(optimum.answer).objective == optimum.objective
    rng = np.random.default_rng(0)
    for as_quota in (False, True):
        trucks = TwoTrucks(trucks.weights, trucks.places, as_quota)
        part = trucks.subproblem(optimum.answer, 6, rng)
        assert part is not None
        assert part.lift(part.start) == optimum.answer
        assert part.form.energies(part.start[None])[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("as_quota", [False, True], ids=["model", "quota"])
@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_parts_improve_the_start(inner: Solver[Any], as_quota: bool) -> None:
    trucks, _ = TwoTrucks.random(3, as_quota=as_quota)
    samples = run(Hybrid(start=START, inner=inner, size=8), trucks, after_rounds(25))
    judged = trucks.judge(trucks.answer(samples.values[0]))
    assert judged.feasible
    assert judged.objective == samples.energies[0]
    facts = samples.facts
    assert judged.objective < facts["start_objective"]
    assert facts["gain"] == facts["start_objective"] - judged.objective
    assert facts["subproblems"] == 25
    assert 1 <= facts["improved"] <= facts["accepted"] <= 25
    assert 0 < facts["inner_feasible"] <= facts["inner_samples"]
    if as_quota:
        assert facts["inner_feasible"] == facts["inner_samples"]


LEARNT: list[Any] = []


@dataclass(frozen=True)
class Counting(UniformBits):
    """Learns how many parts there were before."""

    parts: int = 0

    def after(self, facts: Mapping[str, Any]) -> Counting:
        LEARNT.append((self.parts, facts["shots"]))
        return Counting(self.shots, parts=self.parts + 1)


def test_an_inner_solver_is_told_what_it_found_in_the_part_before() -> None:
    LEARNT.clear()
    trucks, _ = TwoTrucks.random(3)
    run(Hybrid(start=START, inner=Counting(16), size=8), trucks, after_rounds(3))
    assert LEARNT == [(0, 16), (1, 16), (2, 16)]


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_equal_seeds_give_equal_samples(inner: Solver[Any]) -> None:
    trucks, _ = TwoTrucks.random(5)
    solver = Hybrid(start=START, inner=inner, size=7)
    one, two = (run(solver, trucks, after_rounds(8), seed=9) for _ in range(2))
    assert one.values.tobytes() == two.values.tobytes()
    assert one.facts == two.facts


@pytest.mark.parametrize("seed", range(6))
def test_the_answer_is_never_worse_than_the_start(seed: int) -> None:
    trucks, _ = TwoTrucks.random(seed, loads=10)
    solver = Hybrid(start=Annealing(), inner=UniformBits(2), size=3, few=1, polish=False)
    samples = run(solver, trucks, after_rounds(10), seed)
    assert samples.energies[0] <= samples.facts["start_objective"]
    assert samples.facts["gain"] >= 0


def test_incumbents_are_told_as_they_come() -> None:
    trucks, _ = TwoTrucks.random(3)
    events: list[Event] = []
    samples = run(
        Hybrid(start=START, inner=INNER["annealing"], size=6),
        trucks,
        after_rounds(10),
        on_event=events.append,
    )
    energies = [event.energy for event in events if isinstance(event, Incumbent)]
    assert energies == sorted(set(energies), reverse=True)
    assert energies[-1] == samples.energies[0]


def test_parts_are_cut_smaller_where_slack_makes_them_too_large() -> None:
    trucks, _ = TwoTrucks.random(3)
    solver = Hybrid(start=START, inner=INNER["uniform"], size=12, encoded_size=12)
    samples = run(solver, trucks, after_rounds(3))
    assert samples.facts["subproblems"] == 3
    assert 1 < samples.facts["size"] < 12


def test_a_good_enough_start_is_not_searched_further() -> None:
    trucks, _ = TwoTrucks.random(3)
    samples = run(Hybrid(start=START), trucks, reached(1e12))
    assert samples.facts["subproblems"] == 0


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_the_time_limit_holds(inner: Solver[Any]) -> None:
    trucks, _ = TwoTrucks.random(4, loads=40)
    solver = Hybrid(start=Annealing(), inner=inner)
    run(solver, trucks, after_rounds(2))  # loads what is loaded on first use
    timed = quickest(lambda: run(solver, trucks, after_seconds(0.4)), within=0.4 + 0.05)
    assert timed.seconds < 0.4 + 0.05


@dataclass(frozen=True, eq=False)
class Whole(TwoTrucks):
    """A problem that never offers a part."""

    def subproblem(self, answer: Any, size: int, rng: np.random.Generator) -> None:
        return None


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_the_hybrid_keeps_the_contract_of_solvers(inner: Solver[Any]) -> None:
    trucks, _ = TwoTrucks.random(8)
    check_solver(Hybrid(start=START, inner=inner, size=8), trucks, rounds=4)


def test_a_problem_without_parts_left_ends_the_search() -> None:
    trucks, _ = Whole.random(2)
    samples = run(Hybrid(start=START), trucks, Stop())
    assert samples.outcome is Outcome.STALLED
    assert samples.facts["subproblems"] == 0


def test_an_infeasible_answer_has_infinite_energy() -> None:
    stuck = Whole(np.ones(4), places=1)
    samples = run(Hybrid(start=START, polish=False), stuck, after_rounds(1))
    assert np.isinf(samples.energies[0])
    assert samples.facts["gain"] is None


def test_a_problem_that_offers_no_parts_is_refused() -> None:
    class Rigid:
        family = "rigid"

    with pytest.raises(InputError, match="rigid problems offer no `subproblem`"):
        run(Hybrid(), cast(Problem[Any], Rigid()), after_rounds(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "size"),
        ({"few": 0}, "few"),
        ({"inner_rounds": 0}, "inner_rounds"),
        ({"start_share": 1.0}, "start_share"),
        ({"inner": START}, "an inner solver searches"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Hybrid(**settings)


def test_a_placebo_takes_the_same_way() -> None:
    trucks, _ = TwoTrucks.random(6)
    for placebo in placebos(Hybrid(start=START, size=6)).values():
        samples = placebo.solve(trucks, stop=after_rounds(6), rng=np.random.default_rng(0))
        assert trucks.judge(trucks.answer(samples.values[0])).feasible
