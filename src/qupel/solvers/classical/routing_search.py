"""Routing by native search: iterated local search, and annealed ruin and recreate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.routing import BLINK, LONGEST, REMOVALS
from qupel.model import Outcome, Samples
from qupel.problems.routing import VehicleRouting, routes_of
from qupel.problems.routing_moves import search_on
from qupel.solvers.classical.savings import Incumbents, construct
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

# Work of one round: about a millisecond at a few hundred customers.
_CUSTOMERS = 200
_KICKS = 2
_STEPS = 100


@dataclass(frozen=True, slots=True)
class RoutingLocalSearch:
    """Descend by local moves, then kick and descend again, keeping what is not worse.

    From the greedy plan: relocation and exchange of strings of stops, 2-opt and exchange of
    tails among each customer's twenty nearest. A kick takes out strings of stops around one
    customer and inserts them again; only what it touched is searched anew.

    Attributes
    ----------
    removals
        Mean number of customers a kick takes out.
    """

    name: ClassVar[str] = "local-search"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = VehicleRouting
    keeps_quotas: ClassVar[bool] = True

    removals: float = REMOVALS

    def __post_init__(self) -> None:
        if not self.removals >= 1:
            raise InputError(f"removals must be at least 1, got {self.removals}")

    def solve(
        self,
        form: VehicleRouting,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so."""
        watch = Watch(on_event)
        network = form.network()
        search = search_on(network, seed=int(rng.integers(2**63)))
        seen = Incumbents(network, search, watch)
        kicks = 0
        if not construct(network, search, lambda: seen.stops(stop)):
            search.awaken()
            while search.descend(_CUSTOMERS):
                if seen.stops(stop):
                    return seen.samples(Outcome.STOPPED, kicks=kicks)
            while not seen.stops(stop):
                search.kick(_KICKS, removals=self.removals)
                kicks += _KICKS
        return seen.samples(Outcome.STOPPED, kicks=kicks)


@dataclass(frozen=True, slots=True)
class RoutingAnnealing:
    """Slack induction by string removals under annealing, in cycles of doubling length.

    Each cycle cools from ``hot`` to ``cold``, both in units of the mean length of a leg in the
    greedy plan; the next one starts from the best plan and takes twice as long. So the course
    of the search does not depend on when it will be stopped.

    Attributes
    ----------
    hot, cold
        First and last temperature of a cycle, in mean legs.
    first
        Steps of the first cycle for each customer.
    removals
        Mean number of customers a ruin takes out.
    longest
        Longest string of stops taken out of one route.
    blink
        Probability that an insertion overlooks a place.

    References
    ----------
    Christiaens and Vanden Berghe (2020), doi:10.1287/trsc.2019.0914; one cycle there, its length
    given beforehand.
    """

    name: ClassVar[str] = "annealing"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = VehicleRouting
    keeps_quotas: ClassVar[bool] = True

    hot: float = 1.0
    cold: float = 0.01
    first: int = 100
    removals: float = REMOVALS
    longest: float = LONGEST
    blink: float = BLINK

    def __post_init__(self) -> None:
        if not self.hot >= self.cold > 0:
            raise InputError(f"temperatures need hot >= cold > 0, got {self.hot}, {self.cold}")
        if self.first < 1 or not self.removals >= 1 or not self.longest >= 1:
            raise InputError("first, removals and longest must be at least 1")
        if not 0 <= self.blink < 1:
            raise InputError(f"blink must be at least 0 and below 1, got {self.blink}")

    def solve(
        self,
        form: VehicleRouting,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so."""
        watch = Watch(on_event)
        network = form.network()
        search = search_on(network, seed=int(rng.integers(2**63)))
        seen = Incumbents(network, search, watch)
        cycles = rounds = 0
        if not construct(network, search, lambda: seen.stops(stop)):
            legs = network.customers + len(routes_of(search.best_plan))
            # A map on which nothing costs anything has no scale; any temperature will do.
            leg = search.best / legs or 1.0
            stopped = False
            while not stopped:
                length = max(1, self.first * network.customers * 2**cycles // _STEPS)
                cooling = (self.cold / self.hot) ** (1.0 / (length * _STEPS))
                temperature = self.hot * leg
                for _ in range(length):
                    temperature = search.anneal(
                        _STEPS,
                        temperature,
                        cooling,
                        removals=self.removals,
                        longest=self.longest,
                        blink=self.blink,
                    )
                    rounds += 1
                    stopped = seen.stops(stop)
                    if stopped:
                        break
                else:
                    cycles += 1
                    search.restart()
        return seen.samples(Outcome.STOPPED, cycles=cycles, steps=rounds * _STEPS)
