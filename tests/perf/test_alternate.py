from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from perf.alternate import Case, Entrant, Field, alternate, field_of_workers
from perf.environments import UnavailableError

from perf import worker

CASE = Case("sum", "add", {"numbers": np.arange(4)}, arguments={"more": 10})


@pytest.fixture
def field() -> Iterator[Field]:
    with field_of_workers(limit=30.0) as workers:
        yield workers


def fake(name: str, **options: Any) -> Entrant:
    return Entrant(name, "qupel", "tests.perf.fake_peer", {"name": name, **options})


def test_entrants_take_turns(field: Field, tmp_path: Path) -> None:
    diary = str(tmp_path / "diary")
    entrants = [fake("A", diary=diary), fake("B", diary=diary)]
    alternate(field, CASE, entrants, rounds=3, block=0.0)
    assert Path(diary).read_text(encoding="utf-8") == "AABB" + "ABABAB"  # warm-up, then turns


def test_answers_and_notes_come_back(field: Field) -> None:
    [timing] = alternate(field, CASE, [fake("A")], rounds=2, block=0.0)
    assert (int(timing.answer["sum"]), timing.note) == (16, "add prepared")
    assert len(timing.seconds) == len(timing.cpu) == 2
    assert "numpy" in timing.versions


def test_a_peer_that_raises_is_told_and_the_others_go_on(field: Field) -> None:
    entrants = [fake("bad", **{"raise": "no such gate"}), fake("good")]
    bad, good = alternate(field, CASE, entrants, rounds=1, block=0.0)
    assert bad.failure == "ValueError: no such gate"
    assert good.seconds


def test_a_peer_that_crashes_is_told_with_its_code(field: Field) -> None:
    [timing] = alternate(field, CASE, [fake("A", exit=3)], rounds=1, block=0.0)
    assert timing.failure.startswith("ended with code 3")


def test_a_peer_past_its_limit_is_ended() -> None:
    with field_of_workers(limit=1.5) as field:
        [timing] = alternate(field, CASE, [fake("A", sleep=60.0)], rounds=1, block=0.0)
    assert timing.failure == "no answer in 1.5 s"


def test_a_peer_that_cannot_be_installed_is_told(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(peer: str) -> Path:
        raise UnavailableError(f"not installable here: {peer}")

    monkeypatch.setattr(worker, "python_of", refuse)
    [timing] = alternate(field, CASE, [fake("A")], rounds=1, block=0.0)
    assert timing.failure == "not installable here: qupel"


def test_slow_work_counts_its_first_run_only(field: Field) -> None:
    [timing] = alternate(field, CASE, [fake("A", sleep=0.2)], rounds=5, block=0.0, patience=0.3)
    assert len(timing.seconds) == 1


def test_a_stop_from_the_keyboard_leaves_no_process() -> None:
    numbers: list[int] = []

    def measure() -> None:
        with field_of_workers() as field:
            alternate(field, CASE, [fake("A")], rounds=1, block=0.0)
            numbers.extend(held.process.pid for held in field.workers.values() if held.process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure()
    [number] = numbers
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
