"""IBM's quantum computers by their REST interface, and IBM's own fake ones on this machine.

The key comes from ``QISKIT_IBM_TOKEN``, the instance (a CRN) from ``QISKIT_IBM_INSTANCE``; the
address from ``QUPEL_IBM_URL`` where it is not IBM's. Requests are our own: IBM's client sends a
submission again after a server error, up to five times, and waits 900 seconds for each reply.
Jobs are never private: a private result can be read once only.

``ibm:fake_torino`` and its like are the fake devices of ``qiskit-ibm-runtime``, sampled by its
``SamplerV2`` in local testing mode.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import numpy as np

from qupel.backends.adapters import exchange
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.documents import listing, mapping, number, text, whole
from qupel.backends.adapters.limits import check_fits
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.readings import (
    bits_of_numbers,
    facts_of_shots,
    measured_of,
    reading_of_rows,
    same_length,
)
from qupel.backends.catalogue.prices import Counts, Free, PerSecond, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.compiling import Target, compile_circuit
from qupel.backends.contract import (
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Program,
    Reading,
    Result,
    State,
    Times,
)
from qupel.backends.http import HttpTransport, secret_in
from qupel.backends.transport import Request, Transport
from qupel.errors import InputError, RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.formats.qasm import write_qasm
from qupel.model.gates import GATES
from qupel.model.money import Money

TOKEN_VARIABLE, INSTANCE_VARIABLE = "QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"
URL_VARIABLE, IDENTITY_VARIABLE = "QUPEL_IBM_URL", "QUPEL_IBM_IDENTITY_URL"
HOME, IDENTITY = "https://quantum.cloud.ibm.com/api/v1", "https://iam.cloud.ibm.com"
VERSION = "2026-04-15"
MAKER = ".cloud.ibm.com"
#: Seconds until a submission is listed by its tag: twice what IBM's client waits for a reply.
LAG = 1800.0
#: Programs of a job, and shots of all of them, at most.
MOST_PROGRAMS, MOST_EXECUTIONS = 100, 10_000_000
#: Settings of an order that are understood: the seed of a fake device.
SETTINGS = frozenset({"seed"})

WORDS = {
    "QUEUED": State.QUEUED,
    "RUNNING": State.RUNNING,
    "COMPLETED": State.DONE,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
    "CANCELLED - RAN TOO LONG": State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a device says of itself.

    Attributes
    ----------
    target
        Gates and couplings.
    max_shots
        Of one program.
    simulated
        Whether it is a program.
    """

    target: Target
    max_shots: int
    simulated: bool


class Line(Protocol):
    """A sampling service."""

    def machine(self) -> Machine:
        """What the device says of itself."""
        ...

    def post(self, circuits: list[Circuit], order: Order, seconds: int) -> str:
        """Submit circuits once, to use the device so many seconds at most."""
        ...

    def find(self, tag: str) -> list[str]:
        """Jobs under a tag."""
        ...

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Where a job stands, and the device's seconds that it used, once they are final."""
        ...

    def samples(self, job: str, tag: str) -> Any:
        """The sampler's result document; `ResultError` if the job is under another tag."""
        ...

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        ...


def open(device: str) -> Ibm:  # noqa: A001  # every provider's entry point has this name
    """Open a device that a profile names, such as ``ibm_fez``, or a fake one.

    Raises
    ------
    InputError
        If there is no such device, no credentials in the environment, or a library is missing.
    """
    if device.startswith("fake_"):
        from qupel.backends.adapters.ibm_local import Fake

        return Ibm(device, Fake(device), None, Evidence.NOISY)
    profile = profile_behind("ibm", device)
    url = os.environ.get(URL_VARIABLE, "").strip() or HOME
    identity = os.environ.get(IDENTITY_VARIABLE, "").strip() or IDENTITY
    instance = secret_in(INSTANCE_VARIABLE)
    secret_in(TOKEN_VARIABLE)
    ours = (urlsplit(url).hostname or "").endswith(MAKER)
    transport = HttpTransport(url, Login(HttpTransport(identity), instance))
    kind = Evidence.HARDWARE if ours else Evidence.EMULATOR
    return Ibm(device, Service(transport, device), profile, kind)


@dataclass(slots=True, eq=False)
class Ibm:
    """One of IBM's devices.

    Circuits are compiled to the device's gates and couplings before they are sent. A job may use
    the device for a limited time, which is sent along, so that its bill has a bound.

    Attributes
    ----------
    device
        Its name at IBM.
    line
        Samples.
    profile
        What the catalogue says of it; None for a fake one.
    evidence
        What kind of machine answers.
    timeout, lag_seconds
        Seconds for one request, and until a job is listed under its tag; None if nobody knows.
    """

    device: str
    line: Line
    profile: DeviceProfile | None
    evidence: Evidence = Evidence.EMULATOR
    timeout: float = 60.0
    lag_seconds: float | None = LAG
    _machine: Machine | None = field(default=None, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``ibm``."""
        return "ibm"

    def capabilities(self) -> Capabilities:
        """What it can do; the device is asked the first time."""
        known = self._known()
        priced = self.profile is not None and isinstance(self.profile.price, PerSecond)
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=known.target.qubits,
            max_shots=known.max_shots,
            max_programs=MOST_PROGRAMS,
            lookup=Lookup.TAG,
            settle_seconds=None if self.lag_seconds is None else self.timeout + self.lag_seconds,
            cancels=True,
            evidence=self.evidence,
            region=self.profile.regions[0] if self.profile and self.profile.regions else "",
            currency=self.profile.price.currency if priced and self.profile else "",  # type: ignore[union-attr]
            profile=self.profile.name if self.profile else "",
        )

    def estimate(self, order: Order) -> Estimate:
        """Sizes as compiled; the cost is that of the longest time the job may use."""
        circuits = self._compiled(order)
        seconds = self._seconds(circuits, order)
        return Estimate(
            qubits=max(len(_used(circuit)) for circuit in circuits),
            depth=max(circuit.depth() for circuit in circuits),
            two_qubit_gates=max(circuit.two_qubit_gates() for circuit in circuits),
            shots=order.shots * len(circuits),
            run_seconds=seconds,
            queue_seconds=None,
            cost=self._price(_limit(seconds)),
            remarks=(f"the job may use the device for {_limit(seconds)} s at most",),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order, tagged with its tag."""
        circuits = self._compiled(order)
        return self.line.post(circuits, order, _limit(self._seconds(circuits, order)))

    def find(self, order: Order) -> list[str]:
        """Jobs that IBM lists under the order's tag."""
        return self.line.find(order.tag)

    def status(self, job: str) -> JobStatus:
        """Where a job stands; the bill is IBM's seconds at the catalogue's price."""
        status, seconds = self.line.status(job)
        if seconds is None or not status.state.final:
            return status
        return JobStatus(
            status.state, status.word, status.why, status.times, self._price(math.ceil(seconds))
        )

    def result(self, job: str, order: Order) -> Result:
        """Counts of the shots, classical bit ``k`` in column ``k``."""
        document = mapping(self.line.samples(job, order.tag), "the result")
        results = listing(document.get("results"), "results")
        same_length(results, order)
        readings = tuple(
            _reading(result, program, f"results[{k}]")
            for k, (result, program) in enumerate(zip(results, order.programs, strict=True))
        )
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=self.evidence,
            facts=facts_of_shots(readings, order),
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        self.line.cancel(job)

    def _known(self) -> Machine:
        if self._machine is None:
            self._machine = self.line.machine()
        return self._machine

    def _compiled(self, order: Order) -> list[Circuit]:
        where = f"{self.provider}:{self.device}"
        check_fits(order, self.capabilities(), where)
        executions = order.shots * len(order.programs)
        if executions > MOST_EXECUTIONS:
            raise RefusedError(f"{where} takes {MOST_EXECUTIONS} shots of all, got {executions}")
        unknown = set(order.settings) - SETTINGS
        if unknown:
            raise RefusedError(f"{self.provider} knows no setting {sorted(unknown)[0]!r}")
        target = self._known().target
        return [
            compile_circuit(program, target).circuit
            for program in order.programs
            if isinstance(program, Circuit)
        ]

    def _seconds(self, circuits: list[Circuit], order: Order) -> float:
        times = self.profile.times if self.profile else None
        if times is None:
            return 0.0
        each = times.reset + times.readout
        return times.job + order.shots * sum(
            each + circuit.depth() * max(times.two_qubit, times.one_qubit) for circuit in circuits
        )

    def _price(self, seconds: int) -> Money | None:
        if self.profile is None or isinstance(self.profile.price, Free):
            return None
        return price(self.profile.price, Usage((Counts(),), 1, Decimal(seconds)))


@dataclass(slots=True, eq=False)
class Service:
    """IBM's service.

    Attributes
    ----------
    transport
        Carries the requests; it brings the credentials.
    device
        Name of the device.
    timeout
        Seconds for one request.
    """

    transport: Transport
    device: str
    timeout: float = 60.0

    def machine(self) -> Machine:
        """Gates, couplings and limits of the device's configuration."""
        path = f"/backends/{exchange.segment(self.device)}/configuration"
        told = exchange.ask(self.transport, self._get(path), frozenset({404}))
        if told is None:
            raise InputError(f"IBM has no device {self.device!r}")
        try:
            told = mapping(told, "the configuration")
            names = [text(g, "a gate") for g in listing(told.get("basis_gates"), "basis_gates")]
            pairs = [
                listing(p, "a pair") for p in listing(told.get("coupling_map"), "coupling_map")
            ]
            return Machine(
                target_of(whole(told.get("n_qubits"), "n_qubits", 1), names, pairs),
                whole(told.get("max_shots"), "max_shots", 1),
                told.get("simulator") is True,
            )
        except ResultError as error:
            raise TransientError(f"the device {self.device!r} is not told well: {error}") from error

    def post(self, circuits: list[Circuit], order: Order, seconds: int) -> str:
        """Submit circuits once, as OpenQASM 3."""
        document = {
            "program_id": "sampler",
            "backend": self.device,
            "params": {
                "version": 2,
                "support_qiskit": False,
                "pubs": [[write_qasm(circuit), None, order.shots] for circuit in circuits],
            },
            "tags": [order.tag],
            "cost": seconds,
        }
        request = exchange.post("/jobs", document, {"IBM-API-Version": VERSION}, self.timeout)
        told = exchange.submit(self.transport, request)
        try:
            return text(mapping(told, "the reply").get("id"), "the job's id")
        except ResultError as error:
            raise UnknownOutcomeError(f"a submission was accepted, but {error}") from error

    def find(self, tag: str) -> list[str]:
        """Jobs under a tag."""
        found: list[str] = []
        while True:
            query = {"tags": tag, "limit": 200, "offset": len(found), "exclude_params": "true"}
            told = exchange.ask(self.transport, self._get(f"/jobs?{urlencode(query)}"))
            try:
                jobs = listing(mapping(told, "a listing").get("jobs"), "jobs")
                entries = [mapping(job, "a job") for job in jobs]
                tagged = [e for e in entries if tag in listing(e.get("tags"), "tags")]
                found += [text(entry.get("id"), "id") for entry in tagged]
            except ResultError as error:
                raise TransientError(f"a listing cannot be read: {error}") from error
            if len(jobs) < 200 or not tagged:
                return list(dict.fromkeys(found))

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Where a job stands, and its seconds once it is over."""
        told = self._job(job)
        if told is None:
            return JobStatus(State.UNKNOWN, "not found"), None
        held = told.get("state")
        word = held.get("status") if isinstance(held, dict) else told.get("status")
        why = held.get("reason") if isinstance(held, dict) else ""
        state = WORDS.get(word.upper(), State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN
        metrics = self._metrics(job) if state.final else {}
        stamps = metrics.get("timestamps")
        stamps = stamps if isinstance(stamps, dict) else {}
        times = Times(
            created=moment(told.get("created")),
            running=moment(stamps.get("running")),
            finished=moment(stamps.get("finished")),
        )
        return JobStatus(state, f"{word!s:.80}", f"{why or ''!s:.300}", times), _used_seconds(
            metrics
        )

    def samples(self, job: str, tag: str) -> Any:
        """The sampler's result document."""
        told = self._job(job)
        if told is None:
            raise ResultError(f"IBM knows no job {job!r:.80}")
        if tag not in (told.get("tags") or []):
            raise ResultError(f"job {job!r:.80} was not tagged with the order's tag")
        return exchange.fetch(self.transport, self._get(f"/jobs/{exchange.segment(job)}/results"))

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run; IBM answers 409 where it is over."""
        path = f"/jobs/{exchange.segment(job)}/cancel"
        exchange.cancel(
            self.transport, Request("POST", path, headers=_version(), timeout=self.timeout)
        )

    def _job(self, job: str) -> dict[str, Any] | None:
        path = f"/jobs/{exchange.segment(job)}?exclude_params=true"
        told = exchange.ask(self.transport, self._get(path), frozenset({404}))
        if told is None:
            return None
        if not isinstance(told, dict) or told.get("id") != job:
            raise TransientError(f"asked for job {job!r:.80}, told of something else")
        return told

    def _metrics(self, job: str) -> dict[str, Any]:
        path = f"/jobs/{exchange.segment(job)}/metrics"
        try:
            told = exchange.ask(self.transport, self._get(path), frozenset({404}))
        except TransientError:
            return {}  # where the job stands is worth telling without its bill
        return told if isinstance(told, dict) else {}

    def _get(self, path: str) -> Request:
        return Request("GET", path, headers=_version(), timeout=self.timeout)


@dataclass(slots=True, eq=False)
class Login:
    """Headers of a session: an access token for the key, renewed before it ends.

    Attributes
    ----------
    identity
        Carries requests to IBM's identity service.
    instance
        The CRN.
    clock
        Tells when a token has ended.
    """

    identity: Transport
    instance: str = field(repr=False)
    clock: Clock = field(default_factory=SystemClock)
    _token: str = field(default="", init=False, repr=False)
    _until: float = field(default=-math.inf, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __call__(self) -> Mapping[str, str]:
        """The headers; `TransientError` if no token is given."""
        with self._lock:
            if self.clock.now() >= self._until:
                self._renew()
            return {"Authorization": f"Bearer {self._token}", "Service-CRN": self.instance}

    def _renew(self) -> None:
        form = urlencode(
            {
                "grant_type": "urn:ibm:params:oauth:grant-type:apikey",
                "apikey": secret_in(TOKEN_VARIABLE),
            }
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Request("POST", "/identity/token", form.encode(), headers)
        try:
            given = mapping(exchange.ask(self.identity, request), "the reply")
            token = given.get("access_token")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise ResultError("no token")
            self._token = token
            lasts = number(given.get("expires_in", 3600), "expires_in")
        except ResultError as error:
            raise TransientError("IBM gave no access token that can be read") from error
        self._until = self.clock.now() + max(lasts - 60.0, 0.0)


def target_of(qubits: int, names: list[str], pairs: list[Any]) -> Target:
    """Gates that we know, and couplings in one direction.

    Raises
    ------
    ResultError
        If a pair does not join two qubits.
    """
    edges = set()
    for pair in pairs:
        ends = [whole(end, "a qubit") for end in pair]
        if len(ends) != 2 or ends[0] == ends[1] or max(ends) >= qubits:
            raise ResultError(f"a coupling joins two of {qubits} qubits, got {ends!r:.60}")
        edges.add((min(ends), max(ends)))
    known = frozenset(name for name in names if name in GATES)
    return Target(qubits, known, tuple(sorted(edges)))


def _reading(result: Any, program: Program, what: str) -> Reading:
    data = mapping(mapping(result, what).get("data"), f"{what}: data")
    if len(data) != 1:
        raise ResultError(f"{what}: one register was measured, {len(data)} came back")
    [register] = data.values()
    held = mapping(register, f"{what}: a register")
    width = len(measured_of(program))
    if held.get("num_bits") != width:
        raise ResultError(f"{what}: {width} bits were measured, got {held.get('num_bits')!r:.20}")
    samples = listing(held.get("samples"), f"{what}: samples")
    counted: dict[str, int] = {}
    for sample in samples:
        if not isinstance(sample, str):
            raise ResultError(f"{what}: a sample is hexadecimal text, got {sample!r:.40}")
        counted[sample] = counted.get(sample, 0) + 1
    outcomes = [_outcome(sample, width, what) for sample in counted]
    rows = bits_of_numbers(outcomes, range(width))
    return reading_of_rows(np.ascontiguousarray(rows), list(counted.values()), what)


def _outcome(sample: str, width: int, what: str) -> int:
    digits = sample.removeprefix("0x")
    try:
        outcome = int(digits, 16) if digits.isalnum() and len(digits) <= 100 else -1
    except ValueError:
        outcome = -1
    if outcome < 0 or outcome >> width or digits == sample:
        raise ResultError(f"{what}: {sample!r:.40} is no outcome of {width} bits")
    return outcome


def _used(circuit: Circuit) -> set[int]:
    return {qubit for gate in circuit.gates for qubit in gate.qubits} | set(circuit.measured or ())


def _used_seconds(metrics: Mapping[str, Any]) -> float | None:
    usage = metrics.get("usage")
    if not isinstance(usage, dict) or usage.get("status", "complete") != "complete":
        return None
    for name in ("qpu_charge_time_seconds", "seconds", "quantum_seconds"):
        value = usage.get(name)
        if isinstance(value, int | float) and 0 <= value < 1e7:
            return float(value)
    return None


def _limit(seconds: float) -> int:
    """Longest use of the device that is allowed: thrice what is expected, and 10 s at least."""
    return max(10, math.ceil(3 * seconds))


def _version() -> dict[str, str]:
    return {"IBM-API-Version": VERSION}
