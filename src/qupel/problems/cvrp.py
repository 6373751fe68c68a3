"""Vehicle routing with capacities: serve every customer once, drive as little as can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

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
from qupel.problems.routing_chart import route_map
from qupel.problems.routing_files import is_vrplib, read_routes, read_vrplib, write_routes
from qupel.problems.routing_judge import judge_routes
from qupel.problems.routing_model import arc_flow, form_row, routes_of_row
from qupel.problems.routing_moves import improved, mended, recombination
from qupel.problems.routing_places import Places, Rounding
from qupel.problems.routing_random import known_routing


@dataclass(frozen=True, slots=True, eq=False, init=False)
class CapacitatedRouting:
    """Routes of least cost from one depot, within the capacity of each vehicle.

    Attributes
    ----------
    demands
        Load of each node in whole units; node 0 is the depot and has none.
    fleet
        Vehicle types, one or several.
    places
        Distances from node to node, and coordinates where they are known.
    name
        Name of this instance.
    """

    family: ClassVar[str] = "cvrp"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ("pyvrp", "ortools-routing")
    # Penalties for degrees and loads drown the distances, so QUBO search finds no tour.
    searchable_as_form: ClassVar[bool] = False

    demands: Int64[np.ndarray, " n"]
    fleet: tuple[VehicleType, ...]
    places: Places
    name: str
    _network: Network = field(repr=False)

    def __init__(
        self, demands: Any, fleet: Iterable[VehicleType], places: Places, *, name: str = "routing"
    ) -> None:
        load = checked_demands(demands, places.nodes)
        object.__setattr__(self, "demands", load)
        object.__setattr__(self, "fleet", checked_fleet(fleet, load))
        object.__setattr__(self, "places", places)
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
        """Read a table with columns ``x``, ``y``, ``demand``, the depot in its first row.

        Any mapping from column to values will do, such as a pandas data frame.
        """
        x, y, demand = (np.asarray(stops[key], np.float64) for key in ("x", "y", "demand"))
        return cls(demand, fleet, Places.at(np.column_stack((x, y)), rounding), name=name)

    @property
    def coordinates(self) -> Float64[np.ndarray, "n 2"] | None:
        """Place of each node on the map, where it is known."""
        return self.places.coordinates

    def network(self) -> Network:
        """Return the problem as plain arrays, the same ones every time."""
        return self._network

    def _arrays(self) -> Network:
        n = self.demands.size
        costs = self.places.distances.astype(np.float64)
        return Network(
            costs=costs,
            times=costs,
            demands=self.demands,
            ready=np.zeros(n),
            due=np.full(n, np.inf),
            service=np.zeros(n),
            fleet=self.fleet,
            scale=self.places.scale,
            timed=False,
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
        """Distance and fixed vehicle costs; capacities, visits and vehicle numbers."""
        return judge_routes(
            answer,
            distances=self.places.distances,
            scale=self.places.scale,
            demands=self.demands,
            fleet=self.fleet,
        )

    def repair(self, answer: Routes) -> Routes:
        """Visit everybody once, within the capacities."""
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
        """Map of the routes."""
        return route_map(answer, self.coordinates, self.demands, self.fleet, self.name)

    def document(self) -> dict[str, Any]:
        """Return the data as plain JSON values."""
        return {
            "name": self.name,
            "demands": self.demands.tolist(),
            "fleet": [kind.document() for kind in self.fleet],
            "places": self.places.document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        return cls(
            document["demands"],
            [VehicleType(**kind) for kind in document["fleet"]],
            Places.from_document(document["places"]),
            name=document["name"],
        )

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether the file is a capacitated problem in VRPLIB format."""
        return is_vrplib(head)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a VRPLIB file; the number of routes is free unless it names ``VEHICLES``."""
        found = read_vrplib(path)
        fleet = [VehicleType(found.capacity, found.vehicles)]
        try:
            return cls(found.demands, fleet, found.places, name=found.name)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def random(
        cls, seed: int, *, customers: int = 7, vehicle_types: int = 1
    ) -> tuple[Self, Optimum[Routes]]:
        """Return a seeded instance with its proved optimum; see `known_routing`."""
        made = known_routing(seed, customers, vehicle_types, timed=False)
        problem = cls(made.demands, made.fleet, made.places, name=f"random-{seed}")
        return problem, Optimum(problem.judge(made.routes).objective, made.routes)

    def read_answer(self, text: str) -> Routes:
        """Read a CVRPLIB or SINTEF solution file."""
        return read_routes(text)

    def write_answer(self, answer: Routes) -> str:
        """Write a CVRPLIB solution file."""
        return write_routes(answer, self.judge(answer).objective)
