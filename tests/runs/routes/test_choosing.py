from __future__ import annotations

import dataclasses

import pytest

from qupel.problems.contract import Sense
from qupel.runs.attempt import attempt
from qupel.runs.record import Record, Status
from qupel.runs.routes.choosing import Answer, Found, Side
from qupel.runs.routes.decision import Answerer
from qupel.runs.task import Task
from tests.runs.toy import SMALL, place


@pytest.fixture(scope="module")
def answered() -> Record:
    task = Task.of(SMALL, place("Rows", rows=((1, 0, 0),)), seconds=10.0, seed=0)
    record = attempt(task, problem=SMALL)
    assert record.status is Status.ANSWERED
    return record


def side(record: Record, objective: float | None, why: str = "") -> Side:
    """A side with an answer of this objective, or with none."""
    if objective is None:
        return Side(None, why, over=True)
    return Side(dataclasses.replace(record, objective=objective), "", over=True)


@pytest.mark.parametrize(
    ("sense", "primary", "fallback", "by"),
    [
        ("min", 3.0, 4.0, Answerer.PRIMARY),
        ("min", 4.0, 3.0, Answerer.FALLBACK),
        ("max", 3.0, 4.0, Answerer.FALLBACK),
        ("max", 4.0, 4.0, Answerer.PRIMARY),
        ("min", None, 3.0, Answerer.FALLBACK),
        ("min", 3.0, None, Answerer.PRIMARY),
    ],
)
def test_the_better_answer_goes_out_and_the_primarys_if_they_are_equal(
    answered: Record, sense: Sense, primary: float | None, fallback: float | None, by: Answerer
) -> None:
    found = Found(sense, primary=side(answered, primary), fallback=side(answered, fallback))
    answerer, _, answer = found.choice()
    assert answerer is by
    assert answer.objective == (primary if by is Answerer.PRIMARY else fallback)


def test_the_classical_arm_answers_with_the_reason_for_its_turn(answered: Record) -> None:
    found = Found("max", Answerer.CLASSICAL, "the breaker is open", side(answered, 5.0))
    assert found.choice()[:2] == (Answerer.CLASSICAL, "the breaker is open")


@pytest.mark.parametrize(
    ("earlier", "built", "by"),
    [
        (5.0, 4.0, Answerer.LAST_KNOWN),
        (4.0, 5.0, Answerer.LAST_RESORT),
        (5.0, None, Answerer.LAST_KNOWN),
        (None, 4.0, Answerer.LAST_RESORT),
        (None, None, Answerer.NOBODY),
    ],
)
def test_without_a_fallback_the_better_of_an_earlier_and_a_built_answer_goes_out(
    answered: Record, earlier: float | None, built: float | None, by: Answerer
) -> None:
    found = Found("max", fallback=side(answered, None, "its worker died"))
    found.resort = side(answered, built)
    found.remembered = [] if earlier is None else [Answer(earlier, [0], "0")]
    answerer, why, _ = found.choice()
    assert answerer is by
    assert "the fallback: its worker died" in why


def test_nothing_can_go_out_until_somebody_has_answered(answered: Record) -> None:
    found = Found("min")
    assert not found.has_any
    found.resort = side(answered, 4.0)
    assert found.has_any
    assert Found("min", remembered=[Answer(1.0, None, "an earlier one")]).has_any
