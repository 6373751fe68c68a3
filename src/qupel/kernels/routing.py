"""Vehicle routes under search: savings, local descent, ruin and recreate.

Costs, times and loads are float64; whole numbers below 2**53 are exact in them, so a search over
whole ticks makes no rounding error. Plans are int64 rows, a giant tour: a route of vehicle type t
begins with ``-1 - t`` and goes on with its customers (1 … n - 1); zeros fill the row up.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32, Int64

from qupel.errors import InputError
from qupel.kernels._routing import Search

#: Mean number of customers a ruin takes out, and the longest string of one route among them;
#: the values of Christiaens and Vanden Berghe (2020).
REMOVALS = 10.0
LONGEST = 10.0
#: Probability that an insertion overlooks a place.
BLINK = 0.01

_NEIGHBOURS = 20
_REACH = 100

Neighbours = tuple[Int32[np.ndarray, "n near"], Int32[np.ndarray, "n close"]]


class RouteSearch:
    """One solution under search, the best one seen, and the moves that change them.

    Customers that no vehicle takes are unserved, at a cost above any detour.

    Parameters
    ----------
    costs
        Shape (n, n), from node to node; node 0 is the depot.
    times
        Shape (n, n), travel times in the unit of the windows.
    demands, ready, due, service
        One number a node; the depot's ``ready`` and ``due`` are the horizon.
    timed
        Whether times and windows count at all.
    capacities, fixed, available
        One number a vehicle type: load, cost of a route, how many there are.
    neighbours
        `neighbourhoods` of the other arguments, if they are at hand already.
    seed, stream
        Address of the random numbers; equal addresses and calls give equal solutions.
    """

    def __init__(
        self,
        *,
        costs: Float64[np.ndarray, "n n"],
        times: Float64[np.ndarray, "n n"],
        demands: Float64[np.ndarray, " n"],
        ready: Float64[np.ndarray, " n"],
        due: Float64[np.ndarray, " n"],
        service: Float64[np.ndarray, " n"],
        timed: bool,
        capacities: Float64[np.ndarray, " kinds"],
        fixed: Float64[np.ndarray, " kinds"],
        available: Int64[np.ndarray, " kinds"],
        seed: int,
        stream: int = 0,
        neighbours: Neighbours | None = None,
    ) -> None:
        n = len(demands)
        square = (np.ascontiguousarray(m, np.float64) for m in (costs, times))
        held_costs, held_times = square
        if held_costs.shape != (n, n) or held_times.shape != (n, n) or n < 2:
            raise InputError(
                f"{n} demands need square costs and times, "
                f"got {held_costs.shape} and {held_times.shape}"
            )
        rows = [np.ascontiguousarray(r, np.float64) for r in (demands, ready, due, service)]
        fleet = [np.ascontiguousarray(r, np.float64) for r in (capacities, fixed)]
        stock = np.ascontiguousarray(available, np.int64)
        if any(row.shape != (n,) for row in rows) or len({r.shape for r in (*fleet, stock)}) != 1:
            raise InputError(f"demands, windows and service need {n} entries each")
        # Unserved costs more than fetching a customer alone, with the dearest vehicle.
        unserved = 4.0 * float(held_costs.max()) + 2.0 * float(fleet[1].max()) + 1.0
        self._customers = n - 1
        load, opens, closes, lasts = rows
        near, close = neighbours or neighbourhoods(
            held_costs, held_times, ready=opens, due=closes, service=lasts, timed=timed
        )
        self._search = Search(
            held_costs,
            held_times,
            load,
            opens,
            closes,
            lasts,
            timed,
            fleet[0],
            fleet[1],
            stock,
            near,
            close,
            unserved,
            seed,
            stream,
        )
        self._symmetric = bool((held_costs == held_costs.T).all())
        self._costs = held_costs
        self._near = near
        self._due = closes
        self._timed = timed

    @property
    def current(self) -> float:
        """Cost of the current solution, the unserved included."""
        return self._search.current()

    @property
    def best(self) -> float:
        """Cost of the best solution seen, the unserved included."""
        return self._search.best()

    @property
    def missing(self) -> int:
        """Customers that are unserved in the current solution."""
        return self._search.missing()

    @property
    def best_missing(self) -> int:
        """Customers that are unserved in the best solution."""
        return self._search.best_missing()

    @property
    def best_plan(self) -> Int64[np.ndarray, " length"]:
        """Plan of the best solution."""
        plan = self._plan()
        self._search.best_plan(plan)
        return plan

    @property
    def current_plan(self) -> Int64[np.ndarray, " length"]:
        """Plan of the current solution."""
        plan = self._plan()
        self._search.current_plan(plan)
        return plan

    def load(self, plan: Int64[np.ndarray, " length"]) -> float:
        """Take a plan of any length as current; its cost.

        Stops that break their route's rules, come a second time or do not exist are left out.
        """
        return self._search.load(np.ascontiguousarray(plan, np.int64))

    def savings(self) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
        """Pairs of near customers in order of falling savings: arguments of `merge`."""
        customers = np.arange(1, self._customers + 1)
        near = self._near[1:]
        first = np.repeat(customers, near.shape[1])
        second = near.ravel().astype(np.int64)
        kept = second > 0
        if self._symmetric and not self._timed:
            # Each pair once: its ends are joined whichever way round they lie.
            low, high = np.minimum(first, second), np.maximum(first, second)
            pairs = np.unique(low[kept] * (self._customers + 1) + high[kept])
            first, second = np.divmod(pairs, self._customers + 1)
        else:
            pairs = np.unique(first[kept] * (self._customers + 1) + second[kept])
            first, second = np.divmod(pairs, self._customers + 1)
        saved = self._costs[first, 0] + self._costs[0, second] - self._costs[first, second]
        order = np.argsort(-saved, kind="stable")
        order = order[saved[order] > 0]
        return first[order], second[order]

    def scatter(self) -> None:
        """Give every customer a route of its own, however many vehicles that takes."""
        self._search.scatter()

    def merge(
        self, first: Int64[np.ndarray, " pairs"], second: Int64[np.ndarray, " pairs"]
    ) -> None:
        """Join routes that end in ``first[k]`` and begin with ``second[k]``, where they fit."""
        self._search.merge(np.ascontiguousarray(first), np.ascontiguousarray(second))

    def staff(self) -> float:
        """Give merged routes their vehicles; customers of those without are unserved."""
        return self._search.staff()

    def complete(self, order: Int64[np.ndarray, " customers"] | None = None) -> float:
        """Insert unserved customers, each where it costs least; the cost.

        ``order`` names all customers; without it, those who close first come first, or, without
        windows, those who are farthest away.
        """
        if order is None:
            first = self._due if self._timed else -self._costs[0]
            order = 1 + np.argsort(first[1:], kind="stable")
        return self._search.complete(np.ascontiguousarray(order, np.int64))

    def anneal(
        self,
        iterations: int,
        temperature: float,
        cooling: float,
        *,
        removals: float = REMOVALS,
        longest: float = LONGEST,
        blink: float = BLINK,
    ) -> float:
        """Ruin and recreate under annealing; the temperature after ``iterations``.

        References
        ----------
        Christiaens and Vanden Berghe (2020), Slack induction by string removals for vehicle
        routing problems, doi:10.1287/trsc.2019.0914. Deviations: a new route is one more place
        to insert a customer, at its own cost, and unserved customers are priced.
        """
        return self._search.anneal(iterations, temperature, cooling, removals, longest, blink)

    def kick(
        self,
        iterations: int,
        *,
        removals: float = REMOVALS,
        longest: float = LONGEST,
        blink: float = BLINK,
    ) -> None:
        """Ruin, recreate, descend; keep each result that is not worse."""
        self._search.kick(iterations, removals, longest, blink)

    def propose(
        self, *, removals: float = REMOVALS, longest: float = LONGEST, blink: float = BLINK
    ) -> tuple[Int64[np.ndarray, " length"], float]:
        """One ruin and recreate as plan and cost (infinite if unserved); nothing changes."""
        plan = self._plan()
        cost = self._search.propose(removals, longest, blink, plan)
        return plan, cost

    def awaken(self) -> None:
        """Put every customer up for `descend`, in random order."""
        self._search.awaken()

    def descend(self, customers: int) -> int:
        """Try all local moves of so many waiting customers; how many wait still."""
        return self._search.descend(customers)

    def restart(self) -> None:
        """Make the best solution the current one."""
        self._search.restart()

    def _plan(self) -> Int64[np.ndarray, " length"]:
        return np.zeros(2 * self._customers, np.int64)


def neighbourhoods(
    costs: Float64[np.ndarray, "n n"],
    times: Float64[np.ndarray, "n n"],
    *,
    ready: Float64[np.ndarray, " n"],
    due: Float64[np.ndarray, " n"],
    service: Float64[np.ndarray, " n"],
    timed: bool,
) -> Neighbours:
    """Customers that ruins reach from each, and those that local moves bring beside it."""
    both = costs + costs.T
    close = _closeness(both, times, ready, due, service) if timed else both
    return nearest(both, _REACH), nearest(close, _NEIGHBOURS)


def nearest(distances: Float64[np.ndarray, "n n"], count: int) -> Int32[np.ndarray, "n k"]:
    """Each customer's nearest others, nearest first, ties by number; at most ``count``.

    Rows have at least one entry; -1 where there is nobody. Row 0, the depot's, is unused.
    """
    n = len(distances)
    wide = min(count, n - 2)
    if wide < 1:
        return np.full((n, 1), -1, np.int32)
    far = np.array(distances, np.float64)
    far[:, 0] = np.inf
    np.fill_diagonal(far, np.inf)
    chosen = np.sort(np.argpartition(far, wide - 1, axis=1)[:, :wide], axis=1)
    order = np.argsort(np.take_along_axis(far, chosen, axis=1), axis=1, kind="stable")
    return np.ascontiguousarray(np.take_along_axis(chosen, order, axis=1), np.int32)


def _closeness(
    both: Float64[np.ndarray, "n n"],
    times: Float64[np.ndarray, "n n"],
    ready: Float64[np.ndarray, " n"],
    due: Float64[np.ndarray, " n"],
    service: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, "n n"]:
    """Distance plus unavoidable waiting and lateness, the better direction of each pair.

    The proxy of Vidal, Crainic, Gendreau and Prins (2013), doi:10.1016/j.cor.2012.07.018, with
    weights 0.2 for waiting and 1 for lateness.
    """
    leave = times + service[:, None]
    waiting = np.maximum(0.0, ready - leave - due[:, None])
    lateness = np.maximum(0.0, ready[:, None] + leave - due)
    extra = 0.2 * waiting + lateness
    return both / 2 + np.minimum(extra, extra.T)
