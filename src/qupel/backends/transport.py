"""Transports: one request out, one whole reply in, or an error that tells which is certain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes
    ----------
    method, path
        ``POST`` and ``/v1/jobs``, say; the path may carry a query.
    body
        Bytes, empty for none.
    headers
        By name; secrets among them are never shown.
    timeout
        Seconds until a whole reply must be there.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply.

    Attributes
    ----------
    status
        HTTP status.
    body
        Bytes, decompressed, of limited size.
    headers
        By lower-case name.
    key_variable
        Variable of the environment whose credentials the request carried; empty if unknown.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    key_variable: str = ""


class Transport(Protocol):
    """Carries requests to one host."""

    def send(self, request: Request) -> Reply:
        """Send a request once; redirects are not followed and nothing is sent again.

        Raises
        ------
        TransientError
            Nothing reached the host: no name, no route, connection refused.
        UnknownOutcomeError
            The request was sent, wholly or in part, and no whole reply came.
        ResultError
            A reply came that is too large or not readable.
        """
        ...
