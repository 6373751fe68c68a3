from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from chaos.finding import Finding
from chaos.keeping import forget, keep, kept, publish
from chaos.options import Options, parse

from chaos import command

OPTIONS = Options(quick=True, seed=3)
HELD = Finding("paid once", "0 billed twice", "0 billed twice", "10 jobs", passed=True, seconds=2.0)


def test_a_run_goes_on_with_what_it_found_before(tmp_path: Path) -> None:
    keep("one", OPTIONS, [HELD], tmp_path)
    assert kept("one", OPTIONS, tmp_path) == [HELD]
    assert kept("other", OPTIONS, tmp_path) is None


@pytest.mark.parametrize("changed", [{"seed": 4}, {"database": "elsewhere"}, {"quick": False}])
def test_another_run_begins_anew(tmp_path: Path, changed: dict[str, object]) -> None:
    keep("one", OPTIONS, [HELD], tmp_path)
    assert kept("one", replace(OPTIONS, **changed), tmp_path) is None  # type: ignore[arg-type]


def test_a_run_that_is_over_is_forgotten(tmp_path: Path) -> None:
    keep("one", OPTIONS, [HELD], tmp_path)
    forget(["one"], OPTIONS, tmp_path)
    assert kept("one", OPTIONS, tmp_path) is None


def test_the_page_says_what_held_and_what_did_not(tmp_path: Path) -> None:
    page = publish({"one": [HELD, replace(HELD, passed=False)]}, tmp_path, load=0.5)
    text = page.read_text()
    assert "| paid once | 0 billed twice | 0 billed twice | 10 jobs | 2.0 | held |" in text
    assert "BROKEN" in text
    document = json.loads(page.with_suffix(".json").read_text())
    assert [found["passed"] for found in document["sections"]["one"]] == [True, False]


def test_a_section_that_fails_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Finding]:
        raise RuntimeError("no room")

    monkeypatch.setattr(command, "section", lambda name: fail)
    monkeypatch.setattr(command, "kept", lambda name, options: None)
    [found] = command.run("paid-once", OPTIONS)
    assert (found.passed, found.figure) == (False, "RuntimeError: no room")


def test_sections_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["budget", "--quick", "--seed", "5"], ["budget"]) == (
        ["budget"],
        Options(quick=True, seed=5),
    )
    with pytest.raises(SystemExit):
        parse(["elsewhere"], ["budget"])
    assert "known: budget" in capsys.readouterr().err
