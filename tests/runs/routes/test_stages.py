"""Results as providers spoil them: rejected, or judged by the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qupel.backends import local
from qupel.backends.contract import Reading, Result
from qupel.runs.attempt import attempt
from qupel.runs.record import Status
from qupel.runs.routes import arms, stages
from tests.runs.routes.conftest import CUT, route_to
from tests.runs.routes.providers import Rogue

ROUTE = route_to(Rogue())
TASK = arms.task_of(ROUTE, CUT)


@pytest.fixture(scope="module")
def honest() -> Result:
    task = arms.prepare_task(TASK, ROUTE, ROUTE.primary, 30.0, key="k", tag="t")
    order = stages.order_in(attempt(task, problem=CUT).facts)
    machine = local.open("statevector")
    return machine.result(machine.submit(order), order)


def finished(result: Result) -> Any:
    task = arms.finish_task(
        TASK, ROUTE, ROUTE.primary, 30.0, result=stages.text_of(result), evidence="emulator"
    )
    return attempt(task, problem=CUT)


def on_reading(change: Callable[[Reading], Reading]) -> Callable[[Result], Result]:
    return lambda result: replace(result, readings=tuple(change(r) for r in result.readings))


def on_bits(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Result], Result]:
    return on_reading(lambda r: replace(r, bits=np.ascontiguousarray(change(r.bits))))


MUTATIONS: dict[str, Callable[[Result], Result]] = {
    "bits reversed": on_bits(lambda bits: bits[:, ::-1]),
    "bits rotated": on_bits(lambda bits: np.roll(bits, 1, axis=1)),
    "two bits swapped": on_bits(lambda bits: bits[:, [1, 0, *range(2, bits.shape[1])]]),
    "bits flipped": on_bits(lambda bits: 1 - bits),
    "one bit flipped": on_bits(
        lambda bits: bits ^ (np.arange(bits.shape[1]) == 0).astype(np.uint8)
    ),
    "all zero": on_bits(np.zeros_like),
    "all one": on_bits(np.ones_like),
    "rows permuted": on_bits(lambda bits: bits[::-1]),
    "one row repeated": on_bits(lambda bits: np.repeat(bits[:1], len(bits), axis=0)),
    "a column lost": on_bits(lambda bits: bits[:, 1:]),
    "a column more": on_bits(lambda bits: np.hstack([bits, bits[:, :1]])),
    "a row lost": on_reading(lambda r: Reading(r.bits[1:], r.occurrences[1:])),
    "no rows": on_reading(lambda r: Reading(r.bits[:0], r.occurrences[:0])),
    "counts shifted": on_reading(lambda r: Reading(r.bits, np.roll(r.occurrences, 1))),
    "counts zero": on_reading(lambda r: Reading(r.bits, np.zeros_like(r.occurrences))),
    "energies invented": on_reading(
        lambda r: Reading(r.bits, r.occurrences, np.full(len(r.bits), -1e9))
    ),
    "sign of energies turned": on_reading(
        lambda r: Reading(r.bits, r.occurrences, np.arange(len(r.bits), dtype=np.float64))
    ),
    "no reading": lambda result: replace(result, readings=()),
    "a reading twice": lambda result: replace(result, readings=result.readings * 2),
    "random rows": on_bits(
        lambda bits: np.random.default_rng(1).integers(0, 2, bits.shape).astype(np.uint8)
    ),
}


def test_an_honest_result_is_judged(honest: Result) -> None:
    record = finished(honest)
    assert record.status is Status.ANSWERED
    assert str(record.evidence) == "emulator"


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_spoilt_result_is_rejected_or_judged_by_the_data(honest: Result, mutation: str) -> None:
    record = finished(MUTATIONS[mutation](honest))
    if record.status is Status.FAILED:
        assert record.objective is None
        return
    assert record.status is Status.ANSWERED
    judged = CUT.judge(CUT.read_answer(record.solution))
    assert (judged.feasible, judged.objective) == (True, record.objective)
    assert record.objective >= 0 or record.raw.count > 0


@pytest.mark.parametrize("wrong", ["a column lost", "a column more", "no reading", "no rows"])
def test_what_no_result_of_the_order_can_be_is_rejected(honest: Result, wrong: str) -> None:
    record = finished(MUTATIONS[wrong](honest))
    assert record.status is Status.FAILED
    assert "reading" in record.why


def test_the_last_resort_is_feasible_and_judged() -> None:
    record = attempt(arms.construct_task(TASK, 5.0), problem=CUT)
    assert (record.status, record.objective) == (Status.ANSWERED, 0.0)


def test_a_survey_measures_form_and_document() -> None:
    record = attempt(arms.survey_task(TASK, 5.0), problem=CUT)
    found = record.facts["measures"]
    assert found["variables"] == found["document.nodes"] == 8.0
    assert 0 < found["density"] <= 1
