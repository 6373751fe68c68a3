"""Small clouds in this process: transports that answer as IBM, Azure and D-Wave do, a Braket."""

from __future__ import annotations

import base64
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from qupel.backends.adapters.braket_formats import GATES
from qupel.backends.contract import JobStatus, State
from qupel.backends.emulator.ionq_circuits import circuits_of
from qupel.backends.machines import on_used_qubits
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.formats.qasm import read_qasm
from qupel.simulators.statevector import StateVector

STARTED, ENDED = "2026-11-21T10:00:10.5Z", "2026-11-21T10:00:12.5Z"


@dataclass
class Cloud(ABC):
    """A provider with paths and handlers; every request is kept.

    ``faults`` holds what the next requests meet instead, in turn: a status, a body, ``"lost"``
    after the work was done, or ``"refused"`` before anything was.
    """

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    faults: list[tuple[str, int | str | bytes]] = field(default_factory=list)
    status: str = ""

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        self.asked.append(request)
        fault = self._fault(request)
        if fault == "refused":
            raise TransientError("connection refused")
        if isinstance(fault, int):
            return Reply(fault, b'{"error": "of the cloud"}', {"retry-after": "7"})
        if isinstance(fault, bytes):
            return Reply(200, fault)
        status, document = self.answer(request)
        if fault == "lost":
            raise UnknownOutcomeError("the reply was lost")
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Reply(status, body)

    @abstractmethod
    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and document."""

    def count(self, method: str, pattern: str) -> int:
        """How many requests were made of a method, to a path that matches."""
        return sum(r.method == method and bool(re.search(pattern, r.path)) for r in self.asked)

    def _fault(self, request: Request) -> int | str | bytes | None:
        for place, (pattern, fault) in enumerate(self.faults):
            if re.search(pattern, f"{request.method} {request.path}"):
                del self.faults[place]
                return fault
        return None


def sampled(circuit: Circuit, shots: int) -> list[list[int]]:
    """Rows of a circuit's shots, in our order."""
    counts = StateVector(threads=1).sample(circuit, shots, np.random.default_rng(1))
    return np.repeat(counts.rows(), counts.occurrences, axis=0).tolist()


@dataclass
class FakeIbm(Cloud):
    """IBM's service with one device of a line of qubits."""

    qubits: int = 24

    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and document."""
        path = urlsplit(request.path)
        parts = [unquote(part) for part in path.path.strip("/").split("/")]
        if parts[0] == "backends":
            line = [[k, k + 1] for k in range(self.qubits - 1)]
            return 200, {
                "n_qubits": self.qubits,
                "basis_gates": ["cz", "rz", "sx", "x", "reset"],
                "coupling_map": line + [[b, a] for a, b in line],
                "max_shots": 1000,
                "simulator": False,
            }
        if request.method == "POST" and parts == ["jobs"]:
            name = f"ibm-job-{len(self.jobs)}"
            self.jobs[name] = json.loads(request.body)
            return 200, {"id": name, "backend": "ibm_fez"}
        if parts == ["jobs"]:
            return 200, {"jobs": self._page(parse_qs(path.query))}
        if parts[1] not in self.jobs:
            return 404, {"errors": [{"message": "no such job"}]}
        job = self.jobs[parts[1]]
        if len(parts) == 2:
            state = {"status": self.status or "Completed", "reason": "why not"}
            return 200, {"id": parts[1], "state": state, "tags": job["tags"], "created": STARTED}
        if parts[2] == "metrics":
            usage = {"status": "complete", "qpu_charge_time_seconds": 2}
            return 200, {"timestamps": {"running": STARTED, "finished": ENDED}, "usage": usage}
        if parts[2] == "cancel":
            return 409, {"errors": [{"message": "it is over"}]}
        return 200, {"results": [self._result(*pub) for pub in job["params"]["pubs"]]}

    def _page(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        told = [{"id": name, **job} for name, job in self.jobs.items()]
        for name in ("tags", "backend"):
            if name in query:
                told = [job for job in told if query[name][0] in job[name]]
        begin = int(query["offset"][0])
        page = told[begin : begin + int(query["limit"][0])]
        return [{name: job[name] for name in ("id", "tags", "backend")} for job in page]

    @staticmethod
    def _result(text: str, values: None, shots: int) -> dict[str, Any]:
        rows = sampled(on_used_qubits(read_qasm(text)), shots)
        samples = [hex(sum(bit << k for k, bit in enumerate(row))) for row in rows]
        return {"data": {"c": {"samples": samples, "num_bits": len(rows[0])}}, "metadata": {}}


@dataclass
class FakeAzure(Cloud):
    """A workspace, and the storage beside it under ``/store``."""

    stored: dict[str, bytes] = field(default_factory=dict)

    def storage(self, address: str) -> Transport:
        """Transport to the storage."""
        assert urlsplit(address).hostname == "store.blob.core.windows.net"
        return self

    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and document."""
        path = urlsplit(request.path)
        if path.path.startswith("/job-"):
            return self._kept(request, path.path)
        rest = path.path.partition("/workspaces/w")[2]
        if rest == "/storage/sasUri":
            wanted = json.loads(request.body)
            blob = f"/{wanted['blobName']}" if "blobName" in wanted else ""
            host = "https://store.blob.core.windows.net"
            return 200, {"sasUri": f"{host}/{wanted['containerName']}{blob}?sig=secret"}
        if rest == "/jobs":
            return 200, self._page(path.path, parse_qs(path.query))
        name, colon, _ = rest.removeprefix("/jobs/").partition(":")
        if colon:
            return 200, {}
        if request.method == "PUT":
            if name in self.jobs:
                return 409, {"error": {"code": "taken"}}
            self.jobs[name] = json.loads(request.body)
            self._run(name)
            return 201, self.jobs[name]
        if name not in self.jobs:
            return 404, {"error": {"code": "JobNotFound"}}
        cost = {"currencyCode": "USD", "estimatedTotal": 1.25, "events": []}
        return 200, {
            **self.jobs[name],
            "status": self.status or "Succeeded",
            "creationTime": STARTED,
            "endExecutionTime": ENDED,
            "costEstimate": cost,
            "outputDataUri": f"https://store.blob.core.windows.net/job-{name}/rawOutputData?old",
        }

    def _page(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """One job, and where the next one is."""
        place = int(query.get("skip", ["0"])[0])
        told = list(self.jobs.values())
        page: dict[str, Any] = {"value": told[place : place + 1]}
        if place + 1 < len(told):
            page["nextLink"] = f"https://w.quantum.azure.com{path}?skip={place + 1}"
        return page

    def _kept(self, request: Request, path: str) -> tuple[int, Any]:
        if request.method == "GET":
            return (200, self.stored[path]) if path in self.stored else (404, b"")
        self.stored[path] = request.body
        return 201, b""

    def _run(self, name: str) -> None:
        job = self.jobs[name]
        body = self.stored[f"/job-{name}/inputData"]
        shots = job["inputParams"]["shots"]
        if job["providerId"] == "ionq":
            [circuit] = circuits_of({"input": json.loads(body), "type": "ionq.circuit.v1"})
            counts = Counter(
                sum(bit << k for k, bit in enumerate(row)) for row in sampled(circuit, shots)
            )
            found: Any = {"histogram": {str(k): n / shots for k, n in counts.items()}}
        else:
            text = body.decode().replace("hqslib1.inc", "qelib1.inc")
            rows = sampled(read_qasm(text), shots)
            found = {"c": ["".join(map(str, row[::-1])) for row in rows]}
        self.stored[f"/job-{name}/rawOutputData"] = json.dumps(found).encode()


@dataclass
class FakeSapi(Cloud):
    """D-Wave's solver interface with a complete graph, sampled by looking at every state."""

    qubits: tuple[int, ...] = (3, 4, 7, 9, 30)
    spoil: Callable[[dict[str, Any]], None] = lambda answer: None

    @property
    def couplers(self) -> list[list[int]]:
        """All pairs, in an order that is not sorted."""
        return [[a, b] for b in self.qubits for a in self.qubits if a < b][::-1]

    def answer(self, request: Request) -> tuple[int, Any]:
        """Status and document."""
        path = urlsplit(request.path)
        parts = [unquote(part) for part in path.path.strip("/").split("/")]
        if parts[0] == "solvers":
            return 200, {
                "identity": {"name": parts[2], "version": {"graph_id": "g1"}},
                "status": "ONLINE",
                "properties": {
                    "qubits": list(self.qubits),
                    "couplers": self.couplers,
                    "h_range": [-4.0, 4.0],
                    "j_range": [-1.0, 1.0],
                },
            }
        if request.method == "POST":
            [job] = json.loads(request.body)
            name = f"problem-{len(self.jobs)}"
            self.jobs[name] = job
            return 202, [{"id": name, "status": "PENDING", "label": job["label"]}]
        if len(parts) == 1 or not parts[1]:
            query = parse_qs(path.query)
            word = self.status or "COMPLETED"
            if query.get("status", [word]) != [word]:
                return 200, []
            held = [{"id": name, **job, "status": word} for name, job in self.jobs.items()]
            wanted = query.get("label")
            held = [job for job in held if not wanted or job["label"] in wanted]
            return 200, [{k: job[k] for k in ("id", "label", "status", "solver")} for job in held]
        if parts[1] not in self.jobs:
            return 404, {"error_msg": "no such problem"}
        job = self.jobs[parts[1]]
        told = {"id": parts[1], "label": job["label"], "status": self.status or "COMPLETED"}
        told |= {"submitted_on": STARTED, "solved_on": ENDED, "type": "ising"}
        if len(parts) == 3:
            return 200, {"answer": self._solved(job)}
        return 200, told

    def _solved(self, job: dict[str, Any]) -> dict[str, Any]:
        linear = np.frombuffer(base64.b64decode(job["data"]["lin"]), "<f8")
        weights = np.frombuffer(base64.b64decode(job["data"]["quad"]), "<f8")
        used = [q for q, weight in zip(self.qubits, linear, strict=True) if not np.isnan(weight)]
        fields = linear[~np.isnan(linear)]
        pairs = [pair for pair in self.couplers if pair[0] in used and pair[1] in used]
        states = (np.arange(2 ** len(used))[:, None] >> np.arange(len(used))) & 1
        spins = 2 * states - 1
        energies = spins @ fields
        for (a, b), weight in zip(pairs, weights, strict=True):
            energies = energies + weight * spins[:, used.index(a)] * spins[:, used.index(b)]
        best = np.argsort(energies, kind="stable")[:2]
        reads = job["params"]["num_reads"]
        times = np.array([reads - reads // 4, reads // 4][: len(best)], "<i4")
        kept = times > 0
        packed = np.packbits(states[best[kept]].astype(np.uint8), axis=1)
        answer: dict[str, Any] = {
            "format": "qp",
            "num_variables": max(self.qubits) + 1,
            "timing": {"qpu_access_time": 1234.0, "note": "text"},
            "active_variables": _text(np.array(used, "<i4")),
            "energies": _text(energies[best[kept]].astype("<f8")),
            "num_occurrences": _text(times[kept]),
            "solutions": _text(packed),
        }
        self.spoil(answer)
        return answer


@dataclass
class FakeBraket:
    """Amazon Braket's tasks, run when they come; ``seconds`` is how long a simulator takes."""

    seconds: float | None = None
    word: State = State.DONE
    tasks: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def create(self, source: str, shots: int, token: str, tag: str) -> str:
        """Make a task, or name the one of a token that is known."""
        job = self.tokens.setdefault(token, f"task-{len(self.tokens)}")
        self.tasks[job] = tag, source, shots
        return job

    def find(self, tag: str) -> list[str]:
        """Tasks under a tag."""
        return [job for job, held in self.tasks.items() if held[0] == tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Tasks whose tag begins so, each with it."""
        return [(job, held[0]) for job, held in self.tasks.items() if held[0].startswith(prefix)]

    def status(self, job: str) -> tuple[JobStatus, int | None]:
        """Where a task stands, and its shots."""
        if job not in self.tasks:
            return JobStatus(State.UNKNOWN, "not found"), None
        return JobStatus(self.word, self.word), self.tasks[job][2]

    def fetch(self, job: str, tag: str) -> bytes:
        """Result document of a task."""
        held, source, shots = self.tasks.get(job, ("", "", 0))
        if held != tag:
            raise ResultError("not under that tag")
        ours = {name: gate for gate, name in GATES.items() if gate != "p"}
        circuit = read_qasm(re.sub("^[a-z]+", lambda m: ours.get(m[0], m[0]), source, flags=re.M))
        document: dict[str, Any] = {
            "measurements": sampled(circuit, shots),
            "measuredQubits": list(range(circuit.qubits)),
            "additionalMetadata": {"action": {"source": source}},
        }
        if self.seconds is not None:
            simulator = {"executionDuration": round(1000 * self.seconds)}
            document["additionalMetadata"]["simulatorMetadata"] = simulator
        return json.dumps(document).encode()

    def cancel(self, job: str) -> None:
        """Do nothing: tasks are over at once."""


def _text(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
