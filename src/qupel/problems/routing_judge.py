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
    stops = _in_a_row(routes, nodes)
    broken = [*_coverage(routes, stops, nodes), *_vehicles(routes, fleet)]
    known = (stops > 0) & (stops < nodes)
    known_types = all(0 <= kind < len(fleet) for kind in set(routes.vehicles))
    lengths = [len(route) for route in routes.stops]
    if not known.all():
        lengths = [sum(0 < stop < nodes for stop in route) for route in routes.stops]
        stops = stops[known]
    path = np.insert(stops, [0, *itertools.accumulate(lengths)], 0)
    # Plain numbers from here on: sums run in the order of the visits.
    legs = distances[path[:-1], path[1:]].tolist()
    loads = demands[stops].tolist()
    way = None if clock is None else _Way.along(path, stops, clock)

    ticks: Any = 0
    fixed = load_total = space_total = waiting = 0.0
    used = first = 0
    for number, (length, kind) in enumerate(zip(lengths, routes.vehicles, strict=True)):
        if not length:
            continue
        used += 1
        visits = slice(first, first + length)
        # Every route before has one leg more than it has stops.
        drives = slice(first + number, first + number + length + 1)
        first += length
        ticks += sum(legs[drives])
        load = sum(loads[visits])
        load_total += load
        if 0 <= kind < len(fleet):
            fixed += fleet[kind].fixed_cost
            space_total += fleet[kind].capacity
            if load > fleet[kind].capacity:
                excess = float(load - fleet[kind].capacity)
                broken.append(Violation("capacity", f"route {number + 1}", excess))
        if clock is not None and way is not None:
            drive = way.drive(visits, drives)
            waiting += drive.waiting / clock.scale
            for where, ticks_late in drive.late:
                amount = ticks_late / clock.scale
                if amount > LATENESS:
                    name = "horizon" if where == "depot" else "time window"
                    broken.append(Violation(name, f"route {number + 1}, {where}", amount))

    distance = ticks / scale
    measures = {"vehicles": float(used), "distance": float(distance)}
    measures["load utilisation"] = load_total / space_total if space_total else 0.0
    if fixed:
        measures["vehicle cost"] = fixed
    if clock is not None:
        measures["waiting"] = waiting
    objective = distance + fixed if known.all() and known_types else np.nan
    return Judgement(float(objective), tuple(broken), measures)


def follow(stops: Sequence[int], clock: Clock) -> Drive:
    """Drive one route: leave at the depot's opening, wait at closed doors, never hurry."""
    row = np.array(stops, np.int64)
    way = _Way.along(np.concatenate([[0], row, [0]]), row, clock)
    return way.drive(slice(0, row.size), slice(0, row.size + 1))


@dataclass(frozen=True, slots=True)
class _Way:
    """What clocks say along all routes: one entry a leg in ``legs``, one a stop in the others."""

    leaves: float
    ends: float
    legs: list[Any]
    stops: list[int]
    opens: list[Any]
    closes: list[Any]
    service: list[Any]

    @classmethod
    def along(cls, path: np.ndarray, stops: np.ndarray, clock: Clock) -> _Way:
        """Look up a path, which has a zero wherever a route begins or ends."""
        leaves, ends = (clock.windows[0] * clock.scale).tolist()
        return cls(
            leaves,
            ends,
            clock.times[path[:-1], path[1:]].tolist(),
            stops.tolist(),
            (clock.windows[stops, 0] * clock.scale).tolist(),
            (clock.windows[stops, 1] * clock.scale).tolist(),
            (clock.service[stops] * clock.scale).tolist(),
        )

    def drive(self, visits: slice, drives: slice) -> Drive:
        """Drive the route that has these visits and legs."""
        now = self.leaves
        late: list[tuple[str, float]] = []
        waiting = 0.0
        starts: list[float] = []
        *legs, home = self.legs[drives]
        stops, service = self.stops[visits], self.service[visits]
        opens, closes = self.opens[visits], self.closes[visits]
        for stop, leg, first, last, stay in zip(stops, legs, opens, closes, service, strict=True):
            now += leg
            if now < first:
                waiting += first - now
                now = first
            if now > last:
                late.append((f"stop {stop}", now - last))
            starts.append(now)
            now += stay
        now += home
        if now > self.ends:
            late.append(("depot", now - self.ends))
        return Drive(late, waiting, starts, now)


def _in_a_row(routes: Routes, nodes: int) -> np.ndarray:
    """All stops, one route after the other; numbers too large for arrays become unknown ones."""
    every = itertools.chain.from_iterable(routes.stops)
    count = sum(map(len, routes.stops))
    try:
        return np.fromiter(every, np.int64, count)
    except OverflowError:
        bounded = (min(max(s, -1), nodes) for route in routes.stops for s in route)
        return np.fromiter(bounded, np.int64, count)


def _coverage(routes: Routes, row: np.ndarray, nodes: int) -> list[Violation]:
    """Every customer is visited exactly once, and nobody else is."""
    if row.size == nodes - 1 and (np.sort(row) == np.arange(1, nodes)).all():
        return []
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
