"""Forms by their definitions, by brute force; slow and plain."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from qupel.model import Ising, Model, Qubo

Point = tuple[int, ...]


def model_energy(model: Model, x: Point) -> float:
    """``linear @ x + x @ quadratic @ x + offset``, one product at a time."""
    dense = model.quadratic.toarray()
    n = range(len(x))
    return float(
        sum(model.linear[i] * x[i] for i in n)
        + sum(dense[i, j] * x[i] * x[j] for i in n for j in n)
        + model.offset
    )


def model_is_kept(model: Model, x: Point) -> bool:
    """Bounds and constraints in exact arithmetic, limits widened by a millionth."""
    if any(not a <= v <= b for a, v, b in zip(model.lower, x, model.upper, strict=True)):
        return False
    rows = model.rows.toarray()
    for row, low, high in zip(rows, model.row_lower, model.row_upper, strict=True):
        left = sum((Fraction(float(a)) * v for a, v in zip(row, x, strict=True)), Fraction(0))
        if not float(low) - 1e-6 <= float(left) <= float(high) + 1e-6:
            return False
    return True


def model_optimum(model: Model) -> tuple[float, set[Point]]:
    """Least energy of a feasible point and all points that have it; infinite if there is none."""
    bounds = zip(model.lower.tolist(), model.upper.tolist(), strict=True)
    points = np.array(list(itertools.product(*(range(a, b + 1) for a, b in bounds))))
    energies = points @ model.linear + _squares(model.quadratic.toarray(), points) + model.offset
    left = points @ model.rows.toarray().T
    kept = ((left >= model.row_lower - 1e-6) & (left <= model.row_upper + 1e-6)).all(axis=1)
    best = float(energies[kept].min(initial=math.inf))
    optima = points[kept & (energies <= best + 1e-9 * (1 + abs(best)))] if kept.any() else []
    return best, {tuple(point) for point in np.asarray(optima).tolist()}


def _squares(dense: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(((points @ dense) * points).sum(axis=1))


def qubo_energy(qubo: Qubo, x: Point) -> float:
    """Every entry of the upper triangle once."""
    dense = qubo.weights.toarray()
    n = range(len(x))
    return float(sum(dense[i, j] * x[i] * x[j] for i in n for j in n if i <= j) + qubo.offset)


def ising_energy(ising: Ising, s: Point) -> float:
    """Fields and couplings, every pair once."""
    dense = ising.couplings.toarray()
    n = range(len(s))
    pairs = sum(dense[i, j] * s[i] * s[j] for i in n for j in n if i < j)
    return float(pairs + sum(ising.fields[i] * s[i] for i in n) + ising.offset)


def qubo_optimum(qubo: Qubo) -> float:
    """Least energy of bits that keep all quotas."""
    points = np.array(list(itertools.product((0, 1), repeat=qubo.variables)))
    kept = np.ones(len(points), dtype=bool)
    for quota in qubo.quotas:
        kept &= points[:, list(quota.members)].sum(axis=1) == quota.count
    return float(_squares(qubo.weights.toarray(), points)[kept].min() + qubo.offset)


def random_model(rng: np.random.Generator, *, kinds: int = 8) -> Model:
    """A tiny model with constraints of many shapes, some of them redundant or fractional."""
    n = int(rng.integers(1, 5))
    wide = rng.random(n) < 0.35
    lower = np.where(wide, rng.integers(-2, 2, n), 0)
    upper = np.where(wide, lower + rng.integers(0, 5, n), 1)
    whole = bool(rng.random() < 0.5)
    linear = rng.integers(-5, 6, n).astype(float) if whole else rng.normal(0, 3, n).round(3)
    quadratic = np.triu(rng.integers(-4, 5, (n, n)) * (rng.random((n, n)) < 0.4)).astype(float)
    rows, low, high = [], [], []
    for _ in range(int(rng.integers(0, 4))):
        row = rng.integers(-3, 5, n).astype(float) * (rng.random(n) < 0.8)
        kind = int(rng.integers(kinds))
        if kind in {0, 1, 2}:
            row = np.sign(row)
        if kind == 3:
            row = np.abs(row)
        anchor = float(row @ rng.integers(lower, upper + 1))
        shift = float(rng.integers(0, 3))
        if kind == 7:
            row, anchor, shift = row / 4 + row / 3, anchor / 4 + anchor / 3, shift * 0.1
        equal, above = rng.random() < 0.25, rng.random() < 0.4
        two = rng.random() < 0.2
        rows.append(row)
        low.append(anchor - (0 if equal else shift) if equal or above or two else -np.inf)
        high.append(anchor + (0 if equal else shift) if equal or two or not above else np.inf)
    return Model.from_arrays(
        linear,
        quadratic=quadratic,
        offset=float(rng.integers(-3, 4)),
        lower=lower,
        upper=upper,
        rows=np.array(rows).reshape(len(rows), n),
        row_lower=np.array(low),
        row_upper=np.array(high),
    )
