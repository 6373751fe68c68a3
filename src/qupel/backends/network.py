"""The network below HTTP: one connection a request, in which every wait ends at one deadline."""

from __future__ import annotations

import functools
import ipaddress
import os
import queue
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from qupel.errors import InputError

CERTIFICATES_VARIABLE = "SSL_CERT_FILE"


def connections(proxy: str, deadline: float) -> Any:
    """A pool of `httpcore` for one request: kept connections may be dead, nobody would know why.

    Parameters
    ----------
    proxy
        ``http://[user:password@]host:port`` to go through; none if empty.
    deadline
        Monotonic seconds at which every wait ends.

    Raises
    ------
    InputError
        If SSL_CERT_FILE names no file of certificates.
    """
    import httpcore

    return httpcore.ConnectionPool(
        ssl_context=_certificates(os.environ.get(CERTIFICATES_VARIABLE, "")),
        proxy=httpcore.Proxy(_without_user(proxy), auth=_user(proxy)) if proxy else None,
        max_connections=1,
        max_keepalive_connections=0,
        retries=0,
        network_backend=_bounded(deadline),
    )


@functools.cache
def _certificates(file: str) -> ssl.SSLContext:
    import certifi

    try:
        return ssl.create_default_context(cafile=file or certifi.where())
    except OSError as error:  # an SSLError is one
        raise InputError(
            f"{CERTIFICATES_VARIABLE} is {file!r:.200}, which holds no certificates "
            f"({error.strerror or 'not readable'}); name a PEM file, or unset it"
        ) from None


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
