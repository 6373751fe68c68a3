"""Texts of job shops that cannot be meant."""

from __future__ import annotations

import pytest

from qupel.errors import InputError
from qupel.problems.jobshop_text import parse_instance


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2147483648\n0 1\n", "shop:1: 2147483648 machines are beyond 100,000"),
        ("1 1\n0 99999999999999\n", "shop:2: 99999999999999 is beyond"),
    ],
)
def test_a_size_that_cannot_be_meant_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_instance(text, "shop")
