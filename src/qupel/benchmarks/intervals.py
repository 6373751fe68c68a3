"""Intervals: for a mean over few cases, for a share, and by the hierarchical bootstrap.

Arrays may carry leading axes, so that thousands of synthetic benchmarks are judged by the same
lines of code as one real one. Cases are put in order of their values before anything is drawn:
results depend on the values alone, not on the names or order of cases and seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

STUDENTIZED_DRAWS = 1999
"""Draws of the studentized bootstrap: (draws + 1) times 0.025 and 0.05 are whole numbers."""

LARGEST_TAIL = 0.25
"""Share of the bootstrap that is put in order on either side: enough for a level of 50 %."""

CHUNK = 1_000_000
"""Numbers worked on at once; keeps memory flat for any number of benchmarks."""

WIDEST = 2.0
"""Bound of the studentized bootstrap, in t intervals. Where nearly all cases tie, resamples
without spread would make it infinite."""


def mean_interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Interval for the mean over cases: the widest of three at each end.

    The union of Student's t, which is exact for normal effects and careful with heavy tails; the
    studentized bootstrap, which follows skewness; and the exact signed-rank interval, which
    assumes no distribution but symmetry. `calibration` measures what it covers.

    Parameters
    ----------
    values
        Per-case effects on the last axis.
    level
        Two-sided confidence.

    Returns
    -------
    Lower and upper bounds of the leading shape. They are infinite where the last axis is too
    short for the level, see `fewest_cases`.
    """
    [bounds] = mean_intervals(values, (level,))
    return bounds


def mean_intervals(values: Floats, levels: Sequence[float]) -> list[tuple[Floats, Floats]]:
    """`mean_interval` for several levels, resampled once."""
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    flat = ordered.reshape(-1, ordered.shape[-1])
    cases = flat.shape[-1]
    found = [(np.full(len(flat), -np.inf), np.full(len(flat), np.inf)) for _ in levels]
    possible = [i for i, level in enumerate(levels) if cases >= fewest_cases(level)]
    step = max(1, CHUNK // max(STUDENTIZED_DRAWS, cases * (cases + 1) // 2))
    for start in range(0, len(flat) if possible else 0, step):
        part = slice(start, start + step)
        pivots = _ordered_pivots(flat[part])
        averages = np.sort(walsh_averages(flat[part]), axis=-1)
        for place in possible:
            bounds = [
                t_interval(flat[part], levels[place]),
                _studentized(flat[part], pivots, levels[place]),
                _signed_rank(averages, cases, levels[place]),
            ]
            found[place][0][part] = np.min([low for low, _ in bounds], axis=0)
            found[place][1][part] = np.max([high for _, high in bounds], axis=0)
    shape = ordered.shape[:-1]
    return [(low.reshape(shape), high.reshape(shape)) for low, high in found]


def fewest_cases(level: float) -> int:
    """Fewest cases for which the exact signed-rank interval of this level is bounded.

    All ``n`` signs agree by chance with probability ``2^(1 - n)``: 6 cases for 95 %.
    """
    return math.ceil(1.0 - math.log2(1.0 - level) - 1e-9)


def t_interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Student's interval for the mean over the last axis."""
    cases = values.shape[-1]
    centre = values.mean(axis=-1)
    half = special.stdtrit(cases - 1, 0.5 + level / 2) * _standard_error(values)
    return centre - half, centre + half


def studentized_interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Bootstrap-t interval for the mean over the last axis, values in increasing order.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 12.5. Deviation:
    either side is at most `WIDEST` times Student's.
    """
    return _studentized(values, _ordered_pivots(values), level)


def _ordered_pivots(values: Floats) -> Floats:
    """Studentized mean of every resample on the last axis, the tails of it in order."""
    cases = values.shape[-1]
    weights = _resamples(cases)
    around = values - values.mean(axis=-1)[..., None]
    means = around @ weights
    variances = (around**2) @ weights
    variances -= means**2
    least = (1e-9 * _standard_error(values)[..., None]) ** 2
    has_spread = variances > least * (cases - 1)
    np.sqrt(variances / (cases - 1), out=variances, where=has_spread)
    pivots = np.sign(means) * np.finfo(np.float64).max
    np.divide(means, variances, out=pivots, where=has_spread)
    tail = math.ceil(LARGEST_TAIL * (pivots.shape[-1] + 1))
    pivots.partition((tail, pivots.shape[-1] - 1 - tail), axis=-1)
    return np.concatenate(
        [np.sort(pivots[..., :tail], axis=-1), np.sort(pivots[..., -tail:], axis=-1)], axis=-1
    )


def _studentized(values: Floats, pivots: Floats, level: float) -> tuple[Floats, Floats]:
    """Read the interval of one level off the ordered pivots."""
    bound = WIDEST * special.stdtrit(values.shape[-1] - 1, 0.5 + level / 2)
    place = max(0, math.floor((STUDENTIZED_DRAWS + 1) * (1.0 - level) / 2 + 1e-9) - 1)
    first = np.clip(pivots[..., place], -bound, bound)
    last = np.clip(pivots[..., -1 - place], -bound, bound)
    centre, error = values.mean(axis=-1), _standard_error(values)
    return centre - last * error, centre - first * error


def signed_rank_interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Exact interval of Hodges and Lehmann for the centre of the last axis.

    Order statistics of the Walsh averages at the critical value of the signed-rank statistic;
    infinite where the level cannot be had.
    """
    averages = np.sort(walsh_averages(values), axis=-1)
    return _signed_rank(averages, values.shape[-1], level)


def _signed_rank(averages: Floats, cases: int, level: float) -> tuple[Floats, Floats]:
    """Read the interval of one level off the ordered Walsh averages."""
    place = _signed_rank_place(cases, level)
    if place is None:
        endless = np.full(averages.shape[:-1], np.inf)
        return -endless, endless
    return averages[..., place], averages[..., -1 - place]


def walsh_averages(values: Floats) -> Floats:
    """Mean of every pair of cases, a case with itself included."""
    first, second = np.triu_indices(values.shape[-1])
    return (values[..., first] + values[..., second]) / 2


def signed_rank_counts(doubled_ranks: tuple[int, ...]) -> Floats:
    """How many choices of signs give each value of the sum of the positive ranks.

    Ranks are doubled so that mid-ranks of ties are whole; entry ``w`` belongs to ``w / 2``.
    """
    counts = np.ones(1)
    for rank in doubled_ranks:
        longer = np.zeros(counts.size + rank)
        longer[: counts.size] += counts
        longer[rank:] += counts
        counts = longer
    return counts


@cache
def _signed_rank_place(cases: int, level: float) -> int | None:
    """Index of the Walsh average that bounds the interval from below; None if there is none."""
    tail = (1.0 - level) / 2
    if cases <= 60:
        counts = signed_rank_counts(tuple(range(1, cases + 1)))
        below = np.cumsum(counts) / counts.sum()
        critical = int(np.searchsorted(below, tail * (1 + 1e-12), side="right"))
    else:
        mean = cases * (cases + 1) / 4
        deviation = math.sqrt(cases * (cases + 1) * (2 * cases + 1) / 24)
        critical = math.floor(mean + float(special.ndtri(tail)) * deviation)
    return critical - 1 if critical > 0 else None


@cache
def _resamples(cases: int) -> Floats:
    """Weights of the cases in each resample, cases by draws; the same in every process."""
    rng = np.random.default_rng(np.random.SeedSequence([20240917, cases]))
    drawn = rng.multinomial(cases, [1 / cases] * cases, size=STUDENTIZED_DRAWS)
    return np.ascontiguousarray(drawn.T / cases)


def _standard_error(values: Floats) -> Floats:
    """Standard error of the mean over the last axis; rounding of equal values counts as none."""
    error = values.std(axis=-1, ddof=1) / math.sqrt(values.shape[-1])
    return np.where(error > 1e-12 * np.abs(values).max(axis=-1), error, 0.0)


def hierarchical_interval(
    better: Floats, worse: Floats, level: float, *, draws: int, seed: int
) -> tuple[float, float]:
    """Percentile interval for the mean of ``better - worse``, cases drawn first, then seeds.

    Parameters
    ----------
    better, worse
        Values of two arms, cases by seeds. Cases are paired, seeds are not: each arm's are drawn
        by themselves within a drawn case.
    level
        Two-sided confidence.
    draws, seed
        Number of resamples, and what they are drawn from.
    """
    first, second = np.sort(better, axis=1), np.sort(worse, axis=1)
    effects = first.mean(axis=1) - second.mean(axis=1)
    order = np.lexsort((*second.T, *first.T, effects))
    first, second = first[order], second[order]
    rng = np.random.default_rng(seed)
    cases, seeds = first.shape
    case = rng.integers(cases, size=(draws, cases, 1))
    one = first[case, rng.integers(seeds, size=(draws, cases, seeds))].mean(axis=(1, 2))
    seeds = second.shape[1]
    two = second[case, rng.integers(seeds, size=(draws, cases, seeds))].mean(axis=(1, 2))
    low, high = np.quantile(one - two, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(count: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    z = float(special.ndtri(0.5 + level / 2))
    share = count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == of else min(1.0, centre + half)
    return low, high


def clopper_pearson(count: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval for a share.

    References
    ----------
    Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.
    """
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(special.betaincinv(count, of - count + 1, tail))
    high = 1.0 if count == of else float(special.betaincinv(count + 1, of - count, 1 - tail))
    return low, high
