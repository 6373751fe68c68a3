"""Limits on a choice: the cheapest way to keep them, against trying every choice."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.model.bits import bits_of
from qupel.problems.binary_limits import Limits


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    n, groups = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    low = int(rng.integers(0, n + 1))
    group_low = rng.integers(0, 3, groups)
    return Limits(
        low,
        int(rng.integers(low, n + 1)),
        rng.integers(0, 5, n).astype(float),
        float(rng.integers(0, 14)),
        rng.integers(0, groups, n),
        group_low,
        group_low + rng.integers(0, 3, groups),
        tuple(f"g{code}" for code in range(groups)),
    )


@settings(deadline=None, max_examples=150)
@given(limits(), st.integers(0, 255))
def test_a_choice_is_completed_in_the_cheapest_way(kept: Limits, index: int) -> None:
    n = kept.codes.size
    base = bits_of(np.array([index]), n)[0] > 0
    every = bits_of(np.arange(2**n), n) > 0
    supersets = [row for row in every if (row >= base).all() and kept.kept(row)]
    made = kept.completed(base)
    if not supersets:
        assert made is None
        return
    assert made is not None
    assert (made >= base).all()
    assert kept.kept(made)
    assert kept.costs[made].sum() == min(kept.costs[row].sum() for row in supersets)
    joining = np.any(supersets, axis=0) & ~base
    assert kept.entrants(base)[joining].all()


@settings(deadline=None, max_examples=100)
@given(limits())
def test_rows_keep_exactly_what_the_limits_keep(kept: Limits) -> None:
    n = kept.codes.size
    matrix, lower, upper, names = kept.rows()
    assert len(names) == matrix.shape[0]
    for row in bits_of(np.arange(2**n), n):
        left = matrix @ row.astype(float)
        assert bool(((lower <= left) & (left <= upper)).all()) == kept.kept(row > 0)
