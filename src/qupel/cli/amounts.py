"""Amounts of money as options give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qupel.errors import InputError

if TYPE_CHECKING:
    from qupel.model.money import Money


def money_in(option: str, text: str | None) -> Money | None:
    """Amount in a text such as '2.50 USD', in US dollars if it tells no currency.

    Raises
    ------
    InputError
        Naming the option.
    """
    from qupel.model.money import Money

    try:
        return None if text is None else Money.parse(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None
