"""Quantum steps on their way: ordered through the ledger, and followed until they are over.

A step that is not over when its decision has to be made, or whose bill is not known by then, is
followed on by one thread for each backend, as long as this process lives; any other process that
advances the ledger's jobs does too.
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
from qupel.runs.ledger.conclusions import NEVER
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
#: Seconds before a job that is over is looked at for its bill, at least, since somebody else may
#: be asking for it just now, and at most.
SOONEST_BILL, LATEST_BILL = 1.0, 3_600.0


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


def awaits_bill(job: Job) -> bool:
    """Whether a job is over, its money is held, and its bill is still to be asked for."""
    return job.state.final and not job.settled and job.due < NEVER


def wait_for_bill(ledger: Ledger, job: Job) -> float | None:
    """Seconds until the bill of a job that is over is asked for; None if it is not awaited."""
    if not awaits_bill(job):
        return None
    return min(LATEST_BILL, max(SOONEST_BILL, job.due - ledger.clock.now()))


@dataclass(frozen=True, slots=True, order=True)
class Look:
    """When a follower looks at a job.

    Attributes
    ----------
    at
        Reading of the monotonic clock.
    number
        In the order they were asked for, which decides among those of one time.
    job
        The job's id.
    told
        Whether its end has been told already, and only its bill is awaited.
    """

    at: float
    number: int
    job: str
    told: bool


@dataclass(slots=True, eq=False)
class Follower:
    """One thread that looks at every job of a backend when it is due.

    Attributes
    ----------
    ledger
        Opens the ledger, in the follower's own thread.
    backend
        Opens the backend; like the ledger it is opened once, and again after something failed.
    over
        Is told of each job that is over, once.
    """

    ledger: Callable[[], Ledger]
    backend: Callable[[], Backend]
    over: Callable[[Ordered], None]
    _opened: tuple[Ledger, Backend] | None = field(default=None, init=False)
    _due: list[Look] = field(default_factory=list, init=False)
    _count: int = field(default=0, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    def add(self, job: str, wait: float = 0.0, *, told: bool = False) -> None:
        """Follow a job, by its id, beginning after ``wait`` seconds.

        Parameters
        ----------
        told
            Whether it is known to be over, so that only its bill is awaited.
        """
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, Look(time.monotonic() + wait, self._count, job, told))
            if self._thread is None:
                thread = threading.Thread(target=self._serve, name="qupel-follower", daemon=True)
                thread.start()
                self._thread = thread
            self._changed.notify()

    @property
    def following(self) -> int:
        """Jobs that are not over, or whose bill is not known."""
        return len(self._due)

    def close(self, seconds: float = 1.0) -> None:
        """Follow no longer; jobs stay where they are in the ledger."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _serve(self) -> None:
        while (look := self._next()) is not None:
            told = look.told
            try:
                if self._opened is None:
                    self._opened = self.ledger(), self.backend()
                ledger, backend = self._opened
                progress = ledger.advance(look.job, backend)
                wait = progress.wait
                if wait is None:
                    if not told:
                        self.over(ended(ledger, progress.job))
                        told = True
                    wait = wait_for_bill(ledger, progress.job)
                if wait is not None:
                    self.add(look.job, wait, told=told)
            except QupelError as error:
                log.warning("job %s could not be advanced: %s", look.job, error)
                self._try_again(look)
            except Exception:  # whatever broke, the next job must be looked at
                log.exception("job %s could not be advanced", look.job)
                self._try_again(look)

    def _try_again(self, look: Look) -> None:
        self._opened = None
        self.add(look.job, AFTER_FAILURE, told=look.told)

    def _next(self) -> Look | None:
        """Wait for the look that is due first; None once closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._due and self._due[0].at <= now:
                    return heapq.heappop(self._due)
                self._changed.wait(self._due[0].at - now if self._due else None)
        return None
