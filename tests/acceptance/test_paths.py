"""Paths that cannot be written, through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import qupel


@pytest.mark.parametrize("place", ["a-file/pilot.yaml", "folder"])
def test_a_place_that_cannot_be_written_is_one_line_and_no_bug(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").write_text("")
    (tmp_path / "folder").mkdir()
    ended = qupel("init", tmp_path / place)
    assert ended.code == 3
    assert ended.err.count("\n") == 1
    assert str(tmp_path) in ended.err
    assert "qupel-crash" not in ended.err


def test_an_unknown_style_of_progress_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "pilot.yaml"
    assert qupel("init", path).code == 0
    ended = qupel("run", path, "--home", tmp_path / "home", "--progress", "line")
    assert ended.code == 3
    assert "did you mean 'lines'" in ended.err
