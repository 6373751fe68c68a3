"""What becomes of output that nobody reads, or that the terminal cannot show."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from qupel.cli.exits import Exit

QUPEL = [sys.executable, "-m", "qupel"]


def unread(*command: str) -> int:
    """Exit code of a command whose output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*QUPEL, *command], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120
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
