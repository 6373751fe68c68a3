"""Money in whole millionths of a currency, so that sums and caps are exact."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Self

from qupel.errors import InputError

MILLION = 1_000_000
#: Most millionths either way: what a database keeps in 64 bits.
MOST_MICROS = 2**63 - 1
#: ISO 4217's code where no currency is involved: amounts of zero where nothing is ever billed.
NO_CURRENCY = "XXX"
# Digits of other scripts and digits that underscores group are numbers to Python, not on a bill.
_AMOUNT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency.

    Attributes
    ----------
    micros
        Millionths of the currency's unit; a shot may cost 0.00035 dollars.
    currency
        Code of three capital letters (ISO 4217).

    Raises
    ------
    InputError
        If ``micros`` is no whole number or beyond `MOST_MICROS`, or ``currency`` no such code.
    """

    micros: int
    currency: str = "USD"

    def __post_init__(self) -> None:
        if type(self.micros) is not int:
            raise InputError(f"money is a whole number of millionths, got {self.micros!r}")
        code = self.currency
        if not (isinstance(code, str) and len(code) == 3 and code.isascii() and code.isupper()):
            raise InputError(f"a currency is a code such as 'USD', got {code!r}")
        if abs(self.micros) > MOST_MICROS:
            most, got = Decimal(MOST_MICROS) / MILLION, Decimal(self.micros) / MILLION
            raise InputError(f"an amount of money is at most {most:f} {code}, got {got:.9g}")

    @classmethod
    def of(cls, amount: str | int | float | Decimal, currency: str = "USD") -> Self:
        """Return an amount in the currency's unit, rounded up to a whole millionth."""
        text = str(amount).strip()
        if not _AMOUNT.fullmatch(text):
            raise InputError(f"an amount of money is a finite number, got {amount!r}")
        with localcontext(prec=1100):  # exact for every exponent of three digits
            exact = Decimal(text) * MILLION
            return cls(int(exact.to_integral_value(ROUND_CEILING)), currency)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the amount that a text such as ``"2.50 USD"`` states; without a code, US dollars.

        Raises
        ------
        InputError
            If the text has another form, or the amount is negative.

        Examples
        --------
        >>> str(Money.parse("2.50 eur"))
        '2.50 EUR'
        """
        amount, *code = text.split() or [""]
        currency = code[0].upper() if code else "USD"
        is_code = len(currency) == 3 and currency.isascii() and currency.isalpha()
        if len(code) > 1 or not is_code or not _AMOUNT.fullmatch(amount):
            raise InputError(
                f"money is an amount and a currency, such as '10 USD' or '0.35 EUR', got {text!r}"
            )
        made = cls.of(amount, currency)
        if made.micros < 0:
            raise InputError(f"an amount of money must be at least 0, got {text!r}")
        return made

    @property
    def amount(self) -> Decimal:
        """The amount in the currency's unit, exact."""
        return Decimal(self.micros) / MILLION

    def __add__(self, other: Money) -> Money:
        self._check_same(other)
        return Money(self.micros + other.micros, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._check_same(other)
        return Money(self.micros - other.micros, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            return NotImplemented
        return Money(self.micros * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        self._check_same(other)
        return self.micros < other.micros

    def __le__(self, other: Money) -> bool:
        self._check_same(other)
        return self.micros <= other.micros

    def __str__(self) -> str:
        shown = f"{self.amount:f}"
        whole, _, part = shown.partition(".")
        return f"{whole}.{part.rstrip('0').ljust(2, '0')} {self.currency}"

    def _check_same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise InputError(
                f"{self.currency} and {other.currency} cannot be added or compared; "
                "convert one of them first"
            )
