"""Children of two configurations: what both share stays, the rest is drawn from either."""

from __future__ import annotations

import numpy as np

from qupel.kernels.ising import Landscape


def cross(
    landscape: Landscape, one: np.ndarray, other: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Uniform crossover of each row of ``one`` with the row of ``other`` beside it.

    Where flipping all spins changes nothing, the nearer of the other and its reverse is taken.
    In a group, members that both parents have stay, and members that one of them has are drawn
    until its count is met (Radcliffe's random respectful recombination for sets, 1991).
    """
    if is_symmetric(landscape):
        other = np.where((one * other).sum(axis=1, keepdims=True) < 0, -other, other)
    children = np.where(rng.random(one.shape) < 0.5, one, other)
    for group, count in zip(landscape.groups, landscape.counts.tolist(), strict=True):
        taken = (one[:, group] < 0).astype(float) + (other[:, group] < 0)
        rank = (-(taken + 0.5 * rng.random(taken.shape))).argsort(axis=1).argsort(axis=1)
        children[:, group] = np.where(rank < count, -1, 1)
    return children


def is_symmetric(landscape: Landscape) -> bool:
    """Whether flipping all spins leaves every energy as it is."""
    return not landscape.fields.any() and not landscape.counts.size


def mutate(
    landscape: Landscape, rows: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Rows in which each free spin is flipped, and each chosen member moved, with this chance."""
    flips = rng.random((rows.shape[0], landscape.free)) < share
    changed = rows.copy()
    changed[:, : landscape.free][flips] *= -1
    for group, count in zip(landscape.groups, landscape.counts.tolist(), strict=True):
        ones = (rows[:, group] < 0).astype(float)
        loose = ones * (rng.random(ones.shape) >= share) + 0.5 * rng.random(ones.shape)
        rank = (-loose).argsort(axis=1).argsort(axis=1)
        changed[:, group] = np.where(rank < count, -1, 1)
    return changed
