"""Tables of text."""

from __future__ import annotations

from qupel.cli.table import text_table


def test_numbers_go_to_the_right_and_words_to_the_left() -> None:
    assert text_table(("name", "n"), [("a", "5"), ("long", "12")]).splitlines() == [
        "name   n",
        "----  --",
        "a      5",
        "long  12",
    ]


def test_no_rows_leave_the_heads() -> None:
    assert text_table(("name", "n"), []) == "name  n\n----  -"
