"""Requests over HTTP, each sent once on a connection of its own.

Nothing is sent again, redirects are not followed, cookies and proxies of the environment are not
used. The whole reply must be there in time and within a size, and every error tells whether a
byte of the request may have reached the host.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from qupel.backends.addresses import checked_address, is_plain
from qupel.backends.credentials import no_headers
from qupel.backends.network import connections
from qupel.backends.secrets import cleaned
from qupel.backends.transport import Reply, Request
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError

#: Largest body of a reply, before and after decompression.
LARGEST = 64 * 2**20


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """Carries requests to one host.

    Attributes
    ----------
    base_url
        ``https://host/prefix``; plain ``http`` only to this machine.
    credentials
        Headers to add to every request, asked for each time.
    hosts
        Names that the host must be among; any if empty. The environment's QUPEL_ALLOWED_HOSTS
        narrows them further.
    largest
        Bytes of a reply's body at most, decompressed.
    proxy
        ``http://host:port`` of a proxy to go through; none if empty.
    address_variable, key_variable
        Variables of the environment that address and credentials come from, where they do: named
        when the host cannot be reached or refuses the credentials.

    Raises
    ------
    InputError
        If the address cannot be used or its host is not allowed; nothing is looked up then.
    """

    base_url: str
    credentials: Callable[[], Mapping[str, str]] = field(default=no_headers, repr=False)
    hosts: frozenset[str] = frozenset()
    largest: int = LARGEST
    proxy: str = field(default="", repr=False)
    address_variable: str = ""
    key_variable: str = ""

    def __post_init__(self) -> None:
        checked_address(self.base_url, self.hosts)
        if self.proxy and urlsplit(self.proxy).scheme not in ("http", "https"):
            raise InputError("a proxy is given as http://host:port")
        if self.largest < 1:
            raise InputError(f"largest must be at least 1 byte, got {self.largest}")

    def send(self, request: Request) -> Reply:
        """Send a request once.

        Raises
        ------
        TransientError
            No byte of the request reached the host.
        UnknownOutcomeError
            It was sent, wholly or in part, and no whole reply came in time.
        ResultError
            The reply is too large or not readable.
        """
        import httpcore

        address = checked_address(self.base_url, self.hosts)
        if not request.path.startswith("/") or not is_plain(request.path):
            raise InputError(
                f"a path is printable, starts with / and has no blank: {request.path!r:.80}"
            )
        headers = self._headers(request, address)
        sent = _Sent()
        deadline = time.monotonic() + request.timeout
        where = f"{request.method} {address.hostname}{_without_query(request.path)}"
        try:
            with connections(self.proxy, deadline) as pool:
                return self._exchange(pool, request, address, headers, deadline, sent)
        except InputError:
            raise
        except httpcore.LocalProtocolError as error:
            raise InputError(f"{where}: the request's headers cannot be sent") from error
        except (
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError,
            httpcore.ProxyError, httpcore.UnsupportedProtocol, OSError, ValueError,
        ) as error:  # fmt: skip
            what = _reason(error)
            if sent.yes:
                raise UnknownOutcomeError(
                    f"{where}: sent, but no whole reply came: {what}"
                ) from error
            hint = _hint(self.address_variable, address)
            raise TransientError(f"{where}: nothing was sent: {what}{hint}") from error

    def _headers(self, request: Request, address: SplitResult) -> dict[str, str]:
        # Some servers refuse a body of unknown length, even where there is none.
        carries = bool(request.body) or request.method in ("POST", "PUT", "PATCH")
        return {
            "Host": address.netloc,
            "Accept-Encoding": "gzip",
            "Connection": "close",
            **({"Content-Length": str(len(request.body))} if carries else {}),
            **request.headers,
            **self.credentials(),
        }

    def _exchange(
        self,
        pool: Any,
        request: Request,
        address: SplitResult,
        headers: Mapping[str, str],
        deadline: float,
        sent: _Sent,
    ) -> Reply:
        left = max(deadline - time.monotonic(), 1e-3)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), left)
        prefix = address.path.rstrip("/")
        with pool.stream(
            request.method,
            f"{address.scheme}://{address.netloc}{prefix}{request.path}",
            headers=list(headers.items()),
            content=request.body or None,
            extensions={"timeout": limits, "trace": sent},
        ) as reply:
            got = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in reply.headers
            }
            body = _body(reply.iter_stream(), got.get("content-encoding", ""), self.largest)
        return Reply(reply.status, body, got, self.key_variable)


@dataclass(slots=True)
class _Sent:
    """Told by the connection when it starts to send."""

    yes: bool = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            # CONNECT goes to the proxy and asks for a way; the host hears nothing of it.
            self.yes = self.yes or info["request"].method != b"CONNECT"


def _hint(variable: str, address: SplitResult) -> str:
    """Where to look if a host that the environment names cannot be reached."""
    if not variable:
        return ""
    return f"; {variable} is {address.scheme}://{address.netloc}: is that right, and the host up?"


def _without_query(path: str) -> str:
    return path.partition("?")[0]


def _reason(error: Exception) -> str:
    """What went wrong in the transport; nothing that was sent is in it."""
    words = {"ConnectTimeout": "timed out", "ReadTimeout": "timed out", "WriteTimeout": "timed out"}
    name = type(error).__name__
    return words.get(name, cleaned(f"{name}: {error}")[:200])


def _body(chunks: Iterable[bytes], encoding: str, largest: int) -> bytes:
    """Join a body, decompressed as it comes, so that no more than ``largest`` is ever held."""
    kind = encoding.strip().lower()
    if kind not in ("", "identity", "gzip"):
        raise ResultError(f"the reply is encoded as {kind!r:.40}, which nobody asked for")
    unpack = zlib.decompressobj(wbits=31) if kind == "gzip" else None
    body = bytearray()
    for chunk in chunks:
        room = largest + 1 - len(body)
        try:
            body += chunk if unpack is None else unpack.decompress(chunk, room)
        except zlib.error as error:
            raise ResultError("the reply is no readable gzip") from error
        if len(body) > largest:
            raise ResultError(f"the reply is larger than {largest} bytes")
    if unpack is not None and not unpack.eof:
        raise ResultError("the reply's gzip ends too early")
    return bytes(body)
