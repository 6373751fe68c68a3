"""IonQ's quantum cloud by its own REST interface, version 0.4, over our own transport.

No library of IonQ's is used: those that there are submit again when a reply is lost, and IonQ
knows no idempotency key. The key comes from ``IONQ_API_KEY``; ``QUPEL_IONQ_URL`` names another
address, an emulator's say, whose results are then called an emulator's.

IonQ counts outcomes as whole numbers in which qubit 0 is the lowest bit, and always all qubits of
the circuit. It gives shares of shots, not counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from qupel.backends.adapters import exchange
from qupel.backends.adapters.claims import age_of, bound_of, profile_behind
from qupel.backends.adapters.documents import listing, mapping, text
from qupel.backends.adapters.ionq_formats import (
    document_of,
    failure_of,
    money_of,
    parts_of,
    price_of,
    seconds_of,
    shares_of,
    tag_of,
    times_of,
    written,
)
from qupel.backends.adapters.limits import check_fits, check_settings, shape_of
from qupel.backends.adapters.paging import all_pages
from qupel.backends.adapters.readings import (
    bits_of_numbers,
    facts_of_shots,
    measured_circuit,
    reading_of_rows,
)
from qupel.backends.adapters.shares import counts_of_shares
from qupel.backends.addresses import address_in
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.contract import (
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Reading,
    Result,
    State,
)
from qupel.backends.credentials import EnvironmentToken, secret_in
from qupel.backends.http import HttpTransport
from qupel.backends.local import stream
from qupel.backends.transport import Request, Transport
from qupel.errors import ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money

KEY_VARIABLE, URL_VARIABLE = "IONQ_API_KEY", "QUPEL_IONQ_URL"
HOME = "https://api.ionq.co/v0.4"
#: Pages of a listing that are read at most, and jobs on each.
MOST_PAGES, PAGE = 200, 100
MOST_PROGRAMS = 100
#: Settings of an order that are understood.
SETTINGS = frozenset({"noise", "debiasing", "seed"})

WORDS = {
    "submitted": State.QUEUED,
    "ready": State.QUEUED,
    "started": State.RUNNING,
    "running": State.RUNNING,
    "completed": State.DONE,
    "failed": State.FAILED,
    "canceled": State.CANCELLED,
}


def open(device: str) -> Ionq:  # noqa: A001  # every provider's entry point has this name
    """Open ``simulator``, ``qpu.forte-1`` or another device that a profile names.

    Raises
    ------
    InputError
        If there is no such device, or no key in the environment.
    """
    profile = profile_behind("ionq", device)
    secret_in(KEY_VARIABLE)
    url, key = address_in(URL_VARIABLE, HOME), EnvironmentToken(KEY_VARIABLE, "apiKey")
    return Ionq(
        device,
        HttpTransport(url, key, address_variable=URL_VARIABLE, key_variable=KEY_VARIABLE),
        profile,
        genuine=urlsplit(url).hostname == urlsplit(HOME).hostname,
    )


@dataclass(slots=True, eq=False)
class Ionq:
    """One of IonQ's devices.

    Settings of an order: ``noise`` names a noise model of the simulator, ``debiasing`` switches
    IonQ's error mitigation on or off, ``seed`` draws the shots of a simulation.

    Attributes
    ----------
    device
        Its name at IonQ.
    transport
        Carries the requests; paths are below ``/v0.4``.
    profile
        What the catalogue says of the device.
    genuine
        Whether IonQ itself is behind the transport.
    timeout
        Seconds for one request.
    lag_seconds
        Longest time from a job's acceptance until it is listed. IonQ names none; give one only
        if you know.
    """

    device: str
    transport: Transport
    profile: DeviceProfile
    genuine: bool = False
    timeout: float = 30.0
    lag_seconds: float | None = None

    @property
    def provider(self) -> str:
        """``ionq``."""
        return "ionq"

    def capabilities(self) -> Capabilities:
        """What it can do, by its profile."""
        lag = self.lag_seconds
        simulated = Evidence.NOISELESS if self.profile.simulated else Evidence.HARDWARE
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=self.profile.qubits,
            max_shots=self.profile.max_shots,
            max_programs=MOST_PROGRAMS,
            lookup=Lookup.TAG,
            settle_seconds=None if lag is None else self.timeout + lag,
            cancels=True,
            evidence=simulated if self.genuine else Evidence.EMULATOR,
            region=(self.profile.regions or ("us",))[0],
            currency="USD",
            profile=self.profile.name,
        )

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; IonQ is asked for its price, the catalogue if it names none."""
        self._check(order)
        circuits = [written(program) for program in order.programs]
        qubits, depth, pairs = shape_of(order)
        told = self._told(order, circuits)
        asked = price_of(told, len(circuits))
        listed = bound_of(self.profile, circuits, order.shots)
        known = [cost for cost in (asked, listed) if cost is not None]
        return Estimate(
            qubits=qubits,
            depth=depth,
            two_qubit_gates=pairs,
            shots=order.shots * len(circuits),
            run_seconds=seconds_of(told.get("estimated_execution_time"), len(circuits)),
            queue_seconds=seconds_of(told.get("current_predicted_queue_time"), 1),
            cost=max(known, key=lambda cost: cost.micros, default=None),
            remarks=(
                "depth and gates as written; IonQ compiles again",
                "the cost is the higher of IonQ's estimate and the catalogue's price",
                *age_of(self.profile),
            ),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order; IonQ knows no key, so it must not be repeated."""
        self._check(order)
        request = exchange.post("/jobs", document_of(order, self.device), {}, self.timeout)
        document = exchange.submit(self.transport, request)
        try:
            return text(mapping(document, "the reply").get("id"), "the job's id")
        except ResultError as error:
            raise UnknownOutcomeError(f"a submission was accepted, but {error}") from error

    def find(self, order: Order) -> list[str]:
        """Jobs whose metadata hold the order's tag, among all that IonQ lists."""
        return [job for job, tag, _ in self._listing(order.tag) if tag == order.tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the device's jobs that are listed and whose tag begins so."""
        return [(job, tag) for job, tag, name in self._listing(prefix) if name == self.device]

    def status(self, job: str) -> JobStatus:
        """Where a job stands; the bill is asked for once it is over."""
        document = self._job(job)
        if document is None:
            return JobStatus(State.UNKNOWN, "not found")
        word = document.get("status")
        state = WORDS.get(word, State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN
        return JobStatus(
            state,
            word=f"{word!s:.80}",
            why=failure_of(document),
            times=times_of(document),
            billed=self._billed(job) if state.final else None,
        )

    def result(self, job: str, order: Order) -> Result:
        """Counts of the shots; IonQ tells shares, which are shots again after rounding."""
        document = self._job(job)
        if document is None:
            raise ResultError(f"IonQ knows no job {job!r:.80}")
        if tag_of(document) != order.tag:
            raise ResultError(f"job {job!r:.80} was not filed under the order's tag")
        if document.get("backend", self.device) != self.device:
            raise ResultError(f"job {job!r:.80} ran on another device than {self.device}")
        several = len(order.programs) > 1
        path = f"/jobs/{exchange.segment(job)}/results/probabilities"
        got = exchange.fetch(self.transport, self._get(path + "/aggregated" * several))
        shares = mapping(got, "the result")
        parts = parts_of(shares, document, order) if several else [shares]
        facts: dict[str, Any] = {}
        readings = tuple(
            self._reading(mapping(part, f"circuit {k}"), order, k, facts)
            for k, part in enumerate(parts)
        )
        calibration = document.get("characterization_id") or ""
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=self._evidence(order),
            times=times_of(document),
            calibration=calibration if isinstance(calibration, str) else "",
            facts={**facts, **facts_of_shots(readings, order)},
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run, unless it is over: IonQ would call a done job cancelled."""
        if self.status(job).state.final:
            return
        path = f"/jobs/{exchange.segment(job)}/status/cancel"
        exchange.cancel(self.transport, Request("PUT", path, timeout=self.timeout))

    def _check(self, order: Order) -> None:
        check_fits(order, self.capabilities(), f"{self.provider}:{self.device}")
        check_settings(order, SETTINGS, self.provider)

    def _evidence(self, order: Order) -> Evidence:
        held = self.capabilities().evidence
        noisy = held is Evidence.NOISELESS and order.settings.get("noise", "ideal") != "ideal"
        return Evidence.NOISY if noisy else held

    def _reading(
        self, shares: Mapping[str, Any], order: Order, place: int, facts: dict[str, Any]
    ) -> Reading:
        what = f"circuit {place}"
        programs = [measured_circuit(program) for program in order.programs]
        wide = max(program.qubits for program in programs)
        columns = written(programs[place]).measured or ()
        numbers, weights = shares_of(shares, wide, what)
        drawn = stream(order, place) if self.profile.simulated else None
        times, rounded = counts_of_shares(weights, order.shots, drawn, what)
        facts["counts"] = "drawn from probabilities" if drawn is not None else "shares of shots"
        if rounded:
            facts["shots_rounded"] = facts.get("shots_rounded", 0) + rounded
        kept = [k for k, count in enumerate(times) if count]
        rows = bits_of_numbers([numbers[k] for k in kept], columns)
        return reading_of_rows(rows, [times[k] for k in kept], what)

    def _job(self, job: str) -> dict[str, Any] | None:
        path = f"/jobs/{exchange.segment(job)}"
        return exchange.ask_for_job(self.transport, self._get(path), job)

    def _listing(self, prefix: str) -> list[tuple[str, str, str]]:
        """Name, tag and device of the jobs that are listed and whose tag begins so."""

        def page(place: str | None) -> tuple[list[tuple[str, str, str]], str | None]:
            query = {"limit": str(PAGE)} | ({} if place is None else {"next": place})
            told = exchange.ask(self.transport, self._get(f"/jobs?{urlencode(query)}"))
            document = mapping(told, "a listing")
            found = []
            for job in listing(document.get("jobs"), "jobs"):
                entry = mapping(job, "a listed job")
                tag = tag_of(entry)
                # A circuit of a job is listed beside the job, with the same metadata.
                if tag.startswith(prefix) and tag and not entry.get("parent_job_id"):
                    name = text(entry.get("backend", self.device), "backend")
                    found.append((text(entry.get("id"), "id"), tag, name))
            following = document.get("next")
            return found, text(following, "next") if following else None

        return list(dict.fromkeys(all_pages(page, MOST_PAGES)))

    def _told(self, order: Order, circuits: Sequence[Circuit]) -> dict[str, Any]:
        ones = max(sum(len(g.qubits) == 1 for g in c.gates) for c in circuits)
        query = {
            "backend": self.device,
            "type": "ionq.circuit.v1",
            "qubits": max(circuit.qubits for circuit in circuits),
            "shots": order.shots,
            "1q_gates": ones,
            "2q_gates": max(circuit.two_qubit_gates() for circuit in circuits),
            "error_mitigation": str(bool(order.settings.get("debiasing", True))).lower(),
        }
        unasked = frozenset({400, 404, 405, 422, 501})
        path = f"/jobs/estimate?{urlencode(query)}"
        told = exchange.ask(self.transport, self._get(path), unasked)
        return told if isinstance(told, dict) else {}

    def _billed(self, job: str) -> Money | None:
        path = f"/jobs/{exchange.segment(job)}/cost"
        try:
            told = exchange.ask(self.transport, self._get(path), frozenset({404, 501}))
        except TransientError:
            return None  # where the job stands is worth telling without its bill
        cost = told.get("cost") if isinstance(told, dict) else None
        return money_of(cost.get("value"), cost.get("unit")) if isinstance(cost, dict) else None

    def _get(self, path: str) -> Request:
        return Request("GET", path, timeout=self.timeout)
