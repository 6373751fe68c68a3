"""Ranks and the Pareto front: how the arms stand to each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qupel.benchmarks.conclusions import Point, Ranks
from qupel.benchmarks.effects import TIE
from qupel.benchmarks.figures import ArmSummary
from qupel.benchmarks.summary import END_TO_END
from qupel.benchmarks.table import Table


def ranks_of(table: Table) -> Ranks:
    """Mean rank of each arm over cases, and how stable the order is between seeds."""
    names = [arm.name for arm in table.arms]
    values = np.array([table.by_seed(name) for name in names])
    costs = values if table.kpi.sense == "min" else -values
    by_case = np.array(
        [_ranks(np.sort(costs[:, case], axis=1).mean(axis=1)) for case in range(costs.shape[1])]
    )
    overall = by_case.mean(axis=0)
    # Ranks are averaged rather than values, since cases differ in size.
    by_seed = [
        np.array([_ranks(costs[:, case, seed]) for case in range(costs.shape[1])]).mean(axis=0)
        for seed in range(costs.shape[2])
    ]
    repeated = len(by_seed) > 1
    best = overall <= overall.min() + TIE
    same = [float(np.any(best & (ranks <= ranks.min() + TIE))) for ranks in by_seed]
    taus = [_kendall(one, two) for one, two in combinations(by_seed, 2)]
    return Ranks(
        mean=dict(zip(names, map(float, overall), strict=True)),
        same_best=float(np.mean(same)) if repeated else None,
        kendall_tau=float(np.sort(taus).mean()) if repeated and len(names) > 1 else None,
    )


def _ranks(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-ranks, 1 for the lowest; equal but for rounding is equal."""
    near = TIE * np.maximum(np.abs(costs[:, None]), np.abs(costs[None, :]))
    difference = costs[:, None] - costs[None, :]
    lower = (difference > near).sum(axis=1)
    equal = (np.abs(difference) <= near).sum(axis=1)
    return lower + (equal + 1) / 2


def _kendall(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Share of concordant minus discordant pairs of arms; a tie is neither."""
    first, second = np.triu_indices(one.size, 1)
    agree = np.sign(one[first] - one[second]) * np.sign(two[first] - two[second])
    return float(agree.mean())


def pareto(summaries: tuple[ArmSummary, ...]) -> tuple[Point, ...]:
    """Arms by gap, end-to-end seconds and money, and whether each is on the front.

    An arm is on it if no other is at least as good in all three and better in one. Money counts
    only if every arm's is known.
    """
    priced = all(summary.cost_per_run is not None for summary in summaries)
    figures = [
        (
            summary.gap.value,
            summary.clocks[END_TO_END].mean,
            summary.cost_per_run if priced and summary.cost_per_run is not None else 0.0,
        )
        for summary in summaries
    ]
    return tuple(
        Point(
            summary.arm,
            summary.kind,
            mine[0],
            mine[1],
            summary.cost_per_run,
            not any(_dominates(other, mine) for other in figures),
        )
        for summary, mine in zip(summaries, figures, strict=True)
    )


def _dominates(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    """Whether one point is nowhere worse and somewhere better."""
    return one != two and all(a <= b for a, b in zip(one, two, strict=True))
