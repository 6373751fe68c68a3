"""Providers that misbehave: this machine's simulator behind a fault that a test names."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from qupel.backends import local
from qupel.backends.contract import (
    Backend,
    Capabilities,
    Estimate,
    JobStatus,
    Order,
    Result,
    State,
)
from qupel.errors import RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.evidence import Evidence
from qupel.model.money import Money

#: The hosted solver by its place, so that no entry point need be installed.
HOSTED = "qupel.solvers.quantum.hosted:HostedQaoa"

_numbers = itertools.count()


@dataclass(slots=True)
class Rogue:
    """A provider of its own name, so that breakers of two tests never meet.

    ``misdeed`` is one of ``none``, ``queue``, ``slow``, ``flaky``, ``malformed``, ``dead``,
    ``lying``, ``silent``, ``refusing``, ``odd``, ``broken``, ``lost reply``, ``hung``,
    ``unreachable``, ``untold``.
    """

    misdeed: str = "none"
    evidence: Evidence = Evidence.EMULATOR
    price: Money = field(default_factory=lambda: Money.of("0.10"))
    spoil: Callable[[Result], Result] | None = None
    machine: Backend = field(default_factory=lambda: local.open("statevector"))
    provider: str = field(default_factory=lambda: f"rogue{next(_numbers)}")
    device: str = "one"
    accepted: list[str] = field(default_factory=list)
    calls: int = 0
    asked: int = 0

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.device}"

    def capabilities(self) -> Capabilities:
        self.asked += 1
        if self.misdeed == "unreachable":
            raise TransientError("nothing was sent: ConnectError")
        able = self.machine.capabilities()
        return replace(able, evidence=self.evidence, currency="USD", region="here", profile="")

    def estimate(self, order: Order) -> Estimate:
        return replace(self.machine.estimate(order), cost=self.price)

    def submit(self, order: Order) -> str:
        self.calls += 1
        match self.misdeed:
            case "slow":
                time.sleep(3)
            case "flaky" if self.calls % 2:
                raise TransientError("try again", wait=0.05)
            case "dead":
                raise TransientError("nobody answers")
            case "refusing":
                raise RefusedError("no more orders from you")
            case "broken":
                raise KeyError("a surprise")
            case "lost reply":
                self.accepted.append(order.key)
                raise UnknownOutcomeError("no whole reply came")
        self.accepted.append(order.key)
        return self.machine.submit(order)

    def find(self, order: Order) -> list[str]:
        return self.machine.find(order)

    def status(self, job: str) -> JobStatus:
        match self.misdeed:
            case "queue":
                return JobStatus(State.QUEUED, "waiting")
            case "silent":
                raise TransientError("nobody answers")
            case "odd":
                return JobStatus(State.UNKNOWN, "CANCELLED - RAN TOO LONG")
            case "hung":
                time.sleep(3)
        billed = None if self.misdeed == "untold" else self.price
        return replace(self.machine.status(job), billed=billed)

    def result(self, job: str, order: Order) -> Result:
        result = replace(self.machine.result(job, order), evidence=self.evidence)
        if self.misdeed == "malformed":
            raise ResultError("the result is no JSON")
        if self.misdeed == "lying":
            [reading] = result.readings
            lies = replace(reading, bits=np.zeros_like(reading.bits))
            result = replace(result, readings=(lies,))
        if self.misdeed == "untold":
            result = replace(result, billed=None)
        return result if self.spoil is None else self.spoil(result)

    def cancel(self, job: str) -> None:
        return None
