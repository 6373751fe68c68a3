"""Charts of a comparison as Vega-Lite specifications: one for page, notebook and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

#: One colour a kind of arm, told apart also by those who do not see red and green.
KIND_COLOURS = {
    "status quo": "#7f7f7f",
    "classical": "#1f5fa8",
    "inspired": "#2a9d8f",
    "quantum": "#c2410c",
    "hybrid": "#8b3fa8",
    "placebo": "#c9a227",
}

#: Stages of an attempt in the order in which they happen, with their colours.
STAGE_COLOURS = {
    "queue": "#9ca3af",
    "encode": "#60a5fa",
    "compile": "#818cf8",
    "execute": "#1f5fa8",
    "decode": "#2dd4bf",
    "repair": "#f59e0b",
    "judge": "#84cc16",
}

CONFIG: Spec = {
    "font": "Helvetica, Arial, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
             "gridColor": "#e5e7eb", "domainColor": "#9ca3af", "tickColor": "#9ca3af",
             "labelLimit": 220},
    "legend": {"labelFontSize": 11, "titleFontSize": 11, "labelLimit": 240},
    "title": {"fontSize": 13, "anchor": "start", "fontWeight": "bold"},
}  # fmt: skip


def _framed(spec: Spec, *, width: int, height: int | Spec) -> Spec:
    return {"$schema": SCHEMA, "width": width, "height": height, "config": CONFIG, **spec}


def intervals(rows: Rows, *, value: str, title: str, order: Sequence[str]) -> Spec:
    """A point with its interval for each arm.

    Parameters
    ----------
    rows
        ``arm``, ``kind``, ``estimate``, ``low``, ``high``.
    value
        What the axis says, with its unit.
    title
        Said above the chart.
    order
        Arms from top to bottom.
    """
    y = {"field": "arm", "type": "nominal", "sort": list(order), "title": None}
    return _framed(
        {
            "title": title,
            "data": {"values": [dict(row) for row in rows]},
            "layer": [
                {
                    "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6},
                    "encoding": {
                        "y": y,
                        "x": {"field": "low", "type": "quantitative", "title": value,
                              "scale": {"zero": False}},
                        "x2": {"field": "high"},
                        "color": _kind_colour(),
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                    "encoding": {
                        "y": y,
                        "x": {"field": "estimate", "type": "quantitative"},
                        "color": _kind_colour(),
                        "tooltip": [{"field": f} for f in ("arm", "estimate", "low", "high")],
                    },
                },
            ],
        },
        width=460,
        height={"step": 26},
    )  # fmt: skip


def _kind_colour() -> Spec:
    return {
        "field": "kind",
        "type": "nominal",
        "title": "Kind of arm",
        "scale": {"domain": list(KIND_COLOURS), "range": list(KIND_COLOURS.values())},
    }


def contributions(rows: Rows) -> Spec:
    """What the quantum step adds over each placebo of its own pipeline, with intervals.

    ``rows`` hold ``versus``, ``estimate``, ``low``, ``high`` in percent of the KPI; above zero
    the quantum samples helped.
    """
    y = {"field": "versus", "type": "nominal", "title": None}
    return _framed(
        {
            "title": "Quantum contribution: arm minus its placebo",
            "data": {"values": [dict(row) for row in rows]},
            "layer": [
                {
                    "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#6b7280"},
                    "encoding": {"x": {"datum": 0}},
                },
                {
                    "mark": {"type": "rule", "strokeWidth": 3, "color": "#8b3fa8", "opacity": 0.6},
                    "encoding": {
                        "y": y,
                        "x": {"field": "low", "type": "quantitative",
                              "title": "Improvement of the KPI over the placebo (%)"},
                        "x2": {"field": "high"},
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 80, "color": "#8b3fa8",
                             "opacity": 1},
                    "encoding": {"y": y, "x": {"field": "estimate", "type": "quantitative"}},
                },
            ],
        },
        width=460,
        height={"step": 30},
    )  # fmt: skip


def ecdf(rows: Rows, *, budget: float) -> Spec:
    """Share of case-and-seed pairs that reached their target, over end-to-end seconds.

    ``rows`` hold ``arm``, ``seconds``, ``share``, one for each step of a curve.
    """
    return _framed(
        {
            "title": "Time to target: share of runs that reached it",
            "data": {"values": [dict(row) for row in rows]},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
            "encoding": {
                "x": {"field": "seconds", "type": "quantitative",
                      "title": "Seconds from request (logarithmic)",
                      "scale": {"type": "log", "domainMax": budget, "nice": False}},
                "y": {"field": "share", "type": "quantitative", "title": "Share of runs",
                      "scale": {"domain": [0, 1]}, "axis": {"format": ".0%"}},
                "color": {"field": "arm", "type": "nominal", "title": "Arm"},
                "strokeDash": {"field": "arm", "type": "nominal", "title": "Arm"},
            },
        },
        width=460,
        height=230,
    )  # fmt: skip


def stages(rows: Rows, *, order: Sequence[str]) -> Spec:
    """Where the time of each arm goes: ``rows`` hold ``arm``, ``stage``, ``seconds``."""
    ranks = {stage: rank for rank, stage in enumerate(STAGE_COLOURS)}
    return _framed(
        {
            "title": "Where the time goes",
            "data": {"values": [{**row, "rank": ranks[row["stage"]]} for row in rows]},
            "mark": {"type": "bar", "height": 14},
            "encoding": {
                "y": {"field": "arm", "type": "nominal", "sort": list(order), "title": None},
                "x": {"field": "seconds", "type": "quantitative", "title": "Seconds (mean)"},
                "color": {
                    "field": "stage",
                    "type": "nominal",
                    "title": "Stage",
                    "sort": list(STAGE_COLOURS),
                    "scale": {"domain": list(STAGE_COLOURS),
                              "range": list(STAGE_COLOURS.values())},
                },
                "order": {"field": "rank", "type": "quantitative"},
            },
        },
        width=460,
        height={"step": 24},
    )  # fmt: skip


def effects(rows: Rows, *, margin: float) -> Spec:
    """Effect on each case of the candidate against the best classical arm, in percent.

    ``rows`` hold ``case`` and ``effect``; the dashed line is the pre-registered margin.
    """
    return _framed(
        {
            "title": "Candidate against best classical arm, case by case",
            "data": {"values": [dict(row) for row in rows]},
            "layer": [
                {
                    "mark": {"type": "bar", "height": 10, "color": "#8b3fa8", "opacity": 0.8},
                    "encoding": {
                        "y": {"field": "case", "type": "nominal", "title": None, "sort": None},
                        "x": {"field": "effect", "type": "quantitative",
                              "title": "Improvement of the KPI (%)"},
                    },
                },
                {
                    "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#111827"},
                    "encoding": {"x": {"datum": margin}},
                },
            ],
        },
        width=460,
        height={"step": 18},
    )  # fmt: skip
