"""Vehicle routing from its definition: every plan of a few customers, tried one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from qupel.problems.routing import Network, Routes


def route_cost(network: Network, stops: Sequence[int]) -> float:
    """Cost of one route in the unit of the objective, without its vehicle."""
    legs = itertools.pairwise((0, *stops, 0))
    return float(sum(network.costs[a, b] for a, b in legs)) / network.scale


def in_time(network: Network, stops: Sequence[int]) -> bool:
    """Whether one route keeps all windows and the horizon."""
    if not network.timed:
        return True
    now = network.ready[0]
    for here, stop in itertools.pairwise((0, *stops)):
        now = max(now + network.service[here] + network.times[here, stop], network.ready[stop])
        if now > network.due[stop] + 1e-9:
            return False
    back = now + network.service[stops[-1]] + network.times[stops[-1], 0]
    return bool(back <= network.due[0] + 1e-9)


def feasible(network: Network, routes: Routes) -> bool:
    """Whether a plan keeps every rule."""
    stops = [stop for route in routes.stops for stop in route]
    if sorted(stops) != list(range(1, network.customers + 1)):
        return False
    for kind, number in enumerate(np.bincount(routes.vehicles, minlength=len(network.fleet))):
        available = network.fleet[kind].available
        if available is not None and number > available:
            return False
    return all(
        network.demands[list(route)].sum() <= network.fleet[kind].capacity
        and in_time(network, route)
        for route, kind in zip(routes.stops, routes.vehicles, strict=True)
    )


def cost(network: Network, routes: Routes) -> float:
    """Distance and vehicles of a plan."""
    driving = sum(route_cost(network, route) for route in routes.stops)
    return driving + sum(network.fleet[kind].fixed_cost for kind in routes.vehicles)


def plans(network: Network) -> Iterator[Routes]:
    """Every plan: each partition, each order, each choice of vehicles."""
    for parts in _partitions(list(range(1, network.customers + 1))):
        for orders in itertools.product(*(itertools.permutations(part) for part in parts)):
            for kinds in itertools.product(range(len(network.fleet)), repeat=len(parts)):
                yield Routes(orders, kinds)


def optimum(network: Network) -> float:
    """Cost of the best feasible plan, infinite if there is none."""
    return min((cost(network, p) for p in plans(network) if feasible(network, p)), default=np.inf)


def _partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for size in range(len(rest) + 1):
        for friends in itertools.combinations(rest, size):
            others = [item for item in rest if item not in friends]
            for partition in _partitions(others):
                yield [[first, *friends], *partition]
