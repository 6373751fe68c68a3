"""What a backend is: it takes an order for shots, and some time later gives readings back.

Local simulators, noisy device profiles and providers far away are the same to whoever orders.
A backend does what one call says, once: it never retries a submission, never waits, never spends
what was not ordered. Waiting, retrying, paying and accounting are done above it, by the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.ising import Ising
from qupel.model.money import Money


class Kind(StrEnum):
    """What a backend runs."""

    CIRCUIT = "circuit"
    ANNEALING = "annealing"


@dataclass(frozen=True, slots=True, eq=False)
class Annealing:
    """An Ising form for an annealer to sample.

    Attributes
    ----------
    form
        Fields and couplings; couplings need not fit the device's graph, the backend embeds.
    microseconds
        Duration of one anneal; the device's usual one if None.
    """

    form: Ising
    microseconds: float | None = None

    def __post_init__(self) -> None:
        if self.microseconds is not None and not 0 < self.microseconds < math.inf:
            raise InputError(f"microseconds must be a number above 0, got {self.microseconds!r}")


Program = Circuit | Annealing


def kind_of_program(program: Program) -> Kind:
    """What kind of backend a program needs."""
    return Kind.ANNEALING if isinstance(program, Annealing) else Kind.CIRCUIT


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What is submitted, and paid for, at once.

    Attributes
    ----------
    programs
        One or several of one kind; circuits have no free parameters. A circuit that measures
        nothing is measured whole.
    shots
        Repetitions (reads) of each program.
    key
        Idempotency key: the same for every submission that must be carried out once only.
    tag
        Label under which the provider files the job; `Backend.find` looks for it. It says nothing
        about the user's data.
    settings
        Plain data that one kind of backend understands.
    """

    programs: tuple[Program, ...]
    shots: int
    key: str
    tag: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.shots) is not int or self.shots < 1:
            raise InputError(f"shots must be a whole number from 1, got {self.shots!r}")
        if len({kind_of_program(program) for program in self.programs}) != 1:
            raise InputError("an order has one program or more, all circuits or all annealings")
        if not self.key or not self.tag:
            raise InputError("an order needs a key and a tag")
        for place, program in enumerate(self.programs):
            if isinstance(program, Circuit) and program.parameter_names:
                raise InputError(
                    f"programs[{place}] has free parameters {program.parameter_names}; bind them"
                )

    @property
    def kind(self) -> Kind:
        """What kind of backend it needs."""
        return kind_of_program(self.programs[0])


class Lookup(StrEnum):
    """By what a provider can tell whether it has an order already."""

    KEY = "key"  # a submission with a known key gives the first one's job
    TAG = "tag"  # jobs are listed by tag, some time after they were accepted
    NONE = "none"


class Bills(StrEnum):
    """Where the bill of a job comes from."""

    TOLD = "told"  # by the provider
    COMPUTED = "computed"  # here, from the use that the provider tells, at the catalogue's price
    UNTOLD = "not told"  # nowhere, so that the bound of a job is booked in its place


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do.

    Attributes
    ----------
    kind
        What it runs.
    qubits
        Qubits or spins of a program at most.
    max_shots, max_programs
        Of one order.
    lookup
        How a lost reply is cleared up.
    settle_seconds
        After an attempt to submit, a look-up by tag finds the job if there is one after this
        many seconds at the latest, the request's own timeout included; None if nobody knows.
    cancels
        Whether waiting jobs can be cancelled.
    evidence
        What kind of machine answers.
    region
        Where the data go; empty for this machine.
    currency
        Of bills; empty where nothing is ever billed.
    profile
        Name of the device's profile in the catalogue, empty if it has none.
    bills
        Where bills come from, where something is billed.
    """

    kind: Kind
    qubits: int
    max_shots: int
    max_programs: int
    lookup: Lookup
    settle_seconds: float | None
    cancels: bool
    evidence: Evidence
    region: str = ""
    currency: str = ""
    profile: str = ""
    bills: Bills = Bills.TOLD


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order will need, before it is submitted.

    Attributes
    ----------
    qubits, depth, two_qubit_gates
        Of the largest program as the device would run it; for annealers qubits after embedding,
        and no gates.
    shots
        Of all programs together.
    run_seconds, queue_seconds
        Expected; None where unknown.
    cost
        Upper bound of the bill; None where nothing is billed.
    remarks
        What the reader should know of how this was found.
    """

    qubits: int
    depth: int
    two_qubit_gates: int
    shots: int
    run_seconds: float | None
    queue_seconds: float | None
    cost: Money | None
    remarks: tuple[str, ...] = ()


class State(StrEnum):
    """Where a provider's job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # the provider said a word we do not know: never final by itself

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in {State.DONE, State.FAILED, State.CANCELLED}


@dataclass(frozen=True, slots=True)
class Times:
    """A provider's own time stamps, UTC seconds since 1970; None where it gave none."""

    created: float | None = None
    queued: float | None = None
    running: float | None = None
    finished: float | None = None

    @property
    def queue_seconds(self) -> float | None:
        """Seconds from acceptance until it ran."""
        since = self.created if self.queued is None else self.queued
        return None if since is None or self.running is None else self.running - since

    @property
    def run_seconds(self) -> float | None:
        """Seconds on the device."""
        started, ended = self.running, self.finished
        return None if started is None or ended is None else ended - started


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What a provider says of a job.

    Attributes
    ----------
    state
        In our words.
    word
        In the provider's.
    why
        Its reason for a failure.
    times, billed
        As far as known; ``billed`` is None until the bill is final, or is computed from a use
        that is final.
    """

    state: State
    word: str = ""
    why: str = ""
    times: Times = Times()
    billed: Money | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the shots of one program gave.

    Attributes
    ----------
    bits
        Distinct rows; column ``k`` is the ``k``-th measured qubit (qubit ``k`` where all are
        measured in order), or for an annealing variable ``k`` with spin ``1 - 2 bit``.
    occurrences
        How often each row came.
    energies
        For an annealing the backend's own claim, row by row; None if it made none.
    """

    bits: UInt8[np.ndarray, "rows n"]
    occurrences: Int64[np.ndarray, " rows"]
    energies: Float64[np.ndarray, " rows"] | None = None

    @property
    def shots(self) -> int:
        """All shots together, as they came back."""
        return int(self.occurrences.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Readings in the order of the programs, and what the provider says about them.

    Attributes
    ----------
    readings
        One a program.
    job, device
        The provider's names.
    evidence
        What kind of machine answered.
    times, billed
        The provider's time stamps, and the bill as in a `JobStatus`; ``billed`` is None where
        none is known yet.
    calibration
        Name of the calibration it ran under, empty if unknown.
    facts
        Plain data worth keeping: compiled depth, embedding, chain breaks.
    """

    readings: tuple[Reading, ...]
    job: str
    device: str
    evidence: Evidence
    times: Times = Times()
    billed: Money | None = None
    calibration: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Backend(Protocol):
    """Runs programs on one device.

    Errors say what is known, and nothing else is raised for what a provider does:
    `TransientError` nothing was done, try again; `RefusedError` it never will be;
    `UnknownOutcomeError` the request was sent and its fate is unknown; `ResultError` the job is
    done but its result is missing or broken.

    Attributes
    ----------
    provider, device
        Names; a breaker guards each pair.
    """

    @property
    def provider(self) -> str:
        """Name of the provider."""
        ...

    @property
    def device(self) -> str:
        """Name of the device at its provider."""
        ...

    def capabilities(self) -> Capabilities:
        """What it can do; asks nobody, unless the provider alone knows."""
        ...

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; `RefusedError`, with numbers, if it can never fit."""
        ...

    def submit(self, order: Order) -> str:
        """Send one request to accept the order; return the provider's name of the job.

        Raises
        ------
        TransientError, RefusedError
            Nothing was accepted.
        UnknownOutcomeError
            It may have been accepted: no whole reply came.
        """
        ...

    def find(self, order: Order) -> list[str]:
        """Names of the provider's jobs that were accepted for this order's key or tag."""
        ...

    def status(self, job: str) -> JobStatus:
        """Where a job stands."""
        ...

    def result(self, job: str, order: Order) -> Result:
        """Readings of a job that is done, checked against the order for shape and ranges.

        Raises
        ------
        TransientError
            It could not be fetched this time.
        ResultError
            It is missing, is of another order, or is not what a reading looks like.
        """
        ...

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run; no error if it is over. `status` tells what became of it."""
        ...
