"""Tempering reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.inspired.tempering import Tempering
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_tempering_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(Tempering())


def test_tempering_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(Tempering(), CHOICES)


def test_tempering_comes_near_the_best_known_cut() -> None:
    found, best = cut(Tempering(), "G32", 150)
    assert best * 0.985 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rungs": 0}, "rungs"),
        ({"ladders": 0}, "ladders"),
        ({"cold": 0.0}, "cold must be"),
    ],
)
def test_tempering_refuses_settings_without_meaning(
    settings: dict[str, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Tempering(**settings)  # type: ignore[arg-type]
