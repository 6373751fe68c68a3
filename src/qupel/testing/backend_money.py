"""Clauses of a backend's contract about estimates and bills."""

from __future__ import annotations

import math

from qupel.backends.clock import Clock
from qupel.backends.contract import Backend, Bills, Capabilities, Order, Result
from qupel.errors import InputError
from qupel.model.money import Money
from qupel.testing.backend_jobs import PATIENCE, ended
from qupel.testing.requiring import require

#: Seconds between two questions for a bill.
_PAUSE = 1.0


def check_estimate(
    backend: Backend, limits: Capabilities, order: Order, most: Money | None
) -> Money | None:
    """Check what an order is estimated to need; return the bound of its bill.

    Raises
    ------
    InputError
        If the order may cost more than ``most``.
    """
    told = backend.estimate(order)
    asked = order.shots * len(order.programs)
    require(told.shots == asked, f"{asked} shots are estimated as {told.shots}")
    require(told.qubits >= 1, f"an estimate of {told.qubits} qubits")
    for label in ("depth", "two_qubit_gates"):
        require(getattr(told, label) >= 0, f"an estimate whose {label} is {getattr(told, label)}")
    for label in ("run_seconds", "queue_seconds"):
        seconds = getattr(told, label)
        require(seconds is None or (math.isfinite(seconds) and seconds >= 0), f"{label}: {seconds}")
    if told.cost is None:
        require(
            not limits.currency,
            f"an estimate without a cost, which says that nothing is billed, from a backend that "
            f"bills in {limits.currency}",
        )
        return None
    require(told.cost.currency == limits.currency, "an estimate in another currency")
    require(told.cost.micros >= 0, "an estimate below nothing")
    if told.cost.micros and (most is None or not told.cost <= most):
        raise InputError(f"the suite's orders cost up to {told.cost}; give `most` to pay them")
    return told.cost


def check_bill(
    backend: Backend,
    job: str,
    result: Result,
    limits: Capabilities,
    bound: Money | None,
    clock: Clock,
) -> None:
    """A job that is over has one bill, within its estimate, unless the backend says it tells none.

    Parameters
    ----------
    bound
        Cost that the order's estimate told.
    """
    until = clock.monotonic() + PATIENCE
    owed = bool(limits.currency) and limits.bills is not Bills.UNTOLD
    told = ended(backend, job, clock).billed
    while told is None and result.billed is None and owed and clock.monotonic() < until:
        clock.sleep(_PAUSE)
        told = ended(backend, job, clock).billed
    require(
        told is None or result.billed is None or told == result.billed,
        f"two bills of one job: {told} in its status, {result.billed} in its result",
    )
    billed = result.billed if told is None else told
    require(
        billed is not None or not owed,
        f"the job is over and nobody tells its bill, which is to be {limits.bills}",
    )
    if billed is None:
        return
    require(
        billed.currency == limits.currency and billed.micros >= 0,
        f"a bill of {billed} from a backend that bills in {limits.currency or 'nothing'}",
    )
    require(
        bound is not None and billed <= bound,
        f"a bill of {billed} for an order whose cost was estimated as {bound} at most",
    )
