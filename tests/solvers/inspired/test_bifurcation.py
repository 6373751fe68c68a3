"""Bifurcation reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.inspired.bifurcation import Bifurcation
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_bifurcation_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(Bifurcation())


def test_bifurcation_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(Bifurcation(), CHOICES)


def test_bifurcation_comes_near_the_best_known_cut() -> None:
    found, best = cut(Bifurcation(), "G14", 100)
    assert best * 0.98 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"variant": "both"}, "variant"),
        ({"steps": 0}, "steps"),
        ({"step": 0.0}, "step must be"),
    ],
)
def test_bifurcation_refuses_settings_without_meaning(
    settings: dict[str, str | float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Bifurcation(**settings)  # type: ignore[arg-type]
