"""Backends that are wrong in one way each, and what the suite says of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from qupel.backends import (
    Annealing,
    Backend,
    Estimate,
    ManualClock,
    Order,
    Program,
    Reading,
    Result,
)
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.contract import Capabilities, JobStatus, State, Times
from qupel.backends.emulator import Provider, Terms, direct
from qupel.errors import RefusedError, RunError
from qupel.model import Circuit, Ising
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.testing import ConformanceError, check_backend
from tests.backends.faulty import Before, Change, Changed, each

CENT = Money.of("0.01")


class Translated(Before):
    """Every gate is another one."""

    def __init__(self, gate: Callable[[Gate], list[Gate]]) -> None:
        super().__init__()
        self.gate = gate

    def changed(self, program: Program) -> Program:
        if isinstance(program, Annealing):
            return program
        gates = [new for gate in program.gates for new in self.gate(gate)]
        return Circuit(program.qubits, gates, program.measured)


def turned(factor: float, gate: Gate) -> list[Gate]:
    angles = tuple(factor * float(angle) for angle in gate.angles)  # type: ignore[arg-type]
    return [Gate(gate.name, gate.qubits, angles)]


def flipped(gate: Gate) -> list[Gate]:
    return [Gate(gate.name, gate.qubits[::-1], gate.angles)]


def single(gate: Gate) -> list[Gate]:
    return [gate] if len(gate.qubits) == 1 else []


class Formed(Before):
    """Every form is another one, and no energies are claimed."""

    def __init__(self, fields: float, couplings: float) -> None:
        super().__init__("annealer")
        self.factors = fields, couplings

    def changed(self, program: Program) -> Program:
        if isinstance(program, Circuit):
            return program
        fields, couplings = self.factors
        form = program.form
        return Annealing(
            Ising(fields * form.fields, sparse.csr_array(couplings * form.couplings), form.offset)
        )

    def result(self, job: str, order: Order) -> Result:
        return each(lambda one: replace(one, energies=None))(order, super().result(job, order))


def likeliest(reading: Reading) -> Reading:
    best = int(np.argmax(reading.occurrences))
    return Reading(reading.bits[best : best + 1], np.array([reading.shots], np.int64))


class Told(Changed):
    """What is told of jobs and money is changed."""

    def __init__(
        self,
        *,
        change: Change = lambda _, result: result,
        estimate: dict[str, Any] | None = None,
        status: dict[str, Any] | None = None,
        currency: str = "",
    ) -> None:
        super().__init__(change)
        self.told, self.stands, self.currency = estimate or {}, status or {}, currency

    def capabilities(self) -> Capabilities:
        return replace(self.inner.capabilities(), currency=self.currency)

    def estimate(self, order: Order) -> Estimate:
        return replace(self.inner.estimate(order), **self.told)

    def status(self, job: str) -> JobStatus:
        return replace(self.inner.status(job), **self.stands)


def facts(_: Order, result: Result) -> Result:
    return replace(result, facts={"x": object()})


def elsewhere(_: Order, result: Result) -> Result:
    return replace(result, device="another-machine")


class Nobody(Told):
    """Of jobs that are not there it says what it is told to."""

    def __init__(self, answer: Callable[[str], JobStatus]) -> None:
        super().__init__()
        self.answer = answer

    def status(self, job: str) -> JobStatus:
        found = self.inner.status(job)
        return self.answer(job) if found.state is State.UNKNOWN else found


def lost(job: str) -> JobStatus:
    raise KeyError(job)


class CancelsNobody(Told):
    def cancel(self, job: str) -> None:
        if self.inner.status(job).state is State.UNKNOWN:
            raise KeyError(job)


class FindsNothing(Told):
    def find(self, order: Order) -> list[str]:
        raise KeyError(order.tag)


class FirstOfKey(Told):
    """A known key gives its job, whatever is ordered."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, str] = {}

    def submit(self, order: Order) -> str:
        if order.key not in self.jobs:
            self.jobs[order.key] = self.inner.submit(order)
        return self.jobs[order.key]


class Writing(Told):
    def submit(self, order: Order) -> str:
        order.settings["noise"] = 1  # type: ignore[index]
        return self.inner.submit(replace(order, settings={}))


class Raising(Told):
    def capabilities(self) -> Capabilities:
        raise OSError("no such file")


def dear(**told: Any) -> Told:
    return Told(currency="USD", **{"estimate": {"cost": CENT}, **told})


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "exchanged": (partial(Translated, flipped), "a gate does something else than its name says"),
    "degrees": (partial(Translated, partial(turned, 180 / math.pi)), "a gate does something else"),
    "radians": (partial(Translated, partial(turned, math.pi / 180)), "a gate does something else"),
    "dropped": (partial(Translated, single), "a gate does something else than its name says"),
    "negated couplings": (partial(Formed, 1, -1), "fields or couplings act otherwise"),
    "dropped couplings": (partial(Formed, 1, 0), "fields or couplings act otherwise"),
    "negated fields": (partial(Formed, -1, 1), "zeros and ones are exchanged"),
    "one outcome": (partial(Changed, each(likeliest)), "in a share of 0.2 gave it in 0 of 100"),
    "dear bill": (partial(dear, status={"billed": Money.of(5)}), "a bill of 5.00 USD for an order"),
    "two bills": (
        partial(dear, status={"billed": CENT}, change=lambda _, r: replace(r, billed=Money.of(0))),
        "two bills of one job",
    ),
    "no cost": (partial(dear, estimate={"cost": None}), "an estimate without a cost"),
    "gates": (partial(Told, estimate={"two_qubit_gates": -5}), "two_qubit_gates is -5"),
    "not a number": (partial(Told, status={"times": Times(math.nan)}), "time 'created' is nan"),
    "not even": (partial(Told, status={"times": Times(finished="x")}), "time 'finished' is 'x'"),  # type: ignore[arg-type]
    "backwards": (
        partial(Told, status={"times": Times(created=9.0, running=5.0)}),
        "times run backwards: created at 9.0, running at 5.0",
    ),
    "done nobody": (
        partial(Nobody, lambda _: JobStatus(State.DONE)),
        "status of a job that is not there is to be unknown",
    ),
    "lost nobody": (partial(Nobody, lost), "status of a job that is not there is to be unknown"),
    "cancels nobody": (CancelsNobody, "cancelling a job that is not there raised KeyError"),
    "finds nothing": (FindsNothing, "find.. of an order with a job gave KeyError"),
    "first of key": (FirstOfKey, "another order under a known key gave the first order's job"),
    "facts": (partial(Told, change=facts), "facts that JSON cannot hold"),
    "elsewhere": (partial(Told, change=elsewhere), "'another-machine' from device 'statevector'"),
    "settings": (Writing, "changed the order's settings to {'noise': 1}"),
    "foreign error": (Raising, "OSError came out, which is none of Qupel's errors"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_backend_that_is_wrong_in_one_way_is_told_which(name: str) -> None:
    make, said = BAD[name]
    with pytest.raises(ConformanceError, match=said):
        check_backend(make(), clock=ManualClock(), sizes=(1, 2), most=Money.of(1000))


def test_one_submission_makes_one_job() -> None:
    class Twice(Neutral):
        def submit(self, order: Order) -> str:
            Neutral.submit(self, replace(order, key=f"{order.key}-again"))
            return Neutral.submit(self, order)

    clock = ManualClock()
    provider = Provider(Terms(keys=False, listing_lag=60.0), clock)
    backend: Backend = Twice("ideal", direct(provider), lag_seconds=60.0)
    with pytest.raises(ConformanceError, match="one submission made 2 jobs"):
        check_backend(backend, clock=clock, sizes=(1, 2), most=Money.of(1000))


def test_a_key_may_give_another_order_a_job_of_its_own_or_an_error() -> None:
    class Refusing(FirstOfKey):
        def submit(self, order: Order) -> str:
            if order.key in self.jobs and self.jobs[order.key] != self.inner._job(order):
                raise RunError("the key is taken")
            return super().submit(order)

    check_backend(Refusing(), clock=ManualClock(), sizes=(1, 2))


def test_a_device_of_few_gates_keeps_the_contract() -> None:
    class Few(Told):
        def estimate(self, order: Order) -> Estimate:
            for program in order.programs:
                if isinstance(program, Circuit) and program.counts().keys() - {"x", "ry", "cx"}:
                    raise RefusedError("it has x, ry and cx")
            return self.inner.estimate(order)

    check_backend(Few(), clock=ManualClock(), sizes=(1, 2))
