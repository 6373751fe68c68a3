"""A provider with a money ledger of its own, and faults that a test names.

Only what this provider has billed decides whether something was paid twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from qupel.backends.clock import Clock, ManualClock
from qupel.backends.contract import (
    Bills,
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Reading,
    Result,
    State,
    Times,
)
from qupel.errors import RefusedError, TransientError, UnknownOutcomeError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.ledger.checks import width_of


@dataclass(slots=True)
class Accepted:
    """A job at the provider."""

    name: str
    key: str
    tag: str
    at: float
    price: int
    listed: float
    cancelled: float | None = None


@dataclass(slots=True)
class Fake:
    """Accepts orders; tests put faults into `faults`, one a call, the first for the next."""

    clock: Clock = field(default_factory=ManualClock)
    lookup: Lookup = Lookup.KEY
    settle: float | None = 30.0
    price: int = 1_000_000
    queue: float = 0.0
    run: float = 0.0
    lag: float = 0.0
    currency: str = "USD"
    bills: Bills = Bills.TOLD
    cancels: bool = True
    evidence: Evidence = Evidence.EMULATOR
    provider: str = "fake"
    device: str = "one"
    jobs: dict[str, Accepted] = field(default_factory=dict)
    faults: dict[str, list[object]] = field(default_factory=dict)
    words: dict[str, list[JobStatus]] = field(default_factory=dict)
    said: list[JobStatus] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    late: list[tuple[float, Order]] = field(default_factory=list)
    dead: bool = False
    spoil: Callable[[Result], Result] | None = None

    def capabilities(self) -> Capabilities:
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=30,
            max_shots=10**6,
            max_programs=100,
            lookup=self.lookup,
            settle_seconds=self.settle,
            cancels=self.cancels,
            evidence=self.evidence,
            currency=self.currency,
            bills=self.bills,
        )

    def estimate(self, order: Order) -> Estimate:
        cost = Money(self.price, self.currency) if self.currency else None
        return Estimate(2, 1, 0, order.shots * len(order.programs), self.run, self.queue, cost)

    def submit(self, order: Order) -> str:
        fault = self._called("submit")
        if fault == "late":
            self.late.append((self.clock.now() + 20.0, order))
            raise UnknownOutcomeError("timed out; it arrives later")
        if isinstance(fault, TransientError | RefusedError):
            raise fault
        name = self._accept(order)
        if fault is not None:
            raise fault if isinstance(fault, Exception) else UnknownOutcomeError("reply lost")
        return name

    def find(self, order: Order) -> list[str]:
        self._raise("find")
        now = self.clock.now()
        return [
            job.name
            for job in self.jobs.values()
            if (job.tag == order.tag or job.key == order.key) and job.listed <= now
        ]

    def listed(self, prefix: str) -> Iterator[tuple[str, str]]:
        self._raise("listed")
        now = self.clock.now()
        for job in self.jobs.values():
            if job.tag.startswith(prefix) and job.listed <= now:
                yield job.name, job.tag

    def status(self, job: str) -> JobStatus:
        self._raise("status")
        if self.said:
            return self.said.pop()
        said = self.words.get(job) or self.words.get("*")
        if said:
            return said.pop(0) if len(said) > 1 else said[0]
        known = self.jobs[job]
        started, now = known.at + self.queue, self.clock.now()
        times = Times(known.at, known.at, started, started + self.run)
        if known.cancelled is not None and known.cancelled < started:
            return JobStatus(State.CANCELLED, "cancelled", billed=self._bill(0))
        if now < started:
            return JobStatus(State.QUEUED, "queued", times=Times(known.at, known.at))
        if now < started + self.run:
            return JobStatus(State.RUNNING, "running", times=Times(known.at, known.at, started))
        return JobStatus(State.DONE, "done", times=times, billed=self._bill(known.price))

    def result(self, job: str, order: Order) -> Result:
        self._raise("result")
        known = self.jobs[job]
        readings = []
        for program in order.programs:
            bits = np.zeros((2, width_of(program)), np.uint8)
            bits[1, :] = 1
            half = order.shots // 2
            readings.append(Reading(bits, np.array([order.shots - half, half])))
        started = known.at + self.queue
        result = Result(
            tuple(readings),
            job,
            self.device,
            self.evidence,
            Times(known.at, known.at, started, started + self.run),
            self._bill(known.price),
        )
        return self.spoil(result) if self.spoil else result

    def cancel(self, job: str) -> None:
        self._raise("cancel")
        known = self.jobs[job]
        if known.cancelled is None:
            known.cancelled = self.clock.now()

    def arrivals(self) -> None:
        """Let requests arrive that were on the way until now."""
        for at, order in list(self.late):
            if at <= self.clock.now():
                self.late.remove((at, order))
                self._accept(order, at)

    def paid_twice(self) -> int:
        """Jobs billed beyond the first for one of our jobs."""
        ours = Counter(
            job.key.rpartition("-")[0] for job in self.jobs.values() if job.cancelled is None
        )
        return sum(count - 1 for count in ours.values())

    def _accept(self, order: Order, at: float | None = None) -> str:
        if self.lookup is Lookup.KEY:
            for job in self.jobs.values():
                if job.key == order.key:
                    return job.name
        name, now = f"p{len(self.jobs) + 1}", self.clock.now() if at is None else at
        self.jobs[name] = Accepted(name, order.key, order.tag, now, self.price, now + self.lag)
        return name

    def _bill(self, micros: int) -> Money | None:
        return Money(micros, self.currency) if self.currency else None

    def _called(self, what: str) -> object:
        self.calls[what] += 1
        self.arrivals()
        if self.dead:
            raise TransientError("connection refused")
        faults = self.faults.get(what)
        return faults.pop(0) if faults else None

    def _raise(self, what: str) -> None:
        fault = self._called(what)
        if isinstance(fault, BaseException):
            raise fault
