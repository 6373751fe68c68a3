"""Jobs as IonQ tells them: their documents, listings, results and bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from qupel.backends.contract import Reading, State
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.neutral import told
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.wire import is_whole, sum_of
from qupel.model.bits import index_of
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.simulators.statevector import StateVector

WORDS = {
    "queued": "ready",
    "running": "started",
    "done": "completed",
    "failed": "failed",
    "cancelled": "canceled",
}


def found(provider: Provider, account: str, name: str) -> tuple[EmulatedJob, int | None]:
    """A job, or the place of one circuit in a job of several."""
    for held in provider.jobs.values():
        if held.id[:24] == name[:24] and name in (children := _children(held)):
            return provider.job(account, held.id), children.index(name)
    return provider.job(account, name), None


def _children(job: EmulatedJob) -> list[str]:
    """Names of a job's circuits, where there are several."""
    count = len(job.submission.programs)
    several = job.submission.settings.get("type") == "ionq.multi-circuit.v1"
    return [f"{job.id[:24]}{place:012x}" for place in range(count)] if several else []


def document_of(provider: Provider, job: EmulatedJob, place: int | None = None) -> dict[str, Any]:
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
        "submitted_at": stamp_text(view["created"]),
        "started_at": stamp_text(view["started"]),
        "completed_at": stamp_text(ended),
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


def stamp_text(seconds: float | None) -> str | None:
    """A time as IonQ writes it; whatever cannot be a time as it is."""
    if seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page(provider: Provider, account: str, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of an account's jobs, newest first."""
    limit, begin = query.get("limit", "25"), query.get("next", "0")
    if not (is_whole(limit) and is_whole(begin)):
        raise Denied(400, "Bad Request", "limit and next are numbers")
    jobs = [document_of(provider, job) for job in provider.listed(account, None)]
    jobs = [job for job in jobs if query.get("status") in (None, job["status"])]
    end = int(begin) + max(1, int(limit))
    page: dict[str, Any] = {"jobs": jobs[int(begin) : end]}
    return {**page, "next": str(end)} if end < len(jobs) else page


def cancel(provider: Provider, account: str, name: str, *, delete: bool) -> dict[str, Any]:
    """Cancel a job, or forget it; one circuit of several cannot be, the job of all of them can."""
    job, place = found(provider, account, name)
    if place is not None:
        message = f"this is circuit {place} of job {job.id}; cancel that"
        raise Denied(409, "Conflict", message)
    job = provider.cancel(account, name)
    if delete:
        provider.forget(job)
        return {"id": job.id, "status": "deleted"}
    return {"id": job.id, "status": WORDS[provider.state(job).value]}


def result(provider: Provider, account: str, name: str, path: str) -> Any:
    """Shares of outcomes, of one circuit or of all, or the single shots, as the path says."""
    job, place = found(provider, account, name)
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
    """Share of the shots of each outcome; the noiseless simulator tells probabilities instead.

    Shots that were lost or counted twice make shares that are not one together.
    """
    reading, circuit = readings[place], job.submission.programs[place]
    ideal = job.device.errors == Drifting()
    told_true = job.told(readings)
    if job.submission.settings.get("backend") == "simulator" and ideal and told_true:
        assert isinstance(circuit, Circuit)  # noqa: S101  # IonQ's jobs hold nothing else
        chances = StateVector(threads=1).probabilities(circuit)
        likely = np.flatnonzero(chances > 1e-12)
        return {str(k): float(chances[k]) for k in likely.tolist()}
    numbers = index_of(reading.bits).tolist()
    shares = (reading.occurrences / job.shots).tolist()
    return {str(number): share for number, share in zip(numbers, shares, strict=True)}


def _shots(job: EmulatedJob, reading: Reading) -> list[str]:
    """Outcome of every shot, in an order of their own."""
    numbers = np.repeat(index_of(reading.bits), reading.occurrences)
    order = np.random.default_rng([job.seed, job.number, 1 << 20]).permutation(numbers)
    return [str(number) for number in order.tolist()]


def cost(provider: Provider, account: str, name: str) -> dict[str, Any]:
    """What a job was quoted at, and what it has cost; of a circuit, its part of the job's bill."""
    job, place = found(provider, account, name)
    billed = sum_of(job.bills)
    whole = expected = provider.quote(job.submission)
    if place is not None:
        alone = replace(job.submission, programs=job.submission.programs[place : place + 1])
        expected = provider.quote(alone)
    if billed is not None and whole.micros:
        billed = Money(billed.micros * expected.micros // whole.micros, billed.currency)
    return {
        "estimated_cost": _amount(expected),
        "cost": None if billed is None else _amount(billed),
    }


def _amount(money: Money) -> dict[str, Any]:
    return {"value": float(money.amount), "unit": money.currency.lower()}
