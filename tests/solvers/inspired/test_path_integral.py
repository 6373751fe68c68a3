"""The path integral reaches ground states, with and without quotas."""

import numpy as np
import pytest
from scipy import sparse

from qupel.errors import InputError
from qupel.model import Ising
from qupel.solvers.contract import after_rounds, any_of, reached
from qupel.solvers.inspired.path_integral import PathIntegral
from tests.solvers.heuristics import CHOICES, cut, finds_the_optimum

SIDE = 8


def glass(seed: int) -> tuple[Ising, float]:
    """A spin glass on an 8 x 8 lattice with fields, and its lowest energy row by row."""
    rng = np.random.default_rng(seed)
    fields = rng.normal(size=(SIDE, SIDE)) / 4
    across = rng.normal(size=(SIDE, SIDE - 1))
    down = rng.normal(size=(SIDE - 1, SIDE))
    site = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    ends = (
        np.concatenate([site[:, :-1].ravel(), site[:-1].ravel()]),
        np.concatenate([site[:, 1:].ravel(), site[1:].ravel()]),
    )
    weights = np.concatenate([across.ravel(), down.ravel()])
    form = Ising(fields.ravel(), sparse.coo_array((weights, ends), shape=(SIDE**2, SIDE**2)))
    rows = 1 - 2 * (np.arange(1 << SIDE)[:, None] >> np.arange(SIDE) & 1)
    lowest = np.zeros(1 << SIDE)
    for y in range(SIDE):
        lowest = lowest + rows @ fields[y] + (rows[:, :-1] * rows[:, 1:]) @ across[y]
        if y + 1 < SIDE:
            lowest = (lowest[None, :] + rows @ (down[y] * rows).T).min(axis=1)
    return form, float(lowest.min())


def test_the_path_integral_finds_19_of_20_ground_states_of_64_spins() -> None:
    met = 0
    for seed in range(20):
        form, ground = glass(seed)
        stop = any_of(after_rounds(25), reached(ground + 1e-9))
        found = PathIntegral().solve(form, stop=stop, rng=np.random.default_rng(seed))
        assert found.energies[0] > ground - 1e-9
        met += bool(found.energies[0] < ground + 1e-9)
    assert met >= 19


@pytest.mark.parametrize("moves", ["clusters", "local"])
def test_the_path_integral_finds_the_optimum_of_a_small_instance(moves: str) -> None:
    assert finds_the_optimum(PathIntegral(moves=moves))  # type: ignore[arg-type]


def test_the_path_integral_finds_the_optimum_under_quotas() -> None:
    assert finds_the_optimum(PathIntegral(), CHOICES)


def test_the_path_integral_comes_near_the_best_known_cut() -> None:
    found, best = cut(PathIntegral(), "G14", 100)
    assert best * 0.98 <= found <= best


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"slices": 20}, "slices"),
        ({"moves": "global"}, "moves"),
        ({"replicas": 0}, "replicas"),
        ({"heat": -1.0}, "heat must be"),
    ],
)
def test_the_path_integral_refuses_settings_without_meaning(
    settings: dict[str, str | float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        PathIntegral(**settings)  # type: ignore[arg-type]
