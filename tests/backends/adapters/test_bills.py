"""Where bills come from: told, computed from use, or the bound; whichever, no money stays held."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters.azure import Azure
from qupel.backends.adapters.braket import Braket
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.dwave import Dwave
from qupel.backends.adapters.dwave_sapi import Sapi
from qupel.backends.adapters.ibm import Ibm
from qupel.backends.adapters.ibm_service import Service
from qupel.backends.adapters.ionq import Ionq
from qupel.backends.adapters.ionq_formats import money_of, price_of
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.catalogue.prices import Free, PerGateShot, PriceModel, Unpublished
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Annealing, Backend, Bills, Order, Program, State
from qupel.backends.emulator import Provider, Terms, direct
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import BudgetError, InputError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Job, JobState, Ledger
from tests.backends.adapters.clouds import FakeAzure, FakeBraket, FakeIbm, FakeSapi

BELL = Circuit(2).h(0).cx(0, 1)
FIELDS = Annealing(Ising([-1.0, 2.0], np.zeros((2, 2))))
ADVANTAGE, AZURE = "Advantage_system4.1", "quantinuum.qpu.h2-1"


def neutral(clock: ManualClock) -> Neutral:
    return Neutral("ideal", direct(Provider(Terms(), clock)))


def ionq(clock: ManualClock) -> Ionq:
    name = "qpu.forte-1"
    transport = direct(Provider(Terms(), clock), prefix="/v0.4")
    return Ionq(name, transport, profile_behind("ionq", name))


def azure(_: ManualClock) -> Azure:
    cloud = FakeAzure()
    return Azure(AZURE, cloud, "/workspaces/w", cloud.storage, profile_behind("azure", AZURE))


def ibm(_: ManualClock) -> Ibm:
    return Ibm("ibm_fez", Service(FakeIbm(), "ibm_fez"), profile_behind("ibm", "ibm_fez"))


def garnet(_: ManualClock) -> Braket:
    return Braket("iqm-garnet", FakeBraket(), profile_behind("braket", "iqm-garnet"))


def sv1(_: ManualClock) -> Braket:
    return Braket("sv1", FakeBraket(seconds=4.5), profile_behind("braket", "sv1"))


def unpriced(_: ManualClock) -> Braket:
    profile = replace(profile_behind("braket", "iqm-garnet"), price=Unpublished())
    return Braket("iqm-garnet", FakeBraket(), profile)


def dwave(_: ManualClock) -> Dwave:
    return Dwave(ADVANTAGE, Sapi(FakeSapi(), ADVANTAGE), profile_behind("dwave", ADVANTAGE))


#: Backend, where its bills come from, and the bill of 20 shots, as far as it is known beforehand.
PROVIDERS: dict[str, tuple[Callable[[ManualClock], Any], Bills, Money | None]] = {
    "neutral": (neutral, Bills.TOLD, None),
    "ionq": (ionq, Bills.TOLD, None),
    "azure": (azure, Bills.TOLD, Money.of("1.25")),
    "ibm": (ibm, Bills.COMPUTED, Money.of("3.20")),  # 2 s at 1.60
    "braket shots": (garnet, Bills.COMPUTED, Money.of("0.329")),  # 0.30 + 20 x 0.00145
    "braket seconds": (sv1, Bills.COMPUTED, Money.of("0.005625")),  # 4.5 s at 0.00125
    "braket unpriced": (unpriced, Bills.UNTOLD, Money.of(2)),  # the bound
    "dwave": (dwave, Bills.COMPUTED, Money.of("0.000686")),  # 1,234 us at 0.5556, rounded up
}


class Below:
    """A transport that tells bills below zero."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    def send(self, request: Request) -> Reply:
        reply = self.inner.send(request)
        document = json.loads(reply.body)
        if "billed" not in document:
            return reply
        document["billed"] = {"micros": -5, "currency": "USD"}
        return Reply(reply.status, json.dumps(document).encode())


def ordered(backend: Backend, key: str) -> Order:
    program: Program = FIELDS if isinstance(backend, Dwave) else BELL
    return Order((program,), 20, key, key)


def ended(ledger: Ledger, backend: Backend, job: Job, clock: ManualClock) -> Job:
    for _ in range(200):
        progress = ledger.advance(job.id, backend)
        if progress.wait is None:
            return progress.job
        clock.advance(progress.wait)
    raise AssertionError(f"{job.id} did not end: {progress}")


def bound_of(backend: Backend) -> Money:
    try:
        bound = backend.estimate(ordered(backend, "any")).cost
    except InputError:  # no price is published, and a person names the bound
        return Money.of(2)
    assert bound is not None
    return bound


@pytest.mark.parametrize("name", PROVIDERS)
def test_five_jobs_under_a_cap_are_settled_and_the_sixth_fits(tmp_path: Path, name: str) -> None:
    opened, bills, usual = PROVIDERS[name]
    clock = ManualClock()
    backend = opened(clock)
    bound = bound_of(backend)
    assert backend.capabilities().bills is bills
    where = f"{backend.provider}:{backend.device}"
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)

        def plan(key: str) -> Job:
            order = ordered(backend, key)
            return ledger.plan(order, backend=where, accounts=["team:a"], bound=bound)

        first = ended(ledger, backend, plan("1"), clock)
        assert first.billed is not None
        assert usual in (None, first.billed)
        cap = Money(5 * first.billed.micros + bound.micros, bound.currency)
        ledger.set_budget("team:a", money=cap)
        others = [ended(ledger, backend, plan(key), clock) for key in "2345"]
        for job in (first, *others):
            assert (job.state, job.settled, job.billed) == (JobState.DONE, True, first.billed)
        account = ledger.account("team:a")
        assert (account.held.money, account.spent.money) == (0, 5 * first.billed.micros)
        plan("6")
        with pytest.raises(BudgetError):
            plan("7")
        kinds = {"told": "", "computed": "computed", "not told": "bound"}
        sources = {e.detail["source"] for e in ledger.events() if e.kind == "settled"}
        assert sources == {kinds[bills]}


def test_what_was_used_and_is_never_told_is_booked_as_the_bound_after_a_day(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    backend = Braket("sv1", FakeBraket(seconds=None), profile_behind("braket", "sv1"))
    bound = bound_of(backend)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        order = ordered(backend, "1")
        job = ledger.plan(order, backend="braket:sv1", accounts=["team:a"], bound=bound)
        job = ended(ledger, backend, job, clock)
        begin = clock.now()
        while not job.settled:
            clock.advance(600.0)
            job = ledger.advance(job.id, backend).job
        assert (job.state, job.settled, job.billed) == (JobState.DONE, True, bound)
        assert 0 <= clock.now() - begin - 86_400 <= 3_600
        [event] = [event for event in ledger.events() if event.kind == "settled"]
        assert event.detail["source"] == "bound"


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_tasks_that_amazon_did_not_complete_cost_nothing(state: State) -> None:
    held = Braket("iqm-garnet", FakeBraket(word=state), profile_behind("braket", "iqm-garnet"))
    job = held.submit(ordered(held, "key"))
    assert held.status(job).billed == Money(0)


def test_a_task_s_bill_is_by_the_shots_that_amazon_tells() -> None:
    held = garnet(ManualClock())
    job = held.submit(Order((BELL,), 1000, "key", "tag"))
    assert held.status(job).billed == Money.of("1.75")
    assert isinstance(held.line, FakeBraket)
    held.line.word = State.RUNNING
    assert held.status(job).billed is None


@pytest.mark.parametrize("told", [-1, "4500", None, 10**9, [], {}])
def test_seconds_that_cannot_be_give_no_bill(told: Any) -> None:
    held = sv1(ManualClock())
    job = held.submit(ordered(held, "key"))

    class Odd(FakeBraket):
        def fetch(self, job: str, tag: str) -> bytes:
            document = json.loads(super().fetch(job, tag))
            document["additionalMetadata"]["simulatorMetadata"] = {"executionDuration": told}
            return json.dumps(document).encode()

    assert isinstance(held.line, FakeBraket)
    held.line = Odd(tasks=held.line.tasks)
    assert held.result(job, ordered(held, "key")).billed is None


@pytest.mark.parametrize(
    ("timing", "bill"),
    [
        ({"qpu_access_time": 20_000}, Money.of("0.011112")),
        ({"qpu_access_time": 0.25}, Money(1)),
        ({"qpu_access_time": -1}, None),
        ({"qpu_access_time": "1"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_problem_s_bill_is_by_the_access_time_where_the_status_tells_it(
    timing: Any, bill: Money | None
) -> None:
    held = dwave(ManualClock())
    job = held.submit(ordered(held, "key"))
    told = {"id": job, "status": "COMPLETED", "answer": {"timing": timing}}
    assert isinstance(held.line, Sapi)
    assert isinstance(held.line.transport, FakeSapi)
    held.line.transport.faults = [(f"GET /problems/{job}", json.dumps(told).encode())]
    assert held.status(job).billed == bill


@pytest.mark.parametrize(
    ("word", "bill"), [("CANCELLED", Money(0)), ("FAILED", None), ("PENDING", None)]
)
def test_a_problem_that_was_cancelled_used_no_time(word: str, bill: Money | None) -> None:
    name = ADVANTAGE
    held = Dwave(name, Sapi(FakeSapi(status=word), name), profile_behind("dwave", name))
    assert held.status(held.submit(ordered(held, "key"))).billed == bill


@pytest.mark.parametrize(
    ("price", "currency", "bills"),
    [
        (Free(), "", Bills.UNTOLD),
        (Unpublished(), "USD", Bills.UNTOLD),
        (PerGateShot(Decimal(1), Decimal(1), currency="EUR"), "EUR", Bills.UNTOLD),
    ],
)
def test_prices_that_use_does_not_tell_are_declared(
    price: PriceModel, currency: str, bills: Bills
) -> None:
    for held in (garnet(ManualClock()), ibm(ManualClock()), dwave(ManualClock())):
        assert held.profile is not None
        held.profile = replace(held.profile, price=price)
        able = held.capabilities()
        assert (able.currency, able.bills) == (currency, bills)


def test_bills_below_zero_are_told_as_they_are_at_ionq_and_azure() -> None:
    assert money_of(-0.5, "usd") == Money(-500_000)
    assert price_of({"estimated_cost": -0.5, "cost_unit": "usd"}, 1) is None
    held = azure(ManualClock())
    job = held.submit(ordered(held, "key"))
    cost = {"currencyCode": "USD", "estimatedTotal": -1.5}
    told = {"id": job, "status": "Succeeded", "costEstimate": cost}
    assert isinstance(held.transport, FakeAzure)
    held.transport.faults = [("GET .*/jobs/", json.dumps(told).encode())]
    assert held.status(job).billed == Money(-1_500_000)


def test_a_bill_below_zero_is_left_to_people_with_an_alarm(tmp_path: Path) -> None:
    clock = ManualClock()
    backend = neutral(clock)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        order, bound = ordered(backend, "1"), Money.of(2)
        job = ledger.plan(order, backend="emulator:ideal", accounts=["team:a"], bound=bound)
        backend.transport = Below(backend.transport)
        job = ended(ledger, backend, job, clock)
        assert (job.state, job.settled) == (JobState.DONE, False)
        assert ledger.account("team:a").held.money == bound.micros
        assert "bill below zero" in [event.kind for event in ledger.events(alarms=True)]
