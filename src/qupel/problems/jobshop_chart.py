"""Gantt chart of a job shop's schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qupel.problems.jobshop_schedule import Schedule

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def gantt(shop: JobShop, answer: Schedule) -> dict[str, Any]:
    """Vega-Lite specification: a bar an operation, grey where a machine is closed."""
    bars: list[dict[str, Any]] = [
        {
            "machine": shop.machine_names[shop.machines[j][k]],
            "job": shop.job_names[j],
            "operation": k,
            "start": start,
            "end": start + shop.durations[j][k],
        }
        for j, row in enumerate(answer.starts[: shop.jobs])
        for k, start in enumerate(row[: len(shop.machines[j])])
    ]
    makespan = max((bar["end"] for bar in bars), default=0)
    closed = [
        {"machine": shop.machine_names[w.machine], "start": w.start, "end": w.end}
        for w in shop.maintenance
    ]
    layers = [_closed(closed)] if closed else []
    layers += [_bars(shop, bars), *_rule(shop, makespan)]
    time = f"time [{shop.unit}]" if shop.unit else "time"
    rows = {"field": "machine", "type": "nominal", "sort": list(shop.machine_names), "title": None}
    return {
        "$schema": SCHEMA,
        "title": {"text": f"{shop.name}: schedule", "anchor": "start"},
        "width": 640,
        "height": {"step": 30},
        "encoding": {
            "y": {**rows, "scale": {"paddingInner": 0.15}},
            "x": {"field": "start", "type": "quantitative", "title": time},
        },
        "layer": layers,
        "config": {"view": {"stroke": None}},
    }


def _bars(shop: JobShop, bars: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "data": {"values": bars},
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 1},
        "encoding": {
            "x2": {"field": "end"},
            "color": {
                "field": "job",
                "type": "nominal",
                "sort": list(shop.job_names),
                "title": "job",
                "scale": {"scheme": "tableau10" if shop.jobs <= 10 else "tableau20"},
            },
            "tooltip": [{"field": f} for f in ("job", "operation", "machine", "start", "end")],
        },
    }


def _closed(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return maintenance as grey bars with a dashed edge and the word for it."""
    return {
        "data": {"values": windows},
        "layer": [
            {
                "mark": {
                    "type": "bar",
                    "color": "#d0d0d0",
                    "stroke": "#606060",
                    "strokeDash": [4, 3],
                    "tooltip": {"content": "data"},
                },
                "encoding": {"x2": {"field": "end"}},
            },
            {
                "transform": [{"calculate": "(datum.start + datum.end) / 2", "as": "middle"}],
                "mark": {"type": "text", "text": "closed", "fontSize": 9, "color": "#404040"},
                "encoding": {"x": {"field": "middle", "type": "quantitative"}},
            },
        ],
    }


def _rule(shop: JobShop, makespan: int) -> list[dict[str, Any]]:
    """Return the makespan as a line through all rows, with its value above."""
    unit = f" {shop.unit}" if shop.unit else ""
    data = {"values": [{"makespan": makespan, "label": f"makespan {makespan}{unit}"}]}
    x = {"field": "makespan", "type": "quantitative"}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "color": "black", "strokeWidth": 1.5},
            "encoding": {"x": x, "y": None},
        },
        {
            "data": data,
            "mark": {"type": "text", "align": "right", "dx": -4, "dy": -8, "baseline": "bottom"},
            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "label"}},
        },
    ]
