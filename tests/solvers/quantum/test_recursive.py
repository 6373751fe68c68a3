from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from qupel.errors import InputError
from qupel.model import Ising, Outcome
from qupel.simulators import Qaoa as Circuit
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.contract import Solver, Stop, after_rounds, after_seconds
from qupel.solvers.quantum import RecursiveQaoa
from qupel.solvers.quantum.recursive import _Rest, correlations_of, surest_of
from qupel.testing import check_solver
from tests.simulators.test_qaoa import random_ising, regular


def run(solver: Solver[Ising], form: Ising, stop: Stop | None = None, seed: int = 0) -> Any:
    return solver.solve(form, stop=stop or Stop(), rng=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(10))
def test_cubic_graphs_of_ten_nodes_are_cut_best(seed: int) -> None:
    form = regular(10, seed)
    found = run(RecursiveQaoa(cutoff=2), form)
    assert found.outcome is Outcome.SAMPLED
    assert found.facts["circuits"] == 8
    assert found.energies[0] == pytest.approx(run(Exhaustive(), form).energies[0])


def test_small_forms_are_solved_exactly_without_a_circuit() -> None:
    form = random_ising(7, 1)
    found = run(RecursiveQaoa(), form)
    assert found.facts["circuits"] == 0
    assert found.energies[0] == pytest.approx(run(Exhaustive(), form).energies[0])


@pytest.mark.parametrize("form", [random_ising(9, 2), regular(10, 3)], ids=["dense", "cubic"])
@pytest.mark.parametrize("shots", [None, 50])
def test_the_recursive_solver_keeps_the_contract_of_solvers(form: Ising, shots: int | None) -> None:
    check_solver(RecursiveQaoa(cutoff=3, shots=shots), form, rounds=30)


@pytest.mark.parametrize("rounds", [1, 7, 40])
def test_a_search_ended_early_still_answers(rounds: int) -> None:
    found = run(RecursiveQaoa(cutoff=1), random_ising(12, 3), after_rounds(rounds))
    assert found.outcome is Outcome.STOPPED
    assert found.facts["evaluations"] == rounds
    assert len(found) == 1


def test_few_shots_estimate_the_correlations() -> None:
    found = [run(RecursiveQaoa(shots=5), random_ising(14, 0), seed=s).energies[0] for s in range(8)]
    assert len(set(found)) > 1
    assert min(found) >= run(Exhaustive(), random_ising(14, 0)).energies[0] - 1e-9


def test_every_correlation_comes_from_one_transform() -> None:
    weights = Circuit(random_ising(6, 5), precision="double").probabilities([0.3], [-0.4])
    spins = 1 - 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1)
    expected = spins.T @ (weights[:, None] * spins)
    found = correlations_of(weights, 6)
    np.testing.assert_allclose(np.triu(found, 1), np.triu(expected, 1), atol=1e-12)
    np.testing.assert_allclose(found.diagonal(), weights @ spins, atol=1e-12)


def test_the_surest_pair_is_the_first_of_equal_ones() -> None:
    found = np.array([[0.1, -0.9, 0.2], [0.0, 0.3, 0.9], [0.0, 0.0, 0.4]])
    assert surest_of(found) == (0, 1, -0.9)


@pytest.mark.parametrize(("i", "j", "sign"), [(0, 0, 1), (2, 2, -1), (0, 3, -1), (1, 2, 1)])
def test_fixing_keeps_the_energy_of_what_is_left(i: int, j: int, sign: int) -> None:
    form = random_ising(5, 6)
    rest = _Rest(form)
    rest.fix(i, j, sign)
    rest.fix(1, 3, -1)
    rest.fix(0, 0, -1)
    short = rest.form()
    assert short.variables == 2
    spins = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.int8)
    rows = np.array([rest.completed(row) for row in spins])
    np.testing.assert_allclose(short.energies(spins), form.energies(rows), atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"layers": 0},
        {"layers": 9},
        {"cutoff": 0},
        {"cutoff": 17},
        {"shots": 0},
        {"threads": 0},
        {"evaluations": 0},
        {"precision": "half"},
    ],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be"):
        RecursiveQaoa(**settings)


@pytest.mark.parametrize("stop", [after_seconds(1), after_rounds(1)])
def test_forms_of_many_spins_are_refused_at_once(stop: Stop) -> None:
    form = Ising(np.ones(20_000), sparse.csr_array((20_000, 20_000)))
    began = process_time()
    with pytest.raises(InputError, match=r"20000 .* reduce the form"):
        RecursiveQaoa().solve(form, stop=stop, rng=np.random.default_rng(0))
    assert process_time() - began < 0.5


def test_a_second_is_enough_for_circuits_of_twenty_spins() -> None:
    samples = RecursiveQaoa(evaluations=5).solve(
        random_ising(20, 1), stop=after_seconds(1), rng=np.random.default_rng(0)
    )
    assert samples.facts["circuits"] > 0
