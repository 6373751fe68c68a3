"""Paired comparison of two arms over cases: ranks, shifts, equivalence, many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from qupel.benchmarks.intervals import (
    Floats,
    mean_interval,
    signed_rank_counts,
    signed_rank_interval,
    walsh_averages,
)

EXACT_UP_TO = 60
"""Cases up to which the signed-rank distribution is enumerated."""


def wilcoxon(effects: Floats) -> float:
    """Two-sided p-value of the signed-rank test, zeros ranked and then left out.

    Exact, ties included, up to `EXACT_UP_TO` cases, normal beyond.

    References
    ----------
    Pratt (1959), doi:10.1080/01621459.1959.10501526.
    """
    ranks, signs = _signed_ranks(effects)
    ranks, signs = ranks[signs != 0], signs[signs != 0]
    if ranks.size == 0:
        return 1.0
    doubled = np.rint(2 * ranks).astype(int)
    positive = int(doubled[signs > 0].sum())
    if ranks.size <= EXACT_UP_TO:
        counts = signed_rank_counts(tuple(int(rank) for rank in doubled))
        lower = counts[: positive + 1].sum() / counts.sum()
        upper = counts[positive:].sum() / counts.sum()
        return float(min(1.0, 2 * min(lower, upper)))
    distance = abs(positive - doubled.sum() / 2) / math.sqrt(float((doubled**2).sum()) / 4)
    return float(2 * special.ndtr(-distance))


def rank_biserial(effects: Floats) -> float:
    """Rank sum of the better cases minus that of the worse, as a share of both; -1 to 1."""
    ranks, signs = _signed_ranks(effects)
    total = float(ranks[signs != 0].sum())
    return float((ranks * signs).sum()) / total if total else 0.0


def hodges_lehmann(effects: Floats, level: float) -> tuple[float, float, float]:
    """Median of the Walsh averages and its exact signed-rank interval."""
    low, high = signed_rank_interval(effects, level)
    return float(np.median(walsh_averages(effects))), float(low), float(high)


def equivalence(effects: Floats, margin: float, level: float) -> tuple[float, bool]:
    """Two one-sided tests of the mean against ``-margin`` and ``margin``.

    Returns
    -------
    The larger p-value of the two t tests, and whether the interval of ``mean_interval`` at
    ``2 level - 1`` lies inside the margin, which is stricter.
    """
    cases = effects.size
    mean = float(effects.mean())
    error = float(effects.std(ddof=1)) / math.sqrt(cases)
    if error <= 1e-12 * float(np.abs(effects).max(initial=0.0)):
        p_value = 0.0 if abs(mean) < margin else 1.0
    else:
        nearest = (margin - abs(mean)) / error
        p_value = float(special.stdtr(cases - 1, -nearest))
    low, high = mean_interval(effects, 2 * level - 1)
    return p_value, bool(-margin < low and high < margin)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number, step down.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for step, index in enumerate(order):
        largest = max(largest, (len(p_values) - step) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def _signed_ranks(effects: Floats) -> tuple[Floats, Floats]:
    """Mid-ranks of the absolute effects, zeros included, and the signs."""
    # Sizes that differ only by rounding are tied, whatever the unit.
    size = np.round(np.abs(effects) / max(float(np.abs(effects).max(initial=0.0)), 1e-300), 12)
    _, where, counts = np.unique(size, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2
    return middle[where].astype(np.float64), np.sign(effects)
