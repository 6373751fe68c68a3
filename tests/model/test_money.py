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


@pytest.mark.parametrize("text", ["1_000", "\u0661", "\uff11", "0x10", "--1", "1e", ".", "inf"])
def test_an_amount_is_written_in_plain_digits(text: str) -> None:
    for made in (Money.of, Money.parse):
        with pytest.raises(InputError, match=r"an amount (of money is a finite number|and a)"):
            made(text)


def test_an_amount_beyond_64_bits_is_told_with_the_largest() -> None:
    assert Money.of("9223372036854.775807").micros == 2**63 - 1
    wanted = r"at most 9223372036854\.775807 (USD|EUR), got"
    with pytest.raises(InputError, match=wanted):
        Money.of("1e13")
    with pytest.raises(InputError, match=wanted):
        Money(2**63)
    with pytest.raises(InputError, match=wanted):
        Money.parse("1e300 EUR")


def test_amounts_of_many_digits_are_rounded_up_exactly() -> None:
    assert Money.of("1234567890123.0000001").micros == 1234567890123000001
    assert Money.of("1e-300").micros == 1
    assert Money.of(2.5).micros == 2_500_000


def test_a_negative_amount_is_told_as_it_was_given() -> None:
    with pytest.raises(InputError, match="at least 0, got '-5 EUR'"):
        Money.parse("-5 EUR")
