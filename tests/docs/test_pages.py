"""Pages run: their python blocks in order, one namespace a page, and print what they show.

A ``text`` block right after a ``python`` block is what that block prints.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import pytest

from tests.data import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str, str | None]]:
    """Line, code and shown output of each python block."""
    text = page.read_text(encoding="utf-8")
    found = list(BLOCK.finditer(text))
    taken = []
    for match, after in zip_longest(found, found[1:]):
        if match[1] != "python":
            continue
        follows = after is not None and not text[match.end() : after.start()].strip()
        shown = after[2] if after is not None and follows and after[1] == "text" else None
        taken.append((text[: match.start()].count("\n") + 2, match[2], shown))
    return taken


WITH_CODE = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_a_page_prints_what_it_shows(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Tutorials read files of the repository; other pages may write where they stand.
    monkeypatch.chdir(ROOT if page.parent.name == "tutorials" else tmp_path)
    module = ModuleType("page")  # dataclasses look their module up by name
    monkeypatch.setitem(sys.modules, "page", module)
    for line, code, shown in blocks(page):
        printed = io.StringIO()
        # Empty lines in front make tracebacks name the line of the page.
        compiled = compile("\n" * (line - 1) + code, str(page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(compiled, module.__dict__)  # noqa: S102  running the page is the test
        if shown is not None:
            assert printed.getvalue().rstrip() == shown.rstrip(), f"{page.name}:{line}"


def test_every_kind_of_page_has_code_that_runs() -> None:
    assert {page.parent.name for page in WITH_CODE} >= {"tutorials", "how-to", "concepts"}


def test_python_is_marked_in_one_way_only() -> None:
    """Such as ``py`` or ``{code-block} python``, which would not run here."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(
            r"^ *(?:```|~~~|:::) *(?:py$|python3|pycon|\{code)", text, re.MULTILINE
        )
        assert len(re.findall(r"```python", text)) == len(blocks(page))


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for entry in re.findall(r"^[a-z-]+/[a-z-]+$", index, re.MULTILINE):
        generated = entry in {"reference/command-line", "reference/pilot-file"}
        assert generated or (DOCS / f"{entry}.md").is_file(), entry


def test_the_feature_tutorial_has_code_and_output() -> None:
    found = blocks(DOCS / "tutorials" / "feature-subset.md")
    assert len(found) > 5
    assert all(shown is not None or "print" not in code for _, code, shown in found)
