"""Greedy routing: savings, and insertion where there are time windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.kernels.routing import RouteSearch
from qupel.model import Outcome, Samples
from qupel.problems.routing import Network, VehicleRouting, plan_of, routes_of
from qupel.problems.routing_moves import search_on
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

# Pairs of customers between two looks at the clock; a chunk takes about a millisecond.
_CHUNK = 20_000
# Ruin-and-recreate steps, in hundreds, that may be spent on customers no vehicle could take.
_SQUEEZES = 20


@dataclass(frozen=True, slots=True)
class Savings:
    """Join routes in the order of what it saves; with windows, also insert one by one.

    Clarke and Wright's parallel savings over each customer's hundred nearest, routes joined at
    either end. With time windows, routes are joined end to begin only, and cheapest insertion
    (those who close first come first) is tried too; the better plan counts. Customers that no
    vehicle has room or time for are squeezed in by rebuilding routes near them.

    It makes one plan and is done, so limits only matter on the largest maps.

    References
    ----------
    Clarke and Wright (1964), doi:10.1287/opre.12.4.568.
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = VehicleRouting
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self,
        form: VehicleRouting,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Build one plan."""
        watch = Watch(on_event)
        network = form.network()
        search = search_on(network, seed=int(rng.integers(2**63)))
        seen = Incumbents(network, search, watch)
        construct(network, search, lambda: seen.stops(stop))
        return seen.samples(Outcome.STALLED)


class Incumbents:
    """The best complete plan of a native search, reported and kept with its true energy."""

    def __init__(self, network: Network, search: RouteSearch, watch: Watch) -> None:
        self.network = network
        self.search = search
        self.watch = watch
        self._claimed = np.inf

    def look(self) -> None:
        """Take note of the search's best plan, if it is complete and new."""
        if self.search.best < self._claimed and not self.search.best_missing:
            self._claimed = self.search.best
            self.watch.saw(self.network.energy(routes_of(self.search.best_plan)))

    def stops(self, stop: Stop) -> bool:
        """Take note, then ask the rule."""
        self.look()
        return stop(self.watch.best)

    def samples(self, outcome: Outcome, **facts: Any) -> Samples:
        """Return the best complete plan as the only sample."""
        self.look()
        customers = self.network.customers
        if self.search.best_missing or not np.isfinite(self.search.best):
            return Samples.none(2 * customers, facts=facts)
        routes = routes_of(self.search.best_plan)
        return Samples.of(
            [plan_of(routes, customers)],
            [self.network.energy(routes)],
            outcome=outcome,
            facts=facts,
        )


def construct(network: Network, search: RouteSearch, stops: Callable[[], bool]) -> bool:
    """Build a first plan by savings and insertion; whether a stop rule cut that short."""
    if network.timed:
        search.load(np.zeros(0, np.int64))
        search.complete()
        if stops():
            return True
    search.scatter()
    first, second = search.savings()
    for start in range(0, first.size, _CHUNK):
        search.merge(first[start : start + _CHUNK], second[start : start + _CHUNK])
    search.staff()
    if search.missing:
        search.complete()
    search.restart()
    for _ in range(_SQUEEZES if search.missing else 0):
        if stops():
            return True
        search.anneal(100, 0.0, 1.0)
        if not search.best_missing:
            search.restart()
            break
    return stops()
