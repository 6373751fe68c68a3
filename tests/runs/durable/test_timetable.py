from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.runs.durable.timetable import (
    AROUND,
    LARGEST_SHARE,
    LEAST_AROUND,
    LEAST_SHARE,
    Around,
    Timetable,
    shortest,
)
from qupel.runs.slot import grace_seconds

FALLBACKS = st.floats(0.01, 1e4)
LONGER = st.floats(1.0, 1e4)


@given(FALLBACKS, LONGER, st.floats(0.0, AROUND))
def test_an_order_given_up_in_time_leaves_the_fallback_all_of_its_budget(
    fallback: float, factor: float, around: float
) -> None:
    table = Timetable.of(0.0, factor * shortest(fallback), fallback, around)
    budget = table.budget(table.give_up, fallback, around)
    assert budget == pytest.approx(fallback)
    answered = table.give_up + around + budget + grace_seconds(budget)
    assert answered <= table.deadline * (1 + 1e-12)


@given(FALLBACKS, st.floats(0.01, 1e6), st.floats(0.0, 1e4))
def test_an_order_has_some_time_however_long_the_fallback_takes(
    fallback: float, deadline: float, around: float
) -> None:
    table = Timetable.of(0.0, deadline, fallback, around)
    assert table.give_up >= (1 - LARGEST_SHARE) * deadline * (1 - 1e-9)
    assert table.deadline == deadline


@given(FALLBACKS, LONGER, st.floats(-1e5, 1e5))
def test_a_late_fallback_has_what_is_left_but_never_too_little(
    fallback: float, factor: float, late: float
) -> None:
    table = Timetable.of(0.0, factor * shortest(fallback), fallback, AROUND)
    budget = table.budget(table.give_up + late, fallback, AROUND)
    assert LEAST_SHARE * fallback <= budget <= fallback
    if budget > LEAST_SHARE * fallback and late > 0:
        ended = table.give_up + late + AROUND + budget + grace_seconds(budget)
        assert ended <= table.deadline * (1 + 1e-9)


def test_what_surrounds_a_search_is_learned_and_old_peaks_fade() -> None:
    around = Around()
    around.saw(4.0)
    assert around.seconds == 6.0
    for _ in range(30):
        around.saw(0.01)
    assert around.seconds == LEAST_AROUND
