"""Metrics of single runs and of a few runs together, as the field defines them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qupel.benchmarks.figures import Curve, Rate, Spread, Stability, TimeToSolution
from qupel.benchmarks.intervals import clopper_pearson, wilson
from qupel.benchmarks.rule import Sense

QUANTILE = 0.99
"""Probability of success that a time to solution stands for."""


def primal_gap(value: float | None, reference: float | None) -> float:
    """Primal gap of an objective to the best known one, in [0, 1].

    1 for no feasible answer (None) and for opposite signs; 0 for equal values.

    References
    ----------
    Berthold (2013), doi:10.1016/j.orl.2013.08.007, equation 1.
    """
    if value is None or reference is None:
        return 1.0
    if value == reference:
        return 0.0
    if value * reference < 0:
        return 1.0
    return min(1.0, abs(value - reference) / max(abs(value), abs(reference)))


def is_better(value: float, than: float, sense: Sense) -> bool:
    """Whether an objective is strictly better than another."""
    return value < than if sense == "min" else value > than


def rate(count: int, of: int, level: float = 0.95) -> Rate:
    """A share with Wilson's interval."""
    if of == 0:
        return Rate(count, of)
    return Rate(count, of, count / of, *wilson(count, of, level))


def time_to_solution(
    clock: str, seconds: Sequence[float], successes: int, level: float = 0.95
) -> TimeToSolution:
    """Time until success with 99 % probability, were runs repeated one after another.

    Parameters
    ----------
    clock
        What ``seconds`` were read from.
    seconds
        Duration of every run.
    successes
        How many of them succeeded. Without any the result is censored, and ``low`` a lower
        bound: with ``n`` failures the probability is below ``1 - 0.05^(1/n)`` at 95 %.
    """
    runs = len(seconds)
    mean = math.fsum(seconds) / runs
    if successes == 0:
        best_case = 1.0 - 0.05 ** (1.0 / runs)
        low = mean * _repeats(best_case)
        return TimeToSolution(clock, None, low, None, True, None, 0, runs, mean)
    repeats = _repeats(successes / runs)
    worst, best = clopper_pearson(successes, runs, level)
    return TimeToSolution(
        clock,
        mean * repeats,
        mean * _repeats(best),
        mean * _repeats(worst),
        False,
        repeats,
        successes,
        runs,
        mean,
    )


def _repeats(success: float) -> float:
    """Runs until one of them succeeds with 99 % probability, not rounded, at least 1."""
    if success >= QUANTILE:
        return 1.0
    return max(1.0, math.log(1 - QUANTILE) / math.log1p(-success))


def primal_integral(
    trace: Sequence[tuple[float, float]], end: float, gap_at_end: float, budget: float
) -> float:
    """Mean primal gap over the budget, 1 before the first feasible answer.

    Parameters
    ----------
    trace
        ``(seconds, gap)`` of each incumbent in order of time.
    end, gap_at_end
        When the answer was there, and its gap, which then holds until the budget is over.
    budget
        Seconds to average over.

    References
    ----------
    Berthold (2013), doi:10.1016/j.orl.2013.08.007; divided by the budget.
    """
    steps = [(min(at, budget), gap) for at, gap in trace] + [(min(end, budget), gap_at_end)]
    area, since, level = 0.0, 0.0, 1.0
    for at, gap in steps:
        area += (at - since) * level
        since, level = at, min(level, gap)
    return (area + (budget - since) * level) / budget


def time_to_target(
    trace: Sequence[tuple[float, float]], end: float, gap_at_end: float, target: float
) -> float | None:
    """Seconds until a gap of at most ``target``; None if it never came."""
    for at, gap in trace:
        if gap <= target:
            return at
    return end if gap_at_end <= target else None


def curve(times: Sequence[float | None], target: float) -> Curve:
    """Empirical distribution of times to a target; None is censored."""
    reached = sorted(at for at in times if at is not None)
    seconds, counts = np.unique(np.asarray(reached, dtype=np.float64), return_counts=True)
    shares = np.cumsum(counts) / max(1, len(times))
    return Curve(
        target,
        tuple(float(at) for at in seconds),
        tuple(float(share) for share in shares),
        len(times),
        len(reached),
    )


def spread(values: Sequence[float]) -> Spread:
    """Median, mean and 95th percentile, the last an observed value."""
    array = np.sort(np.asarray(values, dtype=np.float64))
    return Spread(
        float(np.median(array)),
        float(array.mean()),
        float(np.quantile(array, 0.95, method="inverted_cdf")),
    )


def stability(gaps_by_case: Sequence[Sequence[float]]) -> Stability:
    """How much the gap depends on the seed."""
    repeated = [np.sort(np.asarray(gaps)) for gaps in gaps_by_case if len(gaps) > 1]
    variances = [float(gaps.var(ddof=1)) for gaps in repeated]
    ranges = [float(gaps.max() - gaps.min()) for gaps in map(np.asarray, gaps_by_case)]
    return Stability(
        gap_sd=math.sqrt(math.fsum(variances) / len(variances)) if variances else None,
        gap_range=math.fsum(ranges) / len(ranges),
        worst_gap=max(max(gaps) for gaps in gaps_by_case),
    )
