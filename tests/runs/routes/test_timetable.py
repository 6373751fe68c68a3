from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qupel.runs.routes.timetable import Timetable, overdue
from qupel.runs.slot import grace_seconds

SECONDS = st.floats(0.5, 10_000)


@given(SECONDS, st.floats(0, 1))
def test_an_attempt_and_its_grace_end_before_the_answer_is_chosen(
    deadline: float, share: float
) -> None:
    table = Timetable.of(100.0, deadline)
    now = 100.0 + share * deadline
    budget = table.budget(now)
    assert budget == 0.0 or now + budget + grace_seconds(budget) <= table.answer_by + 1e-6


@given(SECONDS)
def test_time_is_kept_for_the_answer(deadline: float) -> None:
    table = Timetable.of(0.0, deadline)
    assert 0 < table.answer_by < table.deadline == deadline
    assert table.deadline - table.answer_by <= 0.3 + 1e-9


@given(SECONDS)
def test_an_attempt_is_given_up_after_it_would_have_been_killed(seconds: float) -> None:
    assert overdue(0.0, seconds) > seconds + grace_seconds(seconds)


@given(SECONDS, st.floats(0, 0.5))
def test_a_decision_is_out_within_a_second_of_its_deadline_wherever_it_is_written_down(
    deadline: float, late: float
) -> None:
    table = Timetable.of(0.0, deadline)
    assert table.last_call <= deadline + 0.5
    now = deadline + late
    assert now + 2 * table.to_keep(now) <= deadline + 1.0  # the database, and then the spool


@given(st.floats(1.0, 10_000))
def test_writing_a_punctual_answer_down_does_not_make_it_late(deadline: float) -> None:
    table = Timetable.of(0.0, deadline)
    assert table.answer_by + table.to_keep(table.answer_by) <= deadline
