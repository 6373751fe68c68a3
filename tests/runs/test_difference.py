"""By how much plain values differ."""

from __future__ import annotations

import math

import pytest

from qupel.runs.difference import apart, differences, largest_difference


def test_every_place_that_differs_is_named() -> None:
    then = {"a": [1.0, {"b": 2.0}], "c": "x", "d": None}
    now = {"a": [1.0, {"b": 2.5}], "c": "y", "d": None}
    assert list(differences(then, now)) == [("a[1].b", 2.0, 2.5), ("c", "x", "y")]


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (1.0, 1.0, 0.0),
        (1000.0, 1001.0, 1 / 1001),
        (0.0, 1e-9, 1e-9),
        (True, 1, math.inf),
        ("a", "b", math.inf),
        ([1.0], [1.0, 2.0], math.inf),
        ({"a": 1.0}, {"b": 1.0}, math.inf),
        ({"a": [1.0, 5.0]}, {"a": [1.5, 5.0]}, 1 / 3),
    ],
)
def test_the_largest_difference_is_relative(then: object, now: object, expected: float) -> None:
    assert largest_difference(then, now) == pytest.approx(expected)


def test_numbers_alone_are_apart() -> None:
    assert apart(1, 2.0) == 0.5
    assert apart(None, 2.0) == math.inf
