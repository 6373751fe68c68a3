"""Money from a text, as people give it."""

from __future__ import annotations

import pytest

from qupel.errors import InputError
from qupel.model.money import Money


@pytest.mark.parametrize(
    ("text", "shown"),
    [("10 USD", "10.00 USD"), ("  0.35  eur ", "0.35 EUR"), ("250", "250.00 USD")],
)
def test_money_is_an_amount_and_a_currency(text: str, shown: str) -> None:
    assert str(Money.parse(text)) == shown


@pytest.mark.parametrize("text", ["10USD", "", "USD 10", "10 US dollars", "nan", "1e999999999 USD"])
def test_another_form_of_money_is_told_which_one_is_expected(text: str) -> None:
    with pytest.raises(InputError, match="such as '10 USD'"):
        Money.parse(text)


def test_a_negative_amount_is_told_as_it_was_given() -> None:
    with pytest.raises(InputError, match="at least 0, got '-5 EUR'"):
        Money.parse("-5 EUR")
