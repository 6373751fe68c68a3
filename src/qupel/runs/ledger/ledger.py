"""The ledger: every paid job once, whatever dies when.

`plan` writes a job down and holds its money; `advance` does the next single thing about it. What
is to be sent is committed before it is sent, under a lease with a number that every later write
is conditional on.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend, Capabilities, Order, Result
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import accounts as budgets
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger import queries
from qupel.runs.ledger.accounts import Account
from qupel.runs.ledger.breaker import Breaker
from qupel.runs.ledger.costs import CostReport, cost_report
from qupel.runs.ledger.facts import ensure_installation, installation
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.jobs import Attempt, Event, Job, JobState, Progress, job_of
from qupel.runs.ledger.lease import this_worker
from qupel.runs.ledger.mark import Mark, notice_restored
from qupel.runs.ledger.naming import prefix_of
from qupel.runs.ledger.payloads import result_from
from qupel.runs.ledger.retry import Patience, Retry
from qupel.runs.ledger.transaction import Listener, payload
from qupel.runs.tables import jobs

if TYPE_CHECKING:
    from qupel.runs.ledger.bills import Revision
    from qupel.runs.ledger.reconcile import Reconciliation


def _nothing(_: str) -> None:
    """Go on: nobody wants the process to die here."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Plans, pays, follows and settles jobs in a database that several processes share.

    Attributes
    ----------
    database
        Where everything stands.
    clock
        Tells the time.
    owner
        Name of this worker, which no other has at the same time.
    retry, patience
        How often and how long.
    rng
        Stream of the jitter of waits.
    listener
        Called with every event after it was committed; it must not fail.
    simulate_first
        Whether hardware is paid only for programs that a simulator or an emulator has run before,
        or a ``version`` of the same route, loop, pilot or experiment; see
        `qupel.runs.ledger.permission`.
    reached
        Called with the name of every point at which a process may die; for tests.
    prefix
        How the tags of this ledger begin at every provider.
    mark
        How far the books had come when the last request left, by which a restored backup is
        noticed.
    lock, working, first_seen
        Which jobs threads of this process work on, and when it first saw the attempts of
        others, by the monotonic clock.
    met
        Backends that have told what they can do, so that asking again costs no call.
    """

    database: Database
    clock: Clock = field(default_factory=SystemClock)
    owner: str = field(default_factory=this_worker)
    retry: Retry = field(default_factory=Retry)
    patience: Patience = field(default_factory=Patience)
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    listener: Listener | None = None
    simulate_first: bool = True
    reached: Callable[[str], None] = _nothing
    lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    working: set[str] = field(default_factory=set, init=False, repr=False)
    prefix: str = field(default="", init=False, repr=False)
    mark: Mark = field(init=False, repr=False)
    first_seen: dict[tuple[str, int], float] = field(default_factory=dict, init=False, repr=False)
    met: dict[int, Backend] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        with self.database.reading() as connection:
            named = installation(connection)
        if not named:
            with self.database.writing() as connection:
                ensure_installation(connection)
                named = installation(connection)
        object.__setattr__(self, "prefix", prefix_of(named))
        object.__setattr__(self, "mark", Mark.of(self.database.folder, named))
        notice_restored(self)

    @contextmanager
    def alone(self, job_id: str) -> Iterator[bool]:
        """Whether this thread may work on a job; among threads the lease does not decide."""
        with self.lock:
            free = job_id not in self.working
            self.working.add(job_id)
        try:
            yield free
        finally:
            if free:
                with self.lock:
                    self.working.discard(job_id)

    def plan(
        self,
        order: Order,
        *,
        backend: str,
        accounts: Sequence[str] = (),
        bound: Money | None,
        deadline: float | None = None,
        correlation: str = "",
        purpose: Mapping[str, Any] | None = None,
    ) -> Job:
        """Write a job down and hold its money, shots and one run in every account.

        Planning again under the same key gives the same job, and holds nothing twice.

        Parameters
        ----------
        order
            What is wanted; its key names it for ever. Key and tag that the provider sees are
            made by the ledger.
        backend
            ``provider:device``. It need not be registered, since whoever calls `advance` brings
            the backend; a job at one that nobody brings holds its money until it is cancelled.
        accounts
            Names such as ``experiment:traps``; those that are new have no cap.
        bound
            Most that the provider can charge; None where nothing is billed.
        deadline
            UTC seconds after which it is wanted no more.
        correlation
            Identifier that all rows of a larger piece of work share; the job's id by default.
        purpose
            Plain data: experiment, outcome, version, seed.

        Raises
        ------
        BudgetError
            If a cap has no room; nothing is written but the refusal.
        ContractError
            If the key stands for another order or backend already.
        InputError
            If a name or value cannot be used.
        """
        from qupel.runs.ledger.planning import Plan, plan

        wanted = Plan(
            order,
            backend,
            budgets.checked_names(accounts),
            bound,
            deadline,
            correlation,
            dict(purpose or {}),
        )
        return plan(self, wanted)

    def advance(self, job_id: str, backend: Backend) -> Progress:
        """Do the next single thing about a job, and say when to call again.

        Whatever died in the middle of an earlier call, this one finds out what is certain and
        goes on from there. It waits for nothing, and calls the backend at most twice.

        Raises
        ------
        InputError
            If there is no such job.
        """
        from qupel.runs.ledger.steps import advance

        return advance(self, job_id, backend)

    def job(self, job_id: str) -> Job:
        """One job; the beginning of its id is enough.

        Raises
        ------
        InputError
            If there is none, or several begin so.
        """
        with self.database.reading() as connection:
            return queries.job_named(connection, job_id)

    def jobs(
        self,
        state: JobState | str | None = None,
        *,
        backend: str | None = None,
        correlation: str | None = None,
        due: float | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Jobs, those due first at the front; of those that are over, the newest.

        Parameters
        ----------
        state, backend, correlation
            Only those of this one.
        due
            Only those to be looked after by this time, UTC seconds.
        limit
            As many at most.
        """
        with self.database.reading() as connection:
            return queries.jobs_where(connection, state, backend, correlation, due, limit)

    def attempts(self, job_id: str) -> list[Attempt]:
        """Every request that was made, or may have been made, to accept a job."""
        with self.database.reading() as connection:
            return queries.attempts_at(connection, job_id)

    def events(
        self, job_id: str | None = None, *, kind: str | None = None, alarms: bool = False
    ) -> list[Event]:
        """What happened, the oldest first; to one job, of one kind, or only alarms."""
        with self.database.reading() as connection:
            return queries.events_where(connection, job_id, kind, alarms=alarms)

    def order(self, job_id: str) -> Order:
        """The order that a job was planned with."""
        with self.database.reading() as connection:
            return queries.order_of(connection, job_id)

    def result(self, job_id: str) -> Result | None:
        """The checked result of a job; None unless it is done."""
        found = self.job(job_id)
        if found.state is not JobState.DONE:
            return None
        with self.database.reading() as connection:
            return result_from(payload(connection, found.result_hash))

    def cancel(self, job_id: str) -> Job:
        """Ask for a job not to be run; `advance` carries it out. No error if it is over."""
        with writing(self) as tx:
            row = tx.job(job_id)
            if not JobState(row.state).final and row.cancel_asked is None:
                here = sa.update(jobs).where(jobs.c.id == job_id)
                tx.connection.execute(here.values(cancel_asked=tx.now, due=tx.now))
                tx.log("cancel asked", row)
                row = tx.job(job_id)
        return job_of(row)

    def resolve(
        self,
        job_id: str,
        *,
        adopt_job: str = "",
        not_accepted: bool = False,
        again: bool = False,
        who: str = "",
    ) -> Job:
        """Decide what became of an ambiguous job; see `qupel.runs.ledger.reconcile.resolve`."""
        from qupel.runs.ledger.reconcile import resolve

        return resolve(
            self, job_id, adopt_job=adopt_job, not_accepted=not_accepted, again=again, who=who
        )

    def reconcile(self, backend: Backend) -> Reconciliation:
        """Compare our books with what a provider has, and adopt what is ours."""
        from qupel.runs.ledger.reconcile import reconcile

        return reconcile(self, backend)

    def audit_bills(
        self, backend: Backend, since: float, until: float = math.inf
    ) -> tuple[Revision, ...]:
        """Book bills that the provider changed; see `qupel.runs.ledger.bills.audit_bills`."""
        from qupel.runs.ledger.bills import audit_bills

        return audit_bills(self, backend, since, until)

    def settle_by_hand(self, job_id: str, bill: Money, who: str) -> Job:
        """Book a bill that a person read off an invoice.

        See `qupel.runs.ledger.bills.settle_by_hand`.
        """
        from qupel.runs.ledger.bills import settle_by_hand

        return settle_by_hand(self, job_id, bill, who)

    def quarantine(self, why: str) -> None:
        """Pay nothing at any backend before it is reconciled: after restoring a backup."""
        from qupel.runs.ledger.reconcile import quarantine

        quarantine(self, why)

    def thaw(self, provider: str, who: str = "") -> None:
        """Pay new jobs at a frozen provider again."""
        from qupel.runs.ledger.reconcile import thaw

        thaw(self, provider, who)

    def meet(self, backend: Backend) -> Capabilities:
        """What a backend can do; see `qupel.runs.ledger.meeting.meet`."""
        from qupel.runs.ledger.meeting import meet

        return meet(self, backend)

    def breaker(self, provider: str, device: str) -> Breaker:
        """How a device has answered lately, and whether calls to it are held back."""
        with self.database.reading() as connection:
            return breaking.breaker_of(connection, provider, device)

    def set_budget(
        self,
        account: str,
        *,
        money: Money | None = None,
        shots: int | None = None,
        runs: int | None = None,
    ) -> Account:
        """Set the caps of an account; None takes one away.

        Raises
        ------
        InputError, BudgetError
            If a cap makes no sense, or more is held or spent already.
        """
        with writing(self) as tx:
            made = budgets.set_caps(tx.connection, account, money, shots, runs)
            tx.log("budget set", None, account=account, money=money, shots=shots, runs=runs)
        return made

    def account(self, name: str) -> Account:
        """One account: caps, held, spent, and what remains."""
        with self.database.reading() as connection:
            return budgets.account_named(connection, name)

    def accounts(self) -> list[Account]:
        """All accounts by name."""
        with self.database.reading() as connection:
            return budgets.all_accounts(connection)

    def costs(self, by: str = "job") -> CostReport:
        """What was held and billed.

        Parameters
        ----------
        by
            ``job``, ``experiment``, ``pilot``, ``team``, ``outcome`` (what the business gets for
            it), ``backend``, or ``purpose.NAME`` for any name in the purposes, such as
            ``purpose.route``.
        """
        with self.database.reading() as connection:
            return cost_report(connection, by)
