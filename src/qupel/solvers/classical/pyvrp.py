"""PyVRP: iterated local search for vehicle routing, the open-source state of the art."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.model import Outcome, Samples
from qupel.problems.routing import Network, Routes, VehicleRouting, plan_of
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

#: PyVRP counts in whole numbers: real costs and times are multiplied by this and rounded.
FINE = 1000


@dataclass(frozen=True, slots=True)
class PyVrp:
    """Solve a routing problem with PyVRP.

    Costs, times and windows that are whole ticks are handed over as they are. Real-valued ones
    are multiplied by 1000; costs are then rounded to the nearest, times so that whatever PyVRP
    finds in time is in time. Energies are recomputed from the data in any case.

    One iteration is one round; equal seeds and rounds give equal samples. PyVRP builds its
    first plan before it asks the stop rule, which takes some 0.1 s at 500 customers.

    Attributes
    ----------
    start
        Routes to start from; None lets PyVRP build its own.

    References
    ----------
    Wouda, Lan and Kool (2024), PyVRP: a high-performance VRP solver package,
    doi:10.1287/ijoc.2023.0055.
    """

    name: ClassVar[str] = "pyvrp"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = VehicleRouting
    keeps_quotas: ClassVar[bool] = True

    start: Routes | None = None

    def solve(
        self,
        form: VehicleRouting,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so."""
        pyvrp = _engine()
        watch = Watch(on_event)
        network = form.network()
        data = _data(pyvrp, network, form.coordinates)

        def saw(best: Any) -> None:
            if best.is_feasible():
                watch.saw(network.energy(_routes(best)))

        listener = pyvrp.IteratedLocalSearchCallbacks()
        listener.on_best = saw
        listener.on_start = lambda search: saw(search.initial_solution)
        parameters = pyvrp.SolveParams(ils=pyvrp.IteratedLocalSearchParams(callbacks=listener))
        result = pyvrp.solve(
            data,
            stop=lambda _: stop(watch.best),
            seed=int(rng.integers(2**32)),
            collect_stats=False,
            params=parameters,
            initial_solution=None if self.start is None else _solution(pyvrp, data, self.start),
        )
        facts = {"iterations": int(result.num_iterations)}
        if not result.best.is_feasible():
            return Samples.none(2 * network.customers, facts=facts)
        routes = _routes(result.best)
        return Samples.of(
            [plan_of(routes, network.customers)],
            [network.energy(routes)],
            outcome=Outcome.STOPPED,
            facts=facts,
        )


def _engine() -> Any:
    try:
        pyvrp = importlib.import_module("pyvrp")
    except ImportError as error:
        raise InputError(
            'the solver pyvrp needs PyVRP; install it with pip install "qupel[routing]"'
        ) from error
    return pyvrp


@dataclass(frozen=True, slots=True, eq=False)
class WholeNetwork:
    """A network in whole numbers, for engines that know no others.

    Times that had to be rounded are rounded against us: travel and service up, windows inwards.
    """

    costs: Int64[np.ndarray, "n n"]
    times: Int64[np.ndarray, "n n"]
    ready: Int64[np.ndarray, " n"]
    due: Int64[np.ndarray, " n"]
    service: Int64[np.ndarray, " n"]
    fixed: tuple[int, ...]


def whole_network(network: Network) -> WholeNetwork:
    """Return ``network`` in whole ticks, real values multiplied by `FINE`."""
    fixed = np.array([kind.fixed_cost * network.scale for kind in network.fleet])
    cost_scale = 1 if _is_whole(network.costs) and _is_whole(fixed) else FINE
    times = (network.times, network.ready, network.due, network.service)
    # An open end is infinite, and stays open: engines take a time beyond any plan.
    last = 2.0 * float((network.times + network.service).max(axis=1).sum()) + 1.0
    due = np.minimum(network.due, last)
    time_scale = 1 if all(_is_whole(t[np.isfinite(t)]) for t in times) else FINE

    def up(array: np.ndarray) -> np.ndarray:
        # A product such as 0.1 * 1000 may lie a hair above the whole number that is meant.
        return np.ceil(array * time_scale - 1e-7).astype(np.int64)

    return WholeNetwork(
        costs=np.rint(network.costs * cost_scale).astype(np.int64),
        times=up(network.times),
        ready=up(network.ready),
        due=np.floor(due * time_scale + 1e-7).astype(np.int64),
        service=up(network.service),
        fixed=tuple(int(f) for f in np.rint(fixed * cost_scale)),
    )


def _is_whole(array: np.ndarray) -> bool:
    return bool((array == np.floor(array)).all())


def _data(pyvrp: Any, network: Network, places: Float64[np.ndarray, "n 2"] | None) -> Any:
    """Return the problem as PyVRP's data; without windows, times are left out."""
    whole = whole_network(network)
    nodes = network.customers + 1
    xy = np.zeros((nodes, 2)) if places is None else places
    times = whole.times if network.timed else np.zeros_like(whole.times)

    def hours(node: int) -> dict[str, int]:
        if not network.timed:
            return {}
        return {"tw_early": int(whole.ready[node]), "tw_late": int(whole.due[node])}

    types = [
        pyvrp.VehicleType(
            num_available=min(
                network.customers, network.customers if k.available is None else k.available
            ),
            capacity=[k.capacity],
            fixed_cost=fixed,
            name=k.name,
            **hours(0),
        )
        for k, fixed in zip(network.fleet, whole.fixed, strict=True)
        if k.available is None or k.available > 0
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(float(x), float(y)) for x, y in xy],
        clients=[
            pyvrp.Client(
                location=node,
                delivery=[int(network.demands[node])],
                service_duration=int(whole.service[node]) if network.timed else 0,
                **hours(node),
            )
            for node in range(1, nodes)
        ],
        depots=[pyvrp.Depot(location=0)],
        vehicle_types=types,
        distance_matrices=[whole.costs],
        duration_matrices=[times],
    )


def _routes(solution: Any) -> Routes:
    """Return PyVRP's solution as routes; its clients count from 0."""
    routes = solution.routes()
    stops = tuple(tuple(visit.idx + 1 for visit in route if visit.is_client()) for route in routes)
    return Routes(stops, tuple(route.vehicle_type() for route in routes))


def _solution(pyvrp: Any, data: Any, routes: Routes) -> Any:
    kept = [
        pyvrp.Route(data, [stop - 1 for stop in stops], kind)
        for stops, kind in zip(routes.stops, routes.vehicles, strict=True)
        if stops
    ]
    return pyvrp.Solution(data, kept)
