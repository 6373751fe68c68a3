"""Shapes of penalties against truth tables."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.encodings.shapes import exclusions, reachable

ROWS = st.lists(st.integers(-7, 9).filter(bool), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.integers(-10, 20))
def test_excluded_pairs_say_exactly_what_the_row_says(row: list[int], high: int) -> None:
    weights = np.array(row)
    found = exclusions(weights, high)
    least = weights[weights < 0].sum()
    if high < least:
        return
    points = np.array(list(itertools.product((0, 1), repeat=len(row))))
    kept = points @ weights <= high
    literals = np.where(weights < 0, 1 - points, points)
    heavy = np.abs(weights)
    room = high - least
    pairs = [
        (i, j)
        for i in range(len(row))
        for j in range(i, len(row))
        if (heavy[i] > room if i == j else heavy[i] + heavy[j] > room)
        and (i == j or max(heavy[i], heavy[j]) <= room)
    ]
    clear = np.array([not any(z[i] and z[j] for i, j in pairs) for z in literals])
    if found is None:
        assert (clear != kept).any()
        return
    assert (clear == kept).all()
    mine = {tuple(sorted(p)) for p in zip(found.first.tolist(), found.second.tolist(), strict=True)}
    assert mine == set(pairs)
    assert found.negated.tolist() == (weights < 0).tolist()


@settings(max_examples=200, deadline=None)
@given(ROWS, st.integers(-10, 20), st.integers(0, 9))
def test_reachable_values_are_counted(row: list[int], low: int, width: int) -> None:
    weights = np.array(row)
    least, most = int(weights[weights < 0].sum()), int(weights[weights > 0].sum())
    low = max(low, least)
    high = min(low + width, most)
    if low > high:
        return
    sums = {sum(s) for s in itertools.product(*((0, w) for w in row))}
    inside = sorted(s for s in sums if low <= s <= high)
    first, last, count = reachable(weights, low, high)
    assert count == len(inside)
    if inside:
        assert (first, last) == (inside[0], inside[-1])


def test_long_rows_are_not_listed() -> None:
    assert reachable(np.array([10**9, 3]), 2, 5) == (2, 5, -1)
