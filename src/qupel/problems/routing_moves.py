"""Repair, polish and cut out: changes of routes for hybrid solvers, on the native search."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Shaped
from scipy import sparse

from qupel.kernels.routing import Neighbours, RouteSearch, neighbourhoods
from qupel.model import Model
from qupel.problems.contract import Subproblem
from qupel.problems.routing import Network, Routes, routes_of

#: Ruin-and-recreate steps that a repair may spend on squeezing in its last customers.
_SQUEEZES = 2000
#: Proposals drawn for each candidate route that a subproblem may hold.
_PROPOSALS = 10


def search_on(network: Network, seed: int, stream: int = 0) -> RouteSearch:
    """Return a native search over ``network``; its costs are in ticks."""
    plenty = network.customers
    fleet = network.fleet
    return RouteSearch(
        costs=network.costs,
        times=network.times,
        demands=network.demands.astype(np.float64),
        ready=network.ready,
        due=network.due,
        service=network.service,
        timed=network.timed,
        capacities=np.array([kind.capacity for kind in fleet], np.float64),
        fixed=np.array([kind.fixed_cost * network.scale for kind in fleet]),
        available=np.array([plenty if k.available is None else k.available for k in fleet]),
        seed=seed,
        stream=stream,
        neighbours=_neighbourhoods(network),
    )


# A hybrid polishes answers to one problem over and over; its neighbourhoods stay the same.
@lru_cache(maxsize=4)
def _neighbourhoods(network: Network) -> Neighbours:
    return neighbourhoods(
        network.costs,
        network.times,
        ready=network.ready,
        due=network.due,
        service=network.service,
        timed=network.timed,
    )


def mended(network: Network, answer: Routes) -> Routes:
    """Return routes that visit everybody once within all limits, near ``answer``.

    Repeated and unknown customers are dropped, as are stops that overload their vehicle or
    make it late; whoever is missing is inserted where it costs least, and if no vehicle can
    take somebody, routes near by are rebuilt. If that fails too, some stay unvisited.
    """
    search = search_on(network, seed=0)
    search.load(_loose_plan(answer))
    if search.missing:
        search.complete()
    for _ in range(_SQUEEZES // 50 if search.missing else 0):
        search.anneal(50, 0.0, 1.0)
        if not search.best_missing:
            break
    return routes_of(search.best_plan)


def improved(network: Network, answer: Routes, rng: np.random.Generator) -> Routes:
    """Return ``answer`` after local moves until none helps; never worse.

    Relocation, exchange, 2-opt, exchange of tails and strings of up to three stops, each among
    near customers.
    """
    search = search_on(network, seed=int(rng.integers(2**63)))
    before = search.load(_loose_plan(answer))
    search.awaken()
    while search.descend(1000):
        pass
    if search.current < before and not search.missing:
        return routes_of(search.current_plan)
    return answer


def recombination(
    network: Network, answer: Routes, size: int, rng: np.random.Generator
) -> Subproblem[Routes] | None:
    """Cut out two or three near routes and up to ``size`` candidates to replace them.

    The form is a set partitioning: one bit a candidate, each customer covered exactly once, the
    vehicles of each type no more than are left. Candidates are the routes as they are and those
    of near solutions, each found by removing and reinserting some strings of stops: half of the
    places go to routes of the best such solutions, half to routes that are cheapest for what
    their customers cost now, whose partners may come from other solutions.
    """
    chosen = _near_routes(network, answer, size, rng)
    if chosen is None:
        return None
    part, customers, left = _part_of(network, answer, chosen)
    renamed = {customer: k + 1 for k, customer in enumerate(customers)}
    now = [(tuple(renamed[stop] for stop in answer.stops[k]), answer.vehicles[k]) for k in chosen]
    pool = _candidates(part, now, size, rng)
    costs = np.array([part.energy(Routes((stops,), (kind,))) for stops, kind in pool])
    cover = np.zeros((len(customers), len(pool)))
    for column, (stops, _) in enumerate(pool):
        cover[[stop - 1 for stop in stops], column] = 1
    rows = [cover]
    low, high = [np.ones(len(customers))], [np.ones(len(customers))]
    names = [f"visit[{customer}]" for customer in customers]
    for kind, number in enumerate(left):
        uses = np.array([[float(used == kind) for _, used in pool]])
        if number is not None and uses.sum() > number:
            rows.append(uses)
            low.append(np.array([-np.inf]))
            high.append(np.array([float(number)]))
            names.append(f"vehicles[{kind}]")
    form = Model.from_arrays(
        costs,
        offset=network.energy(answer) - float(costs[: len(now)].sum()),
        rows=sparse.csr_array(np.vstack(rows)),
        row_lower=np.concatenate(low),
        row_upper=np.concatenate(high),
        names=[f"route[{k}]" for k in range(len(pool))],
        row_names=names,
    )
    start = np.zeros(len(pool), np.int64)
    start[: len(now)] = 1
    kept = [k for k in range(len(answer)) if k not in chosen and answer.stops[k]]

    def lift(values: Shaped[np.ndarray, " n"]) -> Routes:
        taken = [pool[k] for k in np.flatnonzero(np.asarray(values) > 0.5).tolist()]
        renewed = [tuple(customers[stop - 1] for stop in stops) for stops, _ in taken]
        return Routes(
            (*(answer.stops[k] for k in kept), *renewed),
            (*(answer.vehicles[k] for k in kept), *(kind for _, kind in taken)),
        )

    return Subproblem(form, start, lift)


Candidate = tuple[tuple[int, ...], int]


def _near_routes(
    network: Network, answer: Routes, size: int, rng: np.random.Generator
) -> list[int] | None:
    """Two or three routes that lie close together, around one drawn at random."""
    filled = [k for k, route in enumerate(answer.stops) if route]
    if len(filled) < 2 or size < 3:
        return None
    seed = filled[int(rng.integers(len(filled)))]
    stop = answer.stops[seed][int(rng.integers(len(answer.stops[seed])))]
    reach = network.costs[stop] + network.costs[:, stop]
    others = sorted(
        (k for k in filled if k != seed),
        key=lambda k: (min(reach[other] for other in answer.stops[k]), k),
    )
    wanted = 2 if size < 6 else 2 + int(rng.integers(2))
    return sorted([seed, *others[: wanted - 1]])


def _part_of(
    network: Network, answer: Routes, chosen: list[int]
) -> tuple[Network, list[int], list[int | None]]:
    """Return the network of some routes alone, its customers' numbers, and the vehicles left."""
    customers = sorted(stop for k in chosen for stop in answer.stops[k])
    nodes = np.array([0, *customers])
    elsewhere = [
        kind
        for k, (route, kind) in enumerate(zip(answer.stops, answer.vehicles, strict=True))
        if route and k not in chosen
    ]
    left = [
        None if kind.available is None else kind.available - elsewhere.count(number)
        for number, kind in enumerate(network.fleet)
    ]
    fleet = tuple(
        type(kind)(kind.capacity, number, kind.fixed_cost, kind.name)
        for kind, number in zip(network.fleet, left, strict=True)
    )
    square = np.ix_(nodes, nodes)
    part = Network(
        costs=network.costs[square],
        times=network.times[square],
        demands=network.demands[nodes],
        ready=network.ready[nodes],
        due=network.due[nodes],
        service=network.service[nodes],
        fleet=fleet,
        scale=network.scale,
        timed=network.timed,
    )
    return part, customers, left


def _candidates(
    part: Network, now: list[Candidate], size: int, rng: np.random.Generator
) -> list[Candidate]:
    """Return the present routes, then candidates of near solutions; at most ``size`` in all."""
    search = search_on(part, seed=int(rng.integers(2**63)))
    search.load(_loose_plan(Routes(tuple(s for s, _ in now), tuple(k for _, k in now))))
    share = np.zeros(part.customers + 1)
    for stops, kind in now:
        share[list(stops)] = part.energy(Routes((stops,), (kind,))) / len(stops)

    solutions: dict[frozenset[Candidate], float] = {}
    for _ in range(_PROPOSALS * size):
        plan, cost = search.propose(removals=min(10.0, 1 + part.customers / 4))
        if np.isfinite(cost):
            routes = routes_of(plan)
            solutions[frozenset(zip(routes.stops, routes.vehicles, strict=True))] = cost
    pool = dict.fromkeys(now)
    seen = {(frozenset(stops), kind) for stops, kind in now}
    room = size - (size - len(now)) // 2
    for routes_, _ in sorted(solutions.items(), key=lambda item: (item[1], sorted(item[0]))):
        fresh = [c for c in sorted(routes_) if c not in pool]
        if len(pool) + len(fresh) <= room:
            pool.update(dict.fromkeys(fresh))
            seen.update((frozenset(stops), kind) for stops, kind in fresh)

    def worth(candidate: Candidate) -> tuple[float, Candidate]:
        stops, kind = candidate
        return part.energy(Routes((stops,), (kind,))) - float(share[list(stops)].sum()), candidate

    for candidate in sorted({c for routes_ in solutions for c in routes_}, key=worth):
        if len(pool) >= size:
            break
        same = (frozenset(candidate[0]), candidate[1])
        if same not in seen:
            pool[candidate] = None
            seen.add(same)
    return list(pool)


def _loose_plan(answer: Routes) -> Shaped[np.ndarray, " length"]:
    """Return a plan of whatever length the answer needs, unknown customers as numbers too large."""
    row = [
        entry
        for route, kind in zip(answer.stops, answer.vehicles, strict=True)
        for entry in (-1 - max(kind, 0), *(stop if stop > 0 else 2**31 for stop in route))
    ]
    return np.array(row, np.int64)
