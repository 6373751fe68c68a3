from __future__ import annotations

import numpy as np

from qupel.simulators import Counts


def test_outcomes_are_merged_and_ascend() -> None:
    counts = Counts.of(3, np.array([5, 1, 5, 0, 5]))
    assert counts.to_dict() == {"000": 1, "001": 1, "101": 3}
    assert counts.shots == 5


def test_column_k_holds_bit_k() -> None:
    counts = Counts.of(3, np.array([4]))
    np.testing.assert_array_equal(counts.rows(), [[0, 0, 1]])


def test_parities_count_ones_under_a_mask() -> None:
    counts = Counts.of(3, np.array([0, 3, 6]))
    found = counts.parities(np.array([1, 7], np.uint64))
    np.testing.assert_array_equal(found, [[1, -1, 1], [1, 1, 1]])
