"""The machine at hand as a provider: ``local:statevector``, ``local:annealer`` and noisy devices.

A noisy device, ``local:noisy-<profile>``, has the errors that a profile of the catalogue tells;
``local:modelled-<profile>`` has its gates and couplings as well, and compiles what it is given.

Nothing is billed, nothing waits, nothing leaves the process. A job is known by its order alone:
whoever holds the order can fetch the result, in this process or, after a crash, in another, and it
is the same byte for byte. So `Local.submit` runs nothing; `Local.result` does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import (
    Annealing,
    Backend,
    Capabilities,
    Estimate,
    JobStatus,
    Lookup,
    Order,
    Program,
    Result,
    State,
    Times,
)
from qupel.backends.machines import Annealer, Ideal, Machine, Noisy
from qupel.errors import InputError, RefusedError, ResultError, unknown_name
from qupel.model.circuit import Circuit

PROVIDER = "local"
#: Devices beside one noisy device for every profile of the catalogue.
DEVICES = ("statevector", "annealer")
NOISY, MODELLED = "noisy-", "modelled-"
MAX_SHOTS, MAX_PROGRAMS = 1_000_000, 1000


def open(device: str) -> Backend:  # noqa: A001  # every provider's entry point has this name
    """Open a device of this machine.

    Raises
    ------
    InputError
        If there is no such device, or no such profile.
    """
    if device == "statevector":
        return Local(device, Ideal())
    if device == "annealer":
        return Local(device, Annealer())
    for prefix in (NOISY, MODELLED):
        if device.startswith(prefix):
            from qupel.backends.catalogue.listing import profile_named

            profile = profile_named(device.removeprefix(prefix))
            return Local(device, Noisy.of(profile, compiles=prefix == MODELLED))
    known = (*DEVICES, f"{NOISY}<profile>", f"{MODELLED}<profile>")
    raise unknown_name("local device", device, known)


@dataclass(slots=True, eq=False)
class Local:
    """One device of this machine.

    A seed in ``order.settings["seed"]`` fixes the readings; without one the order's key does.

    Attributes
    ----------
    device
        Its name.
    machine
        What computes.
    clock
        Tells the time stamps of results.
    """

    device: str
    machine: Machine
    clock: Clock = field(default_factory=SystemClock)
    _accepted: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``local``."""
        return PROVIDER

    def capabilities(self) -> Capabilities:
        """What it can do."""
        return Capabilities(
            kind=self.machine.kind,
            qubits=self.machine.qubits,
            max_shots=MAX_SHOTS,
            max_programs=MAX_PROGRAMS,
            lookup=Lookup.KEY,
            settle_seconds=0.0,
            cancels=False,
            evidence=self.machine.evidence,
            profile=self.machine.profile,
        )

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; `RefusedError`, with numbers, if it can never fit."""
        self._check(order)
        programs = self._laid_out(order)
        circuits = [circuit for circuit in programs if isinstance(circuit, Circuit)]
        return Estimate(
            qubits=max(size_of(program) for program in programs),
            depth=max((circuit.depth() for circuit in circuits), default=0),
            two_qubit_gates=max((circuit.two_qubit_gates() for circuit in circuits), default=0),
            shots=order.shots * len(order.programs),
            run_seconds=sum(self.machine.seconds(p, order.shots) for p in programs),
            queue_seconds=0.0,
            cost=None,
            remarks=("seconds are a rough upper bound for one processor",),
        )

    def submit(self, order: Order) -> str:
        """Accept an order; a known key gives the first one's job.

        Raises
        ------
        RefusedError
            If it does not fit, or its key was used for an order of other content.
        """
        self._check(order)
        job = self._job(order)
        known = self._accepted.setdefault(order.key, job)
        if known != job:
            raise RefusedError(
                f"key {order.key!r} belongs to another order of {self.provider}:{self.device}; "
                "an order of other content needs a key of its own"
            )
        return job

    def find(self, order: Order) -> list[str]:
        """Name of the job that this process accepted for the order's key, if there is one."""
        return [self._accepted[order.key]] if order.key in self._accepted else []

    def status(self, job: str) -> JobStatus:
        """Done, if it is a name of ours: a job is computed when its result is asked for."""
        if not self._is_ours(job):
            return JobStatus(State.UNKNOWN, "not found")
        return JobStatus(State.DONE, word="done")

    def result(self, job: str, order: Order) -> Result:
        """Run the order and return its readings.

        Raises
        ------
        ResultError
            If the job is of another order, or this machine cannot hold the state.
        """
        if job != self._job(order):
            raise ResultError(f"job {job!r} is not of this order; its job is {self._job(order)!r}")
        began = self.clock.now()
        try:
            readings = tuple(
                self.machine.read(program, order.shots, stream(order, place))
                for place, program in enumerate(order.programs)
            )
        except InputError as error:
            raise ResultError(
                f"{self.provider}:{self.device} could not run {job}: {error}"
            ) from error
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=self.machine.evidence,
            times=Times(created=began, running=began, finished=self.clock.now()),
        )

    def cancel(self, job: str) -> None:
        """Do nothing: every job is over at once."""

    def _laid_out(self, order: Order) -> list[Program]:
        """The programs as they are run; `RefusedError` if one cannot be."""
        try:
            return [self.machine.laid_out(program) for program in order.programs]
        except InputError as error:
            raise RefusedError(f"{self.provider}:{self.device}: {error}") from error

    def _check(self, order: Order) -> None:
        what = f"{self.provider}:{self.device}"
        if order.kind is not self.machine.kind:
            raise RefusedError(f"{what} runs {self.machine.kind}, got an order for {order.kind}")
        seed = order.settings.get("seed", 0)
        if type(seed) is not int or seed < 0:
            raise RefusedError(
                f"{what} takes whole numbers from 0 as settings['seed'], got {seed!r}"
            )
        largest = max(size_of(program) for program in order.programs)
        for label, asked, most in (
            ("qubits", largest, self.machine.qubits),
            ("shots", order.shots, MAX_SHOTS),
            ("programs", len(order.programs), MAX_PROGRAMS),
        ):
            if asked > most:
                raise RefusedError(f"{what} takes {most} {label} at most, got {asked}")

    def _job(self, order: Order) -> str:
        key = hashlib.sha256(order.key.encode()).hexdigest()
        return _signed(f"{self.device}-{key[:16]}-{fingerprint(order)[:16]}")

    def _is_ours(self, job: str) -> bool:
        """Whether this device made a name, in this process or in another."""
        name = job.rpartition("-")[0]
        return name.startswith(f"{self.device}-") and job == _signed(name)


def _signed(name: str) -> str:
    """A job's name with a check sum, so that no other text is taken for one."""
    return f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def size_of(program: Program) -> int:
    """Qubits or spins of a program."""
    return program.form.variables if isinstance(program, Annealing) else program.qubits


def fingerprint(order: Order) -> str:
    """SHA-256 of all that an order asks for; key and tag aside."""
    parts: list[Any] = [order.shots, dict(order.settings)]
    for program in order.programs:
        if isinstance(program, Annealing):
            form = program.form
            pairs = form.couplings.tocoo()
            entries = sorted(
                zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True)
            )
            quotas = [(quota.members, quota.count) for quota in form.quotas]
            parts.append([form.fields.tolist(), entries, form.offset, quotas, program.microseconds])
        else:
            gates = [(gate.name, gate.qubits, gate.angles) for gate in program.gates]
            parts.append([program.qubits, gates, program.measured])
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def stream(order: Order, place: int) -> np.random.Generator:
    """Random numbers of one program of an order, from its seed or, without one, from its key."""
    seed = order.settings.get("seed")
    if seed is None:
        seed = int.from_bytes(hashlib.sha256(order.key.encode()).digest()[:16], "big")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place,)))
