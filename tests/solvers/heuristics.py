"""What tests of form heuristics share: an instance with a proved optimum."""

from typing import Any

import numpy as np
from scipy import sparse

from qupel.model import Ising, Quota
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.contract import Stop, after_rounds
from tests.data import best_known, instances


def hard(quotas: tuple[Quota, ...] = ()) -> tuple[Ising, float]:
    """A dense instance of 20 spins with its optimum."""
    rng = np.random.default_rng(12)
    form = Ising(rng.normal(size=20), np.triu(rng.normal(size=(20, 20)), 1), 0.5, quotas)
    found = Exhaustive().solve(form, stop=Stop(), rng=rng)
    return form, float(found.energies[0])


CHOICES = (Quota(tuple(range(9)), 3), Quota((10, 12, 14, 16), 1))


def finds_the_optimum(solver: Any, quotas: tuple[Quota, ...] = (), rounds: int = 25) -> bool:
    """Whether the solver reaches the optimum of `hard` in so many rounds."""
    form, optimum = hard(quotas)
    found = solver.solve(form, stop=after_rounds(rounds), rng=np.random.default_rng(1))
    return bool(abs(found.energies[0] - optimum) < 1e-9)


def max_cut(name: str) -> tuple[Ising, float]:
    """A max-cut instance as an Ising model whose energy is minus the cut, and its best cut."""
    path = instances("maxcut")[name]
    size = int(path.read_text().split(maxsplit=1)[0])
    edges = np.loadtxt(path, skiprows=1, ndmin=2)
    ends = np.sort(edges[:, :2].astype(int) - 1, axis=1)
    weights = edges[:, 2] / 2
    pairs = sparse.coo_array((weights, (ends[:, 0], ends[:, 1])), shape=(size, size))
    return Ising(np.zeros(size), pairs, -weights.sum()), float(best_known("maxcut")[name])


def cut(solver: Any, name: str, rounds: int) -> tuple[float, float]:
    """Cut found in so many rounds, and the best known."""
    form, best = max_cut(name)
    found = solver.solve(form, stop=after_rounds(rounds), rng=np.random.default_rng(0))
    return -float(found.energies[0]), best
