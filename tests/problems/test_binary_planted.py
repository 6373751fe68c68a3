"""Planted traps hold what they promise."""

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.problems.binary_planted import planted_traps


def cuts(size: int, edges: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight of every cut, by index."""
    sides = np.arange(1 << size)[:, None] >> np.arange(size) & 1
    return (sides[:, edges[:, 0]] != sides[:, edges[:, 1]]) @ weights


@pytest.mark.parametrize(("seed", "loops"), [(0, 2), (1, 5), (2, 9)])
def test_no_cut_of_a_trap_is_larger_than_the_planted_one(seed: int, loops: int) -> None:
    side, edges, weights = planted_traps(np.random.default_rng(seed), 3, 4, loops)
    index = int(side.astype(int) @ (1 << np.arange(side.size)))
    every = cuts(side.size, edges, weights)
    assert every[index] == every.max()


def test_exchanging_a_group_leads_to_a_local_optimum() -> None:
    side, edges, weights = planted_traps(np.random.default_rng(4), 5, 20, 6)
    couplings = np.zeros((side.size, side.size))
    couplings[edges[:, 0], edges[:, 1]] = weights
    couplings += couplings.T
    side[:20] = 1 - side[:20]
    apart = side[:, None] != side[None, :]
    gains = np.where(apart, -couplings, couplings).sum(axis=1)
    assert gains.max() < 0


def test_traps_are_equal_for_equal_seeds() -> None:
    first, again = (planted_traps(np.random.default_rng(7), 4, 3, 5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_traps_need_three_groups() -> None:
    with pytest.raises(InputError, match="3 traps"):
        planted_traps(np.random.default_rng(0), 2, 5, 3)
