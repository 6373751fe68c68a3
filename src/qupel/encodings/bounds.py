"""How much an objective over bits can change: by one flip, and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from qupel.model.quota import Quota
from qupel.model.sparse import symmetric


@dataclass(frozen=True, slots=True, eq=False)
class Swings:
    """Bounds of ``sum_{i<=j} weights[i, j] x_i x_j`` over bits that keep some quotas.

    Attributes
    ----------
    to_zero, to_one
        The most that the sum can rise, at least 0, when this bit changes to 0 or to 1, whatever
        the others are.
    low, high
        Lower and upper bound of the sum over all points that keep the quotas.
    linear
        Diagonal of the weights.
    pairs
        Strict upper triangle of the weights.
    """

    to_zero: Float64[np.ndarray, " n"]
    to_one: Float64[np.ndarray, " n"]
    low: float
    high: float
    linear: Float64[np.ndarray, " n"]
    pairs: sparse.csr_array

    @classmethod
    def of(cls, weights: sparse.csr_array, quotas: Sequence[Quota]) -> Swings:
        """Swings of the upper triangular ``weights`` among points that keep ``quotas``.

        A bit sees at most ``count`` ones in each quota, so only that many of its couplings into
        a quota can count at a time: for a Markowitz portfolio of 10 assets among 500 this makes
        the bounds some fifty times tighter. Each pair is shared between its two bits, as in the
        bounds of Gilmore (1962) and Lawler (1963) for quadratic assignment.
        """
        n = weights.shape[0]
        linear = weights.diagonal()
        pairs = sparse.triu(weights, 1, format="csr")
        group = np.full(n, -1)
        counts = np.array([quota.count for quota in quotas], dtype=np.int64)
        for label, quota in enumerate(quotas):
            group[list(quota.members)] = label
        both = symmetric(pairs).tocoo()
        falls = -_limited(both, -1.0, group, counts)
        rises = _limited(both, 1.0, group, counts)
        return cls(
            np.maximum(0.0, -(linear + falls)),
            np.maximum(0.0, linear + rises),
            _least(linear + falls / 2, group, counts),
            -_least(-(linear + rises / 2), group, counts),
            linear,
            pairs,
        )


def _limited(
    both: sparse.coo_array, sign: float, group: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """For each bit, the largest sum of ``sign *`` couplings that quotas let it see at once."""
    rows, columns = both.coords
    values = sign * both.data
    kept = values > 0
    rows, columns, values = rows[kept], columns[kept], values[kept]
    if counts.size and values.size:
        groups = group[columns]
        order = np.lexsort((-values, groups, rows))
        rows, groups, values = rows[order], groups[order], values[order]
        first = np.r_[True, (rows[1:] != rows[:-1]) | (groups[1:] != groups[:-1])]
        starts = np.flatnonzero(first)
        rank = np.arange(rows.size) - np.repeat(starts, np.diff(np.r_[starts, rows.size]))
        seen = (groups < 0) | (rank < counts[groups])
        rows, values = rows[seen], values[seen]
    return np.bincount(rows, weights=values, minlength=both.shape[0])


def _least(costs: np.ndarray, group: np.ndarray, counts: np.ndarray) -> float:
    """Least sum of costs over free bits and exactly ``counts`` bits of each group."""
    total = float(np.minimum(costs[group < 0], 0.0).sum())
    order = np.lexsort((costs, group))
    order = order[group[order] >= 0]
    if order.size:
        labels = group[order]
        starts = np.searchsorted(labels, np.arange(counts.size))
        rank = np.arange(order.size) - starts[labels]
        total += float(costs[order][rank < counts[labels]].sum())
    return total
