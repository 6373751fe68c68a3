"""YAML files of one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import pytest

from qupel.errors import InputError
from qupel.model.formats.checked_yaml import read_yaml


@dataclass(frozen=True)
class Round:
    radius: float
    kind: Literal["round"] = "round"

    def __post_init__(self) -> None:
        if self.radius <= 0:
            raise InputError(f"radius must be above 0, got {self.radius}")


@dataclass(frozen=True)
class Square:
    side: int
    kind: Literal["square"] = "square"


@dataclass(frozen=True)
class Drawing:
    title: str
    shapes: tuple[Round | Square, ...] = ()
    frame: Round | Square | None = None


def read(tmp_path: Path, text: str) -> Drawing:
    path = tmp_path / "drawing.yaml"
    path.write_text(text)
    return read_yaml(path, Drawing)


def test_a_file_is_the_value_it_describes(tmp_path: Path) -> None:
    text = "title: two\nshapes:\n- {kind: square, side: 3}\n- kind: round\n  radius: 1.5\n"
    assert read(tmp_path, text) == Drawing("two", (Square(3), Round(1.5)))


def test_fields_can_be_given_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "drawing.yaml"
    path.write_text("shapes: []\n")
    assert read_yaml(path, Drawing, {"title": "given"}) == Drawing("given")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("title: a\nshapes:\n- {kind: round, radius: -1}\n", 3, "shapes.0.radius: must be above 0"),
        ("title: a\nshapes:\n- kind: square\n  side: 2.5\n", 4, "shapes.0.side: got 2.5"),
        ("title: a\nshapes:\n- kind: square\n  sides: 2\n", 4, "shapes.0.sides: is not a field"),
        ("title: a\nshapes:\n- kind: oval\n", 3, "shapes.0.kind: must be one of round, square"),
        ("title: a\nframe:\n  kind: round\n", 2, "frame.radius: is missing; add it"),
        ("title: 3\n", 1, "title: got 3; input should be a valid string"),
        ("titel: a\n", 1, "titel: is not a field; did you mean 'title'?"),
        ("title: a\nshapes: {}\n", 2, "shapes: got {}"),
        ("title: a\n  shapes: 1\n", 2, "is no YAML"),
    ],
)
def test_a_fault_is_told_by_line_field_value_and_remedy(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    [message] = str(caught.value).splitlines()
    assert message.startswith(f"{tmp_path / 'drawing.yaml'}:{line}: {said}")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml", Drawing)


def test_a_file_nested_too_deeply_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"drawing\.yaml"):
        read(tmp_path, "title: " + "[" * 1000)


@dataclass(frozen=True)
class Dated:
    since: date
    count: int


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("since: 2026-02-30\ncount: 1\n", ":1: since: got '2026-02-30'; input should be"),
        ("count: 1\nsince: 2026-01-01T25:00:00\n", ":2: since: got '2026-01-01T25:00:00'; input"),
        (f"since: 2026-02-01\ncount: {'9' * 5000}\n", ":2: count: got '9999"),
    ],
)
def test_a_date_or_number_that_cannot_be_is_told_like_any_other_value(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "dated.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_yaml(path, Dated)
    assert str(caught.value).startswith(f"{path}{said}")
