from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.runs.compute import Journal, Options, Processes
from tests.data import ROOT
from tests.runs.compute import cells


def begun(folder: Path, where: str = "processes") -> subprocess.Popen[str]:
    """A process that maps twelve slow cells."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runs.compute.cluster", "marked", str(folder)],
        cwd=ROOT,
        env=os.environ | {"QUPEL_COMPUTE": where},
        stdout=subprocess.PIPE,
        text=True,
    )


def until_done(folder: Path, count: int) -> list[str]:
    """The marks of cells, once there are so many."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        if (folder / "done").exists():
            lines = (folder / "done").read_text().splitlines()
            if len(lines) >= count:
                return lines
        time.sleep(0.02)
    raise AssertionError("no cell was done")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_map_that_was_stopped_goes_on_without_the_cells_that_are_done(
    number: signal.Signals, tmp_path: Path
) -> None:
    stopped = begun(tmp_path)
    until_done(tmp_path, 4)
    stopped.send_signal(number)
    out, _ = stopped.communicate(timeout=240)
    assert ("KeyboardInterrupt" in out) == (number is signal.SIGINT)
    time.sleep(1.5)  # what the killed one has begun ends or dies
    before = (tmp_path / "done").read_text().splitlines()
    again = begun(tmp_path)
    out, _ = again.communicate(timeout=240)
    assert out == str(list(range(12)))
    marks = (tmp_path / "done").read_text().splitlines()
    assert set(marks) == {str(place) for place in range(12)}
    # Those that were under way, one a process, may have left a mark and not come back.
    assert len(marks) - 12 <= 2
    assert len(before) < 12


def test_only_values_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "j" / "cells"
    with Processes(1) as pool:
        first = pool.map(cells.even, range(6), Options(journal=Journal(path)))
        again = pool.map(cells.even, range(6), Options(journal=Journal(path)))
    assert [cell.value for cell in again] == [cell.value for cell in first]
    assert [cell.attempts for cell in again] == [0, 1, 0, 1, 0, 1]


def test_another_function_or_cell_is_not_taken_from_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "cells")
    with Processes(1) as pool:
        pool.map(cells.square, [2, 3], Options(journal=journal))
        found = pool.map(cells.even, [2, 4], Options(journal=journal))
        more = pool.map(partial(pow, 2), [2, 3], Options(journal=journal))
    assert [cell.attempts for cell in found + more] == [1, 1, 1, 1]


@pytest.mark.parametrize("cut", [1, 40, 75])
def test_what_a_kill_cut_off_is_done_again(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "cells"
    with Processes(1) as pool:
        pool.map(cells.square, range(5), Options(chunk=1, journal=Journal(path)))
        whole = path.read_bytes()
        path.write_bytes(whole[:-cut])
        again = pool.map(cells.square, range(5), Options(chunk=1, journal=Journal(path)))
    assert [cell.get() for cell in again] == [0, 1, 4, 9, 16]
    assert [cell.attempts for cell in again] == [0, 0, 0, 0, 1]
    assert path.read_bytes() == whole


def test_another_file_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    path.write_text("Dear Ada,")
    with pytest.raises(InputError, match="is no journal of cells"):
        Journal(path)
    assert path.read_text() == "Dear Ada,"
    with pytest.raises(InputError, match="cannot be used as a journal"):
        Journal(tmp_path)
