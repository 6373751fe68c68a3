"""The table of gates against matrices from their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.gates import GATES, inverse, kind_of, matrix
from tests.oracles import circuits as oracle

FEW = settings(max_examples=12, deadline=None)
ANGLES = st.lists(st.floats(-10, 10), min_size=3, max_size=3)


@pytest.mark.parametrize("name", GATES)
@FEW
@given(angles=ANGLES)
def test_a_gate_is_its_definition(name: str, angles: list[float]) -> None:
    given_angles = angles[: GATES[name].angles]
    expected = oracle.gate_matrix(name, given_angles)
    np.testing.assert_allclose(matrix(name, given_angles), expected, atol=1e-12)


@pytest.mark.parametrize("name", GATES)
@FEW
@given(angles=ANGLES)
def test_the_inverse_undoes_a_gate_exactly(name: str, angles: list[float]) -> None:
    given_angles = tuple(angles[: GATES[name].angles])
    undone = matrix(*inverse(name, given_angles)) @ matrix(name, given_angles)
    np.testing.assert_allclose(undone, np.eye(2 ** GATES[name].qubits), atol=1e-12)


def test_a_control_is_the_lowest_bit() -> None:
    flipped = matrix("cx") @ np.eye(4)[1]
    np.testing.assert_array_equal(flipped, np.eye(4)[3])


def test_changing_a_matrix_leaves_the_table_as_it_is() -> None:
    matrix("x")[0, 0] = 5
    assert matrix("x")[0, 0] == 0


def test_an_unknown_gate_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'swap'"):
        kind_of("swapp")


def test_a_gate_with_too_few_angles_has_no_matrix() -> None:
    with pytest.raises(InputError, match="takes 3 angles, got 1"):
        matrix("u", [0.5])
