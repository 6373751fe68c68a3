"""The page of commands."""

from __future__ import annotations

import re

from qupel import __version__
from qupel.cli.exits import MEANINGS, Exit
from qupel.cli.reference import command_page
from tests.acceptance.command import qupel


def test_every_command_and_every_option_is_described() -> None:
    for line in command_page().splitlines():
        if line.startswith("| `"):
            name, meaning = line.strip("|").split("|", 1)
            meaning = re.sub(r"\[(required|default[^\]]*)\]", "", meaning)
            assert re.search(r"[a-z]{3}", meaning), f"{name.strip()} has no description"


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_the_version_is_printed_without_a_command() -> None:
    ended = qupel("--version")
    assert (ended.code, ended.out.strip()) == (0, __version__)
