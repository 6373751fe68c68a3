"""An Azure Quantum workspace: what names and opens it, and the storage behind its jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from qupel.backends.adapters import exchange
from qupel.backends.addresses import checked_address, shown
from qupel.backends.http import HttpTransport
from qupel.backends.secrets import keep_secret
from qupel.backends.transport import Request, Transport
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError

CONNECTION_VARIABLE = "AZURE_QUANTUM_CONNECTION_STRING"
VERSION = "2026-01-15-preview"
STORAGE = ".blob.core.windows.net"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a connection string names.

    Attributes
    ----------
    endpoint
        Where the service is.
    path
        Path of the workspace there.
    key
        Opens it.
    """

    endpoint: str
    path: str
    key: str = field(repr=False)

    @classmethod
    def of(cls, connection: str) -> Workspace:
        """Read a connection string; `InputError` naming the part that is missing, never a value."""
        parts = dict(part.split("=", 1) for part in connection.strip().split(";") if "=" in part)
        names = (
            "SubscriptionId",
            "ResourceGroupName",
            "WorkspaceName",
            "ApiKey",
            "QuantumEndpoint",
        )
        for name in names:
            if not re.fullmatch(r"[\x21-\x7e]+", parts.get(name, "")):
                raise InputError(
                    f"{CONNECTION_VARIABLE} has no part {name}; copy it from the portal"
                )
        endpoint = parts["QuantumEndpoint"].rstrip("/")
        try:
            checked_address(endpoint)
        except InputError as error:
            raise InputError(
                f"QuantumEndpoint in {CONNECTION_VARIABLE} is {shown(endpoint)!r}: {error}"
            ) from None
        segments = [exchange.segment(parts[name]) for name in names[:3]]
        path = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Quantum/workspaces/{}"
        return cls(endpoint, path.format(*segments), parts["ApiKey"])

    def headers(self) -> Mapping[str, str]:
        """The header that carries the key."""
        keep_secret(self.key)
        return {"x-ms-quantum-api-key": self.key}


def path_of(workspace: str, rest: str) -> str:
    """Path of something in a workspace, with the version of the interface."""
    return f"{workspace}{rest}?api-version={VERSION}"


def storage_at(address: str) -> Transport:
    """Transport to a storage host of Azure, or to this machine; no other is asked."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not host.endswith(STORAGE) and host not in ("127.0.0.1", "localhost", "::1"):
        raise TransientError(f"the service names storage at {host!r:.80}, which is not Azure's")
    return HttpTransport(f"{parts.scheme}://{parts.netloc}")


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """What a workspace's jobs are given and give, in containers of Azure's storage.

    Attributes
    ----------
    transport
        Carries requests to the service, which signs storage addresses.
    workspace
        Path of the workspace.
    at
        Gives the transport to the host of a storage address.
    timeout
        Seconds for one request.
    """

    transport: Transport
    workspace: str
    at: Callable[[str], Transport]
    timeout: float

    def container(self, job: str) -> str:
        """Make the job's container and return its address; one that is there is fine."""
        address = self._signed(f"job-{job}")
        parts = urlsplit(address)
        path = f"{parts.path}?restype=container&{parts.query}"
        self._put(address, path, b"", {}, frozenset({409}))
        return address

    def stored(self, container: str, body: bytes) -> str:
        """Store a program, and return its address without the signature."""
        parts = urlsplit(container)
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
        path = f"{parts.path}/inputData"
        self._put(container, f"{path}?{parts.query}", body, headers)
        return f"{parts.scheme}://{parts.netloc}{path}"

    def output(self, told: Mapping[str, Any], job: str) -> Any:
        """The result document; its old signature may have ended, so a new one is asked for."""
        stored = told.get("outputDataUri")
        blob = urlsplit(stored).path.rpartition("/")[2] if isinstance(stored, str) else ""
        if not blob:
            raise ResultError(f"job {job!r:.80} names no output")
        address = self._signed(f"job-{job}", blob)
        parts = urlsplit(address)
        request = Request("GET", f"{parts.path}?{parts.query}", timeout=self.timeout)
        return exchange.fetch(self.at(address), request)

    def _signed(self, container: str, blob: str = "") -> str:
        """A storage address that may be used for a while."""
        wanted = {"containerName": container, **({"blobName": blob} if blob else {})}
        request = exchange.post(
            path_of(self.workspace, "/storage/sasUri"), wanted, {}, self.timeout
        )
        told = exchange.ask(self.transport, request, secret=True)
        address = told.get("sasUri") if isinstance(told, dict) else None
        if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
            raise TransientError("the service gave no storage address")
        return address

    def _put(
        self,
        address: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        fine: frozenset[int] = frozenset(),
    ) -> None:
        request = Request("PUT", path, body, headers, self.timeout)
        try:
            reply = self.at(address).send(request)
        except (UnknownOutcomeError, ResultError) as error:
            raise TransientError("the program could not be stored; no job was made") from error
        if not (200 <= reply.status < 300 or reply.status in fine):
            raise TransientError(
                f"the program could not be stored, so no job was made: HTTP {reply.status}",
                wait=exchange.wait_of(reply),
            )
