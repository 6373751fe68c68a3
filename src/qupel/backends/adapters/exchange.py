"""What an HTTP reply means for the one who asked: done, refused, not done, or nobody knows.

The same status means other things for other questions. A server error after a submission may
hide an accepted job; after a question it only means to ask again.

Whatever is passed on from a reply has been through here, so that no secret comes back by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from qupel.backends.adapters.documents import read_json
from qupel.backends.secrets import cleaned, cleaned_document
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import (
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
    UnreadableReplyError,
)

#: Seconds that a provider's wish to wait is honoured for at most.
LONGEST_WAIT = 3600.0
#: Statuses that say: not now.
BUSY = frozenset({425, 429})
#: Statuses that say: not with these credentials.
UNAUTHORIZED = frozenset({401, 403})
#: What storages say of a link to a result that was good for a while: ours, S3's and Azure's.
_LINK_ENDED = re.compile(
    rb"link.expired|link has expired|storage token has expired|request has expired"
    rb"|signature not valid in the specified time",
    re.IGNORECASE,
)
#: Status that says: there is one already.
CONFLICT = 409
#: Seconds before refused credentials are tried again: a person has to renew them.
RENEWAL = 60.0


class HeldError(UnknownOutcomeError):
    """The provider has a request of this key or name already, done or still in work."""


def submit(transport: Transport, request: Request, *, keyed: bool = False) -> Any:
    """Send a submission; return the document of the job that was accepted.

    Parameters
    ----------
    transport, request
        What to send, and by what.
    keyed
        Whether the provider knows the request by a key or a name of ours, so that HTTP 409 may
        be about an earlier one that was accepted.

    Raises
    ------
    TransientError
        Nothing reached the provider, or it said to come back later.
    RefusedError
        It refused, the order or the credentials; nothing was accepted.
    UnknownOutcomeError
        No reply came, or one that does not tell what was done; `HeldError` for a 409 to a keyed
        request.
    """
    try:
        reply = transport.send(request)
        if 200 <= reply.status < 300:
            return _document(reply)
    except ResultError as error:
        raise UnknownOutcomeError(f"a submission was sent, but {error}") from error
    if reply.status in BUSY:
        raise TransientError(f"nothing was accepted: {said(reply)}", wait=wait_of(reply))
    if leaves_open(reply.status):
        raise UnknownOutcomeError(f"a submission was sent, and its fate is unknown: {said(reply)}")
    if keyed and reply.status == CONFLICT:
        raise HeldError(f"the provider may have this submission already: {said(reply)}")
    if reply.status in UNAUTHORIZED:
        raise RefusedError(f"nothing was accepted: {unauthorized(reply)}")
    raise RefusedError(f"the provider refused: {said(reply)}")


def ask(
    transport: Transport,
    request: Request,
    missing: frozenset[int] = frozenset(),
    *,
    secret: bool = False,
    refusing: frozenset[int] = UNAUTHORIZED,
) -> Any:
    """Ask something that changes nothing; return the document, or None for a status ``missing``.

    Parameters
    ----------
    transport, request, missing
        What to ask, and which statuses mean that it is not there.
    secret
        Whether a secret is asked for, which must come as it is.
    refusing
        Statuses that refuse the credentials.

    Raises
    ------
    TransientError
        No usable reply this time; credentials that are refused ask for a long wait.
    """
    reply = _asked(transport, request)
    if reply.status in missing:
        return None
    if 200 <= reply.status < 300:
        try:
            return read_json(reply.body) if secret else _document(reply)
        except ResultError as error:
            raise UnreadableReplyError(f"{_about(request)}: {error}") from error
    raise _not_now("no answer", reply, refusing)


def ask_for_job(transport: Transport, request: Request, job: str) -> dict[str, Any] | None:
    """What a provider tells of a job; None if it knows none of that name.

    Raises
    ------
    TransientError
        No usable reply this time, or one about something else.
    """
    told = ask(transport, request, frozenset({404}))
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("id") != job:
        raise TransientError(f"asked for job {job!r:.80}, told of something else")
    return told


def fetch(transport: Transport, request: Request) -> Any:
    """Ask for a result that is said to be there.

    Raises
    ------
    TransientError
        It could not be fetched this time; refused credentials can be renewed, and another try
        gets another link.
    ResultError
        It is not there, too large, or not readable.
    """
    try:
        reply = transport.send(request)
    except UnknownOutcomeError as error:
        raise TransientError(str(error)) from error
    if 200 <= reply.status < 300:
        return _document(reply, "the result")
    if reply.status == 403 and _LINK_ENDED.search(reply.body[:10_000]):
        raise TransientError(
            f"no result this time: the link to it has expired ({said(reply)}); "
            "the next try asks for another",
            wait=wait_of(reply),
        )
    if reply.status in UNAUTHORIZED:
        raise TransientError(f"no result: {unauthorized(reply)}", wait=wait_of(reply))
    if _may_pass(reply):
        raise _not_now("no result", reply)
    raise ResultError(f"the provider has no such result: {said(reply)}")


def cancel(transport: Transport, request: Request) -> None:
    """Ask for a job not to be run; whatever says that it is over or unknown is fine.

    Raises
    ------
    TransientError
        It may not have been heard; asking again does no harm.
    """
    reply = _asked(transport, request)
    if _may_pass(reply):
        raise _not_now("not cancelled", reply)


def leaves_open(status: int) -> bool:
    """Whether a status after a submission may hide a job that was accepted.

    A gateway may give up (5xx), or a server stop listening (408), after that; a redirection (3xx)
    may lead to the job.
    """
    return status < 400 or status >= 500 or status == 408


def unauthorized(reply: Reply) -> str:
    """What to do about credentials that a reply refuses."""
    held = f" in {reply.key_variable}" if reply.key_variable else ""
    return f"the credentials{held} were refused ({said(reply)}); renew them, or their rights"


def _may_pass(reply: Reply) -> bool:
    """Whether a reply leaves open that the same request succeeds later."""
    return reply.status == 408 or reply.status in UNAUTHORIZED | BUSY or reply.status >= 500


def _not_now(what: str, reply: Reply, refusing: frozenset[int] = UNAUTHORIZED) -> TransientError:
    """That there was no answer, and why: what was paid for is still there to be asked for."""
    if reply.status in refusing:
        return TransientError(f"{what}: {unauthorized(reply)}", wait=RENEWAL)
    return TransientError(f"{what} this time: {said(reply)}", wait=wait_of(reply))


def _about(request: Request) -> str:
    return f"{request.method} {request.path.partition('?')[0]:.120}"


def _asked(transport: Transport, request: Request) -> Reply:
    try:
        return transport.send(request)
    except (UnknownOutcomeError, ResultError) as error:
        raise TransientError(str(error)) from error


def _document(reply: Reply, what: str = "the reply") -> Any:
    """What a reply holds, without secrets of ours that it repeats."""
    return cleaned_document(read_json(reply.body, what), reply.body)


def post(path: str, document: Any, headers: Mapping[str, str], timeout: float) -> Request:
    """A POST that carries a JSON document."""
    return _carrying("POST", path, document, headers, timeout)


def put(path: str, document: Any, headers: Mapping[str, str], timeout: float) -> Request:
    """A PUT that carries a JSON document."""
    return _carrying("PUT", path, document, headers, timeout)


def _carrying(
    method: str, path: str, document: Any, headers: Mapping[str, str], timeout: float
) -> Request:
    body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    return Request(method, path, body, {"Content-Type": "application/json", **headers}, timeout)


def segment(name: str) -> str:
    """A name as one part of a path, whatever is in it."""
    return quote(name, safe="")


def wait_of(reply: Reply) -> float | None:
    """Seconds that ``Retry-After`` names, as a number or a date; None if it names none."""
    named = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", named):
        return min(float(named), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(named)
    except ValueError:
        return None
    now = datetime.now(UTC)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def said(reply: Reply) -> str:
    """Status and the provider's own word for it, short, printable and without secrets."""
    return f"HTTP {reply.status}{_word(reply.body)}"


def _word(body: bytes) -> str:
    try:
        document = read_json(body[:10_000])
    except ResultError:
        return ""
    if not isinstance(document, dict):
        return ""
    words = [document.get(name) for name in ("error", "code", "message")]
    plain = [
        f"{cleaned(word):.160}" for word in words if isinstance(word, str) and word.isprintable()
    ]
    return f" ({'; '.join(plain)})" if plain else ""
