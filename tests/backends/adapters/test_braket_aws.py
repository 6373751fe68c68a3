"""boto3 against a small AWS on this machine; ``make vendors`` runs these where it is installed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from qupel.backends.adapters import braket
from qupel.backends.adapters.braket import Braket, token_of
from qupel.backends.adapters.braket_formats import source_of
from qupel.backends.contract import Order, State
from qupel.errors import RefusedError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from tests.backends.adapters.vendors import needs

pytestmark = [needs("boto3"), pytest.mark.filterwarnings("ignore")]

ORDER = Order((Circuit(3).x(2).measure(2, 0),), 3, "key", "tag")
ARN = "arn:aws:braket:us-east-1:123456789012:quantum-task/0000-1"


class Cloud:
    """What the next requests meet, and what came."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.fault: int | str = 0
        self.word = "COMPLETED"
        self.tags = {"qupel_tag": "tag"}
        self.result: bytes = b""

    def posts(self) -> int:
        return sum(method == "POST" and path == "/quantum-task" for method, path, _ in self.asked)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    held = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            held.asked.append((self.command, path, json.loads(body) if body else None))
            if held.fault == "closed":
                self.close_connection = True
                return
            if held.fault:
                code = "ThrottlingException" if held.fault == 429 else "OfTheCloud"
                self._reply(int(held.fault), {"message": "canary words"}, code)
            elif path.endswith("/results.json"):
                self._send(200, held.result)
            elif self.command == "POST" and path == "/quantum-task":
                self._reply(201, {"quantumTaskArn": ARN})
            elif path.startswith("/quantum-tasks"):
                task = {"quantumTaskArn": ARN, "tags": held.tags, **self._task()}
                self._reply(200, {"quantumTasks": [task]})
            else:
                self._reply(200, {"quantumTaskArn": ARN, "tags": held.tags, **self._task()})

        def _task(self) -> dict[str, Any]:
            return {
                "status": held.word,
                "deviceArn": "d",
                "shots": 3,
                "outputS3Bucket": "bucket",
                "outputS3Directory": "qupel/0000-1",
                "createdAt": "2026-11-21T10:00:00.000Z",
                "deviceParameters": "{}",
            }

        def _reply(self, status: int, document: Any, code: str = "") -> None:
            self._send(status, json.dumps(document).encode(), code)

        def _send(self, status: int, body: bytes, code: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    monkeypatch.setenv("QUPEL_BRAKET_BUCKET", "bucket")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield held
    server.shutdown()
    server.server_close()
    thread.join(5)


def backend() -> Braket:
    return braket.open("ionq-forte-1")


def test_a_task_is_made_with_our_token_and_tag_and_read_back(cloud: Cloud) -> None:
    held = backend()
    assert held.capabilities().evidence is Evidence.EMULATOR
    assert held.submit(ORDER) == ARN
    [(_, _, sent)] = cloud.asked
    assert sent["clientToken"] == token_of(ORDER)
    assert sent["tags"] == {"qupel_tag": "tag"}
    assert json.loads(sent["action"])["source"] == source_of(ORDER.programs[0])
    assert held.status(ARN).state is State.DONE
    assert held.find(ORDER) == [ARN]
    cloud.result = json.dumps(
        {
            "measurements": [[0, 0, 1], [1, 0, 1], [0, 0, 1]],
            "measuredQubits": [0, 1, 2],
            "additionalMetadata": {"action": {"source": source_of(ORDER.programs[0])}},
        }
    ).encode()
    [reading] = held.result(ARN, ORDER).readings
    assert (reading.bits.tolist(), reading.occurrences.tolist()) == ([[1, 0], [1, 1]], [2, 1])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (500, UnknownOutcomeError),
        (502, UnknownOutcomeError),
        (503, UnknownOutcomeError),
        (504, UnknownOutcomeError),
        ("closed", UnknownOutcomeError),
        (429, TransientError),
        (400, RefusedError),
        (403, RefusedError),
        (303, UnknownOutcomeError),
        (409, UnknownOutcomeError),
        (422, RefusedError),
    ],
)
def test_boto_posts_once_whatever_comes(
    cloud: Cloud, fault: int | str, error: type[Exception]
) -> None:
    cloud.fault = fault
    with pytest.raises(error) as caught:
        backend().submit(ORDER)
    assert cloud.posts() == 1
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("act", ["status", "cancel", "result", "find"])
def test_credentials_that_aws_refuses_are_told_and_lose_no_task(cloud: Cloud, act: str) -> None:
    cloud.fault = 403
    held = backend()
    asked = {"result": (ARN, ORDER), "find": (ORDER,)}.get(act, (ARN,))
    with pytest.raises(TransientError, match=r"AWS_ACCESS_KEY_ID, .* were refused"):
        getattr(held, act)(*asked)


def test_a_host_that_is_not_there_is_told_as_nothing_sent(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="nothing was sent"):
        backend().submit(ORDER)


def test_an_unknown_word_is_never_final_and_another_tag_is_another_order(cloud: Cloud) -> None:
    cloud.word = "MELTED"
    assert backend().status(ARN).state is State.UNKNOWN
    cloud.tags = {"qupel_tag": "x"}
    assert backend().find(ORDER) == []
    with pytest.raises(ResultError, match="not tagged"):
        backend().result(ARN, ORDER)
