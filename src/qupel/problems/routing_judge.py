"""What the data say of routes: cost, load, time, and everything that is broken.

Written from the definition, stop by stop; forms and engines share nothing with it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.problems.contract import Judgement, Violation
from qupel.problems.routing import Routes, VehicleType

#: Lateness that counts as rounding, in the unit of the windows.
LATENESS = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Travel times, windows and service times, in ticks of ``1 / scale`` of a time unit."""

    times: Any
    windows: Any
    service: Any
    scale: int


@dataclass(slots=True)
class Drive:
    """What happens along one route."""

    late: list[tuple[str, float]]
    waiting: float
    starts: list[float]
    back: float


def judge_routes(
    routes: Routes,
    *,
    distances: np.ndarray,
    scale: int,
    demands: np.ndarray,
    fleet: Sequence[VehicleType],
    clock: Clock | None = None,
) -> Judgement:
    """Objective and violations of ``routes``.

    The objective is NaN if a route names a customer or vehicle type that does not exist.
    """
    nodes = len(demands)
    broken = [*_coverage(routes, nodes), *_vehicles(routes, fleet)]
    known_stops = all(0 < stop < nodes for route in routes.stops for stop in route)
    known_types = all(0 <= kind < len(fleet) for kind in routes.vehicles)

    ticks: Any = 0
    fixed = load_total = space_total = waiting = 0.0
    used = 0
    for number, (route, kind) in enumerate(zip(routes.stops, routes.vehicles, strict=True), 1):
        stops = [stop for stop in route if 0 < stop < nodes]
        if not stops:
            continue
        used += 1
        path = [0, *stops, 0]
        ticks += sum(distances[a, b].item() for a, b in itertools.pairwise(path))
        load = sum(int(demands[stop]) for stop in stops)
        load_total += load
        if 0 <= kind < len(fleet):
            fixed += fleet[kind].fixed_cost
            space_total += fleet[kind].capacity
            if load > fleet[kind].capacity:
                excess = float(load - fleet[kind].capacity)
                broken.append(Violation("capacity", f"route {number}", excess))
        if clock is not None:
            drive = follow(stops, clock)
            waiting += drive.waiting / clock.scale
            for where, ticks_late in drive.late:
                amount = ticks_late / clock.scale
                if amount > LATENESS:
                    name = "horizon" if where == "depot" else "time window"
                    broken.append(Violation(name, f"route {number}, {where}", amount))

    distance = ticks / scale
    measures = {"vehicles": float(used), "distance": float(distance)}
    measures["load utilisation"] = load_total / space_total if space_total else 0.0
    if fixed:
        measures["vehicle cost"] = fixed
    if clock is not None:
        measures["waiting"] = waiting
    objective = distance + fixed if known_stops and known_types else np.nan
    return Judgement(float(objective), tuple(broken), measures)


def follow(stops: Sequence[int], clock: Clock) -> Drive:
    """Drive one route: leave at the depot's opening, wait at closed doors, never hurry."""
    now = clock.windows[0, 0].item() * clock.scale
    here = 0
    late: list[tuple[str, float]] = []
    waiting = 0.0
    starts: list[float] = []
    for stop in stops:
        now += clock.times[here, stop].item()
        opens, closes = (bound * clock.scale for bound in clock.windows[stop].tolist())
        waiting += max(0, opens - now)
        now = max(now, opens)
        if now > closes:
            late.append((f"stop {stop}", now - closes))
        starts.append(now)
        now += clock.service[stop].item() * clock.scale
        here = stop
    now += clock.times[here, 0].item()
    if now > clock.windows[0, 1].item() * clock.scale:
        late.append(("depot", now - clock.windows[0, 1].item() * clock.scale))
    return Drive(late, waiting, starts, now)


def _coverage(routes: Routes, nodes: int) -> list[Violation]:
    """Every customer is visited exactly once, and nobody else is."""
    visits = Counter(stop for route in routes.stops for stop in route)
    unknown = [
        Violation("unknown customer", f"stop {stop}", float(times))
        for stop, times in sorted(visits.items())
        if not 0 < stop < nodes
    ]
    missed = [
        Violation("customer not visited", f"stop {stop}", 1.0)
        for stop in range(1, nodes)
        if stop not in visits
    ]
    repeated = [
        Violation("customer visited again", f"stop {stop}", float(times - 1))
        for stop, times in sorted(visits.items())
        if 0 < stop < nodes and times > 1
    ]
    return unknown + missed + repeated


def _vehicles(routes: Routes, fleet: Sequence[VehicleType]) -> list[Violation]:
    """No more vehicles of a type than there are, and no type that does not exist."""
    used = Counter(kind for route, kind in zip(routes.stops, routes.vehicles, strict=True) if route)
    broken = []
    for kind, number in sorted(used.items()):
        if not 0 <= kind < len(fleet):
            broken.append(Violation("unknown vehicle type", f"type {kind}", float(number)))
            continue
        available = fleet[kind].available
        if available is not None and number > available:
            where = f"{fleet[kind].name} (type {kind})"
            broken.append(Violation("vehicle count", where, float(number - available)))
    return broken
