"""Metrics and statistics, slowly, from their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product


def primal_gap(value: float, reference: float) -> float:
    """Berthold (2013), equation 1, case by case."""
    if value == 0 and reference == 0:
        return 0.0
    if (value < 0 < reference) or (reference < 0 < value):
        return 1.0
    return abs(value - reference) / max(abs(value), abs(reference))


def signed_rank_p(effects: Sequence[float]) -> float:
    """Two-sided p-value over every choice of signs; ranks with zeros, sums without them."""
    size = [abs(effect) for effect in effects]
    ranks = [
        sum(other < own for other in size) + (sum(other == own for other in size) + 1) / 2
        for own in size
    ]
    kept = [(rank, effect) for rank, effect in zip(ranks, effects, strict=True) if effect != 0]
    if not kept:
        return 1.0
    seen = sum(rank for rank, effect in kept if effect > 0)
    sums = [
        sum(rank for (rank, _), sign in zip(kept, signs, strict=True) if sign)
        for signs in product((False, True), repeat=len(kept))
    ]
    lower = sum(total <= seen for total in sums) / len(sums)
    upper = sum(total >= seen for total in sums) / len(sums)
    return min(1.0, 2 * min(lower, upper))


def signed_rank_bounds(effects: Sequence[float], level: float) -> tuple[float, float]:
    """Shifts that the exact two-sided signed-rank test does not reject, tried between averages."""
    averages = sorted(
        (one + two) / 2 for i, one in enumerate(effects) for two in effects[i:]
    )  # the statistic changes only there
    kept = []
    for low, high in pairwise(averages):
        middle = (low + high) / 2
        if signed_rank_p([effect - middle for effect in effects]) > 1 - level:
            kept += [low, high]
    return min(kept), max(kept)


def binomial_tail(count: int, of: int, share: float) -> float:
    """Chance of at least ``count`` successes."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))


def exact_share_bounds(count: int, of: int, level: float) -> tuple[float, float]:
    """Shares under which neither tail is rarer than half the error, by bisection."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else root(lambda p: binomial_tail(count, of, p) - tail)
    high = 1.0 if count == of else root(lambda p: binomial_tail(count + 1, of, p) - 1 + tail)
    return low, high


def score_bounds(count: int, of: int, z: float) -> tuple[float, float]:
    """Shares whose score test does not reject the observed one, by bisection."""
    share = count / of

    def excess(p: float) -> float:
        return (share - p) ** 2 - z * z * p * (1 - p) / of

    low = 0.0 if count == 0 else root(lambda p: -excess(p), 0.0, share)
    high = 1.0 if count == of else root(excess, share, 1.0)
    return low, high


def root(function: Callable[[float], float], low: float = 0.0, high: float = 1.0) -> float:
    """Zero of an increasing function."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return (low + high) / 2


def primal_integral(
    trace: Sequence[tuple[float, float]], end: float, last: float, budget: float, steps: int
) -> float:
    """Mean of the best gap so far, read off a fine grid of times."""
    known = [*trace, (end, last)]
    total = 0.0
    for step in range(steps):
        now = (step + 0.5) * budget / steps
        total += min([1.0, *(gap for at, gap in known if at <= now)])
    return total / steps


def holm(p_values: Sequence[float]) -> list[float]:
    """Smallest family-wise level at which the step-down procedure rejects each hypothesis."""
    order = sorted(p_values)
    return [
        min(1.0, max((len(order) - k) * p for k, p in enumerate(order) if p <= own))
        for own in p_values
    ]
