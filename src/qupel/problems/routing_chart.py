"""Charts of routes as Vega-Lite specifications: the map, and the vehicles' day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from qupel.problems.routing import Routes, VehicleType
from qupel.problems.routing_judge import Clock, follow

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# Beyond so many routes colours repeat, and a legend would not tell them apart.
_NAMED_COLOURS = 10
_STATES = ("driving", "waiting", "serving")


def route_map(
    routes: Routes,
    coordinates: Float64[np.ndarray, "n 2"] | None,
    demands: Int64[np.ndarray, " n"],
    fleet: Sequence[VehicleType],
    title: str,
) -> dict[str, Any]:
    """Map of the routes, one colour each; loads as bars where no coordinates are known."""
    if coordinates is None:
        return _load_bars(routes, demands, fleet, title)
    kept = [
        (number, stops, kind)
        for number, (stops, kind) in enumerate(zip(routes.stops, routes.vehicles, strict=True), 1)
        if stops and all(0 < stop < len(demands) for stop in stops)
    ]
    centre = coordinates[0]

    def direction(route: tuple[int, tuple[int, ...], int]) -> float:
        east, north = coordinates[list(route[1])].mean(axis=0) - centre
        return float(np.arctan2(north, east))

    # Colours go round the depot, so that neighbours differ; numbers are those of the judge.
    kept.sort(key=direction)
    lines: list[dict[str, Any]] = []
    for number, stops, kind in kept:
        load = int(demands[list(stops)].sum())
        name = fleet[kind].name if 0 <= kind < len(fleet) else f"type {kind}"
        for order, node in enumerate((0, *stops, 0)):
            lines.append(
                {
                    "route": f"{number}",
                    "order": order,
                    "customer": int(node),
                    "demand": int(demands[node]),
                    "load": load,
                    "vehicle": name,
                    "x": float(coordinates[node, 0]),
                    "y": float(coordinates[node, 1]),
                }
            )
    names = [str(number) for number, _, _ in kept]
    x, y = _axis("x", coordinates[:, 0]), _axis("y", coordinates[:, 1])
    color: dict[str, Any] = {
        "field": "route",
        "type": "nominal",
        "title": "Route",
        "scale": {"domain": names, "range": _colours(len(kept))},
    }
    color["legend"] = {"values": sorted(names, key=int)} if len(kept) <= _NAMED_COLOURS else None
    return {
        "$schema": _SCHEMA,
        "title": {"text": title, "subtitle": _counted(len(kept), "route")},
        "width": 480,
        "height": _height(coordinates, 480),
        "data": {"values": lines},
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 1.6, "opacity": 0.85},
                "encoding": {"color": color, "order": {"field": "order"}},
            },
            {
                "transform": [{"filter": "datum.customer > 0"}],
                "mark": {"type": "circle", "size": 38, "opacity": 1},
                "encoding": {
                    "color": color,
                    "tooltip": [
                        {"field": field, "title": label}
                        for field, label in (
                            ("customer", "Customer"),
                            ("route", "Route"),
                            ("order", "Stop"),
                            ("demand", "Demand"),
                            ("load", "Load of the route"),
                            ("vehicle", "Vehicle"),
                        )
                    ],
                },
            },
            {
                "data": {"values": [{"x": float(centre[0]), "y": float(centre[1])}]},
                "mark": {
                    "type": "point",
                    "shape": "square",
                    "filled": True,
                    "size": 130,
                    "color": "#222222",
                    "stroke": "white",
                    "opacity": 1,
                    "tooltip": {"content": "data"},
                },
            },
        ],
        "config": {"view": {"stroke": "#dddddd"}},
    }


def vehicle_timeline(
    routes: Routes, clock: Clock, fleet: Sequence[VehicleType], title: str
) -> dict[str, Any]:
    """Each vehicle's day as bars: driving, waiting, serving."""
    bars: list[dict[str, Any]] = []
    names: list[str] = []
    for number, (stops, kind) in enumerate(zip(routes.stops, routes.vehicles, strict=True), 1):
        if not stops:
            continue
        kind_name = fleet[kind].name if 0 <= kind < len(fleet) else f"type {kind}"
        names.append(f"{number} ({kind_name})")
        drive = follow(stops, clock)
        now = float(clock.windows[0, 0]) * clock.scale
        here = 0
        for stop, start in zip(stops, drive.starts, strict=True):
            arrival = now + float(clock.times[here, stop])
            leave = start + float(clock.service[stop]) * clock.scale
            spans = zip(_STATES, (now, arrival, start), (arrival, start, leave), strict=True)
            bars += [_bar(names[-1], stop, state, a, b, clock.scale) for state, a, b in spans]
            now, here = leave, stop
        bars.append(_bar(names[-1], 0, "driving", now, drive.back, clock.scale))
    return {
        "$schema": _SCHEMA,
        "title": title,
        "width": 560,
        "height": {"step": 20},
        "data": {"values": [bar for bar in bars if bar["to"] > bar["from"]]},
        "mark": {"type": "bar", "height": {"band": 0.75}},
        "encoding": {
            "y": {"field": "vehicle", "type": "nominal", "sort": names, "title": "Route (vehicle)"},
            "x": {"field": "from", "type": "quantitative", "title": "Time"},
            "x2": {"field": "to"},
            "color": {
                "field": "state",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(_STATES), "range": ["#9ecae1", "#e5e5e5", "#08519c"]},
                "legend": {"orient": "top"},
            },
            "tooltip": [{"field": field} for field in ("vehicle", "stop", "state", "from", "to")],
        },
        "config": {"view": {"stroke": None}},
    }


def _load_bars(
    routes: Routes, demands: Int64[np.ndarray, " n"], fleet: Sequence[VehicleType], title: str
) -> dict[str, Any]:
    rows = [
        {
            "route": str(number),
            "load": int(sum(demands[stop] for stop in stops if 0 < stop < len(demands))),
            "capacity": fleet[kind].capacity if 0 <= kind < len(fleet) else 0,
            "stops": " → ".join(map(str, (0, *stops, 0))),
        }
        for number, (stops, kind) in enumerate(zip(routes.stops, routes.vehicles, strict=True), 1)
    ]
    y = {"field": "route", "type": "nominal", "sort": None, "title": "Route"}
    return {
        "$schema": _SCHEMA,
        "title": title,
        "width": 480,
        "height": {"step": 20},
        "data": {"values": rows},
        "encoding": {"y": y, "tooltip": [{"field": field} for field in ("route", "load", "stops")]},
        "layer": [
            {
                "mark": {"type": "bar", "color": "#4c78a8"},
                "encoding": {"x": {"field": "load", "type": "quantitative", "title": "Load"}},
            },
            {
                "mark": {"type": "tick", "color": "#222222", "thickness": 2},
                "encoding": {"x": {"field": "capacity", "type": "quantitative"}},
            },
        ],
    }


def _bar(
    vehicle: str, stop: int, state: str, start: float, end: float, scale: int
) -> dict[str, Any]:
    return {
        "vehicle": vehicle,
        "stop": "depot" if stop == 0 else str(stop),
        "state": state,
        "from": start / scale,
        "to": end / scale,
    }


def _axis(field: str, values: Float64[np.ndarray, " n"]) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) + 1e-9
    return {
        "field": field,
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [low - margin, high + margin], "zero": False, "nice": False},
    }


def _height(coordinates: Float64[np.ndarray, "n 2"], width: int) -> int:
    """Height that keeps the map's proportions, within reason."""
    spans = np.ptp(coordinates, axis=0)
    return int(np.clip(width * spans[1] / max(spans[0], 1e-9), width / 3, 1.5 * width))


def _colours(count: int) -> list[str]:
    """Colours that differ between neighbouring routes."""
    named = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2",
             "#b279a2", "#9d755d", "#eeca3b", "#ff9da6", "#7f7f7f"]  # fmt: skip
    return [named[k % len(named)] for k in range(count)]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
