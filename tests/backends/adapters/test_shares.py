from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.adapters.shares import counts_of_shares
from qupel.errors import ResultError


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30).filter(any))
def test_counts_come_back_from_their_shares(counts: list[int]) -> None:
    shots = sum(counts)
    shares = [round(count / shots, 9) for count in counts]
    assert counts_of_shares(shares, shots, None, "law") == (counts, 0)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=20), st.integers(1, 5000))
def test_shares_of_no_whole_counts_add_up_all_the_same(weights: list[float], shots: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    counts, _ = counts_of_shares(shares, shots, None, "law")
    assert sum(counts) == shots
    assert all(
        abs(count - share * shots) <= 1 + 1e-6 for count, share in zip(counts, shares, strict=True)
    )


def test_rounding_is_counted() -> None:
    assert counts_of_shares([0.5, 0.5], 3, None, "law")[1] == 2


def test_probabilities_of_a_simulation_are_drawn() -> None:
    counts, rounded = counts_of_shares([0.5, 0.5], 1001, np.random.default_rng(1), "law")
    again, _ = counts_of_shares([0.5, 0.5], 1001, np.random.default_rng(1), "law")
    assert (sum(counts), rounded, counts) == (1001, 0, again)


@pytest.mark.parametrize("shares", [[0.5, 0.4], [0.7, 0.7], [-0.1, 1.1], [2.0], []])
def test_shares_that_are_not_one_together_are_refused(shares: list[float]) -> None:
    with pytest.raises(ResultError, match="law"):
        counts_of_shares(shares, 100, None, "law")
