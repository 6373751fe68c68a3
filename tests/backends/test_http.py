from __future__ import annotations

import contextlib
import gzip
import logging
import pickle
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import pytest

from qupel.backends.credentials import EnvironmentToken
from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request
from qupel.errors import InputError, QupelError, ResultError, TransientError, UnknownOutcomeError

CANARY = "canary-secret-0123456789"


@contextlib.contextmanager
def host(serve: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A host on this machine that reads a request's head and does what ``serve`` does."""
    listening = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def live() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                head += chunk
            start, _, body = head.partition(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", start, re.IGNORECASE)
            while found and len(body) < int(found[1]):
                body += connection.recv(65536)
            received.append(start + b"\r\n\r\n" + body)
            serve(connection, head)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", received
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def replying(body: bytes, *headers: str, status: str = "200 OK") -> Callable[..., None]:
    def serve(connection: socket.socket, head: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)

    return serve


def post(url: str, timeout: float = 60.0, **options: object) -> object:
    return HttpTransport(url, **options).send(  # type: ignore[arg-type]
        Request("POST", "/jobs", b"{}", {"X-One": "1"}, timeout)
    )


def test_a_request_is_sent_with_its_headers_and_a_whole_reply_comes_back() -> None:
    with host(replying(b'{"a": 1}', "X-Two: 2", status="201 Created")) as (url, received):
        transport = HttpTransport(f"{url}/v1/", lambda: {"Authorization": "Bearer t"})
        reply = transport.send(Request("POST", "/jobs?x=1", b"{}", {"X-One": "1"}))
    assert (reply.status, reply.body, reply.headers["x-two"]) == (201, b'{"a": 1}', "2")
    [head] = received
    assert head.startswith(b"POST /v1/jobs?x=1 HTTP/1.1\r\n")
    assert b"\r\nX-One: 1\r\n" in head
    assert b"\r\nAuthorization: Bearer t\r\n" in head
    assert head.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(("method", "said"), [("PUT", True), ("POST", True), ("GET", False)])
def test_a_body_of_nothing_says_its_length_where_one_is_expected(method: str, said: bool) -> None:
    with host(replying(b"")) as (url, received):
        HttpTransport(url).send(Request(method, "/"))
    assert (b"\r\nContent-Length: 0\r\n" in received[0]) is said


def test_missing_credentials_are_the_caller_s_mistake_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("QUPEL_TEST_TOKEN", raising=False)
    with host(replying(b"")) as (url, received):
        with pytest.raises(InputError, match="QUPEL_TEST_TOKEN"):
            HttpTransport(url, EnvironmentToken("QUPEL_TEST_TOKEN")).send(Request("GET", "/"))
        assert not received


def test_a_compressed_reply_is_read() -> None:
    body = gzip.compress(b"x" * 100_000)
    with host(replying(body, "Content-Encoding: gzip")) as (url, _):
        reply = HttpTransport(url).send(Request("GET", "/"))
    assert reply.body == b"x" * 100_000


def test_a_bomb_is_told_before_it_is_unpacked() -> None:
    body = gzip.compress(b"\0" * 200_000_000, 1)
    with (
        host(replying(body, "Content-Encoding: gzip")) as (url, _),
        pytest.raises(ResultError, match="larger than 1000000 bytes"),
    ):
        HttpTransport(url, largest=1_000_000).send(Request("GET", "/"))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 2000, ()),
        (b"no gzip at all", ("Content-Encoding: gzip",)),
        (gzip.compress(b"cut off")[:-4], ("Content-Encoding: gzip",)),
        (b"", ("Content-Encoding: br",)),
    ],
)
def test_a_reply_that_is_too_large_or_not_readable_is_told_so(
    body: bytes, headers: tuple[str, ...]
) -> None:
    with host(replying(body, *headers)) as (url, _), pytest.raises(ResultError):
        HttpTransport(url, largest=1000).send(Request("GET", "/"))


def test_redirects_are_given_back_and_not_followed() -> None:
    serve = replying(b"", "Location: http://127.0.0.1:9/", status="307 Temporary Redirect")
    with host(serve) as (url, received):
        reply = HttpTransport(url).send(Request("POST", "/jobs", b"{}"))
    assert reply.status == 307
    assert len(received) == 1


def test_a_refused_connection_is_told_as_nothing_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransientError, match="nothing was sent"):
        post(f"http://127.0.0.1:{port}")


def test_a_name_without_address_is_told_as_nothing_sent() -> None:
    with pytest.raises(TransientError, match="nothing was sent"):
        post("https://qupel-no-such-host.invalid", timeout=10.0)


def closing(connection: socket.socket, head: bytes) -> None:
    """Say nothing, and close."""


def half(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def garbled(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"\x00\x01\x02\r\n\r\n")


@pytest.mark.parametrize("serve", [closing, half, garbled])
def test_a_reply_that_is_lost_on_the_way_leaves_the_outcome_open_and_is_not_asked_again(
    serve: Callable[..., None],
) -> None:
    with host(serve) as (url, received):
        with pytest.raises(UnknownOutcomeError, match="sent, but no whole reply came"):
            post(url)
        assert len(received) == 1


def silent(connection: socket.socket, head: bytes) -> None:
    connection.recv(1)


def dripping_head(connection: socket.socket, head: bytes) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def dripping_body(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize("serve", [silent, dripping_head, dripping_body])
def test_the_whole_reply_must_be_there_in_time(serve: Callable[..., None]) -> None:
    with host(serve) as (url, received):
        began = time.monotonic()
        with pytest.raises(UnknownOutcomeError, match="no whole reply came"):
            post(url, timeout=1.0)
        assert time.monotonic() - began < 15.0  # the drips go on for twenty
        assert len(received) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "http://example.org",
        "https://user:secret@example.org",
        "https://example.org/?token=secret",
        "https://exa mple.org",
        "https://example.org:port",
        "",
    ],
)
def test_addresses_that_are_no_good_are_refused_without_showing_a_secret(url: str) -> None:
    with pytest.raises(InputError) as caught:
        HttpTransport(url)
    assert "secret" not in str(caught.value)


def test_hosts_outside_the_list_are_refused_before_anything_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", look)
    with pytest.raises(InputError, match="is not allowed"):
        HttpTransport("https://elsewhere.example", hosts=frozenset({"api.example"}))
    transport = HttpTransport("https://api.example", hosts=frozenset({"api.example"}))
    monkeypatch.setenv("QUPEL_ALLOWED_HOSTS", "one.example, two.example")
    with pytest.raises(InputError, match="QUPEL_ALLOWED_HOSTS"):
        transport.send(Request("GET", "/"))


@pytest.mark.parametrize("path", ["jobs", "/a b", "/a\r\nX-Bad: 1", "/\u00e4"])
def test_paths_that_would_change_the_request_are_refused(path: str) -> None:
    with pytest.raises(InputError, match="a path is printable"):
        HttpTransport("http://127.0.0.1:9").send(Request("GET", path))


def test_headers_that_would_change_the_request_are_refused() -> None:
    with host(replying(b"")) as (url, received):
        with pytest.raises(InputError, match="headers"):
            HttpTransport(url).send(Request("GET", "/", headers={"X": "a\r\nX-Bad: 1"}))
        assert not received


def test_the_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with host(replying(b"direct")) as (url, _):
        assert HttpTransport(url).send(Request("GET", "/")).body == b"direct"


def test_a_proxy_that_is_named_is_gone_through() -> None:
    with host(replying(b"proxied")) as (proxy, received):
        transport = HttpTransport("http://127.0.0.1:9/x", proxy=proxy)
        assert transport.send(Request("GET", "/y")).body == b"proxied"
    assert received[0].startswith(b"GET http://127.0.0.1:9/x/y HTTP/1.1\r\n")


def test_a_proxy_that_refuses_the_way_is_told_as_nothing_sent() -> None:
    serve = replying(b"", status="403 Forbidden")
    with host(serve) as (proxy, received):
        with pytest.raises(TransientError, match="nothing was sent"):
            post("https://api.example", proxy=proxy)
        assert [head.split()[0] for head in received] == [b"CONNECT"]


def test_a_missing_token_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUPEL_TEST_TOKEN", raising=False)
    with pytest.raises(InputError, match="set the environment variable QUPEL_TEST_TOKEN"):
        EnvironmentToken("QUPEL_TEST_TOKEN")()


def test_a_token_with_line_breaks_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUPEL_TEST_TOKEN", f"{CANARY}\r\nX-Bad: 1")
    with pytest.raises(InputError) as caught:
        EnvironmentToken("QUPEL_TEST_TOKEN")()
    assert CANARY not in str(caught.value)


def test_secrets_are_in_no_message_repr_or_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("QUPEL_TEST_TOKEN", CANARY)
    shown = []
    for serve in (closing, silent, garbled, replying(b"", "Content-Encoding: br")):
        with host(serve) as (url, _):
            transport = HttpTransport(url, EnvironmentToken("QUPEL_TEST_TOKEN"))
            request = Request("POST", f"/jobs?key={CANARY}", CANARY.encode(), {"X": CANARY}, 0.2)
            with pytest.raises(QupelError) as caught:
                transport.send(request)
            shown += [repr(transport), str(caught.value), repr(caught.value)]
            shown += traceback.format_exception(caught.value)
    proxied = HttpTransport(
        "http://127.0.0.1:9", lambda: {"A": CANARY}, proxy=f"http://user:{CANARY}@127.0.0.1:9"
    )
    with pytest.raises(QupelError) as caught:
        proxied.send(Request("GET", "/"))
    shown += [repr(proxied), *traceback.format_exception(caught.value), caplog.text]
    assert not [text for text in shown if CANARY in text]


def test_a_transport_can_be_sent_to_another_process() -> None:
    transport = HttpTransport("https://api.example", EnvironmentToken("X"))
    assert pickle.loads(pickle.dumps(transport)) == transport  # noqa: S301
