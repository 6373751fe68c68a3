"""The decision memo: what a comparison found, for the person who must decide."""

from __future__ import annotations

from collections.abc import Sequence

from qupel.benchmarks.comparison import Comparison
from qupel.reports.brief import Brief, Picture
from qupel.reports.page import Page, VerdictBox
from qupel.reports.parts import parts
from qupel.reports.sections import (
    answer,
    case_by_case,
    contribution,
    not_shown,
    quality,
    reproduction,
    why,
)
from qupel.reports.speed import speed


def memo(brief: Brief, comparison: Comparison, pictures: Sequence[Picture] = ()) -> Page:
    """Lay out the memo of a finished pilot."""
    verdict = comparison.verdict
    sections = [
        why(comparison),
        quality(comparison),
        case_by_case(comparison),
        contribution(comparison),
        speed(comparison),
        answer(pictures),
        not_shown(brief, comparison),
        reproduction(brief, comparison),
    ]
    return Page(
        title=brief.title,
        decision=brief.decision,
        byline=(
            f"Owner: {brief.owner}. Thresholds accepted by {brief.approved_by} and locked on "
            f"{brief.created[:10]}, before any result was seen."
        ),
        verdict=VerdictBox(str(verdict.decision), verdict.sentence),
        parts=parts(brief, comparison),
        sections=tuple(section for section in sections if section is not None),
    )


__all__ = ["Brief", "Picture", "memo"]
