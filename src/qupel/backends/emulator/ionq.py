"""IonQ's REST interface, version 0.4, as far as its clients for Qiskit and Cirq use it.

The provider behind it is the same as behind the neutral protocol: accounts, queue, books, faults.
Results are histograms of whole numbers whose lowest bit is qubit 0, as shares of the shots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qupel.backends.emulator import ionq_jobs, ionq_machines
from qupel.backends.emulator.hooks import Asked
from qupel.backends.emulator.ionq_circuits import circuits_of
from qupel.backends.emulator.job import Submission
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.wire import MOST_LABEL, is_whole
from qupel.backends.transport import Request
from qupel.errors import InputError

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
    ("GET", "calibrations"): "calibration",
    ("GET", "calibrations", "current"): "calibration",
}
#: What IonQ tells without a key.
OPEN: frozenset[Asked] = frozenset({"device"})

#: Metadata under which our own adapter files a job's tag.
TAG = "qupel_tag"


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
        "list": lambda: ionq_jobs.page(provider, account, query),
        "status": lambda: ionq_jobs.document_of(
            provider, *ionq_jobs.found(provider, account, name)
        ),
        "cancel": lambda: ionq_jobs.cancel(
            provider, account, name, delete=request.method == "DELETE"
        ),
        "result": lambda: ionq_jobs.result(provider, account, name, path),
        "quote": lambda: ionq_machines.estimate(provider, query),
        "device": lambda: ionq_machines.backends(provider, name),
        "calibration": lambda: ionq_machines.calibrations(
            provider, name, query, current=path.endswith("/current")
        ),
        "other": lambda: ionq_jobs.cost(provider, account, name),
    }
    return 200, acts[asked]()


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
    device = ionq_machines.device_behind(provider, backend)
    noise = document.get("noise") or {}
    if not (isinstance(noise, Mapping) and isinstance(model := noise.get("model", "ideal"), str)):
        raise InputError(
            f'noise must be an object such as {{"model": "aria-1"}}, got {noise!r:.60}'
        )
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
    job = provider.submit(account, submission, errors=ionq_machines.errors_of(backend, model))
    return {"id": job.id, "status": "ready", "session_id": None}
