"""Clearance: what is asked of an order before it is planned, whoever places it, route or stage.

One way for all, so that neither is a way round the other's gates. The ledger asks further
questions as it pays: caps of accounts, breakers, a simulator before hardware.
"""

from __future__ import annotations

from collections.abc import Collection

from qupel.backends.checks.locks import Lock
from qupel.backends.contract import Backend, Capabilities, Estimate, Order
from qupel.errors import BudgetError, RefusedError, TransientError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.meeting import HeldBackError

#: Provider of the simulators of this machine: free, and read without a wire in between.
HERE = "local"
#: Seconds that another's call to a device that is not proven is waited for.
PATIENCE = 1.0
#: Tier of a device that no profile tells of, by what kind of machine it is; else the dearest one.
_TIERS = {
    Evidence.EXACT: "cloud simulator",
    Evidence.NOISELESS: "cloud simulator",
    Evidence.NOISY: "cloud simulator",
    Evidence.EMULATOR: "cloud simulator",
}


def check_breaker(ledger: Ledger, backend: Backend) -> None:
    """Refuse while calls to a device are held back: for those who cannot wait until they are not.

    Once in an interval an open breaker lets one through, whose order then shows whether the
    device is back.

    Raises
    ------
    TransientError
        If the breaker is open or frozen.
    """
    if why := why_held(ledger, f"{backend.provider}:{backend.device}"):
        raise TransientError(why)


def why_held(ledger: Ledger, name: str) -> str:
    """Why calls to the device ``provider:device`` are held back; empty if they are not."""
    provider, _, device = name.partition(":")
    breaker = ledger.breaker(provider, device)
    if breaker.frozen:
        return f"{name} is frozen: {breaker.frozen}"
    if breaker.is_open and breaker.probe > ledger.clock.now():
        return f"the breaker of {name} is open after {breaker.failures} failures"
    return ""


def clear(
    ledger: Ledger,
    backend: Backend,
    order: Order,
    *,
    lock: Lock | None,
    most: Money | None,
    tier: str,
    runs: int,
    approved_by: Collection[str],
) -> Estimate:
    """Refuse an order that must not be placed, with the reason; else return its estimate.

    Orders to this machine's own simulators need only fit.

    Parameters
    ----------
    ledger
        Counts it as a failure of the device if nobody answers.
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.
    most
        What it may cost at most; None for no cap but those of accounts and tier.
    tier
        That was selected; the device's own is its profile's, else that of machines of its kind.
    runs
        Orders of this kind so far.
    approved_by
        Who approved them.

    Raises
    ------
    InputError
        If the adapter is locked until its canary passes.
    RefusedError
        If the order can never fit the device, or the tier forbids it.
    BudgetError
        If it may cost more than it may at most.
    TransientError
        If the breaker holds calls back, or nobody answers now.
    """
    if backend.provider == HERE:
        return backend.estimate(order)
    if lock is not None:
        lock.check(backend)
    able = _met(ledger, backend)
    estimate = backend.estimate(order)
    if most is not None and estimate.cost is not None and estimate.cost > most:
        raise BudgetError(f"the order may cost {estimate.cost}, and one decision at most {most}")
    refusals = _tier_objections(tier, able, estimate, runs, approved_by)
    if refusals:
        raise RefusedError("; ".join(refusals))
    return estimate


def _met(ledger: Ledger, backend: Backend) -> Capabilities:
    """What a device can do; another's first call to it is waited for, shortly."""
    until = ledger.clock.monotonic() + PATIENCE
    while True:
        try:
            return ledger.meet(backend)
        except HeldBackError as error:
            wait = error.wait or 0.0
            if ledger.clock.monotonic() + wait > until:
                raise
            ledger.clock.sleep(wait)


def _tier_objections(
    tier: str, able: Capabilities, estimate: Estimate, runs: int, approved_by: Collection[str]
) -> list[str]:
    """Why a tier forbids an order; none if it may go out."""
    from qupel.backends.catalogue.listing import profile_named
    from qupel.backends.catalogue.tiers import tiers

    known = tiers()
    if able.profile:
        its = profile_named(able.profile).tier
    else:
        its = _TIERS.get(able.evidence, known.tiers[-1].name)
    return known.check(tier, its, estimate, runs=runs, approved_by=approved_by)
