"""Accounts: caps on money, shots and runs, kept by the database itself.

No commit leaves held plus spent above a cap: a constraint of the table forbids it. A bill above
its bound is booked apart, as ``over``, and counts against every later hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.errors import BudgetError, InputError
from qupel.model.money import NO_CURRENCY, Money
from qupel.runs.database import insert_into
from qupel.runs.tables import accounts

#: Words before the colon of an account's name; ``outcome`` is what the business gets for it.
KINDS = ("job", "experiment", "pilot", "team", "outcome")
#: Characters of a name at most.
LONGEST_NAME = 200
#: Most millionths, shots or runs of a cap or a job: sums of a thousand of them fit 64 bits.
MOST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money in millionths, shots, and runs."""

    money: int = 0
    shots: int = 0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays.

    Attributes
    ----------
    name
        A kind of `KINDS`, a colon, and a name.
    currency
        Of its money; empty until money comes into it.
    cap_money, cap_shots, cap_runs
        Caps; None for none. Money in millionths, here and below.
    held, spent
        For open jobs, and for good.
    over
        Money billed beyond what was held for it.
    alerts
        Of ``money``, ``shots`` and ``runs``, those whose alert at 80 % of the cap has been given.
    """

    name: str
    currency: str
    cap_money: int | None
    cap_shots: int | None
    cap_runs: int | None
    held: Amounts
    spent: Amounts
    over: int
    alerts: tuple[str, ...] = ()

    def caps(self) -> dict[str, int | None]:
        """Caps on money, shots and runs; None where there is none."""
        return {"money": self.cap_money, "shots": self.cap_shots, "runs": self.cap_runs}

    def used(self) -> dict[str, int]:
        """What is held and spent of money, shots and runs; bills beyond their bounds too."""
        return {
            "money": self.held.money + self.spent.money + self.over,
            "shots": self.held.shots + self.spent.shots,
            "runs": self.held.runs + self.spent.runs,
        }

    def remaining(self) -> dict[str, int | None]:
        """What may still be held of money, shots and runs; None where there is no cap."""
        used = self.used()
        return {
            word: None if cap is None else cap - used[word] for word, cap in self.caps().items()
        }

    def shown(self, word: str, number: int | None) -> str:
        """An amount of money, shots or runs for people: money with its currency."""
        if number is None:
            return "none"
        if word != "money":
            return str(number)
        return str(Money(number, self.currency or NO_CURRENCY))

    def document(self) -> dict[str, Any]:
        """The account as plain data; money in the currency's unit."""

        def shown(micros: int | None) -> str | None:
            return (
                None if micros is None else str(Money(micros, self.currency or NO_CURRENCY).amount)
            )

        left = self.remaining()
        return {
            "account": self.name,
            "currency": self.currency,
            "money": {
                "cap": shown(self.cap_money),
                "held": shown(self.held.money),
                "spent": shown(self.spent.money),
                "over": shown(self.over),
                "remaining": shown(left["money"]),
            },
            "shots": {
                "cap": self.cap_shots,
                "held": self.held.shots,
                "spent": self.spent.shots,
                "remaining": left["shots"],
            },
            "runs": {
                "cap": self.cap_runs,
                "held": self.held.runs,
                "spent": self.spent.runs,
                "remaining": left["runs"],
            },
            "alerted": list(self.alerts),
        }


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of accounts, each once and sorted, so that all who lock several do so in one order."""
    for name in names:
        kind, colon, rest = name.partition(":")
        if kind not in KINDS or not colon or not rest.strip():
            raise InputError(
                f"an account is named {', '.join(f'{kind}:NAME' for kind in KINDS)}, got {name!r}"
            )
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise InputError(
                f"the name of an account is up to {LONGEST_NAME} characters that can be printed, "
                f"got {name[:LONGEST_NAME]!r}"
            )
    return tuple(sorted(set(names)))


def check_size(what: str, number: int, money: Money | None = None) -> None:
    """Refuse a number beyond `MOST`, which the sums of an account might not hold."""
    if number > MOST:
        most = str(MOST) if money is None else str(Money(MOST, money.currency))
        raise InputError(f"{what} is at most {most}, got {number if money is None else money}")


def set_caps(
    connection: sa.Connection,
    name: str,
    money: Money | None,
    shots: int | None,
    runs: int | None,
) -> Account:
    """Set the caps of an account, made if it is new; None takes a cap away.

    Raises
    ------
    InputError
        If a cap is negative, or of another currency than the account's.
    BudgetError
        If more than a cap is held or spent already.
    """
    [name] = checked_names([name])
    wanted = {"money": None if money is None else money.micros, "shots": shots, "runs": runs}
    for word, cap in wanted.items():
        if cap is not None and cap < 0:
            raise InputError(
                f"a cap on {word} must be at least 0, got {money if word == 'money' else cap}"
            )
        if cap is not None:
            check_size(f"a cap on {word}", cap, None if word != "money" else money)
    connection.execute(insert_into(accounts, connection).values(name=name).on_conflict_do_nothing())
    standing = account_named(connection, name)
    if money is not None and standing.currency not in {"", money.currency}:
        raise InputError(f"{name} counts in {standing.currency}, not in {money.currency}")
    caps = standing.caps()
    for word, cap in wanted.items():
        used = getattr(standing.held, word) + getattr(standing.spent, word)
        if cap is not None and used > cap:
            raise BudgetError(
                f"{name} has {standing.shown(word, used)} of {word} held or spent already, more "
                f"than the cap of {standing.shown(word, cap)}; cancel jobs first, or set a higher "
                "cap"
            )
    connection.execute(
        sa.update(accounts)
        .where(accounts.c.name == name)
        .values(
            cap_money=wanted["money"],
            cap_shots=shots,
            cap_runs=runs,
            currency=standing.currency if money is None else money.currency,
            # A cap that stays as it was is not told of again.
            alerts=" ".join(word for word in standing.alerts if wanted[word] == caps[word]),
        )
    )
    return account_named(connection, name)


def account_named(connection: sa.Connection, name: str) -> Account:
    """One account; `InputError` if there is none of this name."""
    row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    if row is None:
        raise InputError(f"no account {name!r}; `qupel budget set` makes one")
    return account_of(row)


def all_accounts(connection: sa.Connection) -> list[Account]:
    """All accounts by name."""
    return [account_of(row) for row in connection.execute(_ALL)]


_ALL = sa.select(accounts).order_by(accounts.c.name)


def account_of(row: sa.Row[Any]) -> Account:
    """The account of a row of the table."""
    return Account(
        row.name,
        row.currency,
        row.cap_money,
        row.cap_shots,
        row.cap_runs,
        Amounts(row.held_money, row.held_shots, row.held_runs),
        Amounts(row.spent_money, row.spent_shots, row.spent_runs),
        row.over_money,
        tuple(row.alerts.split()),
    )
