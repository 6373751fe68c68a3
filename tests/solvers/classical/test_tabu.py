"""Tabu search reaches optima, with and without quotas."""

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Quota
from qupel.solvers.classical.tabu import Tabu
from qupel.solvers.contract import after_rounds
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum, hard, max_cut


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


@pytest.mark.parametrize("quotas", [(), CHOICES], ids=["free", "quotas"])
def test_tabu_samples_do_not_depend_on_threads(quotas: tuple[Quota, ...]) -> None:
    form = hard(quotas)[0] if quotas else max_cut("G32")[0]
    first, second = (
        Tabu(threads=threads).solve(form, stop=after_rounds(10), rng=np.random.default_rng(3))
        for threads in (1, 2)
    )
    assert first.values.tobytes() == second.values.tobytes()
    assert first.energies.tobytes() == second.energies.tobytes()


def test_tabu_comes_near_the_best_known_cut_of_a_torus() -> None:
    found, best = cut(Tabu(), "G32", 250)
    assert best * 0.995 <= found <= best


def test_walks_of_tabu_end_where_tenures_leave_no_move() -> None:
    form, optimum = hard()
    eager = Tabu(tenure=1000, least_tenure=1000, moves=50)
    found = eager.solve(form, stop=after_rounds(25), rng=np.random.default_rng(1))
    assert found.energies[0] == pytest.approx(optimum, abs=1e-9)
