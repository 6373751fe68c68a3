"""The example that shows one verdict of each kind, and its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from qupel.benchmarks.conclusions import Advantage, Decision
from tests.data import ROOT

PAGE = ROOT / "docs" / "experiments" / "verdicts.md"
EXAMPLE = ROOT / "examples" / "verdicts.py"


@pytest.fixture(scope="module")
def memos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verdicts")


@pytest.fixture(scope="module")
def printed(memos: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLE, "--out", memos],
        capture_output=True, check=True, encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return ended.stdout


def test_page_shows_what_the_example_prints(printed: str) -> None:
    [shown] = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown.strip() == printed.strip()


def test_every_decision_is_shown_and_every_advantage_but_hardware(printed: str) -> None:
    found = re.findall(r"-> ([a-z ]+) \(advantage: ([a-z ]+)\)", printed)
    assert {decision for decision, _ in found} == {str(known) for known in Decision}
    expected = {str(known) for known in Advantage if known is not Advantage.HARDWARE}
    assert {advantage for _, advantage in found} == expected


def test_every_memo_says_that_its_numbers_are_constructed(printed: str, memos: Path) -> None:
    pages = sorted(memos.glob("*.html"))
    assert len(pages) == printed.count("->")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "Constructed numbers: nothing was solved" in text
        assert "constructed numbers: nothing was solved" in text.partition("Reproduce it")[2]
