from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from qupel.backends.adapters import neutral
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.adapters.renewal import Renewing
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Lookup, Order, State
from qupel.backends.emulator import Provider, Terms, direct
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import (
    InputError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.circuit import Circuit
from qupel.model.money import Money

ORDER = Order((Circuit(3).h(0).cx(0, 1), Circuit(2).x(0)), 100, "key", "tag & more?")


@dataclass
class Altered:
    """A transport whose replies to some requests are changed on the way."""

    inner: Transport
    path: str
    change: Callable[[Any], Any]

    def send(self, request: Request) -> Reply:
        reply = self.inner.send(request)
        if not request.path.split("?")[0].endswith(self.path):
            return reply
        changed = self.change(json.loads(reply.body))
        body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return Reply(reply.status, body, reply.headers)


def provider(**terms: Any) -> Provider:
    return Provider(Terms(**terms), ManualClock())


def altered(path: str, change: Callable[[Any], Any]) -> Neutral:
    return Neutral("ideal", Altered(direct(provider()), path, change))


def done(path: str, change: Callable[[Any], Any]) -> tuple[Neutral, str]:
    """A backend whose replies are changed, and its job, which is over."""
    clock = ManualClock()
    transport = direct(Provider(Terms(), clock))
    job = Neutral("ideal", transport).submit(ORDER)
    clock.advance(60.0)
    return Neutral("ideal", Altered(transport, path or job, change)), job


def replace_in(document: Any, *where: Any, by: Any) -> Any:
    *path, last = where
    inner = document
    for step in path:
        inner = inner[step]
    inner[last] = by
    return document


BAD = {
    "of another job": lambda d: replace_in(d, "job", by="another"),
    "without programs": lambda d: replace_in(d, "programs", by=None),
    "with a program missing": lambda d: replace_in(d, "programs", by=d["programs"][:1]),
    "with programs exchanged": lambda d: replace_in(d, "programs", by=d["programs"][::-1]),
    "of another digest": lambda d: replace_in(d, "programs", 0, "digest", by="0" * 64),
    "with long rows": lambda d: replace_in(d, "programs", 0, "rows", 0, by="0000"),
    "with other characters": lambda d: replace_in(d, "programs", 0, "rows", 0, by="0 1"),
    "with a row twice": lambda d: replace_in(
        d, "programs", 0, "rows", by=[d["programs"][0]["rows"][0]] * 2
    ),
    "with negative counts": lambda d: replace_in(d, "programs", 0, "occurrences", 0, by=-1),
    "with half counts": lambda d: replace_in(d, "programs", 0, "occurrences", 0, by=0.5),
    "with huge counts": lambda d: replace_in(d, "programs", 0, "occurrences", 0, by=10**18),
    "with counts as text": lambda d: replace_in(d, "programs", 0, "occurrences", 0, by="5"),
    "with no rows": lambda d: replace_in(
        replace_in(d, "programs", 0, "rows", by=[]), "programs", 0, "occurrences", by=[]
    ),
    "that is a list": lambda d: [d],
    "that is cut": lambda d: json.dumps(d).encode()[:-5],
    "with NaN": lambda d: (
        json.dumps(d).encode().replace(b'"occurrences": [', b'"e": NaN, "o": [', 1)
    ),
    "with a name twice": lambda d: json.dumps(d).encode()[:-1] + b', "job": "x"}',
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_result_that_cannot_be_trusted_is_refused(change: Callable[[Any], Any]) -> None:
    backend, job = done("/result", change)
    with pytest.raises(ResultError):
        backend.result(job, ORDER)


def test_missing_shots_are_told_and_kept() -> None:
    backend, job = done("/result", lambda d: replace_in(d, "programs", 1, "occurrences", by=[90]))
    result = backend.result(job, ORDER)
    assert result.facts == {"shots_ordered": 100, "shots_returned": [100, 90]}


@pytest.mark.parametrize("word", ["DONE", "CANCELLED - RAN TOO LONG", "deleted", "", 5, None, {}])
def test_an_unknown_word_is_never_final(word: Any) -> None:
    backend, job = done("", lambda d: {**d, "status": word})
    status = backend.status(job)
    assert status.state is State.UNKNOWN
    assert not status.state.final


def test_stamps_and_bills_that_cannot_be_are_left_out() -> None:
    bad = {"created": "yesterday", "finished": 1e300, "billed": {"micros": 5.5, "currency": "USD"}}
    backend, job = done("", lambda d: {**d, **bad})
    status = backend.status(job)
    assert status.state is State.DONE
    assert (status.times.created, status.times.finished, status.billed) == (None, None, None)


def test_a_bill_below_zero_is_passed_on_and_a_quote_below_zero_is_none() -> None:
    below = {"micros": -5, "currency": "USD"}
    backend, job = done("", lambda d: {**d, "billed": below})
    assert backend.status(job).billed == Money(-5)
    with pytest.raises(TransientError, match="quoted no price"):
        altered("/v1/quote", lambda d: {"cost": below}).estimate(ORDER)


def test_an_accepted_job_without_a_name_leaves_the_outcome_open() -> None:
    backend = altered("/jobs", lambda d: {**d, "id": ""})
    with pytest.raises(UnknownOutcomeError):
        backend.submit(ORDER)


def test_all_pages_of_a_listing_are_read_and_other_tags_left_out() -> None:
    cloud = provider(keys=False, page=2)
    backend = Neutral("ideal", direct(cloud), lag_seconds=0.0)
    jobs = [backend.submit(ORDER) for _ in range(5)]
    backend.submit(Order(ORDER.programs, 100, "other", "other"))
    assert sorted(backend.find(ORDER)) == sorted(jobs)


@pytest.mark.parametrize("following", [0, -1, "1", 1.5, True])
def test_a_listing_that_goes_in_circles_is_left(following: Any) -> None:
    backend = altered("/jobs", lambda d: {**d, "next": following} if "jobs" in d else d)
    with pytest.raises(TransientError, match="cannot be read"):
        backend.find(ORDER)


def test_what_can_be_looked_up_follows_from_the_provider() -> None:
    def able(keys: bool, listing: bool, lag: float | None) -> tuple[Lookup, float | None]:
        transport = direct(provider(keys=keys, listing=listing))
        told = Neutral("ideal", transport, lag_seconds=lag).capabilities()
        return told.lookup, told.settle_seconds

    assert able(True, True, 5.0) == (Lookup.KEY, 35.0)
    assert able(False, True, 5.0) == (Lookup.TAG, 35.0)
    assert able(False, True, None) == (Lookup.TAG, None)
    assert able(False, False, 5.0) == (Lookup.NONE, None)


def test_a_provider_that_lists_nothing_says_so() -> None:
    backend = Neutral("ideal", direct(provider(keys=False, listing=False)))
    with pytest.raises(RefusedError, match="lists no jobs"):
        backend.find(ORDER)


def test_an_unknown_device_is_the_caller_s_mistake() -> None:
    with pytest.raises(InputError, match="no device 'none'"):
        Neutral("none", direct(provider())).capabilities()


def test_a_token_that_ended_is_renewed_for_the_next_request_and_nothing_is_sent_twice() -> None:
    clock = ManualClock()
    cloud = Provider(Terms(token_seconds=100.0), clock)
    cloud.open_account("tenant", "first")
    plain = direct(cloud, token="unknown")  # noqa: S106
    backend = Neutral("ideal", Renewing(plain, cloud.accounts.secret("tenant"), clock))
    assert backend.submit(ORDER)
    clock.advance(200.0)  # the token is known to have ended: a new one is asked for
    assert backend.find(ORDER)
    cloud.accounts.expire(clock.now())  # nobody told us
    with pytest.raises(TransientError, match="the token had ended, and nothing was done"):
        backend.find(ORDER)
    assert len(backend.find(ORDER)) == 1


def test_the_environment_names_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUPEL_EMULATOR_URL", "QUPEL_EMULATOR_TOKEN", "QUPEL_EMULATOR_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="QUPEL_EMULATOR_URL"):
        neutral.open("ideal")
    monkeypatch.setenv("QUPEL_EMULATOR_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="QUPEL_EMULATOR_TOKEN"):
        neutral.open("ideal")
    monkeypatch.setenv("QUPEL_EMULATOR_TOKEN", "secret-token")
    assert "secret-token" not in repr(neutral.open("ideal"))
