from __future__ import annotations

import numpy as np
import pytest

from qupel.simulators import Qaoa
from qupel.solvers.contract import Stop, after_rounds
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.course import interpolated
from tests.simulators.test_qaoa import random_ising


def searched(layers: int, evaluations: int = 200, stop: Stop | None = None) -> AngleSearch:
    circuit = Qaoa(random_ising(7, 3), precision="double")
    search = AngleSearch(circuit, stop or Stop(), evaluations, reserve=0.0)
    search.search(layers)
    return search


def test_one_layer_more_lies_on_the_lines_between_the_layers() -> None:
    np.testing.assert_allclose(interpolated(np.array([3.0])), [3, 3])
    np.testing.assert_allclose(interpolated(np.array([1.0, 2.0])), [1, 1.5, 2])
    np.testing.assert_allclose(interpolated(np.array([1.0, 2.0, 4.0])), [1, 5 / 3, 8 / 3, 4])


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_the_best_angles_have_the_energy_told(layers: int) -> None:
    search = searched(layers)
    assert search.best.size == 2 * layers
    found = search.circuit.energy(*np.split(search.best, 2))
    assert found == pytest.approx(search.energy, abs=1e-12)


def test_the_descent_ends_where_the_slope_is_nil() -> None:
    search = searched(2, evaluations=2000)
    _, by_gamma, by_beta = search.circuit.energy_and_gradient(*np.split(search.best, 2))
    assert np.abs([*by_gamma, *by_beta]).max() < 1e-2 * search.circuit.spread


@pytest.mark.parametrize("rounds", range(1, 30, 4))
def test_a_search_ended_early_is_the_beginning_of_a_longer_one(rounds: int) -> None:
    short, longer = (
        searched(3, stop=after_rounds(rounds)),
        searched(3, stop=after_rounds(rounds + 1)),
    )
    assert short.done == rounds
    assert longer.energy <= short.energy


def test_without_time_nothing_is_evaluated_and_angles_are_still_there() -> None:
    search = searched(3, stop=Stop(deadline=0.0))
    assert search.done == 0
    assert search.best.size == 2
