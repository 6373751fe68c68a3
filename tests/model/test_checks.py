from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model.checks import reals, whole


@pytest.mark.parametrize("value", [1, np.int32(7), np.uint8(3)])
def test_a_whole_number_is_returned_as_an_int(value: Any) -> None:
    assert type(whole("shots", value)) is int
    assert whole("shots", value) == value


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None, 1.5, np.float64(2)])
def test_what_is_no_whole_number_is_named(value: Any) -> None:
    with pytest.raises(InputError, match="shots must be a whole number of at least 1"):
        whole("shots", value)


@pytest.mark.parametrize("values", [0.5, [1, 2], np.float32(3), [Fraction(1, 4)], [[1.0], [2.0]]])
def test_real_numbers_become_doubles_of_the_same_shape(values: Any) -> None:
    found = reals("angles", values)
    assert found.dtype == np.float64
    assert found.shape == np.shape(values)
    np.testing.assert_allclose(found, np.array(values, dtype=np.float64))


def test_as_many_axes_as_asked_for_are_added() -> None:
    assert reals("angles", 0.5, least_axes=1).shape == (1,)
    assert reals("angles", Fraction(1, 2), least_axes=1).tolist() == [0.5]


@pytest.mark.parametrize("values", ["0.5", ["a"], [1j], None, [[1.0], [1.0, 2.0]], {"a": 1}])
def test_what_is_not_real_is_named(values: Any) -> None:
    with pytest.raises(InputError, match="angles must be real numbers"):
        reals("angles", values)
