"""A transport straight into the provider: the same faults as over HTTP, and no sockets.

With a clock that is moved by hand a whole campaign of lost replies and hour-long queues runs in
milliseconds, and a seed replays it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qupel.backends.emulator.hooks import Answer
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.scenario import scenario_named, unplayed_at_ionq
from qupel.backends.emulator.site import Site
from qupel.backends.transport import Reply, Request
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError

#: Bytes of a reply that are taken, after decompression.
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """Carries requests to an emulated provider in this process.

    Attributes
    ----------
    site
        The provider's front.
    token
        Sent with every request that brings none; a function is asked anew every time.
    prefix
        Put before every path: ``/v0.4`` where an adapter of IonQ's speaks.
    most_bytes
        Largest reply taken.
    """

    site: Site
    token: str | Callable[[], str] = field(default="", repr=False)
    prefix: str = ""
    most_bytes: int = MOST_BYTES

    def send(self, request: Request) -> Reply:
        """Send a request once.

        Waiting is done on the provider's clock: it passes at once where that is moved by hand.

        Raises
        ------
        TransientError, UnknownOutcomeError, ResultError
            As `qupel.backends.transport.Transport` says.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        token = self.token if isinstance(self.token, str) else self.token()
        if token and "authorization" not in headers:
            headers["authorization"] = f"Bearer {token}"
        sent = Request(
            request.method, self.prefix + request.path, request.body, headers, request.timeout
        )
        return self._received(self.site.handle(sent), request)

    def _received(self, answer: Answer, request: Request) -> Reply:
        clock = self.site.provider.clock
        what = f"{request.method} {request.path}"
        if answer.lost == "refused":
            raise TransientError(f"{what}: connection refused")
        if answer.lost == "reset":
            raise UnknownOutcomeError(f"{what}: the connection was closed before a reply came")
        if answer.lost == "silence" or answer.delay > request.timeout:
            clock.sleep(request.timeout)
            raise UnknownOutcomeError(f"{what}: no reply within {request.timeout:g} s")
        if answer.delay:
            clock.sleep(answer.delay)
        reply = answer.reply
        if answer.cut is not None and answer.cut < len(reply.body):
            raise UnknownOutcomeError(
                f"{what}: the connection was reset after {answer.cut} of {len(reply.body)} bytes"
            )
        if len(reply.body) + answer.padding > self.most_bytes:
            raise ResultError(f"{what}: the reply is larger than {self.most_bytes} bytes")
        body = reply.body
        if reply.headers.get("content-encoding") == "gzip":
            body = _unzipped(body, self.most_bytes, what)
        return Reply(reply.status, body + b" " * answer.padding, _lower(reply.headers))


def direct(
    provider: Provider,
    token: str | Callable[[], str] = "",
    scenario: str = "",
    prefix: str = "",
) -> Direct:
    """Carry requests straight into a provider.

    Parameters
    ----------
    provider
        Where to.
    token
        A tenant's token, or a function that gets it; an account ``tenant`` is opened if none is
        given.
    scenario
        ``NAME`` or ``NAME:RATE`` of a scenario to turn on, or several joined by commas.
    prefix
        Put before every path: ``/v0.4`` for IonQ's protocol, whose adapter leaves it out.

    Raises
    ------
    InputError
        If there is no such scenario, or it cannot strike on IonQ's protocol and that is spoken.
    """
    named = [scenario_named(text.strip()) for text in scenario.split(",") if text]
    unplayed = unplayed_at_ionq(named) if prefix == "/v0.4" else ""
    if unplayed:
        raise InputError(f"scenarios strike {unplayed}")
    for chosen in named:
        provider.stage.turn_on(chosen)
    return Direct(Site(provider), token or provider.open_account("tenant"), prefix)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _unzipped(body: bytes, most: int, what: str) -> bytes:
    """Decompressed body, no further than it may be long."""
    unzip = zlib.decompressobj(wbits=31)
    try:
        out = unzip.decompress(body, most + 1)
    except zlib.error as error:
        raise ResultError(f"{what}: the reply cannot be decompressed: {error}") from error
    if len(out) > most:
        raise ResultError(f"{what}: the reply is larger than {most} bytes")
    return out
