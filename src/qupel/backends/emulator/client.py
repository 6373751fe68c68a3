"""The emulator's own client: a backend that speaks the neutral protocol over any transport.

``QUPEL_EMULATOR_URL`` and ``QUPEL_EMULATOR_TOKEN`` name the emulator that ``emulator:DEVICE``
means; ``QUPEL_EMULATOR_SECRET``, where it is set, gets a new token when one has expired.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from qupel.backends.contract import (
    Backend,
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Result,
    State,
    Times,
)
from qupel.backends.emulator.devices import size_of
from qupel.backends.emulator.reading import findings_of
from qupel.backends.emulator.wire import order_body
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import (
    InputError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money

#: HTTP statuses after which nothing was done and a retry may help.
_PASSING = {408, 425, 429, 503}
#: Pages of a listing that are read at most.
_MOST_PAGES = 100


@dataclass(slots=True, eq=False)
class EmulatorBackend:
    """One device of an emulated provider.

    Attributes
    ----------
    transport
        Carries the requests.
    device
        Its name at the provider.
    token
        Sent with every request; empty where the transport brings its own.
    secret
        Of the account, to get a new token when one has expired; empty for none.
    timeout
        Seconds until a whole reply must be there.
    lag_seconds
        Longest time from acceptance until a job is listed, which the provider promises; None if
        it promises nothing, so that a job that is not listed may still exist.
    """

    transport: Transport
    device: str
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    timeout: float = 30.0
    lag_seconds: float | None = 0.0
    _known: Mapping[str, Any] | None = field(default=None, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``emulator``."""
        return "emulator"

    def capabilities(self) -> Capabilities:
        """What it can do, as the provider says; asked once."""
        known = self._device()
        lookup = Lookup.KEY if known["keys"] else Lookup.TAG if known["listing"] else Lookup.NONE
        lag = self.lag_seconds
        return Capabilities(
            kind=Kind(known["kind"]),
            qubits=known["qubits"],
            max_shots=known["max_shots"],
            max_programs=known["max_programs"],
            lookup=lookup,
            settle_seconds=None if lag is None or not known["listing"] else self.timeout + lag,
            cancels=True,
            evidence=Evidence.EMULATOR,
            region=known["region"],
            currency=known["prices"]["currency"],
            profile=known["profile"],
        )

    def estimate(self, order: Order) -> Estimate:
        """What an order will need, the cost as the provider quotes it."""
        quoted = self._asked("POST", "/v1/quote", order_body(order, self.device))
        known = self._device()
        circuits = [program for program in order.programs if isinstance(program, Circuit)]
        shots = order.shots * len(order.programs)
        return Estimate(
            qubits=max(size_of(program) for program in order.programs),
            depth=max((circuit.depth() for circuit in circuits), default=0),
            two_qubit_gates=max((circuit.two_qubit_gates() for circuit in circuits), default=0),
            shots=shots,
            run_seconds=known["job_seconds"] + shots * known["shot_seconds"],
            queue_seconds=known["queue_seconds"],
            cost=_money(quoted.get("cost")),
            remarks=("the cost is the emulated provider's quote",),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order; return the provider's name of the job."""
        body = order_body(order, self.device)
        accepted = self._asked("POST", "/v1/jobs", body, {"idempotency-key": order.key})
        name = accepted.get("id")
        if not isinstance(name, str) or not name:
            raise UnknownOutcomeError("the emulator's reply names no job; look for it by its tag")
        return name

    def find(self, order: Order) -> list[str]:
        """Names of the provider's jobs under the order's tag."""
        found: dict[str, None] = {}
        page: object = 0
        for _ in range(_MOST_PAGES):
            listed = self._asked("GET", f"/v1/jobs?tag={quote(order.tag, safe='')}&page={page}")
            jobs = listed.get("jobs")
            if not isinstance(jobs, list):
                raise ResultError("the emulator's listing has no jobs")
            for job in jobs:
                if isinstance(job, dict) and job.get("tag") == order.tag:
                    found[str(job.get("id"))] = None
            page = listed.get("next")
            if type(page) is not int:
                break
        return list(found)

    def status(self, job: str) -> JobStatus:
        """Where a job stands."""
        view = self._asked("GET", f"/v1/jobs/{quote(job, safe='')}")
        word = str(view.get("status", ""))
        known = word in State.__members__.values() and word != State.UNKNOWN
        return JobStatus(
            State(word) if known else State.UNKNOWN,
            word=word[:200],
            why=str(view.get("why", ""))[:500],
            times=_times(view),
            billed=_money(view.get("billed")),
        )

    def result(self, job: str, order: Order) -> Result:
        """Readings of a job that is done, checked against the order."""
        document = self._asked("GET", f"/v1/jobs/{quote(job, safe='')}/result")
        readings = findings_of(document, job, order)
        told = self._told(job)
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=Evidence.EMULATOR,
            times=told.times,
            billed=told.billed,
            calibration=str(document.get("calibration", ""))[:200],
            facts={"region": str(document.get("region", ""))[:200]},
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        self._asked("DELETE", f"/v1/jobs/{quote(job, safe='')}")

    def _told(self, job: str) -> JobStatus:
        """Times and bill beside a result, which is worth keeping without them."""
        try:
            return self.status(job)
        except (TransientError, UnknownOutcomeError, ResultError, RefusedError):
            return JobStatus(State.DONE)

    def _device(self) -> Mapping[str, Any]:
        if self._known is None:
            self._known = self._asked("GET", f"/v1/devices/{quote(self.device, safe='')}")
        return self._known

    def _asked(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send one request, and once more where the token had expired: nothing was done then."""
        reply = self._sent(method, path, body, headers)
        if reply.status == 401 and self.secret:
            self._renew()
            reply = self._sent(method, path, body, headers)
        paid = method == "POST" and path == "/v1/jobs"
        _check(reply, f"{method} {path.partition('?')[0]}", paid=paid)
        return _document(reply, paid=paid)

    def _sent(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None
    ) -> Reply:
        sent = {"content-type": "application/json", **(headers or {})}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        return self.transport.send(Request(method, path, body, sent, self.timeout))

    def _renew(self) -> None:
        body = json.dumps({"secret": self.secret}).encode()
        reply = self._sent("POST", "/v1/token", body, None)
        _check(reply, "POST /v1/token", paid=False)
        self.token = str(_document(reply, paid=False).get("token", ""))


def open(device: str) -> Backend:  # noqa: A001  # every provider's entry point has this name
    """Device of the emulator that the environment names.

    Raises
    ------
    InputError
        If QUPEL_EMULATOR_URL is not set.
    """
    from qupel.backends.http import HttpTransport

    url = os.environ.get("QUPEL_EMULATOR_URL")
    if not url:
        raise InputError(
            "set QUPEL_EMULATOR_URL and QUPEL_EMULATOR_TOKEN to what `qupel emulator` prints"
        )
    return EmulatorBackend(
        HttpTransport(url),
        device,
        token=os.environ.get("QUPEL_EMULATOR_TOKEN", ""),
        secret=os.environ.get("QUPEL_EMULATOR_SECRET", ""),
    )


def _check(reply: Reply, what: str, *, paid: bool) -> None:
    """Raise what a status means; ``paid`` where the request may have cost money."""
    status = reply.status
    if status < 300:
        return
    said = f"{what}: HTTP {status} {_message(reply)}".rstrip()
    if status in _PASSING:
        raise TransientError(said, wait=_wait(reply))
    if status >= 500:
        raise UnknownOutcomeError(said) if paid else TransientError(said)
    if status < 400:
        raise RefusedError(f"{said}: redirects are not followed")
    if status == 404 and what.endswith("/result"):
        raise ResultError(said)
    raise RefusedError(said)


def _message(reply: Reply) -> str:
    try:
        document = json.loads(reply.body)
        return str(document["message"])[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _wait(reply: Reply) -> float | None:
    """Seconds that a reply asks to wait, where it says so in seconds."""
    try:
        wait = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return wait if math.isfinite(wait) and wait >= 0 else None


def _document(reply: Reply, *, paid: bool) -> dict[str, Any]:
    try:
        document = json.loads(reply.body, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if paid:
            raise UnknownOutcomeError(f"accepted, but the reply cannot be read: {error}") from error
        raise ResultError(f"the emulator's reply cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ResultError("the emulator's reply is no JSON object")
    return document


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a field twice")
    return found


def _money(plain: Any) -> Money | None:
    if not isinstance(plain, dict):
        return None
    try:
        return Money(plain.get("micros"), plain.get("currency"))  # type: ignore[arg-type]
    except InputError as error:
        raise ResultError(f"the emulator's bill is no amount of money: {error}") from error


def _times(view: Mapping[str, Any]) -> Times:
    created = _stamp(view.get("created"))
    return Times(created, created, _stamp(view.get("started")), _stamp(view.get("finished")))


def _stamp(value: Any) -> float | None:
    """UTC seconds since 1970, where the provider says something like it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
