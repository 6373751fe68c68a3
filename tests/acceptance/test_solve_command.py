"""`qupel solve`: its options, and what it prints."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.acceptance.command import qupel


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "five items.json"
    path.write_text(json.dumps({"items": [{"value": i} for i in range(5)], "size": 2}))
    return path


def test_the_command_to_do_it_again_survives_a_shell(items: Path) -> None:
    first = qupel("solve", items, "--solver", "exhaustive", "--json")
    assert first.code == 0
    assert first.document["objective"] == -7.0
    again = shlex.split(first.document["reproduce"])
    assert again[:3] == ["qupel", "solve", str(items)]
    assert qupel(*again[1:], "--json").document["objective"] == -7.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "limit=["], "is no YAML"),
        (["--set", "limit=!!python/object:os.x"], "is no YAML"),
        (["--set", "limit=3", "--set", "limit.a=4"], "has a value of its own"),
        (["--set", "limit"], "must be name=value"),
        (["--set", "limit=2026-02-30"], "the value is no YAML"),
        (["--set", "limit=many"], "must be int, got 'many'"),
        (["--seconds", "inf"], "at most 1e+08"),
        (["--chart", "chart.gif"], "must be .svg or .png"),
        (["--family", "maxcut"], "is no header"),
    ],
)
def test_options_that_cannot_be_used_end_with_3_and_one_short_line(
    items: Path, arguments: list[str], told: str
) -> None:
    items.write_text(json.dumps({"items": [{"value": i} for i in range(500)], "size": 2}))
    ended = qupel("solve", items, "--solver", "exhaustive", *arguments)
    assert ended.code == 3
    assert told in ended.err
    assert ended.err.count("\n") == 1
    assert len(ended.err) < 600
