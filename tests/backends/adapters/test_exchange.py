from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from qupel.backends.adapters import exchange
from qupel.backends.transport import Reply, Request
from qupel.errors import (
    QupelError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
    UnreadableReplyError,
)

ASKED = Request("POST", "/jobs", b"{}")


@dataclass
class Saying:
    """A transport that gives one reply or raises one error, and counts."""

    told: Reply | Exception
    sent: int = 0

    def send(self, request: Request) -> Reply:
        self.sent += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def error_of(act: Callable[..., Any], told: Reply | Exception) -> type[Exception] | None:
    transport = Saying(told)
    try:
        act(transport, ASKED)
    except QupelError as error:
        return type(error)
    finally:
        assert transport.sent == 1
    return None


BROKEN = Reply(200, b"{")
LOST, NEVER = UnknownOutcomeError("lost"), TransientError("never sent")
LARGE = ResultError("too large")

T, U, R, B = TransientError, UnknownOutcomeError, RefusedError, ResultError
UR = UnreadableReplyError


@pytest.mark.parametrize(
    ("told", "submit", "ask", "fetch", "cancel"),
    [
        (Reply(200, b"{}"), None, None, None, None),
        (Reply(201, b"{}"), None, None, None, None),
        (BROKEN, U, UR, B, None),
        (Reply(204, b""), U, UR, B, None),
        (Reply(301), U, T, B, None),
        (Reply(303, b"", {"location": "/jobs/1"}), U, T, B, None),
        (Reply(307), U, T, B, None),
        (Reply(400), R, T, B, None),
        (Reply(401), R, T, T, T),
        (Reply(403), R, T, T, T),
        (Reply(404), R, T, B, None),
        (Reply(408), U, T, T, T),
        (Reply(409), R, T, B, None),
        (Reply(422), R, T, B, None),
        (Reply(429), T, T, T, T),
        (Reply(500), U, T, T, T),
        (Reply(502), U, T, T, T),
        (Reply(503), U, T, T, T),
        (Reply(504), U, T, T, T),
        (Reply(599), U, T, T, T),
        (Reply(199), U, T, B, None),
        (LOST, U, T, T, T),
        (NEVER, T, T, T, T),
        (LARGE, U, T, B, T),
    ],
)
def test_a_reply_means_what_was_asked(
    told: Any, submit: Any, ask: Any, fetch: Any, cancel: Any
) -> None:
    found = [
        error_of(act, told)
        for act in (exchange.submit, exchange.ask, exchange.fetch, exchange.cancel)
    ]
    assert found == [submit, ask, fetch, cancel]


def test_a_conflict_on_a_keyed_submission_may_be_about_our_own_job() -> None:
    with pytest.raises(exchange.HeldError, match="may have this submission already: HTTP 409"):
        exchange.submit(Saying(Reply(409)), ASKED, keyed=True)
    with pytest.raises(RefusedError):
        exchange.submit(Saying(Reply(422)), ASKED, keyed=True)


def test_what_may_be_missing_is_none() -> None:
    assert exchange.ask(Saying(Reply(404)), ASKED, frozenset({404})) is None


@pytest.mark.parametrize(
    ("named", "wait"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999999", 3600.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600.0),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 0.0),
    ],
)
def test_the_wait_that_a_host_wishes_is_told_within_reason(named: str, wait: float | None) -> None:
    with pytest.raises(TransientError) as caught:
        exchange.submit(Saying(Reply(429, b"", {"retry-after": named})), ASKED)
    assert caught.value.wait == wait


def test_a_refusal_gives_the_provider_s_words_and_nothing_unprintable() -> None:
    told = Reply(422, b'{"error": "bad-shots", "message": "too many", "code": "a\\nb"}')
    with pytest.raises(RefusedError, match=r"HTTP 422 \(bad-shots; too many\)$"):
        exchange.submit(Saying(told), ASKED)
