"""Small Ising instances of every shape that the kernels for search tell apart."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from qupel.kernels import ising

#: Spins, share of pairs that are coupled, and groups.
SHAPES: dict[str, tuple[int, float, list[tuple[list[int], int]]]] = {
    "sparse": (40, 0.1, []),
    "dense": (20, 1.0, []),
    "sparse with groups": (30, 0.1, [([3, 1, 7, 12, 20, 25], 2), ([2, 4, 6, 8, 9], 3)]),
    "dense with a group": (20, 1.0, [([*range(4, 16)], 5)]),
    "dense, only a group": (10, 1.0, [([*range(10)], 4)]),
    "sparse, several blocks of words": (70, 0.05, []),
}


def couplings_of(n: int, density: float, *, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    shape = (n, n)
    values = rng.choice([-2.0, -1.0, 1.0], shape) if whole else rng.normal(size=shape)
    upper = np.triu(values * (rng.random(shape) < density), 1)
    fields = rng.integers(-2, 3, n) / 1.0 if whole else rng.normal(size=n)
    return fields, upper + upper.T


def laid_out(name: str, *, whole: bool = True, ones: int | None = None) -> ising.Landscape:
    """An instance of this shape; ``ones`` replaces the counts of its groups."""
    n, density, groups = SHAPES[name]
    groups = [(members, count if ones is None else ones) for members, count in groups]
    fields, couplings = couplings_of(n, density, whole=whole)
    rows = scipy.sparse.csr_array(couplings)
    rows.sort_indices()
    return ising.Landscape.of(fields, rows.indptr, rows.indices, rows.data, groups)


def in_order(land: ising.Landscape) -> tuple[np.ndarray, np.ndarray]:
    """Fields and dense couplings by position."""
    full = np.zeros((land.n, land.n))
    full[np.repeat(np.arange(land.n), np.diff(land.starts)), land.columns] = land.weights
    return land.fields.astype(float), full


def empty() -> ising.Landscape:
    """No spins."""
    none = np.zeros(0)
    return ising.Landscape.of(none, np.zeros(1, np.int64), np.zeros(0, np.int32), none)
