"""Codes of integers: exact range, every value spelled, sizes as published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.encodings.codes import Code, Coded, weights
from qupel.errors import InputError

CODES: list[Code] = ["binary", "bounded", "one-hot", "domain-wall"]


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=100, deadline=None)
@given(span=st.integers(0, 60), largest=st.integers(1, 9), lower=st.integers(-9, 9))
def test_every_value_in_range_is_spelled_and_read_back(
    code: Code, span: int, largest: int, lower: int
) -> None:
    bounds = np.array([lower, lower + span]), np.array([lower + 1, lower + 2 * span])
    coded = Coded.of(*bounds, code, largest)
    second = np.arange(lower + span, lower + 2 * span + 1)
    values = np.stack([np.full_like(second, lower + 1), second], axis=1)
    bits = coded.spell(values)
    np.testing.assert_array_equal(bits @ coded.matrix + coded.lower, values)


@pytest.mark.parametrize("code", ["binary", "bounded"])
@settings(max_examples=60, deadline=None)
@given(span=st.integers(1, 40), largest=st.integers(1, 9))
def test_weights_reach_each_value_and_nothing_above_the_range(
    code: Code, span: int, largest: int
) -> None:
    held = weights(span, code, largest)
    sums = {0}
    for weight in held.tolist():
        sums |= {s + weight for s in sums}
    assert sums == set(range(span + 1))
    assert code == "binary" or held.max() <= largest


def test_binary_codes_cut_the_top_coefficient() -> None:
    assert weights(10, "binary").tolist() == [1, 2, 3, 4]
    assert weights(15, "binary").tolist() == [1, 2, 4, 8]


def test_bounded_coefficients_repeat_the_largest() -> None:
    assert weights(24, "bounded", 8).tolist() == [1, 1, 2, 4, 8, 8]


def test_a_bit_is_one_bit_and_a_constant_none_in_every_code() -> None:
    for code in CODES:
        assert weights(1, code).tolist() == [1]
        assert weights(0, code).tolist() == []


def test_wrong_codes_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="known: binary, bounded, one-hot, domain-wall"):
        weights(3, "unary")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 1, got 0"):
        weights(3, "bounded", 0)
    with pytest.raises(InputError, match="integers='binary'"):
        weights(10**6, "one-hot")
    assert weights(10**6, "binary").size == 20
