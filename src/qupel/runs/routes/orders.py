"""Quantum steps on their way: ordered through the ledger, and followed until they are over.

A step that is not over when its decision has to be made is followed on by one thread for each
backend, as long as this process lives; any other process that advances the ledger's jobs does too.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qupel.backends.contract import Backend, Order, Result
from qupel.errors import QupelError
from qupel.runs.clearance import check_breaker, clear
from qupel.runs.ledger.jobs import Job, JobState
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.routes.route import Budget, Route

if TYPE_CHECKING:
    from qupel.runs.routes.desk import Desk

log = logging.getLogger("qupel.routes")

#: Seconds between looks at a job, at most, while a decision waits for it.
LONGEST_LOOK = 1.0
#: Seconds before a job is looked at again after looking at it failed.
AFTER_FAILURE = 5.0


@dataclass(frozen=True, slots=True)
class Ordered:
    """What became of an order.

    Attributes
    ----------
    job
        The ledger's job, None if it was not planned.
    result
        Its result, None where there is none (yet).
    why
        Why there is none; empty if it is still on its way.
    """

    job: Job | None
    result: Result | None = None
    why: str = ""

    @property
    def open(self) -> bool:
        """Whether it is still on its way."""
        return self.result is None and not self.why


def check(desk: Desk, ledger: Ledger, backend: Backend, order: Order, route: Route) -> None:
    """Refuse an order that should not be placed now, with the reason.

    Raises
    ------
    TransientError
        If the breaker is open or frozen.
    InputError
        If the adapter is locked until its canary passes.
    RefusedError
        If the order can never fit the device, or the route's tier forbids it.
    BudgetError
        If it may cost more than one decision may.
    """
    check_breaker(ledger, backend)  # a decision cannot wait until it is closed
    clear(
        ledger,
        backend,
        order,
        lock=desk.lock,
        most=route.budget.most,
        tier=route.tier,
        runs=desk.book().orders(route.name),
        approved_by=desk.roster().approved_by(route.version),
    )


def place(
    ledger: Ledger, order: Order, *, backend: str, budget: Budget, deadline: float, **about: Any
) -> Job:
    """Plan an order, charged to a route's accounts, to be given up at ``deadline`` (UTC seconds).

    Raises
    ------
    BudgetError
        If an account has not enough left.
    """
    return ledger.plan(
        order,
        backend=backend,
        accounts=budget.accounts,
        bound=budget.most if budget.most.micros else None,
        deadline=deadline,
        **about,
    )


def follow(
    ledger: Ledger, job: Job, backend: Backend, *, seconds: Callable[[], float], rest: Any
) -> Ordered:
    """Advance a job until it is over or ``seconds()`` are used up.

    Parameters
    ----------
    rest
        Waits for so many seconds, or less if somebody wants us to look up.
    """
    while True:
        progress = ledger.advance(job.id, backend)
        if progress.wait is None:
            return ended(ledger, progress.job)
        left = seconds()
        if left <= 0 or progress.wait > left:
            return Ordered(progress.job)
        rest(min(progress.wait, LONGEST_LOOK))


def ended(ledger: Ledger, job: Job) -> Ordered:
    """What a job that is over, or stands still, came to."""
    if job.state is JobState.DONE:
        return Ordered(job, ledger.result(job.id), "")
    return Ordered(job, None, f"the job is {job.state.value}: {job.why}")


@dataclass(slots=True, eq=False)
class Follower:
    """One thread that looks at every job of a backend when it is due.

    Attributes
    ----------
    ledger
        Opens the ledger, in the follower's own thread.
    backend
        Opens a backend by name.
    over
        Is told of each job that is over.
    """

    ledger: Callable[[], Ledger]
    backend: Callable[[str], Backend]
    over: Callable[[Ordered], None]
    _due: list[tuple[float, int, Job]] = field(default_factory=list, init=False)
    _count: int = field(default=0, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    def add(self, job: Job, wait: float = 0.0) -> None:
        """Follow a job, beginning after ``wait`` seconds."""
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + wait, self._count, job))
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="qupel-follower", daemon=True)
                thread.start()
                self._thread = thread
            self._changed.notify()

    @property
    def following(self) -> int:
        """Jobs that are not over."""
        return len(self._due)

    def close(self, seconds: float = 1.0) -> None:
        """Follow no longer; jobs stay where they are in the ledger."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            try:
                ledger = self.ledger()
                progress = ledger.advance(job.id, self.backend(job.backend))
                if progress.wait is None:
                    self.over(ended(ledger, progress.job))
                else:
                    self.add(job, progress.wait)
            except QupelError as error:
                log.warning("job %s could not be advanced: %s", job.id, error)
                self.add(job, AFTER_FAILURE)
            except Exception:  # whatever broke, the next job must be looked at
                log.exception("job %s could not be advanced", job.id)
                self.add(job, AFTER_FAILURE)

    def _next(self) -> Job | None:
        """Wait for the job that is due first; None once closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(self._due[0][0] - now if self._due else None)
        return None
