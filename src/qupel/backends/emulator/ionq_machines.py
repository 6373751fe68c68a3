"""Backends as IonQ tells them: which device is meant, how it is, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from qupel.backends.catalogue.listing import profiles
from qupel.backends.contract import Kind
from qupel.backends.emulator.calibration import Calibration, Drifting
from qupel.backends.emulator.devices import Device, device_named
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.ionq_jobs import stamp_text
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.wire import is_whole
from qupel.errors import InputError

#: Calibrations that are told at once, where nobody says how many.
LATEST = 10


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


def backends(provider: Provider, name: str) -> Any:
    """One backend, or all."""
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
        "last_updated": stamp_text(now),
        "characterization_id": provider.calibration(device.name).id,
        "location": device.region,
    }
    return provider.stage.play("on_device", device.name, view)


def calibrations(provider: Provider, name: str, query: Mapping[str, str], current: bool) -> Any:
    """Calibrations of a backend, newest first; without a name of the first machine's.

    Parameters
    ----------
    provider
        Whose.
    name
        Of a backend; empty for the first machine.
    query
        ``start`` and ``end`` in milliseconds since 1970, and ``limit``.
    current
        Whether only the present one is asked for, which then stands alone.
    """
    device = device_behind(provider, name or "qpu")
    if current:
        return _characterization(provider, device, name, provider.calibration(device.name))
    asked = {word: query.get(word) or "0" for word in ("start", "end", "limit")}
    if not all(is_whole(value) for value in asked.values()):
        raise Denied(400, "Bad Request", "start, end and limit are numbers")
    start, end = int(asked["start"]) / 1000, int(asked["end"]) / 1000 or float("inf")
    recent = islice(_history(provider, device), 1000)
    dated = [one for one in recent if start <= one.since <= end]
    dated = dated[: int(asked["limit"]) or LATEST]
    views = [_characterization(provider, device, name, one) for one in dated]
    return {"characterizations": views, "next": None} if name else {"calibrations": views}


def _history(provider: Provider, device: Device) -> Iterator[Calibration]:
    """Calibrations of a device, from the present one back."""
    now = provider.calibration(device.name)
    while now.since > 0:
        yield now
        now = provider.calibration(device.name, now.since - 1.0)


def _characterization(
    provider: Provider, device: Device, name: str, now: Calibration
) -> dict[str, Any]:
    pairs = [[i, j] for j in range(device.qubits) for i in range(j)]
    one, two = 1 - now.one_qubit / 2, 1 - 3 * now.two_qubit / 4
    view = {
        "id": now.id,
        "backend": name or "qpu",
        "target": "qpu",
        "qubits": device.qubits,
        "date": stamp_text(now.since),
        "status": "available",
        "connectivity": pairs,
        "fidelity": {
            "spam": {"median": 1 - now.readout},
            "1q": {"median": one},
            "2q": {"median": two},
        },
        "timing": {"readout": device.shot_seconds, "reset": 0.0},
    }
    return provider.stage.play("on_device", device.name, view)


def estimate(provider: Provider, query: Mapping[str, str]) -> dict[str, Any]:
    """Price and time of a circuit of which only numbers are known."""
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
        "estimated_at": stamp_text(provider.now()),
        "estimated_cost": float(cost.amount),
        "cost_unit": cost.currency.lower(),
        "estimated_execution_time": device.seconds(1, shots),
        "current_predicted_queue_time": provider.expected_wait(device.name),
    }


def errors_of(backend: str, model: str) -> Drifting | None:
    """Errors of the simulator under a noise model, named like the machine it is of."""
    if backend != "simulator" or model == "ideal":
        return None
    name = f"ionq-{model}"
    if name not in profiles():
        known = [held for held, each in profiles().items() if not each.simulated]
        models = sorted(held.removeprefix("ionq-") for held in known if held.startswith("ionq-"))
        raise InputError(
            f"noise model {model!r:.40} is not emulated; known: ideal, {', '.join(models)}"
        )
    return device_named(name).errors
