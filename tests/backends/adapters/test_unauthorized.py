"""Credentials that a provider refuses: told as that, not asked with again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from qupel.backends.adapters import exchange
from qupel.backends.adapters.ibm_service import Login
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.adapters.renewal import Renewing
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.backends.emulator import Provider, Terms, direct
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import RefusedError, ResultError, TransientError
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from qupel.runs.ledger.causes import Cause

ORDER = Order((Circuit(2).h(0).cx(0, 1),), 100, "key", "tag")


class Refusing:
    """A host that refuses every request's credentials, and counts them."""

    def __init__(self, status: int = 401) -> None:
        self.reply = Reply(status, b'{"error": "unauthorized"}', key_variable="IONQ_API_KEY")
        self.asked = 0

    def send(self, request: Request) -> Reply:
        self.asked += 1
        return self.reply


class Counting:
    """A way to a host that counts what is sent."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.asked = 0

    def send(self, request: Request) -> Reply:
        self.asked += 1
        return self.inner.send(request)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("act", "error"),
    [
        (exchange.submit, RefusedError),
        (exchange.ask, TransientError),
        (exchange.fetch, TransientError),
        (exchange.cancel, TransientError),
    ],
)
def test_refused_credentials_are_told_by_their_variable(
    status: int, act: object, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        act(Refusing(status), Request("GET", "/"))  # type: ignore[operator]
    said = f"the credentials in IONQ_API_KEY were refused (HTTP {status} (unauthorized)); renew"
    assert said in str(caught.value)


@pytest.mark.parametrize("act", [exchange.ask, exchange.cancel])
def test_who_was_refused_is_to_wait_until_somebody_renewed_the_credentials(act: object) -> None:
    with pytest.raises(TransientError) as caught:
        act(Refusing(), Request("GET", "/"))  # type: ignore[operator]
    assert caught.value.wait == exchange.RENEWAL


def test_a_key_that_ibm_does_not_know_is_told_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "an-old-key")
    with pytest.raises(TransientError, match=r"the credentials .* were refused"):
        Login(Refusing(400), "crn:x")()


def test_a_token_refused_when_it_is_new_is_passed_on_and_no_other_is_asked_for() -> None:
    class Deaf:
        def __init__(self) -> None:
            self.tokens = 0

        def send(self, request: Request) -> Reply:
            if request.path == "/v1/token":
                self.tokens += 1
                return Reply(201, b'{"token": "new-token-1", "expires": null}')
            return Reply(401, key_variable="QUPEL_EMULATOR_SECRET")

    host = Deaf()
    with pytest.raises(RefusedError, match="in QUPEL_EMULATOR_SECRET were refused"):
        Neutral("ideal", Renewing(host, "secret-words", ManualClock())).submit(ORDER)
    assert host.tokens == 1


def planned(ledger: Ledger) -> str:
    return ledger.plan(ORDER, backend="emulator:ideal", bound=Money.of(1000, "USD")).id


def test_the_ledger_ends_a_submission_whose_credentials_are_refused_after_one_request(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    cloud = Provider(Terms(), clock)
    backend = Neutral("ideal", direct(cloud))
    backend.capabilities()
    host = Refusing()
    backend.transport = host
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        progress = ledger.advance(planned(ledger), backend)
    assert progress.job.state is JobState.REFUSED
    assert progress.job.cause is Cause.SERVICE
    assert host.asked == 1


def test_a_job_whose_token_ended_is_kept_without_a_storm_and_read_when_it_is_renewed(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    cloud = Provider(Terms(), clock)
    way = Counting(direct(cloud, scenario="token-expires-while-queued"))
    backend = Neutral("ideal", way)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        job, until = planned(ledger), clock.now() + 3600
        while clock.now() < until:
            progress = ledger.advance(job, backend)
            assert progress.wait is not None
            clock.advance(progress.wait)
        assert progress.job.state is JobState.SUBMITTED
        assert way.asked <= 3600 / exchange.RENEWAL + 5
        backend.transport = direct(cloud, token=cloud.accounts.renew(
            cloud.accounts.secret("tenant"), clock.now())[0])  # fmt: skip
        for _ in range(20):
            progress = ledger.advance(job, backend)
            if progress.job.state is JobState.DONE:
                break
            clock.advance(progress.wait or 0.0)
    assert progress.job.state is JobState.DONE


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "link-expired", "message": "the storage token has expired; ask again"}',
        b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        b"<Message>Signature not valid in the specified time frame</Message>",
    ],
)
def test_a_link_that_has_expired_is_no_fault_of_the_credentials(body: bytes) -> None:
    host = Refusing(403)
    host.reply = Reply(403, body, key_variable="AZURE_TOKEN")
    with pytest.raises(TransientError, match="the link to it has expired") as caught:
        exchange.fetch(host, Request("GET", "/"))
    assert "credentials" not in str(caught.value)


def test_a_result_that_is_refused_is_not_lost() -> None:
    with pytest.raises(TransientError):
        exchange.fetch(Refusing(403), Request("GET", "/"))
    with pytest.raises(ResultError):
        exchange.fetch(Refusing(404), Request("GET", "/"))
