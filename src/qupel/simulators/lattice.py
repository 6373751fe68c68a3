"""Which costs a form can have: evenly spaced ones are told apart by number."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

_PARTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 100)


def lattice_of(
    weights: Float64[np.ndarray, " terms"], offset: float, most: int
) -> tuple[float, float, int] | None:
    """Lowest cost, step and count of ``offset + sum of +-weights``, if at most ``most`` differ.

    All weights must be whole multiples of one number, up to rounding. Not every cost so counted
    need occur.
    """
    sizes = np.abs(weights[weights != 0])
    if not sizes.size:
        return offset, 1.0, 1
    least = float(sizes.min())
    if sizes.sum() > most * least:  # no unit is larger than the least weight
        return None
    for parts in _PARTS:
        multiples = sizes * (parts / least)
        whole = np.rint(multiples)
        if np.abs(multiples - whole).max() > 1e-9 * whole.max():
            continue
        unit = least / parts * float(np.gcd.reduce(whole.astype(np.int64)))
        count = round(float(sizes.sum()) / unit) + 1
        return (offset - float(sizes.sum()), 2 * unit, count) if count <= most else None
    return None


def spacing_of(costs: Float64[np.ndarray, " states"], most: int) -> tuple[float, float, int] | None:
    """Lowest cost, step and count, if the costs are evenly spaced and at most ``most`` differ."""
    base, span = float(costs.min()), float(np.ptp(costs))
    if span == 0:
        return base, 1.0, 1
    few = np.unique(costs[:4096])
    if few.size > most:
        return None
    gaps = np.diff(few)
    gaps = gaps[gaps > 1e-9 * span]
    step = float(gaps.min()) if gaps.size else span
    count = round(span / step) + 1
    if count > most:
        return None
    step = span / (count - 1)
    places = (costs - base) / step
    return (base, step, count) if np.abs(places - np.rint(places)).max() < 1e-9 * count else None
