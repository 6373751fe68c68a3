"""Local search reaches optima, with and without quotas."""

import pytest

from qupel.errors import InputError
from qupel.solvers.classical.local_search import LocalSearch
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum


def test_local_search_finds_the_optimum_of_a_small_instance() -> None:
    assert finds_the_optimum(LocalSearch())


def test_local_search_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(LocalSearch(), CHOICES)


def test_local_search_comes_near_the_best_known_cut() -> None:
    found, best = cut(LocalSearch(), "G14", 100)
    assert best * 0.98 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kick": 0}, "kick"),
        ({"patience": 0}, "patience"),
    ],
)
def test_local_search_refuses_settings_without_meaning(
    settings: dict[str, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        LocalSearch(**settings)  # type: ignore[arg-type]
