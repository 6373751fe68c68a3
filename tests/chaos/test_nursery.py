from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos.nursery import Nursery, nursery


def touch(given: Mapping[str, Any]) -> None:
    Path(given["path"]).touch()


def fail(given: Mapping[str, Any]) -> None:
    raise ValueError(given["why"])


def sleep(given: Mapping[str, Any]) -> None:
    Path(given["path"]).touch()
    time.sleep(60)


def status_of(forked: Nursery, pid: int) -> int:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if pid in (ended := forked.over()):
            return ended[pid]
        time.sleep(0.01)
    raise AssertionError("it did not end")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 240
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)


def test_how_processes_end_is_told(tmp_path: Path) -> None:
    said, done, asleep = tmp_path / "said", tmp_path / "done", tmp_path / "asleep"
    here = "tests.chaos.test_nursery"
    with nursery(said) as forked:
        assert status_of(forked, forked.start(f"{here}:touch", {"path": str(done)})) == 0
        assert done.exists()
        assert status_of(forked, forked.start(f"{here}:fail", {"why": "no reason"})) == 1
        assert "ValueError: no reason" in said.read_text()
        victim = forked.start(f"{here}:sleep", {"path": str(asleep)})
        wait_for(asleep)
        os.kill(victim, signal.SIGKILL)
        assert status_of(forked, victim) == -signal.SIGKILL


def test_whoever_is_left_is_killed_with_the_nursery(tmp_path: Path) -> None:
    asleep = tmp_path / "asleep"
    with nursery(tmp_path / "said") as forked:
        left = forked.start("tests.chaos.test_nursery:sleep", {"path": str(asleep)})
        wait_for(asleep)
    assert not Path(f"/proc/{left}").exists()
