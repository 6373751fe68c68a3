"""Requests over HTTP, each sent once on a connection of its own.

Nothing is sent again, redirects are not followed, cookies and proxies of the environment are not
used. The whole reply must be there in time and within a size, and every error tells whether a
byte of the request may have reached the host.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from qupel.backends.secrets import cleaned, keep_secret
from qupel.backends.transport import Reply, Request
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError

#: Hosts that this machine may talk to, by name and separated by commas; any host if it is unset.
HOSTS_VARIABLE = "QUPEL_ALLOWED_HOSTS"
#: Largest body of a reply, before and after decompression.
LARGEST = 64 * 2**20


def no_headers() -> Mapping[str, str]:
    """No credentials."""
    return {}


def secret_in(variable: str) -> str:
    """A secret from the environment; from now on no text that is passed on holds it.

    Raises
    ------
    InputError
        Naming the variable, if it is unset or holds what no header can.
    """
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise InputError(f"no credentials: set the environment variable {variable}")
    if not (secret.isascii() and secret.isprintable()):
        raise InputError(f"{variable} holds characters that no credential has; set it anew")
    keep_secret(secret)
    return secret


@dataclass(frozen=True, slots=True)
class EnvironmentToken:
    """An ``Authorization`` header, read from the environment anew for every request.

    Attributes
    ----------
    variable
        Environment variable that holds the secret.
    scheme
        Word before it.
    """

    variable: str
    scheme: str = "Bearer"

    def __call__(self) -> Mapping[str, str]:
        """The header."""
        return {"Authorization": f"{self.scheme} {secret_in(self.variable)}"}


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

    def __post_init__(self) -> None:
        _check_address(self.base_url, self.hosts)
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

        address = _check_address(self.base_url, self.hosts)
        if not request.path.startswith("/") or not _is_plain(request.path):
            raise InputError(
                f"a path is printable, starts with / and has no blank: {request.path!r:.80}"
            )
        headers = self._headers(request, address)
        sent = _Sent()
        deadline = time.monotonic() + request.timeout
        where = f"{request.method} {address.hostname}{_without_query(request.path)}"
        try:
            with _pool(self.proxy, deadline) as pool:
                return self._exchange(pool, request, address, headers, deadline, sent)
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
            raise TransientError(f"{where}: nothing was sent: {what}") from error

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
        return Reply(reply.status, body, got)


@dataclass(slots=True)
class _Sent:
    """Told by the connection when it starts to send."""

    yes: bool = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            # CONNECT goes to the proxy and asks for a way; the host hears nothing of it.
            self.yes = self.yes or info["request"].method != b"CONNECT"


def _check_address(base_url: str, hosts: frozenset[str]) -> SplitResult:
    try:
        address = urlsplit(base_url)
        _ = address.port
    except ValueError:
        raise InputError("a base URL is https://host[:port][/prefix]") from None
    host = address.hostname or ""
    if address.scheme not in ("http", "https") or not host or not _is_plain(base_url):
        raise InputError(
            f"a base URL is https://host[:port][/prefix], got scheme {address.scheme!r}"
        )
    if address.username or address.password or address.query or address.fragment:
        raise InputError("a base URL holds no credentials and no query; they come from elsewhere")
    if address.scheme == "http" and not _is_loopback(host):
        raise InputError(f"{host} is not this machine, so its address must start with https://")
    allowed = os.environ.get(HOSTS_VARIABLE)
    named = None if allowed is None else {name.strip().lower() for name in allowed.split(",")}
    if (hosts and host not in hosts) or (named is not None and host not in named):
        raise InputError(
            f"host {host!r} is not allowed; allow it in {HOSTS_VARIABLE}, or ask another"
        )
    return address


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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


@functools.cache
def _certificates() -> ssl.SSLContext:
    import certifi

    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


def _pool(proxy: str, deadline: float) -> Any:
    """A pool for one request: kept connections may be dead, and nobody would know why."""
    import httpcore

    return httpcore.ConnectionPool(
        ssl_context=_certificates(),
        proxy=httpcore.Proxy(_without_user(proxy), auth=_user(proxy)) if proxy else None,
        max_connections=1,
        max_keepalive_connections=0,
        retries=0,
        network_backend=_bounded(deadline),
    )


def _without_user(proxy: str) -> str:
    address = urlsplit(proxy)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def _user(proxy: str) -> tuple[bytes, bytes] | None:
    address = urlsplit(proxy)
    if address.username is None:
        return None
    return address.username.encode(), (address.password or "").encode()


def _bounded(deadline: float) -> Any:
    """Network of `httpcore` in which every wait ends at one deadline.

    Its own limits are per operation: a host that sends a byte now and then would never end.
    """
    import httpcore

    def left(limit: float | None) -> float:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the whole reply was not there in time")
        return remaining if limit is None else min(limit, remaining)

    class Stream(httpcore.NetworkStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return self._inner.read(max_bytes, left(timeout))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, left(timeout))

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> httpcore.NetworkStream:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, left(timeout)))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

    class Network(httpcore.NetworkBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Any = None,
        ) -> httpcore.NetworkStream:
            failure: Exception = httpcore.ConnectError(f"{host} has no address")
            for address in _addresses(host, port, left(timeout)):
                try:
                    return Stream(
                        httpcore.SyncBackend().connect_tcp(
                            address, port, left(timeout), local_address, socket_options
                        )
                    )
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error
            raise failure

    return Network()


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Look up a name; the system's own look-up knows no deadline, so a thread waits for it."""
    try:
        return [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        pass
    import httpcore

    found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.put(error)

    threading.Thread(target=look, name="qupel-resolve", daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"no address of {host} was found in time") from None
    if isinstance(answer, OSError):
        raise httpcore.ConnectError(f"no address of {host}: {answer.strerror}") from answer
    return list(dict.fromkeys(str(entry[4][0]) for entry in answer))
