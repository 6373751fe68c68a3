"""D-Wave's solver interface and its formats, and what a sampling service is to the adapter."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

import numpy as np
from jaxtyping import Float64, Int8

from qupel.backends.adapters import exchange
from qupel.backends.adapters.documents import listing, mapping, text, whole
from qupel.backends.adapters.embedding import Embedded, Graph
from qupel.backends.adapters.moments import moment
from qupel.backends.contract import (
    JobStatus,
    State,
    Times,
)
from qupel.backends.transport import Request, Transport
from qupel.errors import (
    InputError,
    RefusedError,
    ResultError,
    RunError,
    TransientError,
    UnknownOutcomeError,
)

#: Problems of a listing at most.
MOST = 1000

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

    @property
    def access_microseconds(self) -> float | None:
        """How long the annealer was used, which is what is billed; None if it is not told."""
        return _access(self.facts.get("timing_microseconds"))


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

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Problems of this device whose label begins so, each with it."""
        ...

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Where a problem stands, and its access time in microseconds, as far as it is told."""
        ...

    def answer(self, job: str, tag: str) -> Raw:
        """What it gave; `ResultError` if it is under another label."""
        ...

    def cancel(self, job: str) -> None:
        """Ask for it not to be run."""
        ...


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
                raise _error_of(first)
            return text(first.get("id"), "the problem's id")
        except (ResultError, ValueError) as error:
            raise UnknownOutcomeError("a problem was accepted, but the reply names none") from error

    def find(self, tag: str) -> list[str]:
        """Problems under a label."""
        path = f"/problems/?{urlencode({'label': tag, 'max_results': MOST})}"
        told = exchange.ask(self.transport, self._get(path, "problems"))
        try:
            entries = [mapping(entry, "a problem") for entry in listing(told, "problems")]
            return [text(e.get("id"), "id") for e in entries if e.get("label") == tag]
        except ResultError as error:
            raise TransientError(f"a listing cannot be read: {error}") from error

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Problems of the solver whose label begins so, at most 1,000 in each state.

        D-Wave finds whole labels only and gives no pages, so each state is asked for.
        """
        found: dict[str, str] = {}
        for word in WORDS:
            query = {"solver": self.solver, "status": word, "max_results": MOST}
            path = f"/problems/?{urlencode(query)}"
            told = exchange.ask(self.transport, self._get(path, "problems"))
            try:
                for entry in (mapping(e, "a problem") for e in listing(told, "problems")):
                    label = entry.get("label")
                    ours = isinstance(label, str) and label.startswith(prefix)
                    if ours and self._is_here(entry):
                        found[text(entry.get("id"), "id")] = str(label)
            except ResultError as error:
                raise TransientError(f"a listing cannot be read: {error}") from error
        return list(found.items())

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Where a problem stands, and its access time where the answer comes along."""
        path = f"/problems/{exchange.segment(job)}"
        told = exchange.ask_for_job(self.transport, self._get(path, "problem"), job)
        if told is None:
            return JobStatus(State.UNKNOWN, "not found"), None
        word = told.get("status")
        answer = told.get("answer")
        timing = answer.get("timing") if isinstance(answer, dict) else None
        status = JobStatus(
            WORDS.get(word, State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN,
            word=f"{word!s:.80}",
            why=f"{told.get('error_message') or ''!s:.300}",
            times=Times(
                created=moment(told.get("submitted_on")), finished=moment(told.get("solved_on"))
            ),
        )
        return status, _access(timing)

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

    def _is_here(self, entry: Mapping[str, Any]) -> bool:
        """Whether a listed problem is the solver's, as far as it is told: by name or identity."""
        solver = entry.get("solver", self.solver)
        return (solver.get("name") if isinstance(solver, dict) else solver) == self.solver

    def _get(self, path: str, kind: str) -> Request:
        return Request("GET", path, headers={"Accept": _media(kind)}, timeout=self.timeout)


def _error_of(told: Mapping[str, Any]) -> RunError:
    """What D-Wave says of one problem of a submission, whose code is as a status of HTTP."""
    code, said = told.get("error_code"), f"{told.get('error_msg')!s:.200}"
    if code in exchange.BUSY:
        return TransientError(f"D-Wave accepted nothing: {code} {said}")
    if type(code) is int and exchange.leaves_open(code):
        return UnknownOutcomeError(f"a problem was sent, and its fate is unknown: {code} {said}")
    return RefusedError(f"D-Wave refused: {said}")


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


def _access(timing: Any) -> float | None:
    value = timing.get("qpu_access_time") if isinstance(timing, Mapping) else None
    if not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


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
