"""Where the angles come from, warm starts, CVaR, and an angle for every term."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising, Quota
from qupel.model.quota import keep_quotas
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.classical.greedy import GreedyDescent
from qupel.solvers.contract import Stop, after_rounds
from qupel.solvers.quantum import Qaoa
from qupel.testing import check_solver
from tests.simulators.test_qaoa import regular
from tests.solvers.quantum.test_qaoa import run, spin_glass

#: How each kind of circuit is asked for, and the quotas of the form it is for.
KINDS: dict[str, tuple[dict[str, Any], tuple[Quota, ...]]] = {
    "x": ({}, ()),
    "x from the grid": ({"start": "grid"}, ()),
    "ring": ({"mixer": "xy-ring"}, (Quota(tuple(range(10)), 4),)),
    "complete": ({"mixer": "xy-complete"}, (Quota(tuple(range(10)), 4),)),
    "warm": ({"warm": "descent"}, ()),
    "warm, all angles": ({"warm": "descent", "multi_angle": True}, ()),
    "all angles": ({"multi_angle": True}, ()),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_more_layers_are_never_worse(kind: str, seed: int) -> None:
    settings, quotas = KINDS[kind]
    form = spin_glass(10, seed, quotas)
    solvers = [
        Qaoa(layers=p, shots=10, evaluations=150 * p, precision="double", **settings)
        for p in (1, 2, 3, 4)
    ]
    found = [run(solver, form).facts["expectation"] for solver in solvers]
    assert all(more <= fewer + 1e-6 for fewer, more in pairwise(found))


@pytest.mark.parametrize("layers", range(1, 5))
def test_the_expected_cut_rises_with_the_layers_and_the_best_shot_is_optimal(layers: int) -> None:
    optimal, gains = 0, []
    for seed in range(10):
        form = regular(12, seed)
        best = float(run(Exhaustive(), form).energies[0])
        found = run(Qaoa(layers=layers), form)
        optimal += found.energies[0] == pytest.approx(best)
        ratio = found.facts["expectation"] / best
        if layers > 1:
            fewer = run(Qaoa(layers=layers - 1, shots=1), form).facts["expectation"] / best
            gains.append(ratio - fewer)
    assert optimal >= 9
    assert all(gain > 0 for gain in gains)


def test_fixed_angles_alone_are_nearly_the_best_of_a_regular_graph() -> None:
    form = regular(14, 2)
    first = run(Qaoa(layers=1, shots=1), form, after_rounds(1)).facts["expectation"]
    best = run(Qaoa(layers=1, shots=1), form).facts["expectation"]
    assert best <= first <= 0.98 * best


def test_with_fixed_angles_few_rounds_reach_what_a_grid_needs_more_for() -> None:
    fixed = [run(Qaoa(layers=1, shots=1), spin_glass(11, s), after_rounds(3)) for s in range(6)]
    grid = [
        run(Qaoa(layers=1, shots=1, start="grid"), spin_glass(11, s), after_rounds(3))
        for s in range(6)
    ]
    assert all(
        a.facts["expectation"] < b.facts["expectation"] for a, b in zip(fixed, grid, strict=True)
    )


def test_angles_of_one_form_start_the_search_of_a_similar_one() -> None:
    one, similar = spin_glass(11, 1, scale=3.0), spin_glass(11, 2, scale=0.1)
    solver = Qaoa(layers=2, shots=10)
    taught = solver.after(run(solver, one).facts)
    first = run(taught, similar, after_rounds(1)).facts
    assert first["layers"] == 2
    best = run(solver, similar).facts
    assert first["expectation"] - 3.0 < 0.8 * (best["expectation"] - 3.0)
    learnt = run(taught, similar).facts
    assert learnt["expectation"] == pytest.approx(best["expectation"], rel=0.05)


def test_transferred_angles_save_evaluations() -> None:
    solver = Qaoa(layers=3, shots=1)
    taught = solver.after(run(solver, spin_glass(11, 100)).facts)
    forms = [spin_glass(11, seed) for seed in range(6)]
    anew, learnt = ([run(s, form).facts for form in forms] for s in (solver, taught))
    assert sum(f["evaluations"] for f in learnt) < 0.6 * sum(f["evaluations"] for f in anew)
    for a, b in zip(anew, learnt, strict=True):
        assert b["expectation"] == pytest.approx(a["expectation"], rel=1e-3)


def test_a_start_of_fewer_layers_is_continued() -> None:
    form = spin_glass(9, 3)
    short = run(Qaoa(layers=1), form).facts
    solver = Qaoa(layers=3).after(short)
    assert solver.start == tuple(short["unit_angles"])
    found = run(solver, form).facts
    assert found["layers"] == 3
    assert found["expectation"] < short["expectation"]


def test_without_fitting_angles_nothing_is_learnt() -> None:
    solver = Qaoa(layers=1)
    assert solver.after({}) is solver
    assert solver.after({"unit_angles": [0.1] * 4}) is solver


@pytest.mark.parametrize("seed", range(20))
def test_a_warm_start_never_ends_above_its_start(seed: int) -> None:
    form = spin_glass(10, seed)
    start = run(GreedyDescent(), form).energies[0]
    found = run(Qaoa(layers=1, shots=8, warm="descent"), form)
    assert found.facts["start_energy"] == start
    assert found.energies[0] <= start + 1e-12 * abs(start)
    assert found.facts["mixer"] == "warm"


def test_a_warm_start_reports_its_answer_at_once() -> None:
    events: list[Any] = []
    form = spin_glass(10, 2)
    Qaoa(layers=1, warm="descent").solve(
        form, stop=after_rounds(1), rng=np.random.default_rng(0), on_event=events.append
    )
    assert events[0].energy == run(GreedyDescent(), form).energies[0]


def test_the_mean_of_a_warm_start_ends_below_that_of_its_product_state() -> None:
    form = spin_glass(10, 4)
    first = run(GreedyDescent(), form).values[0]
    odds = 1 - 2 * 0.25  # expected spin of each qubit, over its value in the answer
    mean = odds**2 * (form.energies(first[None])[0] - 3.0 - form.fields @ first)
    mean += odds * (form.fields @ first) + 3.0
    found = run(Qaoa(layers=1, shots=10, warm="descent"), form)
    assert found.facts["expectation"] < mean


@pytest.mark.parametrize("multi_angle", [False, True])
def test_warm_samples_keep_the_quotas(multi_angle: bool) -> None:
    quotas = (Quota((0, 2, 5, 7), 2),)
    form = spin_glass(9, 7, quotas)
    found = run(Qaoa(layers=1, warm="descent", multi_angle=multi_angle), form)
    assert keep_quotas((1 - found.values) // 2, quotas).all()


def test_an_angle_for_every_term_lowers_the_expectation() -> None:
    form = spin_glass(9, 5)
    shared = run(Qaoa(layers=1, shots=10), form).facts
    every = run(Qaoa(layers=1, shots=10, multi_angle=True), form).facts
    assert every["expectation"] < shared["expectation"] - 0.1
    assert np.shape(every["gammas"]) == (1, 9 * 10 // 2)
    assert np.shape(every["betas"]) == (1, 9)


def test_cvar_lowers_the_mean_of_the_best_outcomes() -> None:
    form = spin_glass(9, 6)
    plain = run(Qaoa(layers=1, evaluations=400), form).facts
    tail = run(Qaoa(layers=1, evaluations=400, objective="cvar", alpha=0.1), form).facts
    assert tail["cvar"] < tail["expectation"]
    assert tail["expectation"] == pytest.approx(plain["expectation"], rel=1e-3)
    assert tail["gammas"] != plain["gammas"]


def test_many_layers_get_close_to_the_optimum() -> None:
    form = regular(8, 0)
    best = float(run(Exhaustive(), form).energies[0])
    found = run(Qaoa(layers=12, evaluations=1200, precision="double"), form).facts
    assert found["layers"] > 8
    assert found["expectation"] < 0.99 * best


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_the_contract_of_solvers(kind: str) -> None:
    settings, quotas = KINDS[kind]
    check_solver(Qaoa(layers=2, shots=100, **settings), spin_glass(10, 1, quotas), seconds=0.2)


def test_cvar_keeps_the_contract_of_solvers() -> None:
    check_solver(Qaoa(layers=1, shots=100, objective="cvar"), spin_glass(8, 1), rounds=30)


@pytest.mark.parametrize("settings", [{"warm": "descent"}, {"multi_angle": True}])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_tiny_forms_have_samples(settings: dict[str, Any], n: int) -> None:
    found = run(Qaoa(layers=2, shots=20, **settings), Ising(np.zeros(n), np.zeros((n, n)), 2.0))
    assert found.occurrences.sum() >= 20
    assert (found.energies == 2.0).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"start": "best"},
        {"start": (0.1,)},
        {"start": (0.1, np.nan)},
        {"start": (0.1,) * 8},
        {"start": None},
        {"objective": "best"},
        {"alpha": 0.0},
        {"alpha": 1.5},
        {"warm": "relaxed"},
        {"epsilon": 0.6},
        {"warm": "descent", "mixer": "xy-ring"},
        {"multi_angle": True, "mixer": "xy-complete"},
        {"multi_angle": True, "objective": "cvar"},
    ],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be"):
        Qaoa(**settings)


def test_angles_given_as_a_list_are_kept_as_numbers() -> None:
    settings: Any = {"start": [0.1, -1]}
    assert Qaoa(**settings) == Qaoa(start=(0.1, -1.0))


def test_a_search_without_a_deadline_does_not_ask_the_clock() -> None:
    form = spin_glass(9, 8)
    found = [run(Qaoa(layers=3), form, Stop(rounds=60)).facts for _ in range(2)]
    assert found[0] == found[1]
