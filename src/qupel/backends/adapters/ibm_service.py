"""IBM's service by its REST interface, and what a sampling service is to the adapter."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from qupel.backends.adapters import exchange
from qupel.backends.adapters.documents import listing, mapping, number, text, whole
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.paging import all_pages
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.compiling import Target
from qupel.backends.contract import (
    JobStatus,
    Order,
    State,
    Times,
)
from qupel.backends.credentials import secret_in
from qupel.backends.secrets import keep_secret
from qupel.backends.transport import Request, Transport
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.formats.qasm import write_qasm
from qupel.model.gates import GATES

TOKEN_VARIABLE, INSTANCE_VARIABLE = "QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"
VERSION = "2026-04-15"
#: Jobs of a page of a listing, and pages that are read at most.
PAGE, MOST_PAGES = 200, 500
#: Statuses by which IBM's identity service refuses a key: 400 for one that it does not know.
REFUSING = exchange.UNAUTHORIZED | {400}

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

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Jobs of this device whose tag begins so, each with it."""
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
        return [job for job, held in self._listing({"tags": tag}, tag) if held == tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Jobs of the device whose tag begins so; IBM finds whole tags only, so all are listed."""
        return self._listing({"backend": self.device}, prefix)

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

    def _listing(self, wanted: Mapping[str, str], prefix: str) -> list[tuple[str, str]]:
        """The device's jobs on all pages of a query, with their first tag that begins so."""

        def page(place: int | None) -> tuple[list[tuple[str, str]], int | None]:
            start = place or 0
            query = {**wanted, "limit": PAGE, "offset": start, "exclude_params": "true"}
            told = exchange.ask(self.transport, self._get(f"/jobs?{urlencode(query)}"))
            jobs = listing(mapping(told, "a listing").get("jobs"), "jobs")
            found = []
            for entry in (mapping(job, "a job") for job in jobs):
                tags = entry.get("tags")
                # What is not ours may be as odd as it likes.
                ours = [
                    tag
                    for tag in (tags if isinstance(tags, list) else [])
                    if isinstance(tag, str) and tag.startswith(prefix)
                ]
                if ours and entry.get("backend", self.device) == self.device:
                    found.append((text(entry.get("id"), "id"), ours[0]))
            return found, start + PAGE if len(jobs) >= PAGE else None

        return list(dict(all_pages(page, MOST_PAGES)).items())

    def _job(self, job: str) -> dict[str, Any] | None:
        path = f"/jobs/{exchange.segment(job)}?exclude_params=true"
        return exchange.ask_for_job(self.transport, self._get(path), job)

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
            told = exchange.ask(self.identity, request, secret=True, refusing=REFUSING)
            given = mapping(told, "the reply")
            token = given.get("access_token")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise ResultError("no token")
            self._token = token
            keep_secret(token)
            lasts = number(given.get("expires_in", 3600), "expires_in")
        except ResultError:  # it may show what was given
            raise TransientError("IBM gave no access token that can be read") from None
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


def _used_seconds(metrics: Mapping[str, Any]) -> float | None:
    usage = metrics.get("usage")
    if not isinstance(usage, dict) or usage.get("status", "complete") != "complete":
        return None
    for name in ("qpu_charge_time_seconds", "seconds", "quantum_seconds"):
        value = usage.get(name)
        if isinstance(value, int | float) and 0 <= value < 1e7:
            return float(value)
    return None


def _version() -> dict[str, str]:
    return {"IBM-API-Version": VERSION}
