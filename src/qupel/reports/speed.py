"""Where the time of each arm goes, and when it reached its target."""

from __future__ import annotations

from typing import Any

from qupel.benchmarks.arms import Kind
from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.figures import ArmSummary, Curve
from qupel.reports import charts
from qupel.reports.page import Section, drawn, table
from qupel.reports.wording import percent

_STAGES = tuple(charts.STAGE_COLOURS)


def speed(comparison: Comparison) -> Section:
    """Seconds by stage, and the distribution of the time to target."""
    summaries = comparison.summaries
    curves = {
        s.arm: min(s.curves, key=lambda curve: abs(curve.target - comparison.rule.epsilon))
        for s in summaries
        if s.kind is not Kind.PLACEBO and s.curves
    }
    target = percent(comparison.rule.epsilon)
    figures = _stage_chart(summaries)
    text: tuple[str, ...] = ()
    if any(curve.seconds for curve in curves.values()):
        budget = max(summary.budget_seconds for summary in summaries)
        figures += drawn(
            charts.ecdf(_steps(curves, budget), budget=budget, order=list(curves)),
            f"Share of runs within {target} of the best known answer by a time, as the incumbents "
            "claim; runs that never got there are cut off at the budget. Placebos are left out.",
            "Time to target of each arm.",
        )
    else:
        text = (f"No run came within {target} of the best known answer, so no times to it exist.",)
    return Section("Speed", text=text, figures=figures, tables=(_stage_table(summaries),))


def _stage_chart(summaries: tuple[ArmSummary, ...]) -> tuple[Any, ...]:
    bars = [
        {"arm": s.arm, "stage": stage, "seconds": s.stages[stage]}
        for s in summaries
        for stage in _STAGES
        if s.stages.get(stage, 0.0) > 0
    ]
    if not bars:
        return ()
    return drawn(
        charts.stages(bars, order=[s.arm for s in summaries]),
        "Mean seconds a run by stage; the stages follow each other and sum to end to end.",
        "Seconds by stage of each arm; the table below holds the figures.",
    )


def _stage_table(summaries: tuple[ArmSummary, ...]) -> Any:
    used = [stage for stage in _STAGES if any(s.stages.get(stage, 0.0) > 0 for s in summaries)]
    rows = []
    for s in summaries:
        whole = s.clocks["end to end"]
        stages = [f"{s.stages.get(stage, 0.0):.3g}" for stage in used]
        rows.append([s.arm, *stages, f"{whole.mean:.3g}", f"{whole.p95:.3g}"])
    return table(
        ["Arm", *(f"#{stage}" for stage in used), "#End to end", "#95 % within"],
        rows,
        note="Mean seconds a run by stage and end to end, and the end-to-end seconds that 95 % of "
        "the runs kept.",
    )


def _steps(curves: dict[str, Curve], budget: float) -> list[dict[str, Any]]:
    """Points of each curve, from zero to the budget; the axis begins a little before the first."""
    first = charts.first_second(
        [second for curve in curves.values() for second in curve.seconds], budget
    )
    steps: list[dict[str, Any]] = []
    for arm, curve in curves.items():
        points = [
            (first, 0.0),
            *((max(s, first), p) for s, p in zip(curve.seconds, curve.shares, strict=True)),
        ]
        points.append((max(budget, points[-1][0]), points[-1][1]))
        steps += [{"arm": arm, "seconds": second, "share": share} for second, share in points]
    return steps
