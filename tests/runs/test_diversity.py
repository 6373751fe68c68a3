from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qupel.runs.diversity import mean_distance

shapes = st.tuples(st.integers(2, 9), st.integers(1, 6))


@given(arrays.arrays(np.int64, shapes, elements=st.integers(-2, 2)))
def test_mean_distance_is_the_mean_over_all_pairs(rows: np.ndarray) -> None:
    pairs = [float((a != b).mean()) for a, b in itertools.combinations(rows, 2)]
    assert mean_distance(rows) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_identical_candidates_have_no_diversity() -> None:
    assert mean_distance(np.ones((5, 3))) == 0.0
    assert mean_distance(np.ones((1, 3))) == 0.0


def test_without_candidates_there_is_none() -> None:
    assert mean_distance(np.ones((0, 3))) is None
