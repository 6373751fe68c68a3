"""The README."""

from __future__ import annotations

import re
from pathlib import Path

from qupel.cli.reference import families_table

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_families_is_the_registry_as_it_is() -> None:
    assert families_table() in README.read_text()


def test_the_code_runs() -> None:
    [block] = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(compile(block, str(README), "exec"), {})  # noqa: S102  # our own page


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert (README.parent / target).is_file(), target
