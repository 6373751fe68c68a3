"""Counts from shares of shots, which some providers give in place of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qupel.errors import ResultError

#: How far the shares may be from one together: they are rounded on their way.
SLACK = 1e-3


def counts_of_shares(
    shares: Sequence[float], shots: int, rng: np.random.Generator | None, what: str
) -> tuple[list[int], int]:
    """Whole counts that add up to ``shots``, and how many of them rounding had to place.

    Parameters
    ----------
    shares
        From 0 to 1, together about 1.
    shots
        Of the program.
    rng
        Draws the shots, where the shares are probabilities of a simulation and not of shots
        that were made; None to find the counts behind the shares.
    what
        Named in errors.

    Returns
    -------
    counts, rounded
        Without ``rng`` the largest remainder method gives every share the whole part of its
        counts, and the shots left go to the largest remainders; ``rounded`` counts those that
        were not within rounding of a whole number.

    Raises
    ------
    ResultError
        If a share is outside 0 to 1, or they are not 1 together.
    """
    if any(not -1e-9 <= share <= 1 + 1e-9 for share in shares):
        raise ResultError(f"{what}: a share of shots is outside 0 to 1")
    total = math.fsum(shares)
    if abs(total - 1) > SLACK:
        raise ResultError(f"{what}: the shares of shots are {total:.6g} together, not 1")
    weights = np.clip(np.array(shares), 0.0, None)
    if rng is not None:
        return [int(count) for count in rng.multinomial(shots, weights / weights.sum())], 0
    exact = weights * shots
    counts = np.floor(exact + SLACK).astype(np.int64)
    rounded = int((np.abs(exact - np.round(exact)) > max(SLACK, 1e-6 * shots)).sum())
    left = shots - int(counts.sum())
    order = np.argsort(-(exact - counts), kind="stable")
    if left > 0:
        counts[order[: min(left, len(order))]] += 1
    elif left < 0:
        filled = [k for k in order[::-1] if counts[k] > 0]
        counts[filled[:-left]] -= 1
    return [int(count) for count in counts], rounded
