"""Reading pilot files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from qupel.errors import InputError
from qupel.pilots.pilot_file import PilotFileError, read_charter
from qupel.pilots.template import pilot_text


def written(folder: Path, text: str) -> Path:
    path = folder / "pilot.yaml"
    path.write_text(text)
    return path


def without(folder: Path, *where: str) -> Path:
    """The template's file, without one field."""
    tree: Any = YAML().load(pilot_text("subset"))
    node = tree
    for part in where[:-1]:
        node = node[part]
    del node[where[-1]]
    path = folder / "pilot.yaml"
    with path.open("w") as file:
        YAML().dump(tree, file)
    return path


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (("arms",), "without a baseline"),
        (("kpi",), "unit and threshold"),
        (("kpi", "unit"), "is missing"),
        (("kpi", "margin"), "fixed before results are seen"),
        (("fallback",), "leaves the decision unmade"),
        (("stop_rule",), "never ends"),
        (("approved_by",), "accepted by a named person"),
        (("hypothesis",), "before it looks"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_a_pilot_without_a_required_part_is_refused_with_the_reason(
    tmp_path: Path, where: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(PilotFileError, match=reason) as error:
        read_charter(without(tmp_path, *where))
    assert [fault.field for fault in error.value.faults] == [".".join(where)]


def test_a_pilot_of_quantum_arms_alone_is_refused_for_want_of_a_baseline(tmp_path: Path) -> None:
    text = pilot_text("subset").replace("kind: status quo", "kind: quantum")
    text = text.replace("kind: classical", "kind: quantum")
    with pytest.raises(PilotFileError, match="without a baseline shows nothing"):
        read_charter(written(tmp_path, text))


def test_a_misspelt_field_is_reported_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    text = pilot_text("subset").replace("bottleneck:", "botleneck:")
    path = written(tmp_path, text)
    line = text.splitlines().index("botleneck:") + 1
    with pytest.raises(PilotFileError) as error:
        read_charter(path)
    assert f"{path}:{line}: botleneck: is not a field; did you mean 'bottleneck'?" in str(
        error.value
    )


def test_a_misspelt_choice_is_reported_with_the_nearest_one(tmp_path: Path) -> None:
    text = pilot_text("subset").replace("kind: hybrid", "kind: hybird")
    with pytest.raises(PilotFileError, match=r"arms\.2\.kind: got 'hybird'; did you mean 'hybrid'"):
        read_charter(written(tmp_path, text))


def test_every_fault_is_reported_at_once_in_order_of_lines(tmp_path: Path) -> None:
    text = (
        pilot_text("subset").replace("share: 0.5", "share: 5").replace("margin: 1.0", "margin: x")
    )
    with pytest.raises(PilotFileError) as error:
        read_charter(written(tmp_path, text))
    assert [fault.field for fault in error.value.faults] == ["bottleneck.share", "kpi.margin"]
    lines = [fault.line for fault in error.value.faults]
    assert lines == sorted(lines)


def test_broken_yaml_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PilotFileError, match=r"pilot\.yaml:3: YAML"):
        read_charter(written(tmp_path, "qupel: 1\nname: [a\nb: c\n"))


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_charter(tmp_path / "absent.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PilotFileError, match="must be a mapping"):
        read_charter(written(tmp_path, text))


def test_a_character_that_yaml_forbids_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PilotFileError, match=r"pilot\.yaml:2: YAML: .*x00"):
        read_charter(written(tmp_path, "qupel: 1\nname: a\x00b\n"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("budget: {seconds: 1.0", "budget: {seconds: .inf", "finite number"),
        ("seeds: [1, 2, 3]", "seeds: [1, -2]", "below 2**40, got -2"),
        ("seeds: [1, 2, 3]", f"seeds: [{2**60}]", f"got {2**60}"),
        ("max_hours: 1.0", "max_hours: .inf", "finite number"),
    ],
)
def test_numbers_that_no_run_can_use_are_refused(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = pilot_text("subset")
    assert old in text
    with pytest.raises(PilotFileError) as caught:
        read_charter(written(tmp_path, text.replace(old, new)))
    assert told in str(caught.value)
