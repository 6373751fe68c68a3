"""The neutral protocol: jobs, devices and prices as JSON under ``/v1``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from qupel.backends.contract import State
from qupel.backends.emulator.books import plain_money
from qupel.backends.emulator.devices import Device
from qupel.backends.emulator.hooks import Asked, Denied
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.wire import (
    MOST_LABEL,
    is_whole,
    plain_findings,
    plain_job,
    submission_of,
)
from qupel.backends.transport import Request

#: Method and path, `*` for a name, with what is asked.
ROUTES: dict[tuple[str, ...], Asked] = {
    ("POST", "jobs"): "submit",
    ("GET", "jobs"): "list",
    ("GET", "jobs", "*"): "status",
    ("DELETE", "jobs", "*"): "cancel",
    ("POST", "jobs", "*", "cancel"): "cancel",
    ("GET", "jobs", "*", "result"): "result",
    ("GET", "devices"): "device",
    ("GET", "devices", "*"): "device",
    ("GET", "calibration"): "calibration",
    ("POST", "quote"): "quote",
    ("POST", "token"): "token",
}

#: What may be asked without a token.
OPEN: frozenset[Asked] = frozenset()


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
    acts: dict[Asked, Callable[[], tuple[int, Any]]] = {
        "submit": lambda: _submit(provider, account, request, document),
        "list": lambda: (200, _page(provider, account, query)),
        "status": lambda: (200, told(provider, provider.job(account, name))),
        "cancel": lambda: (200, told(provider, provider.cancel(account, name))),
        "result": lambda: (200, _result(provider, account, name)),
        "device": lambda: (200, _devices(provider, name)),
        "calibration": lambda: (200, _calibration(provider, query.get("device", ""))),
        "quote": lambda: (200, {"cost": plain_money(provider.quote(submission_of(document)))}),
    }
    return acts[asked]()


def told(provider: Provider, job: EmulatedJob) -> dict[str, Any]:
    """A job's document, as the scenarios that are on let it be told."""
    view = plain_job(job, provider.state(job))
    if view["started"] is not None:
        view["calibration"] = provider.calibration_of(job).id
    return provider.stage.play("on_status", job.id, view, job)


def _submit(
    provider: Provider, account: str, request: Request, document: Any
) -> tuple[int, dict[str, Any]]:
    key = request.headers.get("idempotency-key", "")
    if len(key) > MOST_LABEL:
        raise Denied(422, "bad-key", f"a key has up to {MOST_LABEL} characters")
    job = provider.submit(account, submission_of(document), key)
    return 201, {"id": job.id, "status": provider.state(job).value, "created": job.created}


def _page(provider: Provider, account: str, query: Mapping[str, str]) -> dict[str, Any]:
    jobs = provider.listed(account, query.get("tag"))
    page = query.get("page", "0")
    if not is_whole(page):
        raise Denied(422, "bad-page", f"a page is a number from 0, got {page!r:.20}")
    size = provider.terms.page
    begin = int(page) * size
    more = begin + size < len(jobs)
    return {
        "jobs": [
            {
                "id": job.id,
                "tag": job.submission.tag,
                "device": job.submission.device,
                "status": provider.state(job).value,
                "created": job.created,
            }
            for job in jobs[begin : begin + size]
        ],
        "next": int(page) + 1 if more else None,
    }


def _result(provider: Provider, account: str, name: str) -> dict[str, Any]:
    job = provider.job(account, name)
    if provider.state(job) is State.FAILED:
        raise Denied(409, "failed", f"the job failed: {job.fate.why}")
    findings = provider.findings(job)
    return plain_findings(findings, job, provider.calibration_of(job).id)


def _devices(provider: Provider, name: str) -> dict[str, Any]:
    if name:
        return _device(provider, provider.device(name))
    return {"devices": [_device(provider, device) for device in provider.devices.values()]}


def _device(provider: Provider, device: Device) -> dict[str, Any]:
    view = {
        "name": device.name,
        "kind": device.kind.value,
        "qubits": device.qubits,
        "region": device.region,
        "max_shots": device.max_shots,
        "max_programs": device.max_programs,
        "prices": _prices(device),
        "job_seconds": device.job_seconds,
        "shot_seconds": device.shot_seconds,
        "queue_seconds": provider.expected_wait(device.name),
        "calibration": provider.calibration(device.name).id,
        "keys": provider.terms.keys,
        "listing": provider.terms.listing,
        "profile": device.profile,
    }
    return provider.stage.play("on_device", device.name, view)


def _prices(device: Device) -> dict[str, str]:
    """The price list; amounts are texts, so that they stay exact."""
    return {name: str(value) for name, value in asdict(device.prices).items()}


def _calibration(provider: Provider, device: str) -> dict[str, Any]:
    return provider.stage.play("on_device", device, asdict(provider.calibration(device)))
