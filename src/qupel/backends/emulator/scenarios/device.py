"""The device, its clock, and who may use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qupel.backends.emulator.hooks import Answer, Call, Fate, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import scenario

HOUR = 3600.0


@scenario
def recalibrated_before_run() -> Hooks:
    """The device is calibrated anew between submission and run."""

    def hook(fate: Fate, job: EmulatedJob, scene: Scene) -> Fate:
        return replace(fate, recalibrated=True)

    return Hooks(on_run=hook)


@scenario
def noise_tenfold() -> Hooks:
    """The device's errors are ten times what its calibration says, from its first job on."""

    def hook(fate: Fate, job: EmulatedJob, scene: Scene) -> Fate:
        if job.device.name not in scene.memory:
            scene.memory[job.device.name] = True
            scene.provider.drift(job.device.name, 10.0)
        return fate

    return Hooks(on_run=hook)


@scenario
def qubits_taken_away() -> Hooks:
    """The device tells of half its qubits, and its calibration has another name every time."""

    def hook(view: dict[str, Any], scene: Scene) -> dict[str, Any]:
        if "qubits" not in view:
            return {**view, "id": f"{view['id']}-{scene.rng.getrandbits(16):04x}"}
        return {**view, "qubits": view["qubits"] // 2}

    return Hooks(on_device=hook)


@scenario
def region_moved() -> Hooks:
    """The device says it stands in another region than yesterday."""

    def hook(view: dict[str, Any], scene: Scene) -> dict[str, Any]:
        return {**view, "region": "us-emulated-9"} if "region" in view else view

    return Hooks(on_device=hook)


@scenario
def token_expires_while_queued() -> Hooks:
    """Every token ends when a waiting job is asked about for the first time."""

    def hook(call: Call, scene: Scene) -> Answer | None:
        job = scene.provider.jobs.get(call.job)
        if call.asked == "status" and job is not None and job.id not in scene.memory:
            scene.memory[job.id] = True
            scene.provider.accounts.expire(scene.now)
        return None

    return Hooks(on_call=hook)


@scenario
def clock_an_hour_ahead() -> Hooks:
    """The provider's time stamps are an hour ahead."""
    return _stamps(lambda stamp, now: stamp + HOUR)


@scenario
def clock_an_hour_behind() -> Hooks:
    """The provider's time stamps are an hour behind."""
    return _stamps(lambda stamp, now: stamp - HOUR)


@scenario
def times_in_milliseconds() -> Hooks:
    """Time stamps are milliseconds where seconds are promised."""
    return _stamps(lambda stamp, now: stamp * 1e3)


@scenario
def times_in_microseconds() -> Hooks:
    """Time stamps are microseconds where seconds are promised.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/3284
    """
    return _stamps(lambda stamp, now: stamp * 1e6)


@scenario
def times_out_of_order() -> Hooks:
    """Time stamps run backwards: finished before started, started before created."""

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        return {**view, "created": view["finished"], "finished": view["created"]}

    return Hooks(on_status=hook)


def _stamps(change: Callable[[float, float], float]) -> Hooks:
    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        stamps = {name: view[name] for name in ("created", "started", "finished")}
        return view | {
            name: change(stamp, scene.now) for name, stamp in stamps.items() if stamp is not None
        }

    return Hooks(on_status=hook)
