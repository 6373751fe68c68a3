"""Cases of a pilot from each source, and what is refused there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qupel.errors import InputError
from qupel.pilots.pilot import prepare
from tests.pilots.small import small_pilot

SAMPLES = "class,a,b,c\n" + "".join(f"{i % 2},{i},{i * i % 7},{-i}\n" for i in range(12))
TABLE = {"path": "samples.csv", "target": "class", "size": 2, "folds": 6}


def refused(folder: Path, told: str, **data: Any) -> None:
    with pytest.raises(InputError) as caught:
        prepare(small_pilot(folder, data=data))
    assert told in str(caught.value)


@pytest.mark.parametrize("count", [0, -2])
def test_no_case_at_all_is_refused(tmp_path: Path, count: int) -> None:
    refused(tmp_path, "count must be at least 1", random={"count": count, "items": 9, "size": 3})


@pytest.mark.parametrize(
    "field", [{"best_known": {"subset-9": 1.0}}, {"tags": {"subset-9": ["x"]}}]
)
def test_what_is_said_of_a_case_that_is_not_there_is_refused(
    tmp_path: Path, field: dict[str, Any]
) -> None:
    told = f"unknown case in data.{next(iter(field))} 'subset-9'; did you mean"
    refused(tmp_path, told, random={"count": 6, "items": 9, "size": 3}, **field)


def test_a_table_with_a_byte_order_mark_and_empty_lines_is_read(tmp_path: Path) -> None:
    text = "\ufeff" + SAMPLES.replace("\n", "\r\n") + "\r\n"
    (tmp_path / "samples.csv").write_text(text, encoding="utf-8")
    cases = prepare(small_pilot(tmp_path, data={"table": TABLE})).cases
    assert list(cases.compared) == [f"fold-{i}" for i in range(1, 7)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"size": "two"}, "size must be a whole number from 1, got 'two'"),
        ({"size": 0}, "size must be"),
        ({"bins": 1}, "bins must be a whole number from 2"),
        ({"folds": 1.5}, "folds must be"),
        ({"seed": -1}, "seed must be"),
        ({"redundancy": "much"}, "redundancy must be a number"),
    ],
)
def test_settings_of_a_table_of_another_kind_are_refused(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    (tmp_path / "samples.csv").write_text(SAMPLES)
    refused(tmp_path, told, table={**TABLE, **settings})


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"class,a\n", "no row below its header"),
        (b"\xff\xfe\x00", "is not a CSV file"),
        (b"", "no column 'class'"),
        (b"class,a\n1,x\n", "'x' is not a finite number"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, raw: bytes, told: str) -> None:
    (tmp_path / "samples.csv").write_bytes(raw)
    refused(tmp_path, told, table=TABLE)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def cases(:", "failed: SyntaxError"),
        ("import nowhere_to_be_found", "failed: ModuleNotFoundError"),
        ("def cases():\n    return 1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("def cases():\n    return 3", "failed: TypeError"),
        ("def cases():\n    return {'a': 3}", "must return problems by name, got 'a': 3"),
        ("def case():\n    return {}", "no function 'cases'"),
    ],
)
def test_mistakes_in_a_function_of_cases_are_told_in_one_line(
    tmp_path: Path, code: str, told: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    refused(tmp_path, told, python="mine.py:cases")
