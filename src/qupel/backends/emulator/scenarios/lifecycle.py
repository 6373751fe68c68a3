"""What a provider says of a job's way, and what really becomes of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qupel.backends.contract import State
from qupel.backends.emulator.hooks import Answer, Call, Fate, Findings, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import scenario
from qupel.backends.transport import Reply

#: Words that providers were seen to end jobs with, and some that nobody has seen yet.
WORDS = (
    "CANCELLED - RAN TOO LONG", "deleted", "expired", "aborted", "timed_out", "error", "rejected",
    "killed", "lost", "COMPLETED_WITH_ERRORS", "partially_completed", "suspended", "invalid",
    "ERROR_SYSTEM", "terminated", "unknown", "", "done ", "DONE", "succeeded",
)  # fmt: skip
WEEK = 7 * 86_400.0

OnStatus = Callable[[dict[str, Any], EmulatedJob, Scene], dict[str, Any]]


@scenario
def stays_queued() -> Hooks:
    """The job is accepted and never starts.

    https://github.com/AgnostiqHQ/covalent/issues/1331
    """
    return _fated(lambda fate: replace(fate, waits=math.inf))


@scenario
def runs_for_ever() -> Hooks:
    """The job starts and never ends.

    https://github.com/Qiskit/qiskit/issues/1686
    """
    return _fated(lambda fate: replace(fate, seconds=math.inf))


@scenario
def queue_of_an_hour() -> Hooks:
    """The job waits an hour longer.

    https://github.com/amazon-braket/amazon-braket-sdk-python/pull/177
    """
    return _fated(lambda fate: replace(fate, waits=fate.waits + 3600))


@scenario
def queue_of_a_week() -> Hooks:
    """The job waits a week longer.

    https://github.com/amazon-braket/amazon-braket-sdk-python/issues/581
    """
    return _fated(lambda fate: replace(fate, waits=fate.waits + WEEK))


@scenario
def expires_in_the_queue() -> Hooks:
    """The job waits a week, and fails since its parameters have expired meanwhile.

    https://github.com/Qiskit/qiskit-ibm-provider/issues/517
    """
    return _failing("cached parameters have expired", waits=WEEK)


@scenario
def faulty_qubits_found_late() -> Hooks:
    """The job fails after the queue, with a reason that says nothing.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/792
    """
    return _failing("error 1000", waits=60.0)


@scenario
def fails_and_asks_to_resubmit() -> Hooks:
    """The job fails at once, and the reason asks to submit it again.

    https://github.com/microsoft/azure-quantum-python/issues/200
    """
    return _failing("internal error; please resubmit")


@scenario
def every_other_job_fails() -> Hooks:
    """Half of all jobs fail, drawn at random."""

    def hook(fate: Fate, job: EmulatedJob, scene: Scene) -> Fate:
        broken = scene.rng.random() < 0.5
        return replace(fate, state=State.FAILED, why="laser lost lock") if broken else fate

    return Hooks(on_run=hook)


@scenario
def cancelled_by_provider() -> Hooks:
    """The provider cancels the job itself, and its result is null.

    https://github.com/Qiskit/qiskit-ibm-runtime/pull/930
    """
    fated = _fated(lambda fate: replace(fate, state=State.CANCELLED))
    return replace(fated, on_reply=_null_for_denied)


@scenario
def failed_with_null_result() -> Hooks:
    """The job fails, and its result is null in place of an error.

    https://github.com/amazon-braket/amazon-braket-sdk-python/pull/1171
    """
    return replace(_failing("program set failed"), on_reply=_null_for_denied)


@scenario
def failed_called_done() -> Hooks:
    """The job fails, and is called done.

    https://github.com/AgnostiqHQ/covalent-slurm-plugin/issues/20
    """

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        return {**view, "status": "done"} if view["status"] == "failed" else view

    return replace(_failing("out of memory"), on_status=hook)


@scenario
def cancelled_ran_too_long() -> Hooks:
    """The job ends as "CANCELLED - RAN TOO LONG", a word that clients do not know as final.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/2673
    """
    fated = _fated(lambda fate: replace(fate, state=State.CANCELLED))
    return replace(fated, on_status=_final_word(lambda job: "CANCELLED - RAN TOO LONG"))


@scenario
def unknown_final_word() -> Hooks:
    """A job ends with one of twenty words that nobody documented.

    https://github.com/marqov-dev/marqov-sdk/issues/133
    """
    return Hooks(on_status=_final_word(lambda job: WORDS[job.number % len(WORDS)]))


@scenario
def status_never_changes() -> Hooks:
    """The job runs and is billed, and stays "queued" for whoever asks.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/509
    """
    return Hooks(on_status=lambda view, job, scene: _queued(view))


@scenario
def some_never_done() -> Hooks:
    """One in eight jobs stays "queued" for whoever asks, though it is done.

    https://github.com/dwavesystems/dwave-system/issues/218
    """

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        return _queued(view) if scene.rng.random() < 0.125 else view

    return Hooks(on_status=hook)


@scenario
def status_lags_a_minute() -> Hooks:
    """A job that is over is called running for another minute."""

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        late = view["finished"] is not None and scene.now < view["finished"] + 60
        return {**view, "status": "running", "finished": None} if late else view

    return Hooks(on_status=hook)


@scenario
def done_then_running() -> Hooks:
    """A job that was told to be done is told to be running every second time."""

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        if view["status"] != "done":
            return view
        told = scene.memory[job.id] = scene.memory.get(job.id, 0) + 1
        return {**view, "status": "running"} if told % 2 == 0 else view

    return Hooks(on_status=hook)


@scenario
def failed_then_done() -> Hooks:
    """A job is told to have failed once, and to be done from then on."""

    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        if view["status"] != "done" or job.id in scene.memory:
            return view
        scene.memory[job.id] = True
        return {**view, "status": "failed", "why": "transient error"}

    return Hooks(on_status=hook)


@scenario
def other_result_every_time() -> Hooks:
    """Every time the result is asked for, it is that of other shots."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        again = scene.memory[job.id] = scene.memory.get(job.id, -1) + 1
        device = scene.provider.calibration_of(job)
        return replace(findings, readings=job.run(device, again))

    return Hooks(on_result=hook)


def _fated(change: Callable[[Fate], Fate]) -> Hooks:
    return Hooks(on_run=lambda fate, job, scene: change(fate))


def _failing(why: str, waits: float = 0.0) -> Hooks:
    return _fated(lambda fate: replace(fate, state=State.FAILED, why=why, waits=fate.waits + waits))


def _queued(view: dict[str, Any]) -> dict[str, Any]:
    return {**view, "status": "queued", "started": None, "finished": None, "billed": None}


def _final_word(word: Callable[[EmulatedJob], str]) -> OnStatus:
    def hook(view: dict[str, Any], job: EmulatedJob, scene: Scene) -> dict[str, Any]:
        return {**view, "status": word(job)} if job.state(scene.now).final else view

    return hook


def _null_for_denied(call: Call, answer: Answer, scene: Scene) -> Answer:
    if call.asked != "result" or answer.reply.status != 409:
        return answer
    return Answer(Reply(200, b"null", answer.reply.headers))
