"""A worker with a job in its hands: what it works with, and what all its actions share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Bills, Capabilities, Order
from qupel.errors import TransientError, UnknownOutcomeError
from qupel.model.money import NO_CURRENCY, Money
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.causes import cause_of
from qupel.runs.ledger.retry import Patience
from qupel.runs.ledger.submission import submission
from qupel.runs.ledger.transaction import Transaction, transaction

if TYPE_CHECKING:
    from qupel.runs.ledger.ledger import Ledger

#: Source of a bill that nobody tells.
BOUND = "bound"
#: Failures of a service that may pass.
PASSING = (TransientError, UnknownOutcomeError)


@dataclass(frozen=True, slots=True)
class Hands:
    """A worker with a job under its lease.

    Attributes
    ----------
    ledger, backend, able
        What it works with.
    row
        The job as it was when the lease was taken.
    breaker
        The breaker of the device, likewise.
    since
        Seconds for certain since the last attempt before this call.
    turn
        Which turn of an unproven device this call has; 0 if it needs none.
    """

    ledger: Ledger
    backend: Backend
    able: Capabilities
    row: sa.Row[Any]
    breaker: breaking.Breaker
    since: float
    turn: float = 0.0

    def writing(self, *, durable: bool = False) -> Any:
        """A transaction at the present time."""
        return writing(self.ledger, durable=durable)

    def answered(self, tx: Transaction) -> None:
        """Note that the provider answered."""

        def note() -> None:
            if breaking.succeeded(tx.connection, self.breaker, tx.now, self.ledger.patience):
                tx.log("breaker closed", None, provider=self.backend.provider)

        tx.last.append(note)

    def unanswered(self, tx: Transaction) -> None:
        """Note that the provider failed."""
        count_failure(tx, self.backend, self.ledger.patience)

    def due(self, now: float, wait: float) -> float:
        """When to look again, not long after the deadline."""
        deadline = self.row.deadline
        return now + wait if deadline is None or deadline <= now else min(now + wait, deadline)

    def pace(self, now: float) -> float:
        """When to ask again about an accepted job."""
        since = self.row.submitted if self.row.submitted is not None else now
        return self.due(now, self.ledger.patience.poll(max(0.0, now - since)))

    def order(self, series: int | None = None) -> Order:
        """The order under the key and the tag that the provider sees."""
        with self.ledger.database.reading() as connection:
            return submission(connection, self.row, series or self.row.series, self.ledger.prefix)

    def bill(self, billed: Money | None) -> Money | None:
        """The final bill: nothing where the backend never bills, the bound where none is told."""
        if billed is not None:
            return billed
        if not self.able.currency:
            return Money(0, self.row.currency or NO_CURRENCY)
        return self.bound if self.able.bills is Bills.UNTOLD else None

    @property
    def bound(self) -> Money:
        """All that the job may cost."""
        return Money(self.row.bound or 0, self.row.currency or NO_CURRENCY)

    @property
    def source(self) -> str:
        """Where its bill comes from, if not from the provider."""
        if not self.able.currency or self.able.bills is Bills.TOLD:
            return ""
        return BOUND if self.able.bills is Bills.UNTOLD else self.able.bills.value

    def failed(self, kind: str, error: Exception) -> None:
        """Write down that a call failed which may be made again, and when."""
        wait = getattr(error, "wait", None) or 0.0
        with self.writing() as tx:
            if isinstance(error, PASSING):
                self.unanswered(tx)
            tx.log(kind, self.row, why=one_line(error), cause=cause_of(error).value)
            unsent = self.row.submitted is None
            usual = self.ledger.patience.longest if unsent else self.pace(tx.now) - tx.now
            tx.update(self.row, leased=0.0, due=self.due(tx.now, max(wait, usual)))

    def give_back(self) -> None:
        """End this call's turn if nothing has: what came of it says nothing of the device."""
        if self.turn:
            with writing(self.ledger, durable=False) as tx:
                breaking.give_back(tx.connection, self.breaker, self.turn)


def writing(ledger: Ledger, *, durable: bool = True) -> Any:
    """A transaction of a ledger at the present time, whose events are told to its listener."""
    return transaction(ledger.database, ledger.clock.now(), ledger.listener, durable=durable)


def count_failure(tx: Transaction, backend: Backend, patience: Patience) -> None:
    """Have the breaker of a device count a failure, right before the commit."""
    provider, device = backend.provider, backend.device

    def note() -> None:
        if breaking.failed(tx.connection, provider, device, tx.now, patience):
            tx.log("breaker opened", None, alarm=True, provider=provider, device=device)

    tx.last.append(note)


def one_line(error: Exception) -> str:
    """An error in one line of limited length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
