"""Penalties: how much breaking each constraint must cost, computed from the objective.

Let a point break constraints. The weights here make sure that changing it into a feasible point
saves more in penalties than the objective can rise, so that no infeasible point is as good as
the best feasible one. Constraints that share bits form a group, and each group is repaired at
once. Where single flips repair a group one unit at a time, the most a flip can cost bounds the
weight (Verma and Lewis 2022, doi:10.1016/j.disopt.2020.100594, made safe for several
constraints: every constraint of the group must get better, or stay, by the flips that repair
it). Elsewhere the range of all terms the group touches does, or the range of the objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy import sparse
from scipy.sparse import csgraph

from qupel.encodings.bounds import Swings
from qupel.encodings.rows import Rows
from qupel.model.quota import Quota, keep_quotas
from qupel.model.sparse import quadratic_values

#: Share by which a weight exceeds its bound when energies are not whole numbers.
MARGIN = 0.01

#: Relative error of the bounds' own sums, generously.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """One weight a row, the bound it exceeds, and the source of the bound."""

    weights: Float64[np.ndarray, " m"]
    bounds: Float64[np.ndarray, " m"]
    sources: tuple[str, ...]


def prices(
    objective: sparse.csr_array,
    rows: Rows,
    quotas: Sequence[Quota],
    *,
    by_pairs: Bool[np.ndarray, " m"],
    breakable: Bool[np.ndarray, " m"],
) -> Prices:
    """Weights that make each least violation of ``rows`` too dear to pay.

    Parameters
    ----------
    objective
        Upper triangular weights over the bits.
    rows
        The constraints that become penalties; a violation by ``t`` is charged at least ``t``
        times the weight, except by pairs.
    quotas
        What every point keeps anyway.
    by_pairs
        Rows whose penalty counts excluded pairs of literals.
    breakable
        Rows whose slack can be misspelled, so that their penalty may miss a violation.
    """
    swings = Swings.of(objective, quotas)
    labels, groups = _groups(rows, quotas, objective.shape[0])
    row_group = labels[objective.shape[0] :][: len(rows)]
    in_quota = np.zeros(groups, dtype=bool)
    in_quota[labels[[i for quota in quotas for i in quota.members]]] = True

    owner = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    bit, sign = rows.matrix.indices, np.sign(rows.matrix.data)
    unit = np.bincount(owner, np.abs(rows.matrix.data) != 1, len(rows)) == 0
    upper, lower = rows.high < rows.most, rows.low > rows.least
    can_rise, can_fall = _locks(bit, sign, owner, upper, lower, objective.shape[0])
    tangled = np.zeros(groups, dtype=bool)
    tangled[labels[: objective.shape[0]][~can_rise & ~can_fall]] = True
    single = np.bincount(row_group, minlength=groups)[row_group] == 1
    local = ~in_quota[row_group] & (~tangled[row_group] | (single & unit & ~breakable))

    bounds = np.where(local, _by_flips(rows, swings, unit, upper, lower, by_pairs), 0.0)
    sources = np.where(local, "flips", "terms").astype(object)
    if not local.all():
        terms = _by_terms(swings, labels[: objective.shape[0]], groups)[row_group]
        whole = _range(objective, rows, quotas, swings, can_fall)
        bounds = np.where(local, bounds, np.minimum(terms, whole))
        sources[~local & (whole < terms)] = "range"
    return Prices(_above(bounds, objective), bounds, tuple(sources.tolist()))


def _groups(rows: Rows, quotas: Sequence[Quota], bits: int) -> tuple[np.ndarray, int]:
    """Label of the connected group of each bit, row and quota, and how many groups there are."""
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr)) + bits
    start = bits + len(rows)
    keeper = np.repeat(np.arange(len(quotas)), [len(q.members) for q in quotas]) + start
    members = [i for quota in quotas for i in quota.members]
    ends = np.r_[owner, keeper].astype(np.int64), np.r_[rows.matrix.indices, members].astype(int)
    size = start + len(quotas)
    graph = sparse.coo_array((np.ones(ends[0].size, np.int8), ends), shape=(size, size))
    found, labels = csgraph.connected_components(graph.tocsr(), directed=False)
    return labels, int(found)


def _locks(
    bit: np.ndarray,
    sign: np.ndarray,
    owner: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    bits: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each bit can rise, and can fall, without harm to any row."""
    harmed_by_rise = ((sign > 0) & upper[owner]) | ((sign < 0) & lower[owner])
    harmed_by_fall = ((sign < 0) & upper[owner]) | ((sign > 0) & lower[owner])
    return (
        np.bincount(bit, harmed_by_rise, bits) == 0,
        np.bincount(bit, harmed_by_fall, bits) == 0,
    )


def _by_flips(
    rows: Rows,
    swings: Swings,
    unit: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    by_pairs: np.ndarray,
) -> np.ndarray:
    """Most that one repairing flip can cost, for rows that flips repair unit by unit.

    To lower a row, literals that are true are made false, the cheapest first. Where at most
    ``h`` of the literals may be true, one of the ``h + 1`` or more true ones costs no more than
    the ``h + 1``-th dearest of all.
    """
    matrix = rows.matrix
    positive = matrix.data > 0
    lowering = np.where(positive, swings.to_zero[matrix.indices], swings.to_one[matrix.indices])
    raising = np.where(positive, swings.to_one[matrix.indices], swings.to_zero[matrix.indices])
    owner = np.repeat(np.arange(len(rows)), np.diff(matrix.indptr))
    negatives = np.bincount(owner, ~positive, len(rows)).astype(np.int64)
    sizes = np.diff(matrix.indptr)
    # In rows of other coefficients every literal may be the one that has to go, except that of
    # two literals that exclude each other the cheaper one goes. A literal that must be false
    # by itself is the dearest by weight, and may be the dearest by cost.
    alone = _has_single(rows) | ~by_pairs
    spared = np.where(unit, rows.high + negatives, np.where(alone, 0, 1))
    kept = np.where(unit, sizes - (rows.low + negatives), np.where(alone, 0, 1))
    down = _ranked(lowering, owner, matrix.indptr, spared)
    up = _ranked(raising, owner, matrix.indptr, kept)
    return np.maximum(np.where(upper, down, 0.0), np.where(lower, up, 0.0))


def _has_single(rows: Rows) -> np.ndarray:
    """Whether some literal of a one-sided row breaks it alone."""
    sizes = np.diff(rows.matrix.indptr)
    largest = np.zeros(len(rows), np.int64)
    filled = np.flatnonzero(sizes)
    if filled.size:
        largest[filled] = np.maximum.reduceat(np.abs(rows.matrix.data), rows.matrix.indptr[filled])
    room = np.where(rows.high < rows.most, rows.high - rows.least, rows.most - rows.low)
    return np.asarray(largest > room)


def _ranked(
    costs: np.ndarray, owner: np.ndarray, starts: np.ndarray, rank: np.ndarray
) -> np.ndarray:
    """For each row the cost of the given rank, dearest first; 0 past the end."""
    order = np.lexsort((-costs, owner))
    inside = (rank >= 0) & (rank < np.diff(starts))
    found = np.zeros(rank.size)
    found[inside] = costs[order][(starts[:-1] + rank)[inside]]
    return found


def _by_terms(swings: Swings, label: np.ndarray, groups: int) -> np.ndarray:
    """Range of all terms of the objective that touch each group."""
    total = np.bincount(label, np.abs(swings.linear), groups)
    pairs = swings.pairs.tocoo()
    first, second = label[pairs.coords[0]], label[pairs.coords[1]]
    total += np.bincount(first, np.abs(pairs.data), groups)
    apart = first != second
    total += np.bincount(second[apart], np.abs(pairs.data[apart]), groups)
    return total


def _range(
    objective: sparse.csr_array,
    rows: Rows,
    quotas: Sequence[Quota],
    swings: Swings,
    can_fall: np.ndarray,
) -> float:
    """Range of the objective, from its least value to that of a feasible point if one is seen."""
    greedy = swings.linear < 0
    trials = np.stack([np.zeros_like(greedy), ~greedy | greedy, greedy, ~can_fall])
    for quota in quotas:
        members = np.array(quota.members, dtype=np.int64)
        trials[:, members] = False
        best = members[np.argsort(swings.linear[members], kind="stable")[: quota.count]]
        trials[:, best] = True
    fits = rows.kept(trials) & keep_quotas(trials, quotas)
    values = quadratic_values(objective, trials[fits])
    return float(min([swings.high, *values.tolist()]) - swings.low)


def _above(bounds: np.ndarray, objective: sparse.csr_array) -> np.ndarray:
    """Weights strictly above ``bounds``, with few binary digits so that sums stay exact.

    No weight is below a share of the largest coefficient: a bound near 0 says that constraints
    hardly matter at the optimum, not that rounding errors may decide.
    """
    if (objective.data == np.rint(objective.data)).all():
        return np.floor(bounds * (1 + ROUNDING)) + 1.0
    scale = float(np.abs(objective.data).max())
    wanted = np.maximum(bounds, scale) * MARGIN + bounds
    step = np.exp2(np.floor(np.log2(wanted)) - 10)
    return np.ceil(wanted / step) * step
