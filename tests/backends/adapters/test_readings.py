from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.adapters.readings import (
    bits_of_numbers,
    facts_of_shots,
    reading_of_rows,
    reading_of_texts,
    same_length,
)
from qupel.backends.contract import Order
from qupel.errors import ResultError
from qupel.model.circuit import Circuit

ROWS = st.integers(1, 6).flatmap(
    lambda n: st.lists(st.text("01", min_size=n, max_size=n), min_size=1, max_size=20)
)


@given(ROWS)
def test_rows_that_repeat_are_counted_together(rows: list[str]) -> None:
    bits = np.array([[int(sign) for sign in row] for row in rows], np.uint8)
    reading = reading_of_rows(bits, [1] * len(rows), "law")
    found = {
        "".join(map(str, row)): int(times)
        for row, times in zip(reading.bits.tolist(), reading.occurrences, strict=True)
    }
    assert found == {row: rows.count(row) for row in rows}


COLUMNS = st.lists(st.integers(0, 39), max_size=5) | st.lists(st.integers(0, 69), max_size=5)


@given(st.lists(st.integers(0, 2**70 - 1), min_size=1, max_size=8), COLUMNS)
def test_numbers_give_the_bits_of_their_columns(outcomes: list[int], columns: list[int]) -> None:
    found = bits_of_numbers(outcomes, columns)
    assert found.tolist() == [[(v >> c) & 1 for c in columns] for v in outcomes]


@pytest.mark.parametrize(
    ("rows", "times", "energies"),
    [
        (["01", "01"], [1, 2], None),
        (["01", "10"], [1], None),
        (["01", "1"], [1, 1], None),
        (["01", "12"], [1, 1], None),
        (["01", "1é"], [1, 1], None),
        (["01", 10], [1, 1], None),
        (["01"], [0], None),
        (["01"], [-3], None),
        (["01"], [1.0], None),
        (["01"], [True], None),
        (["01"], [2**60], None),
        (["01", "10"], [2**53, 1], None),
        (["01"], [1], [1.0, 2.0]),
        (["01"], [1], ["1.0"]),
        ([], [], None),
        ("01", [1], None),
        (None, None, None),
    ],
)
def test_readings_that_cannot_be_are_refused(rows: Any, times: Any, energies: Any) -> None:
    with pytest.raises(ResultError, match="law"):
        reading_of_texts(rows, times, energies, 2, "law")


def test_energies_stay_with_their_rows() -> None:
    reading = reading_of_texts(["11", "00", "01"], [1, 2, 3], [3.0, 0.5, 1.5], 2, "law")
    assert reading.bits.tolist() == [[0, 0], [0, 1], [1, 1]]
    assert reading.energies is not None
    assert reading.energies.tolist() == [0.5, 1.5, 3.0]
    assert reading.occurrences.tolist() == [2, 3, 1]


def test_shots_that_are_missing_or_too_many_are_told() -> None:
    order = Order((Circuit(2), Circuit(2)), 10, "k", "t")
    full = reading_of_texts(["00"], [10], None, 2, "law")
    short = reading_of_texts(["00"], [9], None, 2, "law")
    assert facts_of_shots([full, full], order) == {}
    assert facts_of_shots([full, short], order) == {
        "shots_ordered": 10,
        "shots_returned": [10, 9],
    }


def test_a_missing_reading_is_an_error() -> None:
    with pytest.raises(ResultError, match="2 programs were ordered, 1 came back"):
        same_length([1], Order((Circuit(2), Circuit(2)), 10, "k", "t"))
