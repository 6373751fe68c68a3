"""Annealing reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.classical.annealing import Annealing
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_annealing_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(Annealing())


def test_annealing_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(Annealing(), CHOICES)


def test_annealing_comes_near_the_best_known_cut() -> None:
    found, best = cut(Annealing(), "G14", 100)
    assert best * 0.995 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"replicas": 0}, "replicas"),
        ({"sweeps": 0}, "sweeps must be"),
        ({"hot": -1.0}, "hot must be"),
    ],
)
def test_annealing_refuses_settings_without_meaning(
    settings: dict[str, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Annealing(**settings)  # type: ignore[arg-type]
