"""The network between client and provider."""

from __future__ import annotations

import json
from dataclasses import replace

from qupel.backends.emulator.hooks import Answer, Arrives, Call, Hooks, Scene
from qupel.backends.emulator.scenario import neutral_only, scenario
from qupel.backends.emulator.scenarios.replies import on_reply, status_of, with_body


@scenario
def reply_lost_after_accept() -> Hooks:
    """The job is accepted, and the connection is closed before a byte of the reply."""
    return on_reply("submit", lambda call, answer, scene: Answer(lost="reset"))


@scenario
def reply_never_comes_after_accept() -> Hooks:
    """The job is accepted, and the client waits for the reply until it gives up."""
    return on_reply("submit", lambda call, answer, scene: Answer(lost="silence"))


@scenario
def bad_gateway_after_accept() -> Hooks:
    """The job is accepted, and a gateway answers 502 in place of the provider."""
    return on_reply("submit", lambda call, answer, scene: status_of(502, "Bad Gateway"))


@scenario
def gateway_timeout_after_accept() -> Hooks:
    """The job is accepted, and a gateway answers 504 in place of the provider."""
    return on_reply("submit", lambda call, answer, scene: status_of(504, "Gateway Timeout"))


@scenario
def server_error_after_accept() -> Hooks:
    """The job is accepted, and the reply is a 500.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/1114
    """
    return on_reply("submit", lambda call, answer, scene: status_of(500, "Internal Server Error"))


@scenario
def redirect_after_accept() -> Hooks:
    """The job is accepted, and the reply is a 303 that names where it is."""
    return on_reply("submit", _see_other)


@scenario
@neutral_only
def conflict_after_accept() -> Hooks:
    """The job is accepted; its first replies say 409, key in progress (neutral protocol only)."""

    def spoil(call: Call, answer: Answer, scene: Scene) -> Answer:
        key = call.request.headers.get("idempotency-key", "")
        scene.memory[key] = scene.memory.get(key, 0) + 1
        if not key or scene.memory[key] > 2:
            return answer
        return status_of(409, "a request with this key is in progress")

    return on_reply("submit", spoil)


def _see_other(call: Call, answer: Answer, scene: Scene) -> Answer:
    path = f"{call.request.path.partition('?')[0]}/{json.loads(answer.reply.body)['id']}"
    return status_of(303, "See Other", location=path)


@scenario
def reset_mid_body() -> Hooks:
    """The job is accepted, and the connection is reset halfway through the reply."""
    return on_reply("submit", lambda call, answer, scene: _halved(answer))


@scenario
def result_reset_mid_body() -> Hooks:
    """The connection is reset halfway through a result."""
    return on_reply("result", lambda call, answer, scene: _halved(answer))


def _halved(answer: Answer) -> Answer:
    return replace(answer, cut=len(answer.reply.body) // 2)


@scenario
def reset_before_accept() -> Hooks:
    """The connection of a submission is reset before the provider has seen it."""
    return _on_call("submit", Answer(lost="reset"))


@scenario
def request_arrives_late() -> Hooks:
    """A submission arrives when the client has given up, at twice its timeout."""
    return _on_call("submit", Arrives())


@scenario
def request_arrives_minutes_late() -> Hooks:
    """A submission arrives ten minutes after it was sent."""
    return _on_call("submit", Arrives(600.0))


@scenario
def connection_refused() -> Hooks:
    """Nothing listens: no request reaches the provider."""
    return _on_call("", Answer(lost="refused"))


@scenario
def network_silent() -> Hooks:
    """Requests vanish on their way, and nobody answers."""
    return _on_call("", Answer(lost="silence"))


@scenario
def slow_replies() -> Hooks:
    """Every reply takes five seconds."""
    return Hooks(on_reply=lambda call, answer, scene: replace(answer, delay=5.0))


@scenario
def polling_hangs() -> Hooks:
    """A question for a job's status is never answered.

    https://github.com/PennyLaneAI/PennyLane-IonQ/issues/26
    """
    return _on_call("status", Answer(lost="silence"))


@scenario
def polling_connection_dies() -> Hooks:
    """Connections that ask for a status are reset while the job runs long.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/1518
    """
    return _on_call("status", Answer(lost="reset"))


@scenario
def unknown_id_hangs() -> Hooks:
    """A question for a job that does not exist is never answered.

    https://github.com/dwavesystems/dwave-cloud-client/issues/394
    """

    def hook(call: Call, scene: Scene) -> Answer | None:
        named = call.asked in ("status", "result", "cancel")
        unknown = named and call.job not in scene.provider.jobs
        return Answer(lost="silence") if unknown else None

    return Hooks(on_call=hook)


@scenario
def pending_futures_dropped() -> Hooks:
    """Connections are closed while jobs are pending, so that whoever waits is never told.

    https://github.com/dwavesystems/dwave-cloud-client/pull/149
    """

    def hook(call: Call, scene: Scene) -> Answer | None:
        job = scene.provider.jobs.get(call.job)
        pending = job is not None and not job.state(scene.now).final
        return Answer(lost="reset") if pending and call.asked == "status" else None

    return Hooks(on_call=hook)


@scenario
def redirect_to_other_host() -> Hooks:
    """Submissions are redirected to a host in another country."""
    away = status_of(307, "Temporary Redirect", location="http://198.51.100.7/v1/jobs")
    return _on_call("submit", away)


@scenario
def token_in_error_message() -> Hooks:
    """An error of the provider repeats the caller's secret token.

    https://github.com/dwavesystems/dwave-system/issues/171
    """

    def hook(call: Call, scene: Scene) -> Answer | None:
        if call.asked != "status":
            return None
        shown = call.request.headers.get("authorization", "")
        return status_of(500, f"not authorised: {shown}")

    return Hooks(on_call=hook)


@scenario
def request_echoed_in_error() -> Hooks:
    """The job is accepted, and a 500 repeats the whole request, which a client then sends again.

    https://github.com/quantumlib/Cirq/blob/main/cirq-ionq/cirq_ionq/ionq_client.py
    """
    return on_reply(
        "submit",
        lambda call, answer, scene: with_body(status_of(500), call.request.body),
    )


def _on_call(asked: str, answer: Answer | Arrives) -> Hooks:
    """Hooks that answer one kind of question, or every one, before anything is done."""

    def hook(call: Call, scene: Scene) -> Answer | Arrives | None:
        return answer if asked in ("", call.asked) else None

    return Hooks(on_call=hook)
