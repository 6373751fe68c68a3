"""The nouns of vehicle routing: vehicle types, routes, and the network that engines read.

Node 0 is the depot; customers are 1, 2, …, as in the solution files of CVRPLIB and SINTEF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from qupel.errors import InputError
from qupel.problems.contract import Problem


@dataclass(frozen=True, slots=True)
class VehicleType:
    """Vehicles that are alike.

    Attributes
    ----------
    capacity
        Largest load, in the unit of the demands.
    available
        How many there are; None for no limit.
    fixed_cost
        Cost of using one for a route, in the unit of the distances.
    name
        What the business calls it.
    """

    capacity: int
    available: int | None = None
    fixed_cost: float = 0.0
    name: str = "vehicle"

    def __post_init__(self) -> None:
        if self.capacity < 0 or (self.available is not None and self.available < 0):
            raise InputError(
                f"vehicle type {self.name!r} needs capacity and number of at least 0, "
                f"got {self.capacity} and {self.available}"
            )
        if not (self.fixed_cost >= 0 and np.isfinite(self.fixed_cost)):
            raise InputError(f"fixed_cost must be at least 0 and finite, got {self.fixed_cost}")

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "capacity": self.capacity,
            "available": self.available,
            "fixed_cost": self.fixed_cost,
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Routes:
    """Which vehicle visits whom, and in which order.

    Attributes
    ----------
    stops
        Customers of each route in the order of the visits; the depot is left out.
    vehicles
        Vehicle type of each route, as a position in the fleet; all 0 if not given.
    """

    stops: tuple[tuple[int, ...], ...]
    vehicles: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        stops = tuple(tuple(map(int, route)) for route in self.stops)
        vehicles = tuple(map(int, self.vehicles)) or (0,) * len(stops)
        if len(vehicles) != len(stops):
            raise InputError(f"{len(stops)} routes need as many vehicles, got {len(vehicles)}")
        object.__setattr__(self, "stops", stops)
        object.__setattr__(self, "vehicles", vehicles)

    def __len__(self) -> int:
        """Return the number of routes."""
        return len(self.stops)

    def rows(self) -> list[dict[str, int]]:
        """One row a stop: route and position from 1, customer, vehicle type."""
        return [
            {"route": k + 1, "position": p + 1, "customer": stop, "vehicle": kind}
            for k, (route, kind) in enumerate(zip(self.stops, self.vehicles, strict=True))
            for p, stop in enumerate(route)
        ]

    def to_frame(self) -> Any:
        """`rows` as a pandas data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["route", "position", "customer", "vehicle"])

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"stops": [list(route) for route in self.stops], "vehicles": list(self.vehicles)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the routes from `document`."""
        return cls(tuple(map(tuple, document["stops"])), tuple(document["vehicles"]))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A routing problem as the plain arrays that forms and engines read.

    Costs are held in ticks, ``scale`` of which make one unit of the objective; times in ticks
    of their own. Where the problem's convention is one of whole numbers, every entry is one.

    Attributes
    ----------
    costs, times
        Ticks from node to node.
    demands
        Load of each node; 0 for the depot.
    ready, due
        Ticks between which service may begin; those of the depot are the horizon.
    service
        Ticks a service lasts.
    fleet
        Vehicle types; their fixed costs are not scaled.
    scale
        Cost ticks in one unit of the objective.
    timed
        Whether windows or a horizon bind at all.
    """

    costs: Float64[np.ndarray, "n n"]
    times: Float64[np.ndarray, "n n"]
    demands: Int64[np.ndarray, " n"]
    ready: Float64[np.ndarray, " n"]
    due: Float64[np.ndarray, " n"]
    service: Float64[np.ndarray, " n"]
    fleet: tuple[VehicleType, ...]
    scale: int
    timed: bool

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.demands.size) - 1

    def energy(self, routes: Routes) -> float:
        """Objective of ``routes``: distance and fixed vehicle costs."""
        ticks = 0.0
        for route in routes.stops:
            path = np.array([0, *route, 0])
            ticks += sum(self.costs[path[:-1], path[1:]].tolist())
        return ticks / self.scale + sum(self.fleet[kind].fixed_cost for kind in routes.vehicles)


@runtime_checkable
class VehicleRouting(Problem[Routes], Protocol):
    """Any routing family: what domain solvers of vehicle routing accept."""

    @property
    def coordinates(self) -> Float64[np.ndarray, "n 2"] | None:
        """Place of each node on the map, where it is known."""
        ...

    def network(self) -> Network:
        """Return the problem as plain arrays."""
        ...

    def plan(self, answer: Routes) -> Int64[np.ndarray, " length"]:
        """Return the plan row of ``answer``; see `plan_of`."""
        ...


def plan_of(routes: Routes, customers: int) -> Int64[np.ndarray, " length"]:
    """Write routes as one row of ``2 * customers`` integers, a giant tour with separators.

    A route of vehicle type t begins with ``-1 - t``, followed by its customers; zeros fill the
    row up. A route that has no stop is left out.
    """
    row = [
        entry
        for route, kind in zip(routes.stops, routes.vehicles, strict=True)
        if route
        for entry in (-1 - kind, *route)
    ]
    if len(row) > 2 * customers:
        raise InputError(
            f"a plan of {customers} customers has room for {2 * customers} entries, "
            f"got {len(row)}; repair the answer first"
        )
    plan = np.zeros(2 * customers, np.int64)
    plan[: len(row)] = row
    return plan


def routes_of(plan: Shaped[np.ndarray, " length"]) -> Routes:
    """Read a plan row; the inverse of `plan_of`."""
    entries = np.asarray(plan)
    entries = entries[entries != 0]
    if entries.size and entries[0] > 0:
        customer = entries[0].item()
        raise InputError(f"a plan begins with a vehicle (-1 - type), got customer {customer}")
    heads = [*np.flatnonzero(entries < 0).tolist(), entries.size]
    whole = entries.astype(np.int64).tolist()
    kept = [(a, b) for a, b in pairwise(heads) if b > a + 1]
    return Routes(
        tuple(tuple(whole[a + 1 : b]) for a, b in kept), tuple(-1 - whole[a] for a, _ in kept)
    )


def checked_fleet(fleet: Iterable[VehicleType], demands: np.ndarray) -> tuple[VehicleType, ...]:
    """Return the fleet as a tuple, once some type can carry every demand."""
    fleet = tuple(fleet)
    if not fleet:
        raise InputError("a fleet needs at least one vehicle type")
    largest = max(kind.capacity for kind in fleet)
    if (demands > largest).any():
        customer = int(np.flatnonzero(demands > largest)[0])
        raise InputError(
            f"customer {customer} demands {int(demands[customer])}, more than the largest "
            f"capacity {largest}; split the demand or add a larger vehicle type"
        )
    return fleet


def checked_demands(demands: Any, nodes: int) -> Int64[np.ndarray, " n"]:
    """Return demands of depot and customers as whole numbers, the depot's being 0."""
    raw = np.asarray(demands, np.float64)
    if raw.shape != (nodes,) or nodes < 2:
        raise InputError(
            f"demands must name a depot and at least one customer, one number for each of "
            f"{nodes} nodes, got shape {raw.shape}"
        )
    if not (np.isfinite(raw).all() and (raw >= 0).all() and (raw == np.floor(raw)).all()):
        raise InputError("demands must be whole numbers of at least 0; choose a smaller unit")
    if raw[0] != 0:
        raise InputError(f"the depot (node 0) must have demand 0, got {raw[0]:g}")
    return raw.astype(np.int64)
