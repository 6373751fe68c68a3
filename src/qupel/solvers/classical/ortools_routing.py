"""OR-Tools' routing library: first solution, then guided local search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import unknown_name
from qupel.model import Outcome, Samples
from qupel.problems.routing import Network, Routes, VehicleRouting, plan_of, routes_of
from qupel.problems.routing_moves import search_on
from qupel.solvers.classical.pyvrp import whole_network
from qupel.solvers.classical.savings import construct
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

#: Where the search starts: our greedy plan, or one of OR-Tools' own first-solution strategies.
STRATEGIES = (
    "GREEDY",
    "SAVINGS",
    "PARALLEL_CHEAPEST_INSERTION",
    "PATH_CHEAPEST_ARC",
    "CHRISTOFIDES",
    "AUTOMATIC",
)


@dataclass(frozen=True, slots=True)
class OrToolsRouting:
    """Solve a routing problem with OR-Tools' constraint-based routing library.

    Guided local search until the stop rule ends it; real-valued costs and times are rounded as
    for PyVRP. The engine takes no seed: its search is the same every time, so ``rng`` is not
    used. One round is one plan the search accepts. The clock is left to the engine, which
    builds its model before it starts.

    By default it starts from our greedy plan, from which it came far closer to the best known
    values in five seconds than from its own first solutions. Of each vehicle type it is offered
    two more than the greedy plan has routes, if there are so many.

    Attributes
    ----------
    first
        Where the search starts, one of `STRATEGIES`.
    """

    name: ClassVar[str] = "ortools-routing"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = VehicleRouting
    keeps_quotas: ClassVar[bool] = True

    first: str = "GREEDY"

    def __post_init__(self) -> None:
        if self.first not in STRATEGIES:
            raise unknown_name("start of the search", self.first, STRATEGIES)

    def solve(
        self,
        form: VehicleRouting,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so."""
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        watch = Watch(on_event)
        network = form.network()
        plan = _greedy(network)
        kinds = [kind for kind, n in enumerate(_numbers(network, plan)) for _ in range(n)]
        manager = pywrapcp.RoutingIndexManager(network.customers + 1, len(kinds), 0)
        routing = pywrapcp.RoutingModel(manager)
        _describe(routing, manager, network, kinds)

        best: list[Routes] = []

        def accepted() -> None:
            routes = _routes(routing, manager, kinds)
            if watch.saw(network.energy(routes)):
                best[:] = [routes]
            if stop(watch.best):
                routing.solver().FinishCurrentSearch()

        routing.AddAtSolutionCallback(accepted)
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        if self.first != "GREEDY":
            strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, self.first)
            parameters.first_solution_strategy = strategy
        if math.isfinite(stop.deadline):
            parameters.time_limit.FromMilliseconds(max(1, int(stop.seconds_left() * 1000)))
        if self.first == "GREEDY" and plan is not None:
            routing.CloseModelWithParameters(parameters)
            start = routing.ReadAssignmentFromRoutes(_by_vehicle(plan, kinds), True)
            routing.SolveFromAssignmentWithParameters(start, parameters)
        else:
            routing.SolveWithParameters(parameters)
        if not best:
            return Samples.none(2 * network.customers)
        return Samples.of(
            [plan_of(best[0], network.customers)],
            [network.energy(best[0])],
            outcome=Outcome.STOPPED,
        )


def _greedy(network: Network) -> Routes | None:
    """Return the greedy plan, None if it leaves somebody out."""
    search = search_on(network, seed=0)
    construct(network, search, lambda: False)
    return None if search.best_missing else routes_of(search.best_plan)


def _numbers(network: Network, plan: Routes | None) -> list[int]:
    """How many vehicles of each type the model offers."""
    enough = network.customers if plan is None else min(network.customers, len(plan) + 2)
    return [
        enough if kind.available is None else min(enough, kind.available) for kind in network.fleet
    ]


def _by_vehicle(plan: Routes, kinds: list[int]) -> list[list[int]]:
    """Stops of each vehicle of the model, empty for those that the plan does not use."""
    waiting: dict[int, list[list[int]]] = {}
    for stops, kind in zip(plan.stops, plan.vehicles, strict=True):
        waiting.setdefault(kind, []).append(list(stops))
    return [waiting[kind].pop(0) if waiting.get(kind) else [] for kind in kinds]


def _describe(routing: Any, manager: Any, network: Network, kinds: list[int]) -> None:
    """Tell the engine costs, loads and hours."""
    whole = whole_network(network)
    costs = routing.RegisterTransitMatrix(whole.costs.tolist())
    routing.SetArcCostEvaluatorOfAllVehicles(costs)
    for vehicle, kind in enumerate(kinds):
        routing.SetFixedCostOfVehicle(whole.fixed[kind], vehicle)
    loads = routing.RegisterUnaryTransitVector(network.demands.tolist())
    capacities = [network.fleet[kind].capacity for kind in kinds]
    routing.AddDimensionWithVehicleCapacity(loads, 0, capacities, True, "load")
    if not network.timed:
        return
    opening = int(whole.ready[0])
    horizon = max(0, int(whole.due[0]) - opening)
    drive = routing.RegisterTransitMatrix((whole.times + whole.service[:, None]).tolist())
    routing.AddDimension(drive, horizon, horizon, True, "time")
    clock = routing.GetDimensionOrDie("time")
    for node in range(1, network.customers + 1):
        opens = max(0, int(whole.ready[node]) - opening)
        closes = min(horizon, int(whole.due[node]) - opening)
        clock.CumulVar(manager.NodeToIndex(node)).SetRange(opens, closes)


def _routes(routing: Any, manager: Any, kinds: list[int]) -> Routes:
    stops: list[tuple[int, ...]] = []
    vehicles: list[int] = []
    for vehicle, kind in enumerate(kinds):
        route = []
        index = routing.NextVar(routing.Start(vehicle)).Value()
        while not routing.IsEnd(index):
            route.append(manager.IndexToNode(index))
            index = routing.NextVar(index).Value()
        if route:
            stops.append(tuple(route))
            vehicles.append(kind)
    return Routes(tuple(stops), tuple(vehicles))
