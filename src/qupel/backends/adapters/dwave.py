"""D-Wave's annealers by their own REST interface, and the maker's mock sampler on this machine.

The token comes from ``DWAVE_API_TOKEN``, the address from ``DWAVE_API_ENDPOINT`` (by default that
of North America). Requests are our own: one POST a submission, which is labelled with the order's
tag. ``dwave:mock`` is D-Wave's mock sampler from ``dwave-system``, a descent on a small graph.

Forms are embedded, scaled and read back here: the offset stays with the form, and bit 0 is spin
+1, where D-Wave counts a set bit as spin +1.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import numpy as np
from jaxtyping import Float64, Int8

from qupel.backends.adapters import exchange
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.documents import listing, mapping, text, whole
from qupel.backends.adapters.embedding import Embedded, Graph, embed, unembed
from qupel.backends.adapters.limits import check_fits
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.readings import facts_of_shots, reading_of_rows
from qupel.backends.catalogue.prices import Counts, Free, PerSecond, Unpublished, Usage, price
from qupel.backends.catalogue.profile import AnnealTimes, DeviceProfile
from qupel.backends.contract import (
    Annealing,
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
from qupel.backends.http import HttpTransport, secret_in
from qupel.backends.local import fingerprint
from qupel.backends.transport import Request, Transport
from qupel.errors import InputError, RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.evidence import Evidence
from qupel.model.money import Money

TOKEN_VARIABLE, URL_VARIABLE = "DWAVE_API_TOKEN", "DWAVE_API_ENDPOINT"
HOME = "https://na-west-1.cloud.dwavesys.com/sapi/v2"
MAKER = ".dwavesys.com"
#: Settings of an order that are understood.
SETTINGS = frozenset({"chain_strength", "seed"})
MOST_READS = 10_000
#: How many times the usual seconds a bill is bounded by: reading out more qubits takes longer.
SAFETY = 4.0

WORDS = {
    "PENDING": State.QUEUED,
    "IN_PROGRESS": State.RUNNING,
    "COMPLETED": State.DONE,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
}


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What an annealer gave: rows of spins of the qubits in use, before any reading."""

    qubits: tuple[int, ...]
    spins: Int8[np.ndarray, "rows qubits"]
    occurrences: tuple[int, ...]
    energies: Float64[np.ndarray, " rows"]
    facts: Mapping[str, Any]


class Line(Protocol):
    """An annealer's sampling service."""

    def graph(self) -> Graph:
        """Qubits, couplers and ranges."""
        ...

    def post(self, problem: Embedded, reads: int, microseconds: float | None, tag: str) -> str:
        """Submit a problem once; the errors are those of `Backend.submit`."""
        ...

    def find(self, tag: str) -> list[str]:
        """Problems under a label."""
        ...

    def status(self, job: str) -> JobStatus:
        """Where a problem stands."""
        ...

    def answer(self, job: str, tag: str) -> Raw:
        """What it gave; `ResultError` if it is under another label."""
        ...

    def cancel(self, job: str) -> None:
        """Ask for it not to be run."""
        ...


def open(device: str) -> Dwave:  # noqa: A001  # every provider's entry point has this name
    """Open ``mock``, or an annealer that a profile names, such as ``Advantage_system4``.

    Raises
    ------
    InputError
        If there is no such device, no token in the environment, or a library is missing.
    """
    if device == "mock":
        from qupel.backends.adapters.dwave_mock import Mock

        return Dwave(device, Mock(), None, Evidence.EMULATOR)
    profile = profile_behind("dwave", device)
    secret_in(TOKEN_VARIABLE)
    url = os.environ.get(URL_VARIABLE, "").strip() or HOME
    host = urlsplit(url).hostname or ""
    kind = Evidence.HARDWARE if host.endswith(MAKER) else Evidence.EMULATOR
    return Dwave(device, Sapi(HttpTransport(url, token_header), device), profile, kind)


def token_header() -> Mapping[str, str]:
    """The header that carries the token."""
    return {"X-Auth-Token": secret_in(TOKEN_VARIABLE)}


@dataclass(slots=True, eq=False)
class Dwave:
    """One of D-Wave's annealers.

    Settings of an order: ``chain_strength`` in the form's unit, ``seed`` of the embedding.

    Attributes
    ----------
    device
        Its name at D-Wave.
    line
        Samples.
    profile
        What the catalogue says of it; None for the mock.
    evidence
        What kind of machine answers.
    settle_seconds
        After how long a problem is listed under its label, the request's time included; D-Wave
        names no bound, so give one only if you know.
    """

    device: str
    line: Line
    profile: DeviceProfile | None
    evidence: Evidence = Evidence.EMULATOR
    settle_seconds: float | None = None
    _graph: Graph | None = field(default=None, init=False, repr=False)
    _placed: dict[str, Embedded] = field(default_factory=dict, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``dwave``."""
        return "dwave"

    def capabilities(self) -> Capabilities:
        """What it can do; the graph is asked for the first time."""
        return Capabilities(
            kind=Kind.ANNEALING,
            qubits=len(self._known_graph().qubits),
            max_shots=self.profile.max_shots if self.profile else MOST_READS,
            max_programs=1,
            lookup=Lookup.TAG,
            settle_seconds=self.settle_seconds,
            cancels=True,
            evidence=self.evidence,
            region=self.profile.regions[0] if self.profile and self.profile.regions else "",
            currency=self._currency(),
            profile=self.profile.name if self.profile else "",
        )

    def estimate(self, order: Order) -> Estimate:
        """Qubits after embedding, and seconds and money by the catalogue's times and price."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        times = self.profile.anneal if self.profile else None
        seconds = None if times is None else _seconds(times, program, order.shots)
        longest = max(len(chain) for chain in placed.chains)
        return Estimate(
            qubits=len(placed.fields),
            depth=0,
            two_qubit_gates=0,
            shots=order.shots,
            run_seconds=seconds,
            queue_seconds=None,
            cost=self._cost(seconds),
            remarks=(
                f"{len(placed.chains)} spins in chains of up to {longest} qubits",
                "seconds by the catalogue's programming, anneal and readout times",
                f"the cost is that of {SAFETY:g} times those seconds",
            ),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order, labelled with its tag."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        return self.line.post(placed, order.shots, program.microseconds, order.tag)

    def find(self, order: Order) -> list[str]:
        """Problems that D-Wave lists under the order's tag."""
        return self.line.find(order.tag)

    def status(self, job: str) -> JobStatus:
        """Where a problem stands."""
        return self.line.status(job)

    def result(self, job: str, order: Order) -> Result:
        """Spins by majority of their chains; broken chains are counted in the facts."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        raw = self.line.answer(job, order.tag)
        if tuple(sorted(raw.qubits)) != placed.qubits:
            raise ResultError(
                f"job {job!r:.80} used {len(raw.qubits)} other qubits than the order's embedding "
                f"of {len(placed.qubits)}: it is of another form, or the graph has changed"
            )
        spins, broken = unembed(placed, raw.qubits, raw.spins)
        bits = ((1 - spins) // 2).astype(np.uint8)
        reading = reading_of_rows(bits, raw.occurrences, "the answer")
        reads = np.array(raw.occurrences, np.int64)
        facts = {
            "embedding": [list(chain) for chain in placed.chains],
            "chain_strength": placed.strength,
            "scale": placed.scale,
            "chain_breaks": float((broken * reads).sum() / (reads.sum() * len(placed.chains))),
            "reads_with_breaks": int(reads[broken > 0].sum()),
            "claimed_energy_error": _energy_error(placed, raw),
            **raw.facts,
            **facts_of_shots([reading], order),
        }
        return Result((reading,), job=job, device=self.device, evidence=self.evidence, facts=facts)

    def cancel(self, job: str) -> None:
        """Ask for a problem not to be run."""
        self.line.cancel(job)

    def _checked(self, order: Order) -> list[Annealing]:
        check_fits(order, self.capabilities(), f"{self.provider}:{self.device}")
        unknown = set(order.settings) - SETTINGS
        if unknown:
            raise RefusedError(
                f"{self.provider} knows no setting {sorted(unknown)[0]!r}; "
                f"known: {', '.join(sorted(SETTINGS))}"
            )
        return [program for program in order.programs if isinstance(program, Annealing)]

    def _known_graph(self) -> Graph:
        if self._graph is None:
            self._graph = self.line.graph()
        return self._graph

    def _embedded(self, order: Order, program: Annealing) -> Embedded:
        """The order's embedding: found once, and found the same again by another process."""
        key = fingerprint(order)
        if key not in self._placed:
            seed = order.settings.get("seed", int(key[:8], 16) % 2**31)
            strength = order.settings.get("chain_strength")
            self._placed[key] = embed(program.form, self._known_graph(), int(seed), strength)
        return self._placed[key]

    def _currency(self) -> str:
        model = self.profile.price if self.profile else Free()
        if self.profile is None or isinstance(model, Free):
            return ""
        return "USD" if isinstance(model, Unpublished) else model.currency

    def _cost(self, seconds: float | None) -> Money | None:
        if self.profile is None or isinstance(self.profile.price, Free):
            return None
        if not isinstance(self.profile.price, PerSecond) or seconds is None:
            raise InputError(
                f"no price of {self.profile.name} by the second is published, so a bill has no "
                "bound; write a profile of your own with the price of your contract"
            )
        return price(self.profile.price, Usage((Counts(),), 1, Decimal(str(SAFETY * seconds))))


@dataclass(slots=True, eq=False)
class Sapi:
    """D-Wave's solver interface.

    Attributes
    ----------
    transport
        Carries the requests.
    solver
        Name of the annealer.
    timeout
        Seconds for one request.
    """

    transport: Transport
    solver: str
    timeout: float = 60.0
    _identity: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _known: Graph | None = field(default=None, init=False, repr=False)

    def graph(self) -> Graph:
        """Qubits, couplers and ranges, as the solver's definition tells them."""
        path = f"/solvers/remote/{exchange.segment(self.solver)}"
        told = exchange.ask(self.transport, self._get(path, "solver-definition"), frozenset({404}))
        if told is None:
            raise InputError(f"D-Wave has no solver {self.solver!r}")
        try:
            told = mapping(told, "the solver")
            self._identity = mapping(told.get("identity"), "its identity")
            known = mapping(told.get("properties"), "its properties")
            qubits = tuple(whole(q, "a qubit") for q in listing(known.get("qubits"), "qubits"))
            couplers = tuple(_pair(pair) for pair in listing(known.get("couplers"), "couplers"))
            self._known = Graph(
                qubits, couplers, _range(known.get("h_range")), _range(known.get("j_range"))
            )
        except ResultError as error:
            raise TransientError(f"the solver {self.solver!r} is not told well: {error}") from error
        return self._known

    def post(self, problem: Embedded, reads: int, microseconds: float | None, tag: str) -> str:
        """Submit a problem once."""
        graph = self._known or self.graph()
        params: dict[str, Any] = {
            "num_reads": reads,
            "auto_scale": False,
            "answer_mode": "histogram",
        }
        if microseconds is not None:
            params["annealing_time"] = microseconds
        job = {
            "solver": self._identity,
            "type": "ising",
            "label": tag,
            "params": params,
            "data": encoded(problem, graph),
        }
        headers = {"Accept": _media("problems")}
        request = exchange.post("/problems/", [job], headers, self.timeout)
        told = exchange.submit(self.transport, request)
        try:
            [first] = listing(told, "the reply")
            first = mapping(first, "the problem")
            if "error_code" in first or "error_msg" in first:
                raise RefusedError(f"D-Wave refused: {first.get('error_msg')!s:.200}")
            return text(first.get("id"), "the problem's id")
        except (ResultError, ValueError) as error:
            raise UnknownOutcomeError("a problem was accepted, but the reply names none") from error

    def find(self, tag: str) -> list[str]:
        """Problems under a label."""
        path = f"/problems/?label={quote(tag, safe='')}&max_results=1000"
        told = exchange.ask(self.transport, self._get(path, "problems"))
        try:
            entries = [mapping(entry, "a problem") for entry in listing(told, "problems")]
            return [text(e.get("id"), "id") for e in entries if e.get("label") == tag]
        except ResultError as error:
            raise TransientError(f"a listing cannot be read: {error}") from error

    def status(self, job: str) -> JobStatus:
        """Where a problem stands."""
        path = f"/problems/{exchange.segment(job)}"
        told = exchange.ask(self.transport, self._get(path, "problem"), frozenset({404}))
        if told is None:
            return JobStatus(State.UNKNOWN, "not found")
        if not isinstance(told, dict) or told.get("id") != job:
            raise TransientError(f"asked for problem {job!r:.80}, told of something else")
        word = told.get("status")
        return JobStatus(
            WORDS.get(word, State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN,
            word=f"{word!s:.80}",
            why=f"{told.get('error_message') or ''!s:.300}",
            times=Times(
                created=moment(told.get("submitted_on")), finished=moment(told.get("solved_on"))
            ),
        )

    def answer(self, job: str, tag: str) -> Raw:
        """What a problem gave."""
        path = f"/problems/{exchange.segment(job)}"
        told = mapping(exchange.fetch(self.transport, self._get(path, "problem")), "the problem")
        if told.get("id") != job or told.get("label") != tag:
            raise ResultError(f"job {job!r:.80} was not labelled with the order's tag")
        if told.get("status") != "COMPLETED":
            raise ResultError(f"job {job!r:.80} is {told.get('status')!s:.40}, so it has no answer")
        if "answer" not in told:
            more = self._get(f"{path}/answer", "problem-answer")
            told = {**told, **mapping(exchange.fetch(self.transport, more), "the answer")}
        return decoded(mapping(told.get("answer"), "the answer"))

    def cancel(self, job: str) -> None:
        """Ask for a problem not to be run."""
        path = f"/problems/{exchange.segment(job)}"
        exchange.cancel(self.transport, Request("DELETE", path, timeout=self.timeout))

    def _get(self, path: str, kind: str) -> Request:
        return Request("GET", path, headers={"Accept": _media(kind)}, timeout=self.timeout)


def encoded(problem: Embedded, graph: Graph) -> dict[str, Any]:
    """A problem in D-Wave's ``qp`` format: little-endian doubles in the solver's own order.

    Qubits not in use hold NaN; couplers are told only between qubits in use.
    """
    linear = np.array([problem.fields.get(qubit, np.nan) for qubit in graph.qubits], "<f8")
    between = [(a, b) for a, b in graph.couplers if a in problem.fields and b in problem.fields]
    pairs = np.array([problem.couplings.get(pair, 0.0) for pair in between], "<f8")
    return {
        "format": "qp",
        "lin": base64.b64encode(linear.tobytes()).decode("ascii"),
        "quad": base64.b64encode(pairs.tobytes()).decode("ascii"),
        "offset": 0.0,
    }


def decoded(answer: Mapping[str, Any]) -> Raw:
    """An answer in D-Wave's ``qp`` format; a set bit is spin +1, the highest bit comes first.

    Raises
    ------
    ResultError
        If a part is missing, of another length, or holds what it must not.
    """
    if answer.get("format") != "qp":
        raise ResultError(f"the answer's format is {answer.get('format')!s:.40}, not qp")
    qubits = _array(answer, "active_variables", "<i4")
    times = _array(answer, "num_occurrences", "<i4")
    energies = _array(answer, "energies", "<f8")
    packed = _array(answer, "solutions", "u1")
    rows, wide = len(energies), -(-len(qubits) // 8)
    if not rows or not len(qubits) or len(times) != rows or len(packed) != rows * wide:
        raise ResultError(
            f"the answer's parts do not fit: {len(qubits)} qubits, {rows} energies, {len(times)} "
            f"occurrences, {len(packed)} bytes of solutions"
        )
    if (
        (times < 1).any()
        or not np.isfinite(energies).all()
        or len(set(qubits.tolist())) < len(qubits)
    ):
        raise ResultError(
            "the answer holds occurrences below one, energies that are none, or a qubit twice"
        )
    bits = np.unpackbits(packed.reshape(rows, wide), axis=1)[:, : len(qubits)]
    timing = answer.get("timing")
    return Raw(
        tuple(qubits.tolist()),
        (2 * bits.astype(np.int8) - 1).astype(np.int8),
        tuple(times.tolist()),
        energies.astype(np.float64),
        {"timing_microseconds": _timing(timing)} if isinstance(timing, dict) else {},
    )


def _array(answer: Mapping[str, Any], name: str, kind: str) -> np.ndarray:
    held = answer.get(name)
    if not isinstance(held, str):
        raise ResultError(f"the answer has no {name}")
    try:
        return np.frombuffer(base64.b64decode(held, validate=True), np.dtype(kind))
    except ValueError as error:
        raise ResultError(f"the answer's {name} cannot be decoded") from error


def _timing(timing: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in timing.items()
        if type(value) in (int, float) and np.isfinite(value) and name.isidentifier()
    }


def _energy_error(placed: Embedded, raw: Raw) -> float:
    """Largest difference between the energies claimed and those of the embedded problem."""
    place = {qubit: k for k, qubit in enumerate(raw.qubits)}
    spins = raw.spins.astype(np.float64)
    true = sum(
        (weight * spins[:, place[q]] for q, weight in placed.fields.items()), np.zeros(len(spins))
    )
    for (a, b), weight in placed.couplings.items():
        true = true + weight * spins[:, place[a]] * spins[:, place[b]]
    return float(np.abs(true - raw.energies).max())


def _seconds(times: AnnealTimes, program: Annealing, reads: int) -> float:
    anneal = times.anneal if program.microseconds is None else program.microseconds * 1e-6
    return times.programming + reads * (anneal + times.readout + times.delay)


def _media(kind: str) -> str:
    return f"application/vnd.dwave.sapi.{kind}+json;version=3.0.0"


def _pair(value: Any) -> tuple[int, int]:
    ends = listing(value, "a coupler")
    if len(ends) != 2:
        raise ResultError("a coupler joins two qubits")
    return whole(ends[0], "a qubit"), whole(ends[1], "a qubit")


def _range(value: Any) -> tuple[float, float]:
    ends = listing(value, "a range")
    if (
        len(ends) != 2
        or not all(type(e) in (int, float) for e in ends)
        or not ends[0] < 0 < ends[1]
    ):
        raise ResultError(f"a range is two numbers about zero, got {ends!r:.60}")
    return float(ends[0]), float(ends[1])
