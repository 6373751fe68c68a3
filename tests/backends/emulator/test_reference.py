"""The page of the emulator says what there is."""

from __future__ import annotations

import re

from qupel.backends.emulator import scenarios
from qupel.backends.emulator.neutral import ROUTES
from tests.data import ROOT

PAGE = (ROOT / "docs/reference/emulator.md").read_text(encoding="utf-8")


def test_every_scenario_stands_in_the_reference_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?)(?: \[issue\]\((.*)\))? \|$", PAGE, re.MULTILINE)
    told = [(s.name, s.about, s.link) for s in scenarios().values()]
    assert rows == told


def test_a_scenario_of_the_neutral_protocol_alone_says_so() -> None:
    for told in scenarios().values():
        assert told.neutral_only == ("neutral protocol only" in told.about), told.name


def test_every_route_of_the_neutral_protocol_stands_in_the_reference() -> None:
    for method, *parts in ROUTES:
        path = "/v1/" + "/".join(parts)
        names = ("{id}", "{name}")
        assert any(path.replace("*", name) in PAGE for name in names), f"{method} {path}"
