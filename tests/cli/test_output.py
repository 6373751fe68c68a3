"""What becomes of output that nobody reads, or that the terminal cannot show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qupel.cli.exits import Exit

FULL = Path("/dev/full")
QUPEL = [sys.executable, "-m", "qupel"]


def unread(*command: str) -> int:
    """Exit code of a command whose output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    held_back = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        done = subprocess.run(
            [*QUPEL, *command],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            env=held_back,
        )
    finally:
        os.close(writer)
    assert not {"error", "BrokenPipeError"} & set(done.stderr.replace(":", " ").split())
    return done.returncode


@pytest.mark.parametrize(
    "command", [("devices", "list", "--json"), ("--help",), ("devices", "list")]
)
def test_a_closed_pipe_is_no_bug(command: tuple[str, ...]) -> None:
    assert unread(*command) == Exit.OK


def test_the_exit_code_is_true_although_nobody_reads() -> None:
    ended = unread("devices", "advise", "--qubits", "1000000", "--json")
    assert ended == Exit.PREMATURE


def test_characters_that_the_terminal_lacks_end_no_command() -> None:
    told = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*QUPEL, "devices", "list"], env=told, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, "error" in done.stderr) == (Exit.OK, False)
    assert "?" in done.stdout


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk")
def test_output_that_cannot_be_written_is_told_in_one_line() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*QUPEL, "solvers"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    assert done.returncode == Exit.RUN
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def ended_from_within(how: str) -> subprocess.CompletedProcess[str]:
    """The command line, with a command that ends as ``how`` says."""
    program = f"""
from qupel.cli import main
@main.app.command()
def ended() -> None:
    {how}
import sys; sys.argv = ["qupel", "ended"]
main.main()
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise SystemExit('a plugin gave up')", "a plugin gave up"),
        ("raise BrokenPipeError(32, 'a helper died')", "ended"),
    ],
)
def test_a_command_that_something_else_ends_has_not_succeeded(how: str, said: str) -> None:
    done = ended_from_within(how)
    assert done.returncode not in (Exit.OK, Exit.FALLBACK)
    assert said in done.stderr
