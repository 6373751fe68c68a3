"""Which shape of penalty keeps a row of bits, if possible without slack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

#: Spans and sizes up to which all reachable values of a row are listed.
MOST_WORK = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of literals that exclude each other: the row holds exactly when no pair is true.

    Attributes
    ----------
    first, second
        Positions in the row; equal for a literal that must be false by itself.
    negated
        For each position of the row, whether its literal is the bit's complement.
    """

    first: Int64[np.ndarray, " pairs"]
    second: Int64[np.ndarray, " pairs"]
    negated: Bool[np.ndarray, " size"]


def exclusions(coefficients: np.ndarray, high: int) -> Pairs | None:
    """Pairs of literals equivalent to ``coefficients @ bits <= high``, None if there are none.

    Written over literals, all coefficients are positive. If every set without an excluded pair
    stays below the limit, the pairs say all. The heaviest such set with a given largest member
    holds everything smaller that is not excluded with it, so one pass decides.
    """
    negated = coefficients < 0
    weights = np.abs(coefficients)
    limit = int(high - coefficients[negated].sum())
    order = np.argsort(-weights, kind="stable")
    falling = weights[order]
    alone = int(np.count_nonzero(falling > limit))
    rest = falling[alone:]
    if rest.size:
        tails = np.r_[np.cumsum(rest[::-1])[::-1], 0]
        # The first position whose weight fits beside the k-th, or the next one if all do.
        beside = np.searchsorted(-rest, -(limit - rest), side="left")
        following = np.maximum(beside, np.arange(rest.size) + 1)
        if (rest + tails[following] > limit).any():
            return None
        counts = np.maximum(beside - np.arange(rest.size) - 1, 0)
    else:
        counts = np.zeros(0, np.int64)
    heads = np.repeat(np.arange(rest.size), counts)
    starts = np.cumsum(counts) - counts
    tail = heads + 1 + np.arange(heads.size) - starts[heads]
    singles = order[:alone]
    return Pairs(np.r_[singles, order[alone + heads]], np.r_[singles, order[alone + tail]], negated)


def reachable(coefficients: np.ndarray, low: int, high: int) -> tuple[int, int, int]:
    """Least and most value in ``low … high`` that bits can reach, and how many there are.

    The count is −1 if the row is too large to list; the limits are then returned as they are.
    """
    least = int(coefficients[coefficients < 0].sum())
    most = int(coefficients[coefficients > 0].sum())
    if (most - least) * coefficients.size > MOST_WORK:
        return low, high, -1
    sums = 1  # bit k of this number says whether `least + k` can be reached
    for weight in np.abs(coefficients).tolist():
        sums |= sums << weight
    window = (sums >> (low - least)) & ((1 << (high - low + 1)) - 1)
    if not window:
        return low, high, 0
    first = (window & -window).bit_length() - 1
    return low + first, low + window.bit_length() - 1, window.bit_count()
