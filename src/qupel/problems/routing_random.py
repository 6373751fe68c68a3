"""Seeded routing problems whose optimum is proved.

Up to eight customers lie at random and the optimum is computed exactly: the best order for every
set of customers, then the best partition into such sets.

More customers lie in K tight clusters, one for each vehicle load, evenly around a far depot. The
demand of each cluster fills the largest vehicle exactly, so that no plan has fewer than K routes.
Let ``near`` be the least distance between depot and customer and ``across`` the least between
customers of different clusters. A plan with K + 1 routes or more drives at least
``2 (K + 1) near``. A plan with K routes either serves each cluster by one route, and then the best
order of each cluster is computed exactly, or has a route that visits two clusters and drives at
least ``2 K near + across``. The vehicles of any plan cost at least the total demand times the
least fixed cost a unit of capacity. The depot is moved away until both bounds exceed the cost of
the plan by clusters, which is then optimal.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.problems.routing import Routes, VehicleType
from qupel.problems.routing_places import Places

_EXACT = 8
_CLUSTER = 6
_SERVICE = 10


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A routing problem and its optimum."""

    demands: Int64[np.ndarray, " n"]
    fleet: tuple[VehicleType, ...]
    places: Places
    windows: Float64[np.ndarray, "n 2"]
    service: Float64[np.ndarray, " n"]
    cost: float
    routes: Routes


def known_routing(seed: int, customers: int, vehicle_types: int, *, timed: bool) -> Known:
    """Return a seeded problem with its proved optimum.

    Distances are whole numbers, or tenths of them if ``timed``. Of several vehicle types, each
    is smaller than the one before and a little dearer for its size.
    """
    if customers < 1 or vehicle_types < 1:
        raise InputError(
            f"customers and vehicle_types must be at least 1, got {customers}, {vehicle_types}"
        )
    rng = np.random.default_rng(seed)
    if customers <= _EXACT:
        return _scattered(rng, customers, vehicle_types, timed)
    return _clustered(rng, customers, vehicle_types, timed)


def _fleet(capacity: int, types: int) -> tuple[VehicleType, ...]:
    if types == 1:
        return (VehicleType(capacity),)
    sizes = [max(1, round(capacity * (1 - k / (2 * types)))) for k in range(types)]
    return tuple(
        VehicleType(size, None, float(math.ceil(30 * size / capacity)), f"size {size}")
        for size in sizes
    )


def _scattered(rng: np.random.Generator, customers: int, types: int, timed: bool) -> Known:
    demands = np.concatenate(([0], rng.integers(1, 10, customers)))
    capacity = max(int(demands.max()), math.ceil(int(demands.sum()) / 2.5))
    fleet = _fleet(capacity, types)
    places = Places.at(rng.integers(0, 101, (customers + 1, 2)), "tenth" if timed else "nearest")
    service = np.full(customers + 1, float(_SERVICE))
    service[0] = 0.0
    windows = np.tile([0.0, 1000.0], (customers + 1, 1))
    if timed:
        direct = places.distances[0] / places.scale
        opens = np.floor(rng.uniform(0, 400, customers))
        windows[1:, 0] = opens
        windows[1:, 1] = np.ceil(np.maximum(opens, direct[1:]) + rng.uniform(20, 150, customers))
    known = _Exact(places, windows, service, range(1, customers + 1))
    cost, stops, kinds = known.partition(demands, fleet)
    routes = Routes(tuple(stops), tuple(kinds))
    return Known(demands, fleet, places, windows, service, cost, routes)


def _clustered(rng: np.random.Generator, customers: int, types: int, timed: bool) -> Known:
    count = max(2, math.ceil(customers / _CLUSTER))
    groups = np.array_split(np.arange(1, customers + 1), count)
    capacity = 10 * _CLUSTER
    demands = np.zeros(customers + 1, np.int64)
    for group in groups:
        cuts = np.sort(rng.choice(np.arange(1, capacity), group.size - 1, replace=False))
        demands[group] = np.diff(np.concatenate(([0], cuts, [capacity])))
    offsets = rng.integers(-20, 21, (customers + 1, 2))
    orders = [rng.permutation(group) for group in groups]
    slack = rng.uniform(10, 60, (customers + 1, 2))
    fleet = _fleet(capacity, types)
    for radius in (200.0 * 2.0**k for k in itertools.count()):
        turn = 2 * np.pi * np.arange(count) / count
        centres = np.rint(radius * np.column_stack((np.cos(turn), np.sin(turn))))
        coordinates = np.zeros((customers + 1, 2))
        for centre, group in zip(centres, groups, strict=True):
            coordinates[group] = centre + offsets[group]
        places = Places.at(coordinates, "tenth" if timed else "nearest")
        windows, service = _hours(places, orders, slack, timed)
        found = [_Exact(places, windows, service, group.tolist()).whole() for group in groups]
        ticks = sum(cost for cost, _ in found)
        cost = ticks / places.scale + count * fleet[0].fixed_cost
        if cost < _bound(places, groups, demands, fleet):
            routes = Routes(tuple(path for _, path in found))
            return Known(demands, fleet, places, windows, service, cost, routes)
    raise AssertionError("the radius grows until the bound holds")


def _hours(
    places: Places, orders: Sequence[np.ndarray], slack: Float64[np.ndarray, "n 2"], timed: bool
) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, " n"]]:
    """Windows around the visits of one plan, so that it stays feasible; wide open if untimed."""
    nodes = places.nodes
    service = np.full(nodes, float(_SERVICE))
    service[0] = 0.0
    horizon = 10.0 * float(places.distances.max()) / places.scale + 1000.0
    windows = np.tile([0.0, horizon], (nodes, 1))
    for order in orders if timed else ():
        now, here = 0.0, 0
        for stop in order.tolist():
            now += places.distances[here, stop] / places.scale
            windows[stop] = max(0.0, np.floor(now - slack[stop, 0])), np.ceil(now + slack[stop, 1])
            now += _SERVICE
            here = stop
    return windows, service


def _bound(
    places: Places,
    groups: Sequence[np.ndarray],
    demands: Int64[np.ndarray, " n"],
    fleet: Sequence[VehicleType],
) -> float:
    """Cost that every plan has which does not serve each cluster by a route of its own."""
    distances = places.distances
    near = int(min(distances[0, 1:].min(), distances[1:, 0].min()))
    cluster = np.zeros(places.nodes, np.int64)
    for number, group in enumerate(groups):
        cluster[group] = number
    apart = cluster[1:, None] != cluster[1:]
    across = int(distances[1:, 1:][apart].min())
    count = len(groups)
    driving = min(2 * (count + 1) * near, 2 * count * near + across) / places.scale
    vehicles = int(demands.sum()) * min(kind.fixed_cost / kind.capacity for kind in fleet)
    return driving + vehicles


class _Exact:
    """Best feasible orders of every set of a few customers, by dynamic programming.

    A label is (cost, time, path) for a set and its last stop; one that is neither cheaper nor
    earlier than another is dropped.
    """

    def __init__(
        self,
        places: Places,
        windows: Float64[np.ndarray, "n 2"],
        service: Float64[np.ndarray, " n"],
        customers: Sequence[int],
    ) -> None:
        self.distances = places.distances.tolist()
        self.scale = places.scale
        self.windows = (windows * places.scale).tolist()
        self.service = (service * places.scale).tolist()
        self.customers = list(customers)
        self.best = self._orders()

    def whole(self) -> tuple[int, tuple[int, ...]]:
        """Cost in ticks and order of the best route through all customers."""
        return self.best[(1 << len(self.customers)) - 1]

    def partition(
        self, demands: Int64[np.ndarray, " n"], fleet: Sequence[VehicleType]
    ) -> tuple[float, list[tuple[int, ...]], list[int]]:
        """Cost, routes and vehicle types of the best plan."""
        single: dict[int, tuple[float, int]] = {}
        for subset, (ticks, path) in self.best.items():
            load = int(demands[list(path)].sum())
            fitting = [(k.fixed_cost, i) for i, k in enumerate(fleet) if load <= k.capacity]
            if fitting:
                fixed, kind = min(fitting)
                single[subset] = (ticks / self.scale + fixed, kind)
        full = (1 << len(self.customers)) - 1
        plans: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
        for subset in range(1, full + 1):
            lowest = subset & -subset
            options = []
            part = subset
            while part:
                if part & lowest and part in single and subset ^ part in plans:
                    rest, parts = plans[subset ^ part]
                    options.append((rest + single[part][0], (*parts, part)))
                part = (part - 1) & subset
            if options:
                plans[subset] = min(options)
        cost, parts = plans[full]
        return cost, [self.best[p][1] for p in parts], [single[p][1] for p in parts]

    def _orders(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        opening, horizon = self.windows[0]
        count = len(self.customers)
        labels: dict[tuple[int, int], list[tuple[int, float, tuple[int, ...]]]] = {}
        best: dict[int, tuple[int, tuple[int, ...]]] = {}
        for k in range(count):
            self._reach(labels, 1 << k, k, (0, opening, ()), 0)
        for subset in range(1, 1 << count):
            for last in range(count):
                for cost, time, path in labels.get((subset, last), ()):
                    stop = path[-1]
                    leave = time + self.service[stop]
                    back = self.distances[stop][0]
                    if leave + back <= horizon:
                        best[subset] = min(best.get(subset, (cost + back, path)),
                                           (cost + back, path))  # fmt: skip
                    for k in range(count):
                        if not subset >> k & 1:
                            self._reach(labels, subset | 1 << k, k, (cost, leave, path), stop)
        return best

    def _reach(
        self,
        labels: dict[tuple[int, int], list[tuple[int, float, tuple[int, ...]]]],
        subset: int,
        k: int,
        label: tuple[int, float, tuple[int, ...]],
        here: int,
    ) -> None:
        cost, leave, path = label
        stop = self.customers[k]
        opens, closes = self.windows[stop]
        drive = self.distances[here][stop]
        begin = max(opens, leave + drive)
        if begin > closes:
            return
        held = labels.setdefault((subset, k), [])
        if any(c <= cost + drive and t <= begin for c, t, _ in held):
            return
        held[:] = [h for h in held if h[0] < cost + drive or h[1] < begin]
        held.append((cost + drive, begin, (*path, stop)))
