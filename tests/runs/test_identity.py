from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model.samples import Samples
from qupel.runs.identity import digest, problem_digest, samples_digest
from qupel.runs.task import Task
from tests.runs.toy import SMALL, Shots, place


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})


def test_digest_is_the_sha256_of_canonical_json() -> None:
    text = '{"a":1,"b":"é","c":0.1}'
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert digest({"c": 0.1, "b": "é", "a": 1.0}) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**60, {1, 2}])
def test_what_has_no_place_in_json_has_no_digest(value: Any) -> None:
    with pytest.raises(InputError, match="canonical JSON"):
        digest({"value": value})


def test_problem_digest_is_the_digest_even_when_remembered() -> None:
    documents = [{"n": i} for i in range(200)]
    for _ in range(2):
        assert [problem_digest(d) for d in documents] == [digest(d) for d in documents]


def test_equal_tasks_have_equal_ids_in_every_process() -> None:
    script = (
        "from tests.runs.toy import SMALL, Shots\n"
        "from qupel.runs.task import Task\n"
        "print(Task.of(SMALL, Shots(), seconds=1.0, seed=3).identity())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == Task.of(SMALL, Shots(), seconds=1.0, seed=3).identity()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"seconds": 2.0},
        {"rounds": 7},
        {"target": -8.0},
        {"solver": place("Shots", shots=65)},
        {"repair": False},
        {"polish": True},
        {"encoding": {"reduced": True}},
        {"keep": 3},
        {"threads": 2},
        {"fallback": place("Climb")},
        {"problem": {**SMALL.document(), "limit": 8.0}, "problem_hash": ""},
    ],
)
def test_whatever_can_change_the_result_changes_the_id(change: dict[str, Any]) -> None:
    task = Task.of(SMALL, Shots(), seconds=1.0, seed=3)
    assert replace(task, **change).identity() != task.identity()


@pytest.mark.parametrize("change", [{"arm": "b"}, {"case": "c"}, {"store_samples": True}])
def test_what_cannot_change_the_result_does_not_change_the_id(change: dict[str, Any]) -> None:
    task = Task.of(SMALL, Shots(), seconds=1.0, seed=3)
    assert replace(task, **change).identity() == task.identity()


def test_samples_digest_sees_every_part_and_the_type() -> None:
    rows = np.array([[0, 1], [1, 0]], np.uint8)
    samples = Samples.of(rows, [1.0, 2.0])
    others = [
        Samples.of(rows, [1.0, 3.0]),
        Samples.of(rows[:, ::-1], [1.0, 2.0]),
        Samples.of(np.concatenate([rows, rows[:1]]), [1.0, 2.0, 1.0]),
        Samples.of(rows.astype(np.int64), [1.0, 2.0]),
    ]
    digests = {samples_digest(known) for known in [samples, *others]}
    assert len(digests) == 5
    assert samples_digest(Samples.of(rows.copy(), [1.0, 2.0])) in digests
