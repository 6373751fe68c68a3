"""Orders without a ledger: for backends that are free, and for checks with a small cap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend, Order, Program, Result, State
from qupel.errors import BudgetError, ResultError, TransientError
from qupel.model.money import Money

Runner = Callable[[Order], Result]

#: Seconds between two questions for a job's status, at first and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """Submits an order once, waits for it, and returns its result.

    A lost reply is not cleared up, and nothing survives a crash: what costs real money belongs to
    a ledger.

    Attributes
    ----------
    backend
        Where orders run.
    most
        Highest estimate of one order that is paid; None pays for nothing.
    clock
        Waits between questions.
    patience
        Seconds to wait for a job before it is cancelled.
    """

    backend: Backend
    most: Money | None = None
    clock: Clock = field(default_factory=SystemClock)
    patience: float = 600.0

    def __call__(self, order: Order) -> Result:
        """Run one order.

        Raises
        ------
        BudgetError
            If the estimate is above the cap.
        TransientError, RefusedError, UnknownOutcomeError
            As `Backend.submit`; and `TransientError` if no result came in time.
        ResultError
            If the job failed, was cancelled, or its result cannot be used.
        """
        self._check_cost(order)
        job = self.backend.submit(order)
        until = self.clock.monotonic() + self.patience
        pause = FIRST_PAUSE
        while True:
            try:
                status = self.backend.status(job)
                if status.state is State.DONE:
                    return self.backend.result(job, order)
                if status.state.final:
                    raise ResultError(f"job {job} of {self._name}: {status.state}; {status.why}")
            except TransientError:
                pass  # asked again below
            if self.clock.monotonic() >= until:
                self.backend.cancel(job)
                raise TransientError(
                    f"job {job} of {self._name} gave no result in {self.patience:g} s and was "
                    "cancelled; try again later"
                )
            self.clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @property
    def _name(self) -> str:
        return f"{self.backend.provider}:{self.backend.device}"

    def _check_cost(self, order: Order) -> None:
        cost = self.backend.estimate(order).cost
        if cost is None or not cost.micros:
            return
        if self.most is None or not cost <= self.most:
            cap = "nothing may be paid" if self.most is None else f"{self.most} may be paid"
            raise BudgetError(
                f"an order to {self._name} costs up to {cost}, and {cap}; "
                f"allow it (--most '{cost}')"
            )


def order_of(
    programs: tuple[Program, ...], shots: int, tag: str, settings: Mapping[str, Any], *unique: Any
) -> Order:
    """Return an order whose key tells it from any with other shots, tag, settings or marks.

    Parameters
    ----------
    unique
        Marks, such as a time, that keep a provider from giving an older job for the same key.
    """
    parts = repr((shots, tag, sorted(settings.items()), unique))
    key = f"{tag}-{hashlib.sha256(parts.encode()).hexdigest()[:32]}"
    return Order(programs, shots, key=key, tag=tag, settings=settings)
