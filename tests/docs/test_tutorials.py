"""Tutorials run: their python blocks in order, one namespace a page, and print what they show.

A ``text`` block right after a ``python`` block is what that block prints.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.data import ROOT

PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str, str | None]]:
    """Line, code and shown output of each python block."""
    text = page.read_text(encoding="utf-8")
    found = list(BLOCK.finditer(text))
    taken = []
    for match, after in zip(found, [*found[1:], None], strict=True):
        if match[1] != "python":
            continue
        follows = after is not None and not text[match.end() : after.start()].strip()
        shown = after[2] if after is not None and follows and after[1] == "text" else None
        taken.append((text[: match.start()].count("\n") + 2, match[2], shown))
    return taken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_prints_what_it_shows(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    space: dict[str, Any] = {"__name__": "tutorial"}
    for line, code, shown in blocks(page):
        printed = io.StringIO()
        # Empty lines in front make tracebacks name the line of the page.
        compiled = compile("\n" * (line - 1) + code, str(page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(compiled, space)  # noqa: S102  running the page is the test
        if shown is not None:
            assert printed.getvalue().rstrip() == shown.rstrip(), f"{page.name}:{line}"


def test_the_first_tutorial_has_code_and_output() -> None:
    found = blocks(ROOT / "docs" / "tutorials" / "feature-subset.md")
    assert len(found) > 5
    assert all(shown is not None or "print" not in code for _, code, shown in found)
