"""What providers repeat of our secrets goes nowhere: canaries in place of credentials."""

from __future__ import annotations

import base64
import io
import json
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.ionq import Ionq
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.adapters.renewal import Renewing
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.backends.credentials import EnvironmentToken
from qupel.backends.emulator import Provider, Terms, direct
from qupel.backends.secrets import MOST_KEPT, cleaned, cleaned_document, keep_secret
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import QupelError
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from qupel.runs.telemetry import logs

CANARY = "Canary/0f3e+9d1c7b5a=="
ORDER = Order((Circuit(2).h(0).cx(0, 1),), 100, "key", "tag")


@dataclass
class Echo:
    """Repeats the headers of some requests, in an error or in the reply that is expected."""

    inner: Transport
    scheme: str
    method: str
    status: int
    seen: int = 0

    def send(self, request: Request) -> Reply:
        sent = EnvironmentToken("QUPEL_TEST_TOKEN", self.scheme)()["Authorization"]
        reply = self.inner.send(request)
        if request.method != self.method:
            return reply
        self.seen += 1
        secret = sent.partition(" ")[2]
        if self.status >= 400:
            words: Any = {"error": f"bad header {sent}", "message": f"{'x' * 150} {secret}"}
            return Reply(self.status, json.dumps(words).replace("/", "\\/").encode())
        told = json.loads(reply.body)
        odd = {"id": f"{secret} is no name"} if self.method == "POST" else {}
        words = {"why": secret, "failure": {"error": sent, "code": secret}, "status": secret}
        return Reply(reply.status, json.dumps({**told, **words, **odd}).encode())


def backend(protocol: str, method: str, status: int, clock: ManualClock) -> Neutral | Ionq:
    provider = Provider(Terms(), clock)
    if protocol == "neutral":
        return Neutral("ideal", Echo(direct(provider), "Bearer", method, status))
    device = "qpu.forte-1"
    inner = Echo(direct(provider, prefix="/v0.4"), "apiKey", method, status)
    return Ionq(device, inner, profile_behind("ionq", device))


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUPEL_TEST_TOKEN", CANARY)


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_errors_of_a_provider_hold_no_secret_in_any_call(protocol: str, status: int) -> None:
    posts = backend(protocol, "POST", status, ManualClock())
    gets = backend(protocol, "GET", status, ManualClock())
    calls: list[tuple[Any, ...]] = [(posts.submit, ORDER), (gets.find, ORDER), (gets.status, "j")]
    calls += [(gets.listed, "qupel-"), (gets.result, "j", ORDER)]
    for call, *arguments in calls:
        with pytest.raises(QupelError) as caught:
            call(*arguments)
        told = shown(caught.value)
        assert "Canary" not in told
        assert "9d1c7b5a" not in told


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
def test_a_secret_in_a_job_s_state_is_not_passed_on(protocol: str) -> None:
    clock = ManualClock()
    held = backend(protocol, "GET", 200, clock)
    assert isinstance(held.transport, Echo)
    job = Neutral.submit(held, ORDER) if isinstance(held, Neutral) else held.submit(ORDER)
    status = held.status(job)
    assert "Canary" not in f"{status!r}"
    assert "***" in status.why
    assert held.transport.seen


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
@pytest.mark.parametrize(("method", "status"), [("POST", 400), ("POST", 502), ("GET", 200)])
def test_neither_rows_nor_logs_hold_what_a_provider_repeats(
    tmp_path: Path, protocol: str, method: str, status: int
) -> None:
    clock, lines = ManualClock(), io.StringIO()
    held = backend(protocol, "", status, clock)
    assert isinstance(held.transport, Echo)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        name = f"{held.provider}:{held.device}"
        held.capabilities()
        job = ledger.plan(ORDER, backend=name, bound=Money.of(1000, "USD"))
        held.transport.method = method
        logs.begin("json", stream=lines)
        try:
            for _ in range(60):
                progress = ledger.advance(job.id, held)
                if progress.wait is None:
                    break
                clock.advance(progress.wait)
            for event in ledger.events():
                logs.say_event(event)
        finally:
            logs.begin("off")
        assert held.transport.seen
        assert progress.job.state is not JobState.PLANNED
    assert lines.getvalue()
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"Canary" not in kept
    assert b"9d1c7b5a" not in kept
    assert "Canary" not in lines.getvalue()


def test_a_token_that_is_given_twice_is_still_the_token() -> None:
    clock = ManualClock()
    cloud = Provider(Terms(), clock)
    cloud.open_account("tenant", "first-token-1")
    secret = cloud.accounts.secret("tenant")

    class Same:
        def send(self, request: Request) -> Reply:
            assert "***" not in request.headers.get("Authorization", "")
            if request.path == "/v1/token":
                return Reply(200, b'{"token": "first-token-1", "expires": 1}')
            return direct(cloud, token="first-token-1").send(request)  # noqa: S106

    held = Neutral("ideal", Renewing(Same(), secret, clock))
    job = held.submit(ORDER)
    assert held.find(ORDER) == [job]


def test_results_without_secrets_are_the_same_objects() -> None:
    keep_secret(CANARY)
    document = {"rows": ["0101"]}
    assert cleaned_document(document, b'{"rows": ["0101"]}') is document
    escaped = json.dumps({"a": [CANARY, {"b": CANARY}]}).replace("/", "\\/")
    assert cleaned_document(json.loads(escaped), escaped.encode()) == {"a": ["***", {"b": "***"}]}


def test_a_secret_is_found_percent_encoded_and_before_a_text_is_cut() -> None:
    keep_secret(CANARY)
    assert cleaned("key=Canary%2F0f3e%2B9d1c7b5a%3D%3D") == "key=***"
    assert cleaned("words Canary/0f3e+9d1c7b5a== words") == "words *** words"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("it is CANARY/0F3E+9D1C7B5A== here", "it is *** here"),
        ("it is canary/0f3e+9d1c7b5a==", "it is ***"),
        ("cut: Canary/0f3e+9d1", "cut: ***"),
        ("cut: cAnArY/0f3e+ and more", "cut: *** and more"),
        ("İ Canary/0f3e+9d1c7b5a==", "İ ***"),
        ("Canary/0f3e+9d1 Canary/0f3e+9d1c7b", "*** ***"),
        (f"in {base64.b64encode(CANARY.encode()).decode()}", "in ***=="),
        (f"in {base64.b64encode(CANARY.encode()).decode().lower()[:20]}", "in ***"),
        ("too little: Canary/0f3e", "too little: Canary/0f3e"),
    ],
)
def test_a_secret_is_found_in_other_case_in_base64_and_by_its_beginning(
    said: str, left: str
) -> None:
    keep_secret(CANARY)
    assert cleaned(said) == left
    assert cleaned_document({"why": said}, json.dumps({"why": said}).encode()) == {"why": left}


def test_a_short_secret_within_a_long_one_leaves_nothing_of_it() -> None:
    keep_secret("canary")
    keep_secret(CANARY)
    assert cleaned("canary/0f3e+9d1c7b5a== canary") == "*** ***"


def test_short_secrets_and_common_beginnings_hide_no_innocent_words() -> None:
    keep_secret("ledger")
    keep_secret("crn:v1:bluemix:public:quantum:us-east:a/1234567890")
    assert cleaned("the Ledger of ledger") == "the Ledger of ***"
    assert cleaned("crn:v1:bluemix:public:other") == "crn:v1:bluemix:public:other"
    assert cleaned("CRN:v1:bluemix:public:quantum:us-east:a/1234567890") == "***"


def test_the_secrets_in_use_are_kept_and_old_ones_forgotten() -> None:
    for k in range(2 * MOST_KEPT):
        keep_secret(CANARY)
        keep_secret(f"renewed-{k:06d}")
    assert cleaned(CANARY) == "***"
    assert cleaned(f"renewed-{2 * MOST_KEPT - 1:06d}") == "***"
    assert cleaned("renewed-000000") == "renewed-000000"
