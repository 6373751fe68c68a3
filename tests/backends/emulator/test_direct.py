"""The transport without sockets."""

from __future__ import annotations

import pytest

from qupel.backends.emulator import Direct, direct
from qupel.backends.transport import Request
from qupel.errors import ResultError, UnknownOutcomeError
from tests.backends.emulator.stand import circuits, stand


def test_waiting_passes_on_the_providers_clock() -> None:
    held = stand("slow-replies")
    begin = held.clock.now()
    held.transport.send(Request("GET", "/v1/devices"))
    assert held.clock.now() == begin + 5.0


def test_a_reply_slower_than_the_timeout_is_none() -> None:
    held = stand("slow-replies")
    with pytest.raises(UnknownOutcomeError, match="within 2 s"):
        held.transport.send(Request("GET", "/v1/devices", timeout=2.0))


@pytest.mark.parametrize("name", ["result-huge", "result-gzip-bomb", "result-gzip-broken"])
def test_a_reply_too_large_or_not_readable_is_an_error(name: str) -> None:
    held = stand(name)
    job = held.backend().submit(circuits())
    held.clock.advance(60.0)
    with pytest.raises(ResultError):
        held.transport.send(Request("GET", f"/v1/jobs/{job}/result"))


def test_a_token_may_be_a_function_that_is_asked_every_time() -> None:
    held = stand()
    asked: list[str] = []

    def token() -> str:
        asked.append("once")
        return held.provider.accounts.renew(held.provider.accounts.secret("tenant"), 0.0)[0]

    held.transport = direct(held.provider, token)
    held.backend().status("none")
    held.backend().status("none")
    assert len(asked) == 2


def test_a_tokens_text_is_not_shown() -> None:
    held = stand()
    assert isinstance(held.transport, Direct)
    assert str(held.transport.token) not in repr(held.transport)
