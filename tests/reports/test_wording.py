"""Numbers as a memo writes them."""

from __future__ import annotations

import pytest

from qupel.benchmarks import Kpi
from qupel.benchmarks.figures import Estimate, Rate
from qupel.reports import wording
from qupel.reports.wording import FIRM


@pytest.mark.parametrize(
    ("value", "text"), [(2.04, "2.0 h"), (0.2, "12 min"), (1 / 3600, "1 s"), (0.0, "0 s")]
)
def test_short_times_are_told_in_small_units(value: float, text: str) -> None:
    assert wording.hours(value) == text.replace(" ", FIRM)


def test_line_breaks_between_a_figure_and_its_interval_only() -> None:
    text = wording.interval(Estimate(0.0816, 0.0763, 0.0874), "%", scale=100.0)
    assert text.split(" ") == [f"8.16{FIRM}%", f"(7.63{FIRM}to{FIRM}8.74)"]
    assert wording.interval(Estimate(3.0), "km") == f"3{FIRM}km"


def test_what_does_not_exist_is_a_dash() -> None:
    assert wording.percent(None) == wording.rate(Rate(0, 0)) == "–"
    assert wording.money(None, "EUR") == "unknown"


def test_kpi_without_a_unit_has_no_empty_brackets() -> None:
    assert wording.named(Kpi("cut")) == "cut"
    assert wording.named(Kpi("distance", "km")) == "distance (km)"


def test_sentence_has_a_capital_and_a_full_stop() -> None:
    assert wording.sentence("day 3 is missing") == "Day 3 is missing."
    assert wording.sentence("Really?") == "Really?"


def test_censored_time_to_solution_is_a_lower_bound() -> None:
    assert wording.time_to_solution(None, 46.1) == f">{FIRM}46.1"
    assert wording.time_to_solution(1.7, 1.0) == "1.7"
