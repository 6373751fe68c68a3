"""The process that workers are forked from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, signal, socket, sys
from pathlib import Path
from qupel.runs.nursery import Nursery

ours, theirs = socket.socketpair()
ours.close()
Nursery(theirs, Path(sys.argv[1])).run()
os.kill(os.getpid(), signal.SIGCHLD)  # as the death of a last worker does
"""


def test_the_death_of_the_last_worker_prints_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "logs")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
