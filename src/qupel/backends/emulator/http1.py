"""Just enough of HTTP/1.1 to serve requests with every byte of the reply under control."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from qupel.backends.transport import Reply, Request

#: Bytes of a head, and of a body, that are read.
MOST_HEAD, MOST_BODY = 64 << 10, 64 << 20


class BadRequest(Exception):  # noqa: N818  # a reply, not a failure of ours
    """What came is no request that can be served.

    Attributes
    ----------
    status
        HTTP status to answer with before closing.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Received:
    """A request, and whether its connection stays open after the reply."""

    request: Request
    stays: bool


async def read_request(reader: asyncio.StreamReader) -> Received | None:
    """The next request on a connection; None when it was closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431) from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(400)
        headers[name.strip().lower()] = value.strip()
    body = await _body(reader, headers)
    stays = words[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Received(Request(words[0], words[1], body, headers), stays)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        raise BadRequest(400)
    if int(length) > MOST_BODY:
        raise BadRequest(413)
    return await reader.readexactly(int(length)) if int(length) else b""


def head_of(reply: Reply, *, padding: int, stays: bool) -> bytes:
    """Status line and headers of a reply."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = {
        **reply.headers,
        "content-length": str(len(reply.body) + padding),
        "connection": "keep-alive" if stays else "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} {phrase}\r\n{lines}\r\n".encode("latin-1")
