"""Holding money in accounts before anything is sent, and booking what it cost.

A job holds its upper bound in every account it belongs to, by one conditional update an account,
all or none. What it is billed is spent, the rest is released.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from qupel.errors import BudgetError
from qupel.model.money import Money
from qupel.runs.database import insert_into
from qupel.runs.ledger.accounts import (
    Account,
    Amounts,
    account_named,
    account_of,
    checked_names,
)
from qupel.runs.ledger.alerts import Alert, alerts_of
from qupel.runs.tables import accounts, holds


def hold(
    connection: sa.Connection,
    job: str,
    names: Sequence[str],
    amounts: Amounts,
    currency: str,
) -> list[Alert]:
    """Hold a job's upper bound in every account; see `reserve`."""
    reached = reserve(connection, names, amounts, currency)
    held = {"held_money": amounts.money, "held_shots": amounts.shots, "held_runs": amounts.runs}
    for name in checked_names(names):
        connection.execute(_INSERT_HOLD, {"job_id": job, "account": name, **held})
    return reached


def reserve(
    connection: sa.Connection, names: Sequence[str], amounts: Amounts, currency: str
) -> list[Alert]:
    """Set an upper bound aside in every account, made without a cap if it is new.

    Returns
    -------
    list of Alert
        Caps that have now reached it.

    Raises
    ------
    BudgetError
        If a cap would be exceeded or the currency is another; the caller rolls back.
    """
    reached: list[Alert] = []
    values: dict[str, Any] = {"money": amounts.money, "shots": amounts.shots, "runs": amounts.runs}
    values |= {"currency": currency if amounts.money else ""}
    for name in checked_names(names):
        held = connection.execute(_HOLD, {**values, "b_account": name}).first()
        if held is None:
            made = insert_into(accounts, connection).values(name=name).on_conflict_do_nothing()
            connection.execute(made)
            held = connection.execute(_HOLD, {**values, "b_account": name}).first()
        if held is None:
            raise _refusal(account_named(connection, name), amounts, currency)
        reached += alerts_of(connection, account_of(held))
    return reached


def settle(connection: sa.Connection, job: str, bill: Amounts) -> int:
    """Book what a job cost in all its accounts and release the rest of what it held.

    Returns
    -------
    int
        Money of the bill beyond what was held, in millionths; 0 if nothing.
    """
    over = 0
    for row in connection.execute(_HOLDS_OF, {"job": job}).all():
        spent = Amounts(*(min(a, b) for a, b in zip(_of(bill), _held(row), strict=True)))
        beyond = bill.money - spent.money
        over = max(over, beyond)
        values = {"job": job, "b_account": row.account, "over": beyond}
        values |= {"m": row.held_money, "s": row.held_shots, "r": row.held_runs}
        values |= {"money": spent.money, "shots": spent.shots, "runs": spent.runs}
        connection.execute(_BOOK_ACCOUNT, values)
        connection.execute(_BOOK_HOLD, values)
    return over


def revise(connection: sa.Connection, job: str, money: int, bound: int) -> None:
    """Book another bill in place of the one that was settled, in all accounts of a job.

    Parameters
    ----------
    connection, job
        Whose bill.
    money, bound
        The bill, and what was once held for it, both in millionths.
    """
    for row in connection.execute(_HOLDS_OF, {"job": job}).all():
        spent, over = min(money, bound), max(0, money - bound)
        values: dict[str, Any] = {"job": job, "b_account": row.account}
        values |= {"m": 0, "s": 0, "r": 0, "shots": 0, "runs": 0}
        values |= {"money": spent - row.spent_money, "over": over - row.over_money}
        connection.execute(_BOOK_ACCOUNT, values)
        connection.execute(_BOOK_HOLD, values)


def _refusal(account: Account, amounts: Amounts, currency: str) -> BudgetError:
    """The error that says which cap has no room, with all its numbers."""
    if amounts.money and account.currency not in {"", currency}:
        return BudgetError(
            f"{account.name} counts in {account.currency}, the job is paid in {currency}; "
            "give it an account of its currency"
        )
    for word, left in account.remaining().items():
        asked = getattr(amounts, word)
        if left is not None and asked > left:
            cap = getattr(account, f"cap_{word}")
            if word == "money":
                code = currency or account.currency
                numbers = [str(Money(micros, code)) for micros in (asked, left, cap)]
            else:
                numbers = [str(asked), str(left), str(cap)]
            return BudgetError(
                f"{account.name}: the job may need {numbers[0]} of {word}, {numbers[1]} of the cap "
                f"of {numbers[2]} is left; lower the job, wait for open jobs, or raise the cap"
            )
    return BudgetError(f"{account.name}: the job does not fit into the budget")


def _of(amounts: Amounts) -> tuple[int, int, int]:
    return amounts.money, amounts.shots, amounts.runs


def _held(row: sa.Row[Any]) -> tuple[int, int, int]:
    return row.held_money, row.held_shots, row.held_runs


def _condition(cap: str, amount: str, *columns: str) -> sa.ColumnElement[bool]:
    """Condition that ``amount`` more fits under a cap."""
    limit = accounts.c[cap]
    used = sum(
        (accounts.c[column] for column in columns), sa.bindparam(amount, type_=sa.BigInteger)
    )
    return sa.or_(limit.is_(None), used <= limit)


def _more(column: str, amount: str) -> Any:
    return accounts.c[column] + sa.bindparam(amount, type_=sa.BigInteger)


_CURRENCY = sa.bindparam("currency", type_=sa.String)

#: One conditional update: it changes a row, or there is no room.
_HOLD = (
    sa.update(accounts)
    .where(
        accounts.c.name == sa.bindparam("b_account"),
        sa.or_(_CURRENCY == "", accounts.c.currency == "", accounts.c.currency == _CURRENCY),
        _condition("cap_money", "money", "held_money", "spent_money", "over_money"),
        _condition("cap_shots", "shots", "held_shots", "spent_shots"),
        _condition("cap_runs", "runs", "held_runs", "spent_runs"),
    )
    .values(
        held_money=_more("held_money", "money"),
        held_shots=_more("held_shots", "shots"),
        held_runs=_more("held_runs", "runs"),
        currency=sa.case((_CURRENCY == "", accounts.c.currency), else_=_CURRENCY),
    )
    .returning(*accounts.c)
)
_INSERT_HOLD = sa.insert(holds)
# In the order in which they are held, so that transactions never wait for each other in a ring.
_HOLDS_OF = sa.select(holds).where(holds.c.job_id == sa.bindparam("job")).order_by(holds.c.account)


def _booked(table: sa.Table) -> dict[str, Any]:
    """Columns of a table after what was held is released and what was spent is booked."""

    def less(column: str, amount: str) -> Any:
        return table.c[column] - sa.bindparam(amount, type_=sa.BigInteger)

    def more(column: str, amount: str) -> Any:
        return table.c[column] + sa.bindparam(amount, type_=sa.BigInteger)

    return {
        "held_money": less("held_money", "m"),
        "held_shots": less("held_shots", "s"),
        "held_runs": less("held_runs", "r"),
        "spent_money": more("spent_money", "money"),
        "spent_shots": more("spent_shots", "shots"),
        "spent_runs": more("spent_runs", "runs"),
        "over_money": more("over_money", "over"),
    }


_BOOK_ACCOUNT = (
    sa.update(accounts)
    .where(accounts.c.name == sa.bindparam("b_account"))
    .values(_booked(accounts))
)
_BOOK_HOLD = (
    sa.update(holds)
    .where(holds.c.job_id == sa.bindparam("job"), holds.c.account == sa.bindparam("b_account"))
    .values(_booked(holds))
)
