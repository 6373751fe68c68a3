"""IonQ's REST interface, version 0.4, as far as its clients for Qiskit and Cirq use it.

The provider behind it is the same as behind the neutral protocol: accounts, queue, books, faults.
Results are histograms of whole numbers whose lowest bit is qubit 0, as shares of the shots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from qupel.backends.catalogue.listing import profiles
from qupel.backends.contract import Kind, Reading, State
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.emulator.devices import Device, device_named
from qupel.backends.emulator.hooks import Asked, Denied
from qupel.backends.emulator.ionq_circuits import circuits_of
from qupel.backends.emulator.job import EmulatedJob, Submission
from qupel.backends.emulator.neutral import told
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.routing import routed
from qupel.backends.emulator.wire import MOST_LABEL, is_whole, sum_of
from qupel.backends.transport import Request
from qupel.errors import InputError
from qupel.model.bits import index_of
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.simulators.statevector import StateVector

ROUTES: dict[tuple[str, ...], Asked] = {
    ("POST", "jobs"): "submit",
    ("GET", "jobs"): "list",
    ("GET", "jobs", "estimate"): "quote",
    ("GET", "jobs", "*"): "status",
    ("DELETE", "jobs", "*"): "cancel",
    ("GET", "jobs", "*", "cost"): "other",
    ("PUT", "jobs", "*", "status", "cancel"): "cancel",
    ("GET", "jobs", "*", "results", "probabilities"): "result",
    ("GET", "jobs", "*", "results", "probabilities", "aggregated"): "result",
    ("GET", "jobs", "*", "results", "shots"): "result",
    ("GET", "backends"): "device",
    ("GET", "backends", "*"): "device",
    ("GET", "backends", "*", "characterizations"): "calibration",
    ("GET", "calibrations", "current"): "calibration",
}
#: What IonQ tells without a key.
OPEN: frozenset[Asked] = frozenset({"device"})

WORDS = {
    "queued": "ready",
    "running": "started",
    "done": "completed",
    "failed": "failed",
    "cancelled": "canceled",
}
#: Metadata under which our own adapter files a job's tag.
TAG = "qupel_tag"


def asked_of(method: str, parts: list[str]) -> tuple[Asked, str]:
    """What is asked, and the name in the path."""
    return routed(ROUTES, method, parts)


def answer(
    provider: Provider,
    asked: Asked,
    name: str,
    account: str,
    request: Request,
    query: Mapping[str, str],
    document: Any,
) -> tuple[int, Any]:
    """HTTP status and JSON document that a request is answered with."""
    path = request.path.partition("?")[0]
    acts: dict[Asked, Callable[[], Any]] = {
        "submit": lambda: _submit(provider, account, document),
        "list": lambda: _list(provider, account, query),
        "status": lambda: _told(provider, *_found(provider, account, name)),
        "cancel": lambda: _cancel(provider, account, name, delete=request.method == "DELETE"),
        "result": lambda: _result(provider, account, name, path),
        "quote": lambda: _estimate(provider, query),
        "device": lambda: _backends(provider, name),
        "calibration": lambda: _calibrations(provider, name),
        "other": lambda: _cost(provider, account, name),
    }
    return 200, acts[asked]()


def device_behind(provider: Provider, backend: str) -> Device:
    """The provider's device that IonQ's name for a backend means.

    That is the device of this name, or of the profile that names it; ``simulator`` is else the
    first circuit device without noise, and any ``qpu`` the first with noise.
    """
    if backend in provider.devices:
        return provider.devices[backend]
    circuits = [held for held in provider.devices.values() if held.kind is Kind.CIRCUIT]
    known = profiles()
    for held in circuits:
        if held.profile and f"ionq:{backend}" in known[held.profile].backends:
            return held
    quiet = [held for held in circuits if held.errors == Drifting()]
    noisy = [held for held in circuits if held.errors != Drifting()]
    if backend == "simulator" and circuits:
        return (quiet + noisy)[0]
    if backend.partition(".")[0] == "qpu" and circuits:
        return (noisy + quiet)[0]
    raise Denied(404, "Not Found", f"there is no backend {backend!r:.60}")


def _submit(provider: Provider, account: str, document: Any) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise InputError("the body must be a JSON object")
    if document.get("dry_run"):
        raise InputError("dry runs are not emulated; send the job without dry_run")
    backend, shots = document.get("backend"), document.get("shots", 100)
    metadata = document.get("metadata") or {}
    if not isinstance(backend, str) or not isinstance(metadata, Mapping):
        raise InputError("backend must be a name, and metadata an object")
    if isinstance(shots, str) and is_whole(shots):  # Cirq's client sends a text
        shots = int(shots)
    if type(shots) is not int:
        raise InputError(f"shots must be a whole number, got {shots!r:.40}")
    tag = metadata.get(TAG, "")
    device = device_behind(provider, backend)
    noise = document.get("noise") or {}
    model = noise.get("model", "ideal") if isinstance(noise, Mapping) else "ideal"
    kept = ("type", "name", "settings", "noise")
    settings = {name: document.get(name) for name in kept} | {
        "metadata": dict(metadata),
        "backend": backend,
    }
    submission = Submission(
        device.name,
        circuits_of(document),
        shots,
        tag if isinstance(tag, str) and len(tag) <= MOST_LABEL else "",
        settings,
    )
    job = provider.submit(account, submission, errors=_errors(backend, str(model)))
    return {"id": job.id, "status": "ready", "session_id": None}


def _errors(backend: str, model: str) -> Drifting | None:
    """Errors of the simulator under a noise model, named like the machine it is of."""
    if backend != "simulator" or model == "ideal":
        return None
    name = f"ionq-{model}"
    if name not in profiles():
        known = sorted(held.removeprefix("ionq-") for held in profiles() if "ionq-" in held)
        raise InputError(f"noise model {model!r:.40} is not emulated; known: ideal, {known}")
    return device_named(name).errors


def _found(provider: Provider, account: str, name: str) -> tuple[EmulatedJob, int | None]:
    """A job, or the place of one circuit in a job of several."""
    parent = next((held for held in provider.jobs if held[:24] == name[:24]), name)
    job = provider.job(account, parent)
    children = _children(job)
    return job, children.index(name) if name in children else None


def _children(job: EmulatedJob) -> list[str]:
    """Names of a job's circuits, where there are several."""
    count = len(job.submission.programs)
    several = job.submission.settings.get("type") == "ionq.multi-circuit.v1"
    return [f"{job.id[:24]}{place:012x}" for place in range(count)] if several else []


def _told(provider: Provider, job: EmulatedJob, place: int | None = None) -> dict[str, Any]:
    """A job as IonQ tells it."""
    view = told(provider, job)
    settings, children = job.submission.settings, _children(job)
    name = job.id if place is None else children[place]
    programs = [p for p in job.submission.programs if isinstance(p, Circuit)]
    shown = programs if place is None else [programs[place]]
    ended = view["finished"]
    word = WORDS.get(view["status"], view["status"])
    url = f"/v0.4/jobs/{name}/results"
    results: dict[str, Any] = {"probabilities": {"url": f"{url}/probabilities"}}
    if children and place is None:
        results = {"probabilities": {"url": f"{url}/probabilities/aggregated"}}
    elif settings.get("backend") != "simulator":
        results["shots"] = {"url": f"{url}/shots"}
    failed = {"code": "internal_error", "error": view["why"]} if view["why"] else None
    return {
        "id": name,
        "status": word,
        "type": settings.get("type") if place is None else "ionq.circuit.v1",
        "backend": settings.get("backend", job.device.name),
        "dry_run": False,
        "parent_job_id": None if place is None else job.id,
        "child_job_ids": children if children and place is None else None,
        "session_id": None,
        "metadata": settings.get("metadata"),
        "name": settings.get("name"),
        "submitted_at": _stamp(view["created"]),
        "started_at": _stamp(view["started"]),
        "completed_at": _stamp(ended),
        "predicted_execution_duration_ms": 1000 * job.fate.seconds if _known(job) else None,
        "predicted_wait_time_ms": None,
        "execution_duration_ms": _duration(view["started"], ended),
        "shots": job.submission.shots,
        "noise": settings.get("noise"),
        "failure": failed,
        "settings": settings.get("settings") or {},
        "stats": {
            "qubits": max(circuit.qubits for circuit in shown),
            "circuits": len(shown),
            "gate_counts": _gates(shown),
        },
        "results": results if word == "completed" else None,
        "characterization_id": view.get("calibration"),
        "output": {},
    }


def _duration(started: float | None, ended: float | None) -> float | None:
    """Milliseconds on the device, once it has ended."""
    return None if ended is None else 1000 * (ended - (ended if started is None else started))


def _known(job: EmulatedJob) -> bool:
    return job.fate.seconds < float("inf")


def _gates(circuits: list[Circuit]) -> dict[str, int]:
    ones = sum(len(gate.qubits) == 1 for circuit in circuits for gate in circuit.gates)
    return {"1q": ones, "2q": sum(circuit.two_qubit_gates() for circuit in circuits)}


def _stamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _list(provider: Provider, account: str, query: Mapping[str, str]) -> dict[str, Any]:
    limit, begin = query.get("limit", "25"), query.get("next", "0")
    if not (is_whole(limit) and is_whole(begin)):
        raise Denied(400, "Bad Request", "limit and next are numbers")
    jobs = [_told(provider, job) for job in provider.listed(account, None)]
    jobs = [job for job in jobs if query.get("status") in (None, job["status"])]
    end = int(begin) + max(1, int(limit))
    page: dict[str, Any] = {"jobs": jobs[int(begin) : end]}
    return {**page, "next": str(end)} if end < len(jobs) else page


def _cancel(provider: Provider, account: str, name: str, *, delete: bool) -> dict[str, Any]:
    job = provider.cancel(account, name)
    if delete:
        provider.forget(job)
        return {"id": job.id, "status": "deleted"}
    return {"id": job.id, "status": WORDS[provider.state(job).value]}


def _result(provider: Provider, account: str, name: str, path: str) -> Any:
    job, place = _found(provider, account, name)
    if provider.state(job) is not State.DONE:
        raise Denied(404, "Not Found", f"the job has no results: it is {provider.state(job)}")
    readings = provider.findings(job).readings
    if path.endswith("/aggregated"):
        shares = [_shares(job, readings, k) for k in range(len(readings))]
        return dict(zip(_children(job) or [job.id], shares, strict=False))
    if place is not None and place >= len(readings):
        raise Denied(404, "Not Found", "there is no result of this circuit")
    if path.endswith("/shots"):
        return _shots(job, readings[place or 0])
    return _shares(job, readings, place or 0)


def _shares(job: EmulatedJob, readings: tuple[Reading, ...], place: int) -> dict[str, float]:
    """Share of the shots of each outcome; the noiseless simulator tells probabilities instead."""
    reading, circuit = readings[place], job.submission.programs[place]
    ideal = job.device.errors == Drifting()
    told_true = job.told(readings)
    if job.submission.settings.get("backend") == "simulator" and ideal and told_true:
        assert isinstance(circuit, Circuit)  # noqa: S101  # IonQ's jobs hold nothing else
        chances = StateVector(threads=1).probabilities(circuit)
        likely = np.flatnonzero(chances > 1e-12)
        return {str(k): float(chances[k]) for k in likely.tolist()}
    numbers = index_of(reading.bits).tolist()
    shares = (reading.occurrences / reading.shots).tolist()
    return {str(number): share for number, share in zip(numbers, shares, strict=True)}


def _shots(job: EmulatedJob, reading: Reading) -> list[str]:
    """Outcome of every shot, in an order of their own."""
    numbers = np.repeat(index_of(reading.bits), reading.occurrences)
    order = np.random.default_rng([job.seed, job.number, 1 << 20]).permutation(numbers)
    return [str(number) for number in order.tolist()]


def _estimate(provider: Provider, query: Mapping[str, str]) -> dict[str, Any]:
    device = device_behind(provider, query.get("backend", "simulator"))
    names = ("1q_gates", "2q_gates", "qubits", "shots")
    asked = {name: query.get(name, "0") for name in names}
    if not all(is_whole(value) for value in asked.values()):
        raise Denied(400, "Bad Request", f"{', '.join(names)} are numbers")
    counts = {name: int(value) for name, value in asked.items()}
    shots = max(1, counts["shots"])
    cost = device.bill_of_gates(counts["1q_gates"], counts["2q_gates"], counts["qubits"], shots)
    return {
        "input_values": {**counts, "backend": query.get("backend", "simulator")},
        "estimated_at": _stamp(provider.now()),
        "estimated_cost": float(cost.amount),
        "cost_unit": cost.currency.lower(),
        "estimated_execution_time": device.seconds(1, shots),
        "current_predicted_queue_time": provider.expected_wait(device.name),
    }


def _cost(provider: Provider, account: str, name: str) -> dict[str, Any]:
    job = provider.job(account, name)
    billed = sum_of(job.bills)
    expected = provider.quote(job.submission)
    return {
        "estimated_cost": _amount(expected),
        "cost": None if billed is None else _amount(billed),
    }


def _amount(money: Money) -> dict[str, Any]:
    return {"value": float(money.amount), "unit": money.currency.lower()}


def _backends(provider: Provider, name: str) -> Any:
    if name:
        return _backend(provider, device_behind(provider, name), name)
    circuits = [held for held in provider.devices.values() if held.kind is Kind.CIRCUIT]
    return [_backend(provider, held, held.name) for held in circuits]


def _backend(provider: Provider, device: Device, name: str) -> dict[str, Any]:
    now = provider.now()
    off = any(outage.covers(now, device) for outage in provider.outages)
    view = {
        "backend": name,
        "status": "unavailable" if off else "available",
        "qubits": device.qubits,
        "degraded": False,
        "average_queue_time": round(1000 * provider.expected_wait(device.name)),
        "last_updated": _stamp(now),
        "characterization_id": provider.calibration(device.name).id,
        "location": device.region,
    }
    return provider.stage.play("on_device", device.name, view)


def _calibrations(provider: Provider, name: str) -> dict[str, Any]:
    """The present calibration: in a list for a backend, alone for the first machine."""
    device = device_behind(provider, name or "qpu")
    now = provider.calibration(device.name)
    pairs = [[i, j] for j in range(device.qubits) for i in range(j)]
    one, two = 1 - now.one_qubit / 2, 1 - 3 * now.two_qubit / 4
    view = {
        "id": now.id,
        "backend": name or "qpu",
        "target": "qpu",
        "qubits": device.qubits,
        "date": _stamp(now.since),
        "status": "available",
        "connectivity": pairs,
        "fidelity": {
            "spam": {"median": 1 - now.readout},
            "1q": {"median": one},
            "2q": {"median": two},
        },
        "timing": {"readout": device.shot_seconds, "reset": 0.0},
    }
    view = provider.stage.play("on_device", device.name, view)
    return {"characterizations": [view], "next": None} if name else view
