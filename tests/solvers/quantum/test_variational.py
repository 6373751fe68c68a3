"""QAOA whose angles are found by measuring."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.backends import backend_named
from qupel.errors import InputError, ResultError
from qupel.model import Ising
from qupel.problems.maxcut import MaxCut
from qupel.simulators import Qaoa
from qupel.solvers.contract import Stop, after_rounds
from qupel.solvers.quantum.at_once import run_now
from qupel.solvers.quantum.hosted import HostedQaoa
from qupel.solvers.quantum.variational import Course, VariationalQaoa
from qupel.testing import check_solver
from tests.solvers.quantum.test_hosted import SMALL
from tests.solvers.quantum.test_qaoa import run, spin_glass


@pytest.mark.parametrize("form", SMALL.values(), ids=SMALL.keys())
def test_variational_qaoa_keeps_the_contract_of_solvers(form: Ising) -> None:
    check_solver(VariationalQaoa(shots=20, evaluations=6), form, rounds=4, seconds=0.1)


def driven(solver: VariationalQaoa, form: Ising, seed: int = 1, *, until: int = 1000) -> Course:
    """A course driven on this machine, for so many evaluations at most."""
    course, backend = solver.course(form, seed), backend_named("local:statevector")
    while len(course.costs) < until and (asked := course.asks()) is not None:
        settings = {"seed": asked.seed}
        programs = solver.programs(form, asked)
        course.tell(run_now(backend, programs, asked.shots, settings, Stop()))
    return course


def cut_form(seed: int) -> Ising:
    from qupel.encodings.paths import encode

    problem, _ = MaxCut.random(seed, nodes=10)
    form = encode(problem.form(), into=Ising, keep_quotas=True).form
    assert isinstance(form, Ising)
    return form


def test_measuring_closes_most_of_the_gap_to_trained_angles() -> None:
    closed = []
    for seed in range(3):
        form = cut_form(seed)
        exact = Qaoa(form, threads=1)
        trained = exact.energy(*HostedQaoa().found_angles(form))
        course = driven(VariationalQaoa(tolerance=0.0), form, seed)
        first, last = (
            exact.energy(*np.split(angles, 2)) for angles in (course.angles[0], course.settled)
        )
        closed.append((first - last) / (first - trained))
    assert np.mean(closed) > 0.5


def test_the_same_readings_give_the_same_proposals_byte_for_byte() -> None:
    form, solver = spin_glass(6, 1), VariationalQaoa(shots=30, evaluations=15)
    one, other = driven(solver, form, 5), driven(solver, form, 5)
    assert [a.tobytes() for a in one.angles] == [a.tobytes() for a in other.angles]
    assert one.costs == other.costs
    assert one.costs != driven(solver, form, 6).costs


def test_a_budget_of_shots_ends_it() -> None:
    course = driven(VariationalQaoa(shots=30, max_shots=100), spin_glass(5, 1))
    assert (course.shots, course.why) == (90, "90 of 100 shots were taken")


def test_it_ends_when_it_has_converged() -> None:
    course = driven(VariationalQaoa(shots=50, evaluations=500, tolerance=0.05), cut_form(2))
    assert course.why == "it has converged"
    assert len(course.costs) < 500


def test_every_shot_is_among_the_samples() -> None:
    form = spin_glass(6, 3)
    samples = run(VariationalQaoa(shots=25, evaluations=8), form)
    assert samples.occurrences.sum() == 25 * 8
    assert samples.facts["evaluations"] == 8
    np.testing.assert_allclose(samples.energies, form.energies(samples.values))


def test_a_stop_rule_ends_it_between_evaluations() -> None:
    solver = VariationalQaoa(shots=25)
    rng = np.random.default_rng(0)
    samples = solver.solve(spin_glass(6, 3), stop=after_rounds(3), rng=rng)
    assert samples.occurrences.sum() == 75


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"evaluations": 0}, "evaluations must be at least 1"),
        ({"max_shots": 100}, "max_shots must allow one evaluation of 200 shots"),
        ({"tolerance": 1.0}, "tolerance must be from 0"),
        ({"layers": 11}, "layers must be 1 to 10"),
        ({"gain": 0.0}, "gain must be above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        VariationalQaoa(**settings)  # type: ignore[arg-type]


def test_a_result_of_another_form_is_refused() -> None:
    form = spin_glass(5, 1)
    other = driven(VariationalQaoa(shots=10), spin_glass(4, 1), until=1)
    asked = VariationalQaoa(shots=10).course(form, 1)
    asked.asks()
    with pytest.raises(ResultError, match="5 spins were measured"):
        asked.tell(other._results[0])
