"""Vehicle routing with time windows: capacities, opening hours, service times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from qupel.errors import InputError
from qupel.model import Model
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem
from qupel.problems.routing import (
    Network,
    Routes,
    VehicleType,
    checked_demands,
    checked_fleet,
    plan_of,
    routes_of,
)
from qupel.problems.routing_chart import route_map, vehicle_timeline
from qupel.problems.routing_files import is_solomon, read_routes, read_solomon, write_routes
from qupel.problems.routing_judge import Clock, judge_routes
from qupel.problems.routing_model import arc_flow, form_row, routes_of_row
from qupel.problems.routing_moves import improved, mended, recombination
from qupel.problems.routing_places import Places, Rounding, checked_distances
from qupel.problems.routing_random import known_routing

#: How published values for files in Solomon's format are meant.
Convention = Literal["dimacs", "sintef"]
_ROUNDING: dict[Convention, Rounding] = {"dimacs": "tenth", "sintef": "none"}


@dataclass(frozen=True, slots=True, eq=False, init=False)
class WindowRouting:
    """Routes of least cost from one depot, each customer served while it is open.

    Vehicles leave when the depot opens, wait where they come too early, and are back before
    the depot closes. Distance and vehicle costs count; waiting does not.

    Attributes
    ----------
    demands
        Load of each node in whole units; node 0 is the depot and has none.
    windows
        Earliest and latest begin of service at each node; the depot's are the horizon.
    service
        How long each service lasts; 0 for the depot.
    fleet
        Vehicle types, one or several.
    places
        Distances from node to node, and coordinates where they are known.
    durations
        Travel times from node to node in the unit of the windows; None if they are the
        distances.
    name
        Name of this instance.
    """

    family: ClassVar[str] = "vrptw"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ("pyvrp", "ortools-routing")
    # Penalties for degrees, loads and times drown the distances, so QUBO search finds no tour.
    searchable_as_form: ClassVar[bool] = False

    demands: Int64[np.ndarray, " n"]
    windows: Shaped[np.ndarray, "n 2"]
    service: Shaped[np.ndarray, " n"]
    fleet: tuple[VehicleType, ...]
    places: Places
    durations: Shaped[np.ndarray, "n n"] | None
    name: str
    _network: Network = field(repr=False)

    def __init__(
        self,
        demands: Any,
        windows: Any,
        service: Any,
        fleet: Iterable[VehicleType],
        places: Places,
        *,
        durations: Any = None,
        name: str = "routing",
    ) -> None:
        load = checked_demands(demands, places.nodes)
        held = None
        if durations is not None:
            held = checked_distances(durations, places.nodes, "durations")
        object.__setattr__(self, "demands", load)
        object.__setattr__(self, "windows", _checked_windows(windows, places.nodes))
        object.__setattr__(self, "service", _checked_service(service, places.nodes))
        object.__setattr__(self, "fleet", checked_fleet(fleet, load))
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "durations", held)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_network", self._arrays())

    @classmethod
    def from_frame(
        cls,
        stops: Any,
        fleet: Iterable[VehicleType],
        *,
        rounding: Rounding = "none",
        name: str = "routing",
    ) -> Self:
        """Read a table with columns ``x y demand ready due service``, the depot in its first row.

        Any mapping from column to values will do, such as a pandas data frame.
        """
        keys = ("x", "y", "demand", "ready", "due", "service")
        x, y, demand, ready, due, service = (np.asarray(stops[key], np.float64) for key in keys)
        places = Places.at(np.column_stack((x, y)), rounding)
        return cls(demand, np.column_stack((ready, due)), service, fleet, places, name=name)

    @property
    def coordinates(self) -> Float64[np.ndarray, "n 2"] | None:
        """Place of each node on the map, where it is known."""
        return self.places.coordinates

    @property
    def convention(self) -> str:
        """``dimacs``, ``sintef`` or ``given``: how distances and published values are meant.

        DIMACS: distances truncated to one decimal, least distance is best. SINTEF: real
        distances, fewer vehicles first, then less distance; the objective here is the distance
        and ``vehicles`` a measure, see `vehicles_first`.
        """
        known = {rounding: name for name, rounding in _ROUNDING.items()}
        return known.get(self.places.rounding, "given")

    def vehicles_first(self) -> Self:
        """Return the same problem where one vehicle less is worth any distance.

        Each vehicle costs a power of ten above the longest way to serve everybody, so that the
        objective orders answers as the SINTEF convention does.
        """
        longest = float(self.places.distances.max(axis=1).sum()) / self.places.scale
        cost = 10.0 ** np.ceil(np.log10(2 * longest + 1))
        fleet = tuple(replace(kind, fixed_cost=kind.fixed_cost + cost) for kind in self.fleet)
        return type(self)(
            self.demands, self.windows, self.service, fleet, self.places,
            durations=self.durations, name=self.name,
        )  # fmt: skip

    def network(self) -> Network:
        """Return the problem as plain arrays, the same ones every time."""
        return self._network

    def _arrays(self) -> Network:
        costs = self.places.distances.astype(np.float64)
        scale = self._time_scale
        return Network(
            costs=costs,
            times=costs if self.durations is None else self.durations.astype(np.float64),
            demands=self.demands,
            ready=self.windows[:, 0].astype(np.float64) * scale,
            due=self.windows[:, 1].astype(np.float64) * scale,
            service=self.service.astype(np.float64) * scale,
            fleet=self.fleet,
            scale=self.places.scale,
            timed=True,
        )

    def form(self) -> Model:
        """Return the compact arc-flow model; see `qupel.problems.routing_model`."""
        return arc_flow(self.network())

    def answer(self, values: Shaped[np.ndarray, " n"]) -> Routes:
        """Read a plan row (``2 * customers`` entries) or a row of the form (always more)."""
        if np.size(values) == 2 * (self.demands.size - 1):
            return routes_of(values)
        return routes_of_row(self.network(), values)

    def values(self, answer: Routes) -> Int64[np.ndarray, " n"]:
        """Return the form's values for ``answer``; `plan` gives the plan row."""
        return form_row(self.network(), answer)

    def plan(self, answer: Routes) -> Int64[np.ndarray, " length"]:
        """Return ``answer`` as the plan row that domain solvers give; see `plan_of`."""
        return plan_of(answer, self.demands.size - 1)

    def judge(self, answer: Routes) -> Judgement:
        """Distance and fixed vehicle costs; capacities, hours, visits and vehicle numbers."""
        return judge_routes(
            answer,
            distances=self.places.distances,
            scale=self.places.scale,
            demands=self.demands,
            fleet=self.fleet,
            clock=self._clock(),
        )

    def repair(self, answer: Routes) -> Routes:
        """Visit everybody once, within capacities and hours."""
        return mended(self.network(), answer)

    def polish(self, answer: Routes, rng: np.random.Generator) -> Routes:
        """Improve by local moves between and within routes."""
        return improved(self.network(), answer, rng)

    def subproblem(
        self, answer: Routes, size: int, rng: np.random.Generator
    ) -> Subproblem[Routes] | None:
        """Choose among ``size`` candidate routes for the customers of a few near routes."""
        return recombination(self.network(), answer, size, rng)

    def chart(self, answer: Routes) -> dict[str, Any]:
        """Map of the routes; `timeline` shows the vehicles' day."""
        return route_map(answer, self.coordinates, self.demands, self.fleet, self.name)

    def timeline(self, answer: Routes) -> dict[str, Any]:
        """Vega-Lite specification of each vehicle's day: driving, waiting, serving."""
        return vehicle_timeline(answer, self._clock(), self.fleet, self.name)

    def document(self) -> dict[str, Any]:
        """Return the data as plain JSON values."""
        return {
            "name": self.name,
            "demands": self.demands.tolist(),
            "windows": self.windows.tolist(),
            "service": self.service.tolist(),
            "fleet": [kind.document() for kind in self.fleet],
            "places": self.places.document(),
            "durations": None if self.durations is None else self.durations.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        return cls(
            document["demands"],
            document["windows"],
            document["service"],
            [VehicleType(**kind) for kind in document["fleet"]],
            Places.from_document(document["places"]),
            durations=document["durations"],
            name=document["name"],
        )

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether the file is in Solomon's format."""
        return is_solomon(head)

    @classmethod
    def from_file(cls, path: Path, convention: Convention | None = None) -> Self:
        """Read a file in Solomon's format.

        Unless a ``convention`` is named, up to 100 customers (Solomon) are read as DIMACS means
        them and more (Gehring and Homberger) as SINTEF does; see `convention`.
        """
        found = read_solomon(path)
        meant = convention or ("dimacs" if len(found.rows) <= 101 else "sintef")
        try:
            return cls(
                found.rows[:, 3],
                found.rows[:, 4:6],
                found.rows[:, 6],
                [VehicleType(found.capacity, found.vehicles)],
                Places.at(found.rows[:, 1:3], _ROUNDING[meant]),
                name=found.name,
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def random(
        cls, seed: int, *, customers: int = 7, vehicle_types: int = 1
    ) -> tuple[Self, Optimum[Routes]]:
        """Return a seeded instance with its proved optimum; see `known_routing`."""
        made = known_routing(seed, customers, vehicle_types, timed=True)
        problem = cls(
            made.demands, made.windows, made.service, made.fleet, made.places,
            name=f"random-{seed}",
        )  # fmt: skip
        return problem, Optimum(problem.judge(made.routes).objective, made.routes)

    def read_answer(self, text: str) -> Routes:
        """Read a CVRPLIB or SINTEF solution file."""
        return read_routes(text)

    def write_answer(self, answer: Routes) -> str:
        """Write a CVRPLIB solution file."""
        return write_routes(answer, self.judge(answer).objective)

    @property
    def _time_scale(self) -> int:
        """Time ticks in one unit of the windows."""
        return self.places.scale if self.durations is None else 1

    def _clock(self) -> Clock:
        times = self.places.distances if self.durations is None else self.durations
        return Clock(times, self.windows, self.service, self._time_scale)


def _whole_if_possible(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if (array == np.floor(array)).all() else array


def _checked_windows(windows: Any, nodes: int) -> Shaped[np.ndarray, "n 2"]:
    held = np.asarray(windows, np.float64)
    if held.shape != (nodes, 2) or not np.isfinite(held).all():
        raise InputError(
            f"windows must be finite, of shape ({nodes}, 2), got {held.shape}; "
            f"give a customer that is always open the depot's hours"
        )
    if (held[:, 0] > held[:, 1]).any():
        node = int(np.flatnonzero(held[:, 0] > held[:, 1])[0])
        raise InputError(f"node {node} closes at {held[node, 1]:g}, before it opens")
    return _whole_if_possible(held)


def _checked_service(service: Any, nodes: int) -> Shaped[np.ndarray, " n"]:
    held = np.asarray(service, np.float64)
    if held.shape != (nodes,) or not np.isfinite(held).all() or (held < 0).any():
        raise InputError(f"service must hold {nodes} times of at least 0, got {held.shape}")
    if held[0] != 0:
        raise InputError(f"the depot (node 0) must have service time 0, got {held[0]:g}")
    return _whole_if_possible(held)
