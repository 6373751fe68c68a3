"""`qupel emulator` as a process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.contract import State
from qupel.backends.emulator import running_emulator, scenarios
from qupel.errors import RunError
from tests.acceptance.command import qupel
from tests.backends.emulator.stand import circuits


def test_a_killed_emulator_loses_none_of_its_books_and_stops_cleanly(tmp_path: Path) -> None:
    options = ("--ledger", str(tmp_path / "ledger.jsonl"), "--queue-seconds", "3600")
    with running_emulator(*options) as first:
        job = Neutral("ideal", first.transport()).submit(circuits())
        first.process.kill()
    with running_emulator(*options) as second:
        backend = Neutral("ideal", second.transport())
        assert backend.submit(circuits()) == job
        second.advance(3700)
        assert backend.status(job).state is State.DONE
        assert [entry["what"] for entry in second.ledger()] == ["accept", "end", "bill"]
        second.turn_on("unavailable")
        second.turn_off("unavailable")
        assert second.ask("GET", "/admin/scenarios")["on"] == {}
        assert second.token not in repr(second)
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(240) == 0


def test_a_line_for_people_says_where_and_with_which_token() -> None:
    command = [sys.executable, "-m", "qupel", "emulator", "--token", "open-sesame"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.communicate()
    assert line.startswith("http://127.0.0.1:")
    assert "token open-sesame" in line
    assert process.returncode == 0


def test_every_scenario_is_listed() -> None:
    listed = qupel("emulator", "--list-scenarios")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == list(scenarios())
    document = qupel("emulator", "--list-scenarios", "--json").document
    assert [told["name"] for told in document["scenarios"]] == list(scenarios())
    assert all(told["about"] for told in document["scenarios"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scenario", "bits-reverse"), "did you mean 'bits-reversed'"),
        (("--scenario", "flapping:3"), "rate"),
        (("--device", "nowhere"), "unknown emulated device"),
        (("--load", "1"), "load"),
        (("--speed", "inf"), "speed"),
    ],
)
def test_options_that_cannot_be_are_refused_in_words(
    options: tuple[str, ...], message: str
) -> None:
    ended = qupel("emulator", *options)
    assert ended.code == 3
    assert message in ended.err
    assert ended.out == ""


@pytest.mark.slow
def test_an_emulator_that_does_not_start_says_why() -> None:
    started = running_emulator("--device", "nowhere")
    with pytest.raises(RunError, match="unknown emulated device"):
        started.__enter__()
