"""The genetic algorithm reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.classical.genetic import Genetic
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_the_genetic_algorithm_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(Genetic())


def test_the_genetic_algorithm_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(Genetic(), CHOICES)


def test_the_genetic_algorithm_comes_near_the_best_known_cut() -> None:
    found, best = cut(Genetic(), "G14", 100)
    assert best * 0.98 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"population": 1}, "population"),
        ({"mutation": 2.0}, "mutation"),
        ({"walk": -1}, "walk"),
        ({"patience": 0}, "patience"),
    ],
)
def test_the_genetic_algorithm_refuses_settings_without_meaning(
    settings: dict[str, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Genetic(**settings)  # type: ignore[arg-type]
