from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from qupel.backends.clock import ManualClock
from qupel.errors import InputError, TransientError
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.telemetry import logs
from qupel.runs.telemetry.listening import Listening
from qupel.runs.telemetry.secrets import keep_secret, redacted
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan

CANARY = "canary-77f0a1"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    told = io.StringIO()
    logs.begin("json", stream=told)
    yield told
    logs.begin("off")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_three_retries_leave_four_attempts_under_one_id_with_times(
    stream: io.StringIO, tmp_path: Any
) -> None:
    clock = ManualClock()
    fake = Fake(clock)
    fake.faults["submit"] = [TransientError("busy") for _ in range(3)]
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock, listener=Listening(database))
        job = finish(ledger, fake, plan(ledger, correlation="order 7"))
    assert job.state == "done"
    told = lines(stream)
    tries = [line for line in told if "attempt" in line and "seconds" in line]
    assert [line["attempt"] for line in tries] == [1, 2, 3, 4]
    assert [line["event"] for line in tries] == ["submission failed"] * 3 + ["submitted"]
    of_job = [line for line in told if not line["event"].startswith("breaker")]
    assert {line["correlation"] for line in of_job} == {"order 7"}
    assert {line["backend"] for line in of_job} == {"fake:one"}
    assert {line["cause"] for line in tries[:3]} == {"service"}


def test_what_is_around_stands_in_every_line(stream: io.StringIO) -> None:
    with logs.correlated(run="r-1", stage="paid"):
        logs.say("something")
    logs.say("something else")
    first, second = lines(stream)
    assert (first["run"], first["stage"], first["correlation"]) == ("r-1", "paid", "r-1")
    assert "run" not in second


def test_standard_loggers_of_ours_write_into_it(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"password={CANARY}")
    except ValueError:
        logging.getLogger("qupel.routes").exception("it broke")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["cause"]) == ("it broke", "error", "ValueError")
    assert "Traceback" in line["exception"]
    assert CANARY not in json.dumps(line)


def test_numbers_that_are_none_and_values_that_are_not_plain_are_valid_json(
    stream: io.StringIO,
) -> None:
    logs.say("odd", share=float("nan"), most=float("inf"), what=object(), name="a\nb\x1b[31m")
    [line] = lines(stream)
    assert line["share"] is None
    assert line["most"] is None


def test_a_closed_stream_fails_nobody() -> None:
    told = io.StringIO()
    logs.begin("json", stream=told)
    told.close()
    logs.say("nobody hears it")
    logs.begin("off")


def test_text_that_others_tell_cannot_forge_a_line() -> None:
    told = io.StringIO()
    logs.begin("text", stream=told)
    logs.say("failed", level="error", why="x\n2026-01-01T00:00:00 info all is well")
    logs.begin("off")
    assert len(told.getvalue().splitlines()) == 1


@pytest.mark.parametrize(("said", "form"), [("json", "json"), ("off", "off"), ("", "text")])
def test_the_environment_chooses_the_form(
    monkeypatch: pytest.MonkeyPatch, said: str, form: str
) -> None:
    monkeypatch.setenv("QUPEL_LOG", said)
    assert logs.begin(usual="text", stream=io.StringIO()) == form
    logs.begin("off")


def test_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUPEL_LOG", "jsn")
    with pytest.raises(InputError, match="json"):
        logs.begin()


@pytest.mark.parametrize(
    "about",
    [
        {"token": CANARY},
        {"headers": {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}},
        {"list": [{"client_secret": CANARY}]},
        {"why": f"401 for header Authorization: apikey {CANARY}"},
        {"why": f"sent Bearer {CANARY}, refused"},
        {"why": f'{{"access_token": "{CANARY}"}}'},
        {"why": f"GET /jobs?api_key={CANARY}&page=2"},
        {"database": f"postgresql+psycopg://ada:{CANARY}@db/qupel"},
        {"why": ValueError(f"secret={CANARY}")},
    ],
)
def test_a_secret_is_taken_out_by_its_name_or_shape(about: dict[str, Any]) -> None:
    assert CANARY not in json.dumps(redacted(about))


def test_a_secret_is_taken_out_by_its_value_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_PROVIDER_API_KEY", "from-the-environment")
    keep_secret("told-by-hand")
    held = redacted({"why": "a from-the-environment b told-by-hand c"})
    assert held == {"why": "a *** b *** c"}


def test_what_is_no_secret_is_left_alone() -> None:
    about = {
        "why": "the token expired; basic gates only",
        "seconds": 1.5,
        "job": "a1",
        "none": None,
    }
    assert redacted(about) == about
