"""Routing as a compact model: arcs as binaries, loads and times as bounded integers.

For c customers and k vehicle types the variables are, in this order,

- ``inner[i, j]``: customer j follows customer i (c * c of them; those with i = j are fixed to 0),
- ``out[i]``: a route begins with customer i (c),
- ``home[i, t]``: a route of vehicle type t ends with customer i (c * k),
- ``load[i]``: load once customer i is served, from its demand to the largest capacity (c),
- ``start[i]``: when its service begins, in time ticks after the earliest (c, if windows bind).

The vehicle type is chosen by the last arc of a route alone: there the load is complete, so that
one row a customer and type checks it, and the arcs between customers need no type.

Loads follow Miller, Tucker and Zemlin (1960), doi:10.1145/321043.321046, in the form for
capacities; times are propagated alike. A row of this form has more than ``2 * c`` entries and
so cannot be taken for a plan.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped
from scipy import sparse

from qupel.errors import InputError
from qupel.model import Model
from qupel.problems.routing import Network, Routes

#: Time ticks in one unit where times are real: finer ones make every coefficient larger.
FINE = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each kind of variable lies in a row of the form."""

    customers: int
    kinds: int
    timed: bool

    @property
    def out(self) -> int:
        """First of the arcs from the depot."""
        return self.customers**2

    @property
    def home(self) -> int:
        """First of the arcs to the depot."""
        return self.out + self.customers

    @property
    def load(self) -> int:
        """First of the loads."""
        return self.home + self.customers * self.kinds

    @property
    def start(self) -> int:
        """First of the start times."""
        return self.load + self.customers

    @property
    def size(self) -> int:
        """Number of variables."""
        return self.start + self.timed * self.customers


def layout_of(network: Network) -> Layout:
    """Layout of the form of ``network``."""
    return Layout(network.customers, len(network.fleet), network.timed)


@dataclass(frozen=True, slots=True, eq=False)
class WholeTimes:
    """Times of customers in whole ticks: exact where the network's are, else on the safe side.

    ``travel`` (with the service before it) and ``ready`` are rounded up, ``due`` down, so that
    whatever keeps them keeps the real ones; an answer may be lost that is tight to a tick.
    """

    ready: Int64[np.ndarray, " c"]
    due: Int64[np.ndarray, " c"]
    travel: Int64[np.ndarray, "c c"]
    first: Int64[np.ndarray, " c"]
    last: Int64[np.ndarray, " c"]


def whole_times(network: Network) -> WholeTimes:
    """Round a network's times to whole ticks."""
    arrays = (network.times, network.ready, network.due, network.service)
    exact = all((array == np.floor(array)).all() for array in arrays)
    scale = 1 if exact else FINE
    up = _up if not exact else np.ceil
    opening = network.ready[0]
    travel = up((network.times + network.service[:, None]) * scale).astype(np.int64)
    back = up((network.times[1:, 0] + network.service[1:]) * scale).astype(np.int64)
    horizon = int(np.floor((network.due[0] - opening) * scale))
    return WholeTimes(
        ready=np.maximum(up((network.ready[1:] - opening) * scale), 0).astype(np.int64),
        due=np.minimum(np.floor((network.due[1:] - opening) * scale), horizon).astype(np.int64),
        travel=travel[1:, 1:],
        first=up(network.times[0, 1:] * scale).astype(np.int64),
        last=horizon - back,
    )


def whole_loads(network: Network) -> tuple[Int64[np.ndarray, " c"], list[int]]:
    """Return demands above 0 and capacities to match, so that loads grow along every arc.

    Where a customer demands nothing, a load counts customers too: ``c + 1`` for each unit of
    demand and one for each customer, which leaves room for all of them.
    """
    demands = network.demands[1:]
    capacities = [kind.capacity for kind in network.fleet]
    if (demands > 0).all():
        return demands, capacities
    many = network.customers + 1
    return demands * many + 1, [capacity * many + many - 1 for capacity in capacities]


def _up(array: np.ndarray) -> np.ndarray:
    # A product such as 0.1 * 1000 may lie a hair above the whole number that is meant.
    return np.ceil(array - 1e-7)


def arc_flow(network: Network) -> Model:
    """Return the form of a routing problem; its feasible points are its feasible answers."""
    at = layout_of(network)
    c, kinds = at.customers, at.kinds
    demands, capacities = whole_loads(network)

    linear = np.zeros(at.size)
    linear[: at.out] = (network.costs[1:, 1:] / network.scale).ravel()
    linear[at.out : at.home] = network.costs[0, 1:] / network.scale
    fixed = np.array([kind.fixed_cost for kind in network.fleet])
    linear[at.home : at.load] = (network.costs[1:, :1] / network.scale + fixed).ravel()

    lower = np.zeros(at.size, np.int64)
    upper = np.ones(at.size, np.int64)
    upper[np.arange(c) * (c + 1)] = 0
    lower[at.load : at.start] = demands
    upper[at.load : at.start] = max(capacities)
    rows = _Rows(at.size)
    _degrees(rows, at)
    _loads(rows, at, demands, capacities)
    for kind, vehicles in enumerate(network.fleet):
        if vehicles.available is not None and vehicles.available < c:
            columns = at.home + np.arange(c) * kinds + kind
            rows.add(columns, np.ones(c), -np.inf, vehicles.available, f"vehicles[{kind}]")
    if at.timed:
        times = whole_times(network)
        if (times.ready > times.due).any():
            customer = int(np.flatnonzero(times.ready > times.due)[0]) + 1
            raise InputError(
                f"customer {customer} has a window that closes before it opens or lies outside "
                f"the depot's hours; no answer is feasible"
            )
        lower[at.start :], upper[at.start :] = times.ready, times.due
        _times(rows, at, times)
    return Model.from_arrays(linear, lower=lower, upper=upper, names=_names(at), **rows.arrays())


def _degrees(rows: _Rows, at: Layout) -> None:
    """Each customer is reached once and left once."""
    c, kinds = at.customers, at.kinds
    span = np.arange(c)
    for i in range(c):
        leaving = np.concatenate((i * c + span, at.home + i * kinds + np.arange(kinds)))
        rows.add(leaving, np.ones(leaving.size), 1, 1, f"leave[{i + 1}]")
        reaching = np.append(span * c + i, at.out + i)
        rows.add(reaching, np.ones(reaching.size), 1, 1, f"reach[{i + 1}]")


def _loads(
    rows: _Rows, at: Layout, demands: Int64[np.ndarray, " c"], capacities: list[int]
) -> None:
    """Loads grow along arcs; the vehicle that drives home can carry the last one."""
    largest = max(capacities)
    for i in range(at.customers):
        for j in range(at.customers):
            if i != j:  # load[j] >= load[i] + demand[j] if the arc is used
                columns = np.array([at.load + j, at.load + i, i * at.customers + j])
                weights = np.array([1.0, -1.0, -largest])
                rows.add(columns, weights, demands[j] - largest, np.inf, f"load[{i + 1},{j + 1}]")
        for t, capacity in enumerate(capacities):
            if capacity < largest:
                columns = np.array([at.load + i, at.home + i * at.kinds + t])
                weights = np.array([1.0, float(largest - capacity)])
                rows.add(columns, weights, -np.inf, largest, f"capacity[{i + 1},{t}]")


def _times(rows: _Rows, at: Layout, times: WholeTimes) -> None:
    """Service begins after the one before it and the drive; every route is home in time."""
    for i in range(at.customers):
        begins = at.start + i
        for j in range(at.customers):
            if i != j:
                slack = max(0, int(times.due[i] + times.travel[i, j] - times.ready[j]))
                columns = np.array([at.start + j, begins, i * at.customers + j])
                rows.add(
                    columns,
                    np.array([1.0, -1.0, -slack]),
                    float(times.travel[i, j] - slack),
                    np.inf,
                    f"time[{i + 1},{j + 1}]",
                )
        if times.first[i] > times.ready[i]:
            weights = np.array([1.0, -float(times.first[i])])
            rows.add(np.array([begins, at.out + i]), weights, 0.0, np.inf, f"first[{i + 1}]")
        late = int(times.due[i] - times.last[i])
        if late > 0:
            columns = np.append(begins, at.home + i * at.kinds + np.arange(at.kinds))
            weights = np.append(1.0, np.full(at.kinds, float(late)))
            rows.add(columns, weights, -np.inf, float(times.due[i]), f"last[{i + 1}]")


def form_row(network: Network, routes: Routes) -> Int64[np.ndarray, " n"]:
    """Return the form's values that stand for ``routes``, loads and starts as early as can be."""
    at = layout_of(network)
    c = at.customers
    visits = [stop for route in routes.stops for stop in route]
    if visits and not 0 < min(visits) <= max(visits) <= c:
        raise InputError(f"customers are 1 to {c}, got {min(visits)} to {max(visits)}")
    row = np.zeros(at.size, np.int64)
    row[at.load : at.start] = whole_loads(network)[0]
    times = whole_times(network) if at.timed else None
    if times is not None:
        row[at.start :] = times.ready
    for route, kind in zip(routes.stops, routes.vehicles, strict=True):
        stops = [stop - 1 for stop in route]
        if not stops:
            continue
        row[at.out + stops[0]] = 1
        row[at.home + stops[-1] * at.kinds + kind] = 1
        if times is not None:
            row[at.start + stops[0]] = max(times.ready[stops[0]], times.first[stops[0]])
        for i, j in itertools.pairwise(stops):
            row[i * c + j] = 1
            row[at.load + j] += row[at.load + i]
            if times is not None:
                arrival = row[at.start + i] + times.travel[i, j]
                row[at.start + j] = max(times.ready[j], arrival)
    return row


def routes_of_row(network: Network, row: Shaped[np.ndarray, " n"]) -> Routes:
    """Follow the arcs of a row of the form; customers on no path from the depot are left out."""
    at = layout_of(network)
    c = at.customers
    used = np.asarray(row) > 0.5
    inner = used[: at.out].reshape(c, c)
    home = used[at.home : at.load].reshape(c, at.kinds)
    stops: list[tuple[int, ...]] = []
    vehicles: list[int] = []
    seen: set[int] = set()
    for first in np.flatnonzero(used[at.out : at.home]).tolist():
        route: list[int] = []
        here: int | None = first
        while here is not None and here not in seen:
            seen.add(here)
            route.append(here + 1)
            onward = [j for j in np.flatnonzero(inner[here]).tolist() if j not in seen]
            here = onward[0] if onward else None
        if route:
            kinds = np.flatnonzero(home[route[-1] - 1])
            stops.append(tuple(route))
            vehicles.append(int(kinds[0]) if kinds.size else 0)
    return Routes(tuple(stops), tuple(vehicles))


def _names(at: Layout) -> list[str]:
    span = range(1, at.customers + 1)
    names = [f"inner[{i},{j}]" for i in span for j in span]
    names += [f"out[{i}]" for i in span]
    names += [f"home[{i},{t}]" for i in span for t in range(at.kinds)]
    names += [f"load[{i}]" for i in span]
    return names + [f"start[{i}]" for i in span if at.timed]


class _Rows:
    """Constraint rows, gathered one by one and handed out as arrays."""

    def __init__(self, variables: int) -> None:
        self.variables = variables
        self.columns: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.bounds: list[tuple[float, float]] = []
        self.names: list[str] = []

    def add(
        self, columns: np.ndarray, weights: np.ndarray, low: float, high: float, name: str
    ) -> None:
        """Append ``low <= weights @ x[columns] <= high``."""
        self.columns.append(columns)
        self.weights.append(weights)
        self.bounds.append((low, high))
        self.names.append(name)

    def arrays(self) -> dict[str, Any]:
        """Arguments of `Model.from_arrays`."""
        starts = np.cumsum([0, *(columns.size for columns in self.columns)])
        shape = (len(self.columns), self.variables)
        matrix = sparse.csr_array(
            (np.concatenate(self.weights), np.concatenate(self.columns), starts), shape=shape
        )
        bounds = np.array(self.bounds)
        return {
            "rows": matrix,
            "row_lower": bounds[:, 0],
            "row_upper": bounds[:, 1],
            "row_names": self.names,
        }
