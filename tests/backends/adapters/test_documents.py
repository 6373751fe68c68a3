from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.adapters.documents import money, number, read_json, stamp, text, whole
from qupel.errors import ResultError
from qupel.model.money import Money

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_documents_are_read_as_they_are(document: Any) -> None:
    assert read_json(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"[-1e999]",
        b"9" * 5000,
        b"9" * 21,
        b"[" * 200_000,
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"[1] [2]",
    ],
)
def test_documents_that_are_not_as_agreed_are_refused(body: bytes) -> None:
    with pytest.raises(ResultError, match="the reply"):
        read_json(body)


def test_brackets_in_texts_do_not_count_as_nesting() -> None:
    assert read_json(json.dumps(["[" * 500, '"{"' * 500]).encode()) == ["[" * 500, '"{"' * 500]


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 2**53 + 1, math.nan])
def test_whole_numbers_are_whole(value: Any) -> None:
    with pytest.raises(ResultError, match="whole number"):
        whole(value, "a count")


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf])
def test_numbers_are_finite(value: Any) -> None:
    with pytest.raises(ResultError, match="finite number"):
        number(value, "an energy")


@pytest.mark.parametrize("value", ["", "a\nb", "x" * 501, 5, None])
def test_names_are_printable(value: Any) -> None:
    with pytest.raises(ResultError, match="printable"):
        text(value, "an id")


@pytest.mark.parametrize(
    "value", [True, "1800000000", math.nan, -1, 1e300, 1_800_000_000_000, None]
)
def test_stamps_that_cannot_be_are_left_out(value: Any) -> None:
    assert stamp(value) is None


def test_money_is_read_or_left_out() -> None:
    assert money({"micros": 5, "currency": "EUR"}) == Money(5, "EUR")
    for bad in (None, {"micros": 1.5, "currency": "EUR"}, {"micros": 1}, 5):
        assert money(bad) is None
    assert money({"micros": 2**60, "currency": "EUR"}) is None


def test_money_below_zero_is_told_to_whoever_books_it() -> None:
    assert money({"micros": -1, "currency": "EUR"}) == Money(-1, "EUR")
