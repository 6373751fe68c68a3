"""Charts of a comparison as Vega-Lite specifications: one for page, notebook and PDF."""

from __future__ import annotations

import math
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

QUANTUM = KIND_COLOURS["hybrid"]
"""What speaks of the candidate alone."""

MOST_NAMED = 30
"""Cases that a chart of one page can name."""

CONFIG: Spec = {
    "font": "Helvetica, Arial, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
             "gridColor": "#e5e7eb", "domainColor": "#9ca3af", "tickColor": "#9ca3af",
             "labelLimit": 220},
    "legend": {"labelFontSize": 11, "titleFontSize": 11, "labelLimit": 240, "orient": "bottom",
               "titleFontWeight": "normal", "symbolOpacity": 1, "columns": 4},
    "title": {"fontSize": 13, "anchor": "start", "fontWeight": "bold"},
}  # fmt: skip


def dressed(spec: Spec) -> Spec:
    """A family's own chart in the type and with the margins of the others."""
    config = {"font": CONFIG["font"], "background": "white", "axis": {"labelLimit": 240}}
    return {"padding": {"left": 24, "right": 8, "top": 5, "bottom": 5}, "config": config, **spec}


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
    kinds = [kind for kind in KIND_COLOURS if any(row["kind"] == kind for row in rows)]
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": "Kind of arm",
        "scale": {"domain": kinds, "range": [KIND_COLOURS[kind] for kind in kinds]},
        "legend": {"columns": len(kinds)},
    }
    return _framed(
        {
            "title": title,
            "data": {"values": [dict(row) for row in rows]},
            "layer": _whiskers(y, value, {"color": colour}, {}),
        },
        width=500,
        height={"step": 26},
    )


def _whiskers(y: Spec, title: str, encoding: Spec, mark: Spec) -> list[Spec]:
    """Line with end caps from low to high, and a point; caps show an interval without width."""
    axis = {"type": "quantitative", "title": title}
    caps = [
        {
            "mark": {"type": "tick", "thickness": 2, "size": 13, **mark},
            "encoding": {"y": y, "x": {"field": bound, **axis}, **encoding},
        }
        for bound in ("low", "high")
    ]
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 2, **mark},
            "encoding": {
                "y": y,
                "x": {"field": "low", **axis},
                "x2": {"field": "high"},
                **encoding,
            },
        },
        *caps,
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, **mark},
            "encoding": {"y": y, "x": {"field": "estimate", **axis}, **encoding},
        },
    ]


def contributions(rows: Rows, *, unit: str) -> Spec:
    """What the quantum step adds over each placebo of its own pipeline, with intervals.

    ``rows`` hold ``versus``, ``estimate``, ``low``, ``high`` in ``unit``; above zero the quantum
    samples helped.
    """
    y = {"field": "versus", "type": "nominal", "title": None, "sort": None}
    return _framed(
        {
            "title": "Quantum contribution: arm minus its placebo",
            "data": {"values": [dict(row) for row in rows]},
            "layer": [
                _line_at(0.0, "#6b7280"),
                *_whiskers(
                    y, f"Improvement of the KPI over the placebo ({unit})", {}, {"color": QUANTUM}
                ),
            ],
        },
        width=500,
        height={"step": 30},
    )


def _line_at(value: float, colour: str, dash: Sequence[int] = ()) -> Spec:
    return {
        "mark": {"type": "rule", "color": colour, "strokeDash": list(dash)},
        "encoding": {"x": {"datum": value, "type": "quantitative"}},
    }


def ecdf(rows: Rows, *, budget: float, order: Sequence[str]) -> Spec:
    """Share of case-and-seed pairs that reached their target, over end-to-end seconds.

    ``rows`` hold ``arm``, ``seconds``, ``share``, one for each step of a curve, and begin at
    `first_second` with a share of 0. ``order`` is that of the legend.
    """
    first, last = min(row["seconds"] for row in rows), max(row["seconds"] for row in rows)
    legend = {"columns": 3, "symbolType": "stroke", "symbolSize": 400, "symbolStrokeWidth": 2}
    arm = {"field": "arm", "type": "nominal", "title": "Arm", "scale": {"domain": list(order)},
           "legend": legend}  # fmt: skip
    return _framed(
        {
            "title": "Time to target: share of runs that reached it",
            "data": {"values": [dict(row) for row in rows]},
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
            "encoding": {
                "x": {"field": "seconds", "type": "quantitative",
                      "title": "Seconds from request (logarithmic)",
                      "scale": {"type": "log", "domain": [first, last], "nice": False},
                      "axis": {"values": _ticks(first, last, budget), "format": "~g"}},
                "y": {"field": "share", "type": "quantitative", "title": "Share of runs",
                      "scale": {"domain": [0, 1]}, "axis": {"format": ".0%"}},
                "color": arm,
                "strokeDash": arm,
            },
        },
        width=500,
        height=180,
    )  # fmt: skip


def first_second(seconds: Sequence[float], budget: float) -> float:
    """Where the axis of `ecdf` begins: the power of ten below the first step, 1 µs at the least."""
    positive = [second for second in seconds if second > 0]
    least = max(1e-6, min([*positive, budget]))
    return 10.0 ** (math.ceil(math.log10(least) - 1e-9) - 1)


def _ticks(first: float, last: float, budget: float) -> list[float]:
    """Powers of ten and the budget; twice and five times them too where the axis is short."""
    decades = range(round(math.log10(first)), math.ceil(math.log10(last)) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    near = [tick for tick in ticks if first <= tick <= last and not 0.8 < tick / budget < 1.25]
    return sorted({*near, budget})


def stages(rows: Rows, *, order: Sequence[str]) -> Spec:
    """Where the time of each arm goes: ``rows`` hold ``arm``, ``stage``, ``seconds``."""
    used = [stage for stage in STAGE_COLOURS if any(row["stage"] == stage for row in rows)]
    return _framed(
        {
            "title": "Where the time goes",
            "data": {"values": [{**row, "rank": used.index(row["stage"])} for row in rows]},
            "mark": {"type": "bar", "height": 14},
            "encoding": {
                "y": {"field": "arm", "type": "nominal", "sort": list(order), "title": None},
                "x": {"field": "seconds", "type": "quantitative", "title": "Seconds (mean)"},
                "color": {
                    "field": "stage",
                    "type": "nominal",
                    "title": "Stage",
                    "sort": used,
                    "scale": {"domain": used, "range": [STAGE_COLOURS[stage] for stage in used]},
                    "legend": {"columns": len(used)},
                },
                "order": {"field": "rank", "type": "quantitative"},
            },
        },
        width=500,
        height={"step": 24},
    )


def effects(rows: Rows, *, margin: float, unit: str) -> Spec:
    """Effect on each case of the candidate against the best classical arm.

    ``rows`` hold ``case`` and ``effect`` in ``unit``; the dashed line is the pre-registered
    margin. Where there are too many cases to name, they are put in order of their effect.
    """
    named = len(rows) <= MOST_NAMED
    values = rows if named else sorted(rows, key=lambda row: -float(row["effect"]))
    y: Spec = {"field": "case", "type": "nominal", "title": None, "sort": None}
    if not named:
        y |= {"axis": None}
    x = {"field": "effect", "type": "quantitative", "title": f"Improvement of the KPI ({unit})"}
    step = 18.0 if named else max(2.0, 18.0 * MOST_NAMED / len(rows))
    return _framed(
        {
            "title": "Candidate against best classical arm, case by case",
            "data": {"values": [dict(row) for row in values]},
            "layer": [
                {
                    "mark": {"type": "bar", "height": {"band": 0.6}, "color": QUANTUM},
                    "encoding": {"y": y, "x": x},
                },
                {
                    "mark": {"type": "tick", "thickness": 2, "color": QUANTUM},
                    "encoding": {"y": y, "x": x},
                },
                _line_at(0.0, "#6b7280"),
                _line_at(margin, "#111827", (4, 4)),
            ],
        },
        width=500,
        height={"step": step},
    )
