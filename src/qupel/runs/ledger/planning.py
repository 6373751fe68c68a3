"""Planning a job: it is written down and its money is held, in one transaction."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.backends.contract import Order
from qupel.errors import BudgetError, ContractError, InputError
from qupel.model.money import Money
from qupel.runs.database import insert_new
from qupel.runs.description import plain
from qupel.runs.ledger import holds as budgets
from qupel.runs.ledger.accounts import MOST, Amounts, check_size
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.jobs import Job, JobState, job_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.naming import job_id_of
from qupel.runs.ledger.payloads import order_bytes, programs_hash
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import jobs


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted; the attributes are the parameters of `Ledger.plan`."""

    order: Order
    backend: str
    accounts: tuple[str, ...]
    bound: Money | None
    deadline: float | None
    correlation: str
    purpose: dict[str, Any]

    def __post_init__(self) -> None:
        provider, colon, device = self.backend.partition(":")
        if not (provider and colon and device):
            raise InputError(f"a backend is named 'provider:device', got {self.backend!r}")
        if self.bound is not None and not isinstance(self.bound, Money):
            raise InputError(
                f"bound is an amount of money such as Money.of(5), or None, got {self.bound!r:.60}"
            )
        if self.bound is not None and self.bound.micros < 0:
            raise InputError(f"the bound of a bill is at least 0, got {self.bound}")
        if self.bound is not None:
            check_size("the bound of a bill", self.bound.micros, self.bound)
        check_size("shots of all programs together", self.shots)
        self._check_deadline()
        _check_kept("purpose", self.purpose)
        _check_kept("settings of the order", self.order.settings)
        for what, text in (
            ("key", self.order.key),
            ("tag", self.order.tag),
            ("backend", self.backend),
            ("correlation", self.correlation),
            ("version", str(self.purpose.get("version") or "")),
        ):
            if not _is_storable(text):
                raise InputError(f"{what} holds characters that no database keeps, got {text!r}")

    def _check_deadline(self) -> None:
        """Refuse what is no moment; a database would take NaN for none at all."""
        when = self.deadline
        if when is None:
            return
        if isinstance(when, bool) or not isinstance(when, int | float) or not abs(when) <= MOST:
            raise InputError(
                f"deadline is UTC seconds since 1970, {MOST} at most, or None, got {when!r}"
            )

    @property
    def shots(self) -> int:
        """Of all programs."""
        return self.order.shots * len(self.order.programs)

    @property
    def amounts(self) -> Amounts:
        """What is held until it is over."""
        return Amounts(0 if self.bound is None else self.bound.micros, self.shots, 1)

    @property
    def currency(self) -> str:
        """Of its bill; empty where nothing is billed."""
        return "" if self.bound is None else self.bound.currency


def _check_kept(what: str, value: Any) -> None:
    """Refuse data that would come back from the database as other data, without a word."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        raise InputError(f"{what}: a number must be finite, got {value}; write a text or leave out")
    if isinstance(value, set | frozenset):
        raise InputError(f"{what}: a set is no plain data; write a list, got {value!r:.60}")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_kept(f"{what}, {name!s:.60}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_kept(what, inner)


def _is_storable(text: str) -> bool:
    """Whether a text is Unicode without NUL, as every database can hold it."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def plan(ledger: Ledger, wanted: Plan) -> Job:
    """Write a job down; see `Ledger.plan`."""
    body, job_id = order_bytes(wanted.order), job_id_of(wanted.order.key)
    try:
        with writing(ledger) as tx:
            return _written(tx, wanted, tx.keep(body), job_id)
    except BudgetError as error:
        with writing(ledger, durable=False) as tx:
            tx.log("budget refused", None, job=job_id, key=wanted.order.key, why=str(error))
        raise


def _written(tx: Transaction, wanted: Plan, order_hash: str, job_id: str) -> Job:
    """The job as it stands after it was planned, now or before."""
    # Whoever inserts the row first has the others wait, and then find it.
    is_new = _insert(tx, wanted, order_hash, job_id)
    row = tx.job(job_id)
    if not is_new and row.order_hash:
        if row.order_hash != order_hash or row.backend != wanted.backend:
            raise ContractError(
                f"key {wanted.order.key!r} stands for another order or backend (job {job_id});"
                " a new order needs a new key"
            )
        return job_of(row)
    if JobState(row.state).final:  # an orphan that nobody wanted in time
        return job_of(row)
    reached = budgets.hold(tx.connection, job_id, wanted.accounts, wanted.amounts, wanted.currency)
    if not is_new:  # the provider had it before we did: an orphan of ours
        tx.update(row, due=tx.now, **_wish(wanted, order_hash))
        row = tx.job(job_id)
    names = list(wanted.accounts)
    tx.log("planned", row, backend=wanted.backend, bound=str(wanted.bound), accounts=names)
    for alert in reached:
        tx.log("budget alert", row, alarm=True, **alert.detail())
    return job_of(row)


def _insert(tx: Transaction, wanted: Plan, order_hash: str, job_id: str) -> bool:
    """Insert the row of a job; False if there is one."""
    return insert_new(
        tx.connection,
        jobs,
        id=job_id,
        backend=wanted.backend,
        state=JobState.PLANNED.value,
        correlation=wanted.correlation or job_id,
        purpose=json.dumps(plain(wanted.purpose), sort_keys=True),
        version=str(wanted.purpose.get("version") or ""),
        planned=tx.now,
        due=tx.now,
        **_wish(wanted, order_hash),
    )


def _wish(wanted: Plan, order_hash: str) -> dict[str, Any]:
    """Columns that say what is wanted."""
    return {
        "key": wanted.order.key,
        "order_hash": order_hash,
        "programs_hash": programs_hash(wanted.order),
        "shots": wanted.shots,
        "currency": wanted.currency,
        "bound": None if wanted.bound is None else wanted.bound.micros,
        "deadline": wanted.deadline,
    }
