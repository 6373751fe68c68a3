from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qupel.backends import Estimate, JobStatus, ManualClock, Order, Result, State
from qupel.backends.checks.direct import Direct, order_of
from qupel.errors import BudgetError, ResultError, TransientError
from qupel.model import Circuit
from qupel.model.money import Money
from tests.backends.faulty import Changed

ORDER = order_of((Circuit(1).x(0),), 10, "tag", {"seed": 1})


class Slow(Changed):
    """A device whose job goes through given states, the last for ever."""

    def __init__(self, *states: State | Exception, price: Money | None = None) -> None:
        super().__init__(lambda _, result: result)
        self.states = list(states)
        self.price = price
        self.cancelled: list[str] = []

    def status(self, job: str) -> JobStatus:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return JobStatus(state, why="out of helium")

    def estimate(self, order: Order) -> Estimate:
        return replace(self.inner.estimate(order), cost=self.price)

    def cancel(self, job: str) -> None:
        self.cancelled.append(job)


def run(backend: Any, **settings: Any) -> Result:
    return Direct(backend, clock=ManualClock(), **settings)(ORDER)


def test_it_waits_until_the_job_is_done() -> None:
    backend = Slow(State.QUEUED, State.RUNNING, TransientError("busy"), State.UNKNOWN, State.DONE)
    assert run(backend).readings[0].shots == 10
    assert backend.submitted == 1


def test_a_failed_job_tells_the_providers_reason() -> None:
    with pytest.raises(ResultError, match="failed; out of helium"):
        run(Slow(State.QUEUED, State.FAILED))


def test_a_job_that_never_ends_is_cancelled() -> None:
    backend = Slow(State.RUNNING)
    with pytest.raises(TransientError, match="gave no result in 60 s and was cancelled"):
        run(backend, patience=60.0)
    assert len(backend.cancelled) == 1


@pytest.mark.parametrize("most", [None, Money.of("0.99")])
def test_what_costs_more_than_the_cap_is_not_submitted(most: Money | None) -> None:
    backend = Slow(State.DONE, price=Money.of(1))
    with pytest.raises(BudgetError, match=r"costs up to 1\.00 USD"):
        run(backend, most=most)
    assert backend.submitted == 0


def test_a_price_within_the_cap_is_paid() -> None:
    assert run(Slow(State.DONE, price=Money.of(1)), most=Money.of(1)).readings


def test_orders_of_other_marks_have_other_keys() -> None:
    keys = {order_of(ORDER.programs, 10, "tag", {}, mark).key for mark in (0, 1, "a")}
    assert len(keys) == 3
    assert order_of(ORDER.programs, 10, "tag", {}, 0).key in keys
