"""Tabu search reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.classical.tabu import Tabu
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_tabu_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(Tabu())


def test_tabu_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(Tabu(), CHOICES)


def test_tabu_comes_near_the_best_known_cut() -> None:
    found, best = cut(Tabu(), "G14", 100)
    assert best * 0.98 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"walkers": 0}, "walkers"),
        ({"patience": 0}, "patience"),
        ({"tenure": -1}, "tenure"),
        ({"least_tenure": -1}, "tenure"),
        ({"moves": 0}, "moves"),
        ({"most_moves": 1 << 40}, "most_moves"),
    ],
)
def test_tabu_refuses_settings_without_meaning(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Tabu(**settings)  # type: ignore[arg-type]
