"""Bills and prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from qupel.backends.emulator.hooks import Answer, Bill, Call, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import scenario
from qupel.backends.emulator.scenarios.replies import on_reply, rewritten
from qupel.model.money import Money

Bills = tuple[Bill, ...]


@scenario
def bill_late() -> Hooks:
    """The bill comes a day after the job's end."""
    return _each(lambda bill: replace(bill, after=bill.after + 86_400, note="late"))


@scenario
def bill_twice() -> Hooks:
    """The job is billed twice."""

    def hook(bills: Bills, job: EmulatedJob, scene: Scene) -> Bills:
        again = (replace(bill, after=bill.after + 60, note="again") for bill in bills)
        return (*bills, *again)

    return Hooks(on_bill=hook)


@scenario
def bill_larger_than_quote() -> Hooks:
    """The bill is ten times the quote.

    https://github.com/amazon-braket/amazon-braket-sdk-python/issues/1043
    """
    return _scaled(10, "ten times the quote")


@scenario
def prices_change_after_quote() -> Hooks:
    """The price list changes between quote and bill: everything costs half as much again."""

    def dearer(bill: Bill) -> Bill:
        amount = Money(-(-bill.amount.micros * 3 // 2), bill.amount.currency)
        return replace(bill, amount=amount, note="new price list")

    return _each(dearer)


@scenario
def bill_of_zero() -> Hooks:
    """The bill is nothing.

    https://github.com/amazon-braket/amazon-braket-examples/issues/296
    """
    return _scaled(0, "nothing")


@scenario
def bill_in_other_currency() -> Hooks:
    """The bill is in another currency, amount unchanged."""

    def change(bill: Bill) -> Bill:
        other = "EUR" if bill.amount.currency != "EUR" else "USD"
        return replace(bill, amount=Money(bill.amount.micros, other), note="other currency")

    return _each(change)


@scenario
def bill_in_cents() -> Hooks:
    """The bill's number is cents where it says dollars: a hundred times too much."""
    return _scaled(100, "cents as dollars")


@scenario
def bill_refunded() -> Hooks:
    """The bill is paid back an hour later."""

    def hook(bills: Bills, job: EmulatedJob, scene: Scene) -> Bills:
        back = (
            replace(bill, after=bill.after + 3600, note="refunded", refund=True) for bill in bills
        )
        return (*bills, *back)

    return Hooks(on_bill=hook)


@scenario
def bill_raised_later() -> Hooks:
    """Two days after the bill the provider charges half as much again."""
    return _revised(Fraction(1, 2), refund=False)


@scenario
def bill_lowered_later() -> Hooks:
    """Two days after the bill the provider pays back a third of it."""
    return _revised(Fraction(1, 3), refund=True)


@scenario
def cancelled_job_billed() -> Hooks:
    """A cancelled job is billed in full."""
    return Hooks(on_bill=lambda bills, job, scene: bills or _full(job, "cancelled", scene))


@scenario
def failed_jobs_billed_at_random() -> Hooks:
    """Half of the failed jobs are billed in full, by no known rule.

    https://github.com/Qiskit/documentation/issues/1347
    """

    def hook(bills: Bills, job: EmulatedJob, scene: Scene) -> Bills:
        if bills or scene.rng.random() < 0.5:
            return bills
        return _full(job, "failed", scene)

    return Hooks(on_bill=hook)


@scenario
def failed_job_billed() -> Hooks:
    """A failed job is billed in full."""
    return Hooks(on_bill=lambda bills, job, scene: bills or _full(job, "failed", scene))


@scenario
def quote_missing() -> Hooks:
    """The quote names no price.

    https://github.com/microsoft/azure-quantum-python/issues/330
    """
    return _quoted(lambda document: None)


@scenario
def quote_in_cents() -> Hooks:
    """The quote's number is a hundredth of the bill's: units were mixed."""

    def hundredth(cost: Any) -> Any:
        if isinstance(cost, dict):
            return {**cost, "micros": cost["micros"] // 100}
        return None if cost is None else cost / 100

    return _quoted(hundredth)


def _each(change: Callable[[Bill], Bill]) -> Hooks:
    return Hooks(on_bill=lambda bills, job, scene: tuple(change(bill) for bill in bills))


def _scaled(factor: int, note: str) -> Hooks:
    return _each(lambda bill: replace(bill, amount=bill.amount * factor, note=note))


def _revised(share: Fraction, *, refund: bool) -> Hooks:
    """A share of every bill, charged or paid back two days later."""

    def hook(bills: Bills, job: EmulatedJob, scene: Scene) -> Bills:
        later = (
            replace(
                bill,
                amount=Money(int(bill.amount.micros * share), bill.amount.currency),
                after=bill.after + 2 * 86_400,
                note="revised",
                refund=refund,
            )
            for bill in bills
        )
        return (*bills, *later)

    return Hooks(on_bill=hook)


def _full(job: EmulatedJob, ended: str, scene: Scene) -> Bills:
    """Full price of a job that ended so."""
    over = job.ended()
    if over is None or str(job.state(over)) != ended:
        return ()
    return (Bill(scene.provider.quote(job.submission), note=f"{ended} and billed"),)


def _quoted(change: Callable[[Any], Any]) -> Hooks:
    """Hooks that change the price in a quote, under the name that the protocol has for it."""

    def edit(document: dict[str, Any]) -> None:
        name = "cost" if "cost" in document else "estimated_cost"
        document[name] = change(document[name])

    def spoil(call: Call, answer: Answer, scene: Scene) -> Answer:
        return rewritten(answer, edit)

    return on_reply("quote", spoil)
