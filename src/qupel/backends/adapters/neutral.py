"""The neutral protocol that Qupel's provider emulator speaks: JSON under ``/v1``.

The address comes from ``QUPEL_EMULATOR_URL``, the token from ``QUPEL_EMULATOR_TOKEN``; where tokens
expire, ``QUPEL_EMULATOR_SECRET`` gets new ones. Whatever stands behind the address, its results
are called an emulator's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from qupel.backends.adapters import exchange
from qupel.backends.adapters.documents import listing, mapping, money, number, stamp, text, whole
from qupel.backends.adapters.limits import check_fits, shape_of
from qupel.backends.adapters.paging import all_pages
from qupel.backends.adapters.readings import (
    facts_of_shots,
    measured_of,
    reading_of_texts,
    same_length,
)
from qupel.backends.adapters.renewal import Renewing
from qupel.backends.addresses import address_in
from qupel.backends.contract import (
    Annealing,
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
from qupel.backends.credentials import EnvironmentToken, secret_in
from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request, Transport
from qupel.errors import InputError, RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.evidence import Evidence

URL_VARIABLE, TOKEN_VARIABLE = "QUPEL_EMULATOR_URL", "QUPEL_EMULATOR_TOKEN"
SECRET_VARIABLE = "QUPEL_EMULATOR_SECRET"  # noqa: S105  # its name
#: Pages of a listing that are read at most.
MOST_PAGES = 1000

WORDS = {
    "queued": State.QUEUED,
    "running": State.RUNNING,
    "done": State.DONE,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
}


def open(device: str) -> Neutral:  # noqa: A001  # every provider's entry point has this name
    """Open a device of the emulator that the environment names.

    Raises
    ------
    InputError
        If the environment names none.
    """
    try:
        url = address_in(URL_VARIABLE)
    except InputError as error:
        raise InputError(f"no emulator: {error}; `qupel emulator` prints its own") from None
    if os.environ.get(SECRET_VARIABLE):
        line = HttpTransport(url, address_variable=URL_VARIABLE, key_variable=SECRET_VARIABLE)
        return Neutral(device, Renewing(line, secret_in(SECRET_VARIABLE)))
    secret_in(TOKEN_VARIABLE)
    token = EnvironmentToken(TOKEN_VARIABLE)
    line = HttpTransport(url, token, address_variable=URL_VARIABLE, key_variable=TOKEN_VARIABLE)
    return Neutral(device, line)


@dataclass(slots=True, eq=False)
class Neutral:
    """One device behind the neutral protocol.

    Attributes
    ----------
    device
        Its name there.
    transport
        Carries the requests.
    timeout
        Seconds for one request.
    lag_seconds
        Longest time from a job's acceptance until it is listed, as the provider promises; None if
        it promises nothing, so that a job that is not listed may still be there.
    """

    device: str
    transport: Transport
    timeout: float = 30.0
    lag_seconds: float | None = None
    _offer: dict[str, Any] | None = field(default=None, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``emulator``."""
        return "emulator"

    def capabilities(self) -> Capabilities:
        """What it can do; the provider is asked the first time."""
        if self._offer is None:
            self._offer = self._device()
        offer = self._offer
        try:
            keys, lists = offer.get("keys") is True, offer.get("listing") is True
            lag = self.lag_seconds if lists else None
            return Capabilities(
                kind=_kind(offer.get("kind")),
                qubits=whole(offer.get("qubits"), "qubits", 1),
                max_shots=whole(offer.get("max_shots"), "max_shots", 1),
                max_programs=whole(offer.get("max_programs"), "max_programs", 1),
                lookup=Lookup.KEY if keys else Lookup.TAG if lists else Lookup.NONE,
                settle_seconds=None if lag is None else self.timeout + lag,
                cancels=True,
                evidence=Evidence.EMULATOR,
                region=text(offer.get("region"), "region"),
                currency=text(mapping(offer.get("prices"), "prices").get("currency"), "currency"),
                profile=str(offer.get("profile", "")),
            )
        except ResultError as error:
            raise TransientError(f"the device {self.device!r} is not told well: {error}") from error

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; the provider is asked for its quote and its queue."""
        limits = self.capabilities()
        check_fits(order, limits, f"{self.provider}:{self.device}")
        offer = self._device()
        quoted = exchange.ask(self.transport, self._post("/v1/quote", self._document(order)))
        cost = money(mapping(quoted, "the quote").get("cost")) if quoted else None
        if cost is None or cost.micros < 0:
            raise TransientError("the provider quoted no price")
        qubits, depth, pairs = shape_of(order)
        shots = order.shots * len(order.programs)
        return Estimate(
            qubits=qubits,
            depth=depth,
            two_qubit_gates=pairs,
            shots=shots,
            run_seconds=_sum(offer.get("job_seconds"), offer.get("shot_seconds"), shots),
            queue_seconds=_sum(offer.get("queue_seconds"), 0.0, 1),
            cost=cost,
            remarks=("circuits are run as they stand", "the price is the provider's quote"),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order, under its key."""
        request = self._post("/v1/jobs", self._document(order), {"Idempotency-Key": order.key})
        document = exchange.submit(self.transport, request, keyed=True)
        try:
            return text(mapping(document, "the reply").get("id"), "the job's id")
        except ResultError as error:
            raise UnknownOutcomeError(f"a submission was accepted, but {error}") from error

    def find(self, order: Order) -> list[str]:
        """Jobs that the provider lists under the order's tag."""
        return [job for job, tag, _ in self._listing(order.tag, order.tag) if tag == order.tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the device's jobs that are listed and whose tag begins so."""
        return [(job, tag) for job, tag, device in self._listing(prefix) if device == self.device]

    def status(self, job: str) -> JobStatus:
        """Where a job stands."""
        path = f"/v1/jobs/{exchange.segment(job)}"
        document = exchange.ask_for_job(self.transport, self._get(path), job)
        if document is None:
            return JobStatus(State.UNKNOWN, "not found")
        word = document.get("status")
        return JobStatus(
            WORDS.get(word, State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN,
            word=f"{word!s:.80}",
            why=f"{document.get('why') or ''!s:.300}",
            times=Times(
                created=stamp(document.get("created")),
                running=stamp(document.get("started")),
                finished=stamp(document.get("finished")),
            ),
            billed=money(document.get("billed")),
        )

    def result(self, job: str, order: Order) -> Result:
        """Readings of a job that is done; the provider's digests must be those of the order."""
        path = f"/v1/jobs/{exchange.segment(job)}/result"
        document = mapping(exchange.fetch(self.transport, self._get(path)), "the result")
        if document.get("job") != job:
            raise ResultError(f"asked for job {job!r:.80}, got a result of another one")
        programs = listing(document.get("programs"), "programs")
        same_length(programs, order)
        readings = tuple(
            _reading(mapping(found, f"programs[{k}]"), program, f"programs[{k}]")
            for k, (found, program) in enumerate(zip(programs, order.programs, strict=True))
        )
        calibration = document.get("calibration")
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=Evidence.EMULATOR,
            calibration=calibration if isinstance(calibration, str) else "",
            facts=facts_of_shots(readings, order),
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        exchange.cancel(
            self.transport,
            Request("DELETE", f"/v1/jobs/{exchange.segment(job)}", timeout=self.timeout),
        )

    def _listing(self, prefix: str, tag: str = "") -> list[tuple[str, str, str]]:
        """Name, tag and device of listed jobs whose tag begins so; of one tag alone, if given."""
        wanted = f"tag={quote(tag, safe='')}&" if tag else ""

        def page(place: int | None) -> tuple[list[tuple[str, str, str]], int | None]:
            start = place or 0
            path = f"/v1/jobs?{wanted}page={start}"
            document = exchange.ask(self.transport, self._get(path), frozenset({501}))
            if document is None:
                raise RefusedError(f"{self.provider} lists no jobs, so none can be looked up")
            jobs = listing(mapping(document, "a listing").get("jobs"), "jobs")
            told = [mapping(job, "a listed job") for job in jobs]
            # What is not ours may be as odd as it likes.
            found = [_entry(job) for job in told if _tag(job).startswith(prefix)]
            following = document.get("next")
            return found, None if following is None else whole(following, "next", start + 1)

        return list(dict.fromkeys(all_pages(page, MOST_PAGES)))

    def _device(self) -> dict[str, Any]:
        path = f"/v1/devices/{exchange.segment(self.device)}"
        document = exchange.ask(self.transport, self._get(path), frozenset({404}))
        if document is None:
            raise InputError(
                f"the emulator has no device {self.device!r:.80}; check the name, and that an "
                f"emulator is what {URL_VARIABLE} names"
            )
        if not isinstance(document, dict):
            raise TransientError(f"the device {self.device!r} is not told well")
        return document

    def _document(self, order: Order) -> dict[str, Any]:
        return {
            "device": self.device,
            "shots": order.shots,
            "tag": order.tag,
            "programs": [_plain(program) for program in order.programs],
            "settings": dict(order.settings),
        }

    def _get(self, path: str) -> Request:
        return Request("GET", path, timeout=self.timeout)

    def _post(self, path: str, document: Any, headers: dict[str, str] | None = None) -> Request:
        return exchange.post(path, document, headers or {}, self.timeout)


def _plain(program: Program) -> dict[str, Any]:
    """A program as JSON: OpenQASM 3, or fields and couplings."""
    from qupel.backends.emulator.wire import plain_program

    if isinstance(program, Annealing) and program.form.quotas:
        raise RefusedError("the protocol knows no quotas; encode them as penalties")
    return plain_program(program)


def _reading(found: dict[str, Any], program: Program, what: str) -> Reading:
    from qupel.backends.emulator.job import digest_of

    if found.get("digest") != digest_of(program):
        raise ResultError(f"{what} is of another program than the one ordered")
    return reading_of_texts(
        found.get("rows"),
        found.get("occurrences"),
        found.get("energies"),
        len(measured_of(program)),
        what,
    )


def _entry(told: dict[str, Any]) -> tuple[str, str, str]:
    """Name, tag and device of a listed job."""
    return text(told.get("id"), "id"), _tag(told), text(told.get("device"), "device")


def _tag(told: dict[str, Any]) -> str:
    """A listed job's tag; others of the account may have none."""
    tag = told.get("tag")
    return tag if isinstance(tag, str) else ""


def _kind(word: Any) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        raise ResultError(f"its kind is {word!r:.40}") from None


def _sum(once: Any, each: Any, times: int) -> float | None:
    try:
        return number(once, "seconds") + times * number(each, "seconds")
    except ResultError:
        return None
