from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from qupel.simulators.lattice import lattice_of, spacing_of


@pytest.mark.parametrize("weights", [[0.5, -0.5, 1.5], [0.1, 0.2, -0.3], [1 / 3, 0.5], [7.0]])
def test_every_sum_lies_on_the_lattice(weights: list[float]) -> None:
    row = np.array(weights)
    found = lattice_of(row, 0.25, 64)
    assert found is not None
    base, step, count = found
    for signs in product((-1, 1), repeat=row.size):
        place = (0.25 + np.array(signs) @ row - base) / step
        assert place == pytest.approx(round(place), abs=1e-9)
        assert 0 <= round(place) < count


def test_weights_without_a_common_unit_or_with_too_many_sums_have_no_lattice() -> None:
    assert lattice_of(np.array([1.0, np.sqrt(2)]), 0.0, 64) is None
    assert lattice_of(np.array([1.0, 70.0]), 0.0, 64) is None
    assert lattice_of(np.zeros(3), 2.0, 64) == (2.0, 1.0, 1)


def test_costs_are_evenly_spaced_or_not() -> None:
    costs = np.array([3.0, 1.5, 1.5, 0.0])
    assert spacing_of(costs, 64) == (0.0, 1.5, 3)
    assert spacing_of(np.append(costs, [0.7, 0, 0, 0]), 64) is None
    assert spacing_of(np.full(8, 2.5), 64) == (2.5, 1.0, 1)
    assert spacing_of(np.arange(128.0), 64) is None


def test_weights_of_very_different_size_have_no_lattice() -> None:
    assert lattice_of(np.array([1e12, 1e-12, 1.0]), 0.0, 64) is None
