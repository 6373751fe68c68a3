"""A provider that has too much to do, or says so."""

from __future__ import annotations

from qupel.backends.emulator.hooks import Answer, Call, Denied, Draft, Hooks, Scene
from qupel.backends.emulator.scenario import scenario
from qupel.backends.emulator.scenarios.replies import status_of


@scenario
def too_many_requests() -> Hooks:
    """Requests are answered 429 and told to come back in thirty seconds."""
    return _always(status_of(429, "Too Many Requests", retry_after="30"))


@scenario
def too_many_requests_without_advice() -> Hooks:
    """Requests are answered 429, and nothing says when to come back."""
    return _always(status_of(429, "Too Many Requests"))


@scenario
def too_many_requests_until_date() -> Hooks:
    """Requests are answered 429 and told to come back at a date long past."""
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    return _always(status_of(429, "Too Many Requests", retry_after=past))


@scenario
def unavailable() -> Hooks:
    """Every request is answered 503."""
    return _always(status_of(503, "Service Unavailable"))


@scenario
def unavailable_in_storms() -> Hooks:
    """Of every hundred requests, twenty in a row are answered 503."""

    def hook(call: Call, scene: Scene) -> Answer | None:
        count = scene.memory["calls"] = scene.memory.get("calls", -1) + 1
        return status_of(503, "Service Unavailable") if count % 100 < 20 else None

    return Hooks(on_call=hook)


@scenario
def flapping() -> Hooks:
    """Every other request is answered 503, drawn at random."""

    def hook(call: Call, scene: Scene) -> Answer | None:
        return status_of(503, "Service Unavailable") if scene.rng.random() < 0.5 else None

    return Hooks(on_call=hook)


@scenario
def three_pending_jobs() -> Hooks:
    """A fourth job is refused while three are pending.

    https://github.com/Quantinuum/pytket-qiskit/issues/498
    """

    def hook(draft: Draft, scene: Scene) -> Draft:
        if scene.provider.pending(draft.account) >= 3:
            raise Denied(429, "limit-of-pending-jobs", "limit of 3 pending jobs reached")
        return draft

    return Hooks(on_submit=hook)


@scenario
def status_unavailable_while_pending() -> Hooks:
    """The status of a job is answered 503 until the job is over.

    https://github.com/amazon-braket/qiskit-braket-provider/issues/54
    """

    def hook(call: Call, scene: Scene) -> Answer | None:
        job = scene.provider.jobs.get(call.job)
        if call.asked != "status" or job is None or job.state(scene.now).final:
            return None
        return status_of(503, "Service Unavailable")

    return Hooks(on_call=hook)


def _always(answer: Answer) -> Hooks:
    return Hooks(on_call=lambda call, scene: answer)
