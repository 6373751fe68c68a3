"""Results that are not there, or are not what a result looks like."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from qupel.backends.emulator.hooks import Answer, Denied, Findings, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import neutral_only, scenario
from qupel.backends.emulator.scenarios.replies import counts_changed, on_reply, rewritten, with_body

#: Bytes of a gzip bomb when it is unpacked, and of a reply that is too large.
BOMB, HUGE = 1 << 27, 1 << 30


@scenario
def result_never_written() -> Hooks:
    """The job is done and billed, and its result is 404 for ever.

    https://github.com/microsoft/azure-quantum-python/issues/744
    """
    return _denied(404, "no-result", "the output was never written")


@scenario
def quota_called_missing_data() -> Hooks:
    """A quota is exhausted, which the provider tells as data that could not be found.

    https://github.com/microsoft/azure-quantum-python/issues/178
    """
    return _denied(404, "not-found", "the data could not be found")


@scenario
def result_late() -> Hooks:
    """The job is done, and its result is 404 the first three times.

    https://github.com/amazon-braket/amazon-braket-sdk-python/pull/66
    """

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        asked = scene.memory[job.id] = scene.memory.get(job.id, 0) + 1
        if asked <= 3:
            raise Denied(404, "no-result-yet", "the result is not there yet")
        return findings

    return Hooks(on_result=hook)


@scenario
def storage_link_expires() -> Hooks:
    """The first download is refused since its link has expired; asking anew gives a fresh one.

    https://github.com/microsoft/azure-quantum-python/issues/553
    """

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        if job.id not in scene.memory:
            scene.memory[job.id] = True
            raise Denied(403, "link-expired", "the storage token has expired; ask again")
        return findings

    return Hooks(on_result=hook)


@scenario
def result_read_once() -> Hooks:
    """A result can be read once, and is deleted then."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        if job.id in scene.memory:
            raise Denied(404, "already-read", "this private result has been read and deleted")
        scene.memory[job.id] = True
        return findings

    return Hooks(on_result=hook)


@scenario
def result_hangs() -> Hooks:
    """The job is done, and nobody answers the question for its result.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/509
    """
    return on_reply("result", lambda call, answer, scene: Answer(lost="silence"))


@scenario
def result_empty() -> Hooks:
    """The result has no bytes."""
    return _body(lambda body: b"")


@scenario
def result_without_programs() -> Hooks:
    """The result is a document without readings."""
    return _document(lambda document: {"job": document.get("job"), "programs": []})


@scenario
def result_truncated() -> Hooks:
    """The result stops in the middle of its JSON, and the length agrees."""
    return _body(lambda body: body[: len(body) // 2])


@scenario
def result_is_a_web_page() -> Hooks:
    """The result is a page that asks to log in."""
    return _body(lambda body: b"<!doctype html><title>Sign in</title>")


@scenario
def result_of_wrong_types() -> Hooks:
    """Numbers come as texts."""
    return _counts(lambda counts: [str(count) for count in counts])


@scenario
def result_with_nan() -> Hooks:
    """An occurrence is NaN, which is no JSON."""
    return _counts(lambda counts: [float("nan"), *counts[1:]])


@scenario
def result_with_negative_counts() -> Hooks:
    """An occurrence is negative."""
    return _counts(lambda counts: [-1, *counts[1:]])


@scenario
def result_with_endless_number() -> Hooks:
    """An occurrence has four thousand digits."""
    return _counts(lambda counts: [10**4000, *counts[1:]])


@scenario
def result_with_duplicate_keys() -> Hooks:
    """Names are repeated in the result, with other values."""
    repeated = b'{"programs":[{"rows":["0"],"occurrences":[1]}],'
    return _body(lambda body: body.replace(b"{", repeated, 1))


@scenario
def result_nested_deeply() -> Hooks:
    """The result is two hundred thousand lists in each other."""
    return _body(lambda body: b"[" * 200_000 + b"]" * 200_000)


@scenario
def result_huge() -> Hooks:
    """The result is followed by blanks up to a gigabyte."""
    return on_reply("result", lambda call, answer, scene: replace(answer, padding=HUGE))


@scenario
def result_gzip_bomb() -> Hooks:
    """The result unpacks to a thousand times its size, more than a hundred megabytes."""
    return on_reply(
        "result", lambda call, answer, scene: with_body(answer, _bomb(), content_encoding="gzip")
    )


@scenario
def result_gzip_broken() -> Hooks:
    """The result says it is gzip, and is not."""
    return on_reply(
        "result",
        lambda call, answer, scene: with_body(
            answer, b"\x1f\x8b" + answer.reply.body, content_encoding="gzip"
        ),
    )


@scenario
@neutral_only
def probabilities_in_place_of_counts() -> Hooks:
    """Occurrences are shares of the shots (neutral protocol only)."""

    def shares(counts: list[Any]) -> list[Any]:
        return [count / sum(counts) for count in counts]

    return _counts(shares)


def _denied(status: int, code: str, message: str) -> Hooks:
    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        raise Denied(status, code, message)

    return Hooks(on_result=hook)


def _body(change: Callable[[bytes], bytes]) -> Hooks:
    return on_reply(
        "result", lambda call, answer, scene: with_body(answer, change(answer.reply.body))
    )


def _document(edit: Callable[[dict[str, Any]], Any]) -> Hooks:
    return on_reply("result", lambda call, answer, scene: rewritten(answer, edit))


def _counts(change: Callable[[list[Any]], list[Any]]) -> Hooks:
    """Hooks that change the occurrences of every program, or IonQ's shares."""
    return _document(lambda document: counts_changed(document, change))


@cache
def _bomb() -> bytes:
    """Blanks as one member of gzip."""
    piece, pack = b" " * (1 << 20), zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(piece) for _ in range(BOMB >> 20)) + pack.flush()
