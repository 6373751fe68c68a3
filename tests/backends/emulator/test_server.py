"""The emulator on a real port."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.emulator import Provider, Site, Terms, Waiting, scenario_named, serving
from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request
from qupel.errors import ResultError, TransientError, UnknownOutcomeError
from tests.backends.emulator.stand import circuits

ADMIN = "the-administrators"


class House:
    """A provider behind a port, and a client."""

    def __init__(self, url: str, provider: Provider, clock: ManualClock) -> None:
        self.url, self.provider, self.clock = url, provider, clock
        self.token = provider.open_account("tenant")

    def transport(self, token: str | None = None) -> HttpTransport:
        held = self.token if token is None else token
        headers = {"Authorization": f"Bearer {held}"} if held else {}
        return HttpTransport(self.url, lambda: headers)

    def backend(self, timeout: float = 60.0) -> Neutral:
        return Neutral("ideal", self.transport(), timeout=timeout)

    def asked(self, method: str, path: str, document: Any = None, token: str = ADMIN) -> Any:
        body = b"" if document is None else json.dumps(document).encode()
        return self.transport(token).send(Request(method, path, body))


@contextmanager
def house(*scenarios: str) -> Iterator[House]:
    clock = ManualClock()
    provider = Provider(
        Terms(waiting=Waiting(7.0)), clock, [scenario_named(name) for name in scenarios]
    )
    with serving(Site(provider, ADMIN)) as url:
        yield House(url, provider, clock)


def test_a_job_goes_all_the_way_over_http() -> None:
    with house() as held:
        order = circuits()
        job = held.backend().submit(order)
        held.clock.advance(60.0)
        assert held.backend().status(job).word == "done"
        assert held.backend().result(job, order).readings[0].bits.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    "name", ["reply-lost-after-accept", "reset-mid-body", "bad-gateway-after-accept"]
)
def test_a_spoilt_reply_is_an_unknown_outcome_and_the_job_is_found(name: str) -> None:
    with house(name) as held:
        with pytest.raises(UnknownOutcomeError):
            held.backend().submit(circuits())
        assert held.backend().find(circuits()) == list(held.provider.jobs)
        assert len(held.provider.jobs) == 1


def test_a_reply_that_never_comes_ends_at_the_clients_timeout() -> None:
    with house("reply-never-comes-after-accept") as held:
        with pytest.raises(UnknownOutcomeError, match="timed out"):
            held.backend(timeout=1.0).submit(circuits())
        assert len(held.provider.jobs) == 1


@pytest.mark.parametrize(
    "name", ["result-huge", "result-gzip-bomb", "result-gzip-broken", "result-truncated"]
)
def test_a_result_too_large_or_not_readable_is_an_error(name: str) -> None:
    with house(name) as held:
        job = held.backend().submit(circuits())
        held.clock.advance(60.0)
        with pytest.raises(ResultError):
            held.backend().result(job, circuits())


def test_a_result_cut_halfway_can_be_asked_for_again() -> None:
    with house("result-reset-mid-body") as held:
        job = held.backend().submit(circuits())
        held.clock.advance(60.0)
        with pytest.raises(TransientError):
            held.backend().result(job, circuits())


def test_many_clients_at_once_get_a_job_each() -> None:
    with house() as held:
        found: list[str] = []

        def submit(k: int) -> None:
            found.append(held.backend().submit(circuits(name=str(k))))

        threads = [threading.Thread(target=submit, args=(k,)) for k in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == len(held.provider.jobs) == 20


def test_one_connection_carries_many_requests() -> None:
    with house() as held:
        host = held.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        for _ in range(3):
            connection.request("GET", "/v0.4/backends")
            reply = connection.getresponse()
            assert (reply.status, reply.getheader("connection")) == (200, "keep-alive")
            json.loads(reply.read())
        connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /v1/jobs HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /v1/jobs HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413),
        (b"POST /v1/jobs HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 411),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /elsewhere HTTP/1.1\r\n\r\n", 404),
        (b"GET /v1/jobs HTTP/1.1\r\n\r\n", 401),
    ],
)
def test_what_is_no_request_gets_a_status(sent: bytes, status: int) -> None:
    with house() as held:
        host, _, port = held.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as wire:
            wire.sendall(sent)
            assert wire.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"shots": NaN}', b"\xff"])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with house() as held:
        reply = held.transport().send(Request("POST", "/v1/jobs", body))
        assert reply.status in (400, 422)


def test_administration_is_not_there_for_tenants() -> None:
    with house() as held:
        for token in (held.token, "", "guessed"):
            for method, path in (("GET", "ledger"), ("POST", "clock"), ("GET", "")):
                reply = held.asked(method, f"/admin/{path}", token=token)
                assert (reply.status, b"nothing at this path" in reply.body) == (404, True)


def test_a_site_without_administration_has_none_for_anybody() -> None:
    provider = Provider(Terms(), ManualClock())
    with serving(Site(provider)) as url:
        held = House(url, provider, ManualClock())
        assert held.asked("GET", "/admin/ledger", token="").status == 404


def test_the_administrator_reads_the_ledger_travels_and_turns_faults_on_and_off() -> None:
    with house() as held:
        job = held.backend().submit(circuits())
        assert held.asked("POST", "/admin/clock", {"advance": 60}).status == 200
        told = json.loads(held.asked("GET", "/admin/ledger").body)
        assert [entry["what"] for entry in told["entries"]] == ["accept", "end", "bill"]
        assert told["billed"]["USD"]["micros"] == 335_000
        held.asked("POST", "/admin/scenarios", {"name": "polling-connection-dies:1"})
        with pytest.raises(TransientError):
            held.backend().status(job)
        held.asked("DELETE", "/admin/scenarios/polling-connection-dies")
        assert held.backend().status(job).word == "done"
        held.asked("POST", "/admin/refund", {"job": job})
        assert held.provider.books.billed()["USD"].micros == 0


def test_the_administrator_announces_outages_drift_and_calibrations() -> None:
    with house() as held:
        before = held.provider.calibration("noisy")
        held.asked("POST", "/admin/drift", {"device": "noisy", "factor": 3})
        held.asked("POST", "/admin/recalibrate", {"device": "noisy"})
        after = held.provider.calibration("noisy")
        assert after.id != before.id
        assert after.readout > before.readout
        held.asked("POST", "/admin/outages", {"seconds": 60})
        with pytest.raises(UnknownOutcomeError, match="503"):
            held.backend().submit(circuits())
        held.clock.advance(61.0)
        held.asked("POST", "/admin/expire-tokens")
        assert held.asked("GET", "/v1/devices", token=held.token).status == 401


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/admin/clock", {"advance": -1}),
        ("/admin/clock", {}),
        ("/admin/scenarios", {"name": "nothing-such"}),
        ("/admin/drift", {"device": "nowhere", "factor": 2}),
        ("/admin/outages", {"seconds": 0}),
        ("/admin/outages", {"seconds": 5, "device": "nowhere"}),
        ("/admin/refund", {"job": "none"}),
        ("/admin/elsewhere", {}),
    ],
)
def test_what_the_administrator_cannot_do_is_refused(path: str, document: Any) -> None:
    with house() as held:
        assert 400 <= held.asked("POST", path, document).status < 500


def test_a_port_in_use_is_told() -> None:
    provider = Provider(Terms(), ManualClock())
    with serving(Site(provider)) as url:
        taken = serving(Site(provider), port=int(url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            taken.__enter__()
