import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qupel.kernels.routing import RouteSearch, nearest
from qupel.problems.routing import Network, VehicleType, routes_of
from qupel.problems.routing_moves import search_on
from tests.oracles import routing as oracle


def network(seed: int, customers: int, *, timed: bool = True, whole: bool = True) -> Network:
    """Asymmetric, with two vehicle types; wide enough that one route each is feasible."""
    rng = np.random.default_rng(seed)
    n = customers + 1
    places = rng.uniform(0, 100, (n, 2))
    costs = np.linalg.norm(places[:, None] - places, axis=2) + rng.uniform(0, 9, (n, n))
    np.fill_diagonal(costs, 0.0)
    times = costs * rng.uniform(0.8, 1.5, (n, n))
    ready = np.concatenate(([5.0], rng.uniform(0, 300, customers)))
    due = np.maximum(ready, 5.0 + times[0]) + rng.uniform(5, 200, n)
    due[0] = 2000.0
    if whole:
        costs, times, ready, due = (np.ceil(array) for array in (costs, times, ready, due))
    return Network(
        costs=costs,
        times=times,
        demands=np.concatenate(([0], rng.integers(0, 8, customers))),
        ready=ready,
        due=due,
        service=np.concatenate(([0.0], np.full(customers, 7.0))),
        fleet=(VehicleType(12, None, 20.0), VehicleType(25, max(1, customers // 6), 30.0)),
        scale=1,
        timed=timed,
    )


def check(net: Network, search: RouteSearch) -> None:
    """The search's claims about its current and best solutions are true."""
    for plan, claimed, missing in (
        (search.current_plan, search.current, search.missing),
        (search.best_plan, search.best, search.best_missing),
    ):
        routes = routes_of(plan)
        if missing == 0:
            assert oracle.feasible(net, routes)
            assert oracle.cost(net, routes) == pytest.approx(claimed, abs=1e-6)
        else:
            assert sum(map(len, routes.stops)) == net.customers - missing


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 25), st.booleans(), st.booleans())
@example(310, 18, True, False)  # taking a stop out made its route late: the detour was quicker
def test_every_move_keeps_plans_feasible_and_costs_true(
    seed: int, customers: int, timed: bool, whole: bool
) -> None:
    net = network(seed, customers, timed=timed, whole=whole)
    search = search_on(net, seed)
    search.complete()
    check(net, search)
    search.scatter()
    search.merge(*search.savings())
    search.staff()
    check(net, search)
    search.complete()
    search.awaken()
    while search.descend(5):
        check(net, search)
    check(net, search)
    temperature = 30.0
    for _ in range(5):
        temperature = search.anneal(7, temperature, 0.99)
        check(net, search)
    plan, cost = search.propose()
    if np.isfinite(cost):
        assert oracle.feasible(net, routes_of(plan))
        assert oracle.cost(net, routes_of(plan)) == pytest.approx(cost, abs=1e-6)
    check(net, search)
    search.kick(5)
    check(net, search)
    search.restart()
    assert search.current == pytest.approx(search.best, abs=1e-6)
    check(net, search)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_annealing_finds_what_enumeration_finds(seed: int, customers: int, timed: bool) -> None:
    net = network(seed, customers, timed=timed)
    search = search_on(net, seed)
    search.complete()
    for _ in range(20):
        search.anneal(50, 20.0, 0.97)
    assert search.best == pytest.approx(oracle.optimum(net))


def test_no_single_move_improves_a_descended_plan() -> None:
    net = network(4, 5, timed=False)
    search = search_on(net, 0)
    search.complete()
    search.awaken()
    while search.descend(10):
        pass
    found = routes_of(search.current_plan)
    for a, route in enumerate(found.stops):
        for stop in route:
            for b in range(len(found)):
                rest = [tuple(s for s in r if s != stop) for r in found.stops]
                for gap in range(len(rest[b]) + 1) if a != b else ():
                    moved = [*rest]
                    moved[b] = (*rest[b][:gap], stop, *rest[b][gap:])
                    kept = [(r, k) for r, k in zip(moved, found.vehicles, strict=True) if r]
                    plan = type(found)(tuple(r for r, _ in kept), tuple(k for _, k in kept))
                    if oracle.feasible(net, plan):
                        assert oracle.cost(net, plan) >= oracle.cost(net, found) - 1e-9


def test_equal_seeds_search_alike_and_streams_differ() -> None:
    net = network(1, 40)
    runs = []
    for seed, stream in ((3, 0), (3, 0), (3, 1), (4, 0)):
        search = search_on(net, seed, stream)
        search.complete()
        search.anneal(300, 30.0, 0.999)
        runs.append(search.current_plan.tolist())
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert runs[0] != runs[3]


def test_steps_in_one_call_are_steps_in_many() -> None:
    net = network(2, 40)
    together, apart = search_on(net, 0), search_on(net, 0)
    together.complete()
    together.anneal(200, 30.0, 1.0)
    apart.complete()
    for _ in range(40):
        apart.anneal(5, 30.0, 1.0)
    assert together.current_plan.tolist() == apart.current_plan.tolist()


def test_loading_leaves_out_what_breaks_a_rule() -> None:
    net = network(0, 10)
    search = search_on(net, 0)
    search.load(np.array([-1, *range(1, 11), 3, 99, -1, 1]))
    assert 0 < search.missing < 10
    check(net, search)
    search.load(np.array([], np.int64))
    assert search.missing == 10


def test_neighbours_are_sorted_by_distance() -> None:
    rng = np.random.default_rng(0)
    distances = rng.random((30, 30))
    table = nearest(distances, 7)
    for customer in range(1, 30):
        others = [c for c in range(1, 30) if c != customer]
        expected = sorted(others, key=lambda c: distances[customer, c])[:7]
        assert table[customer].tolist() == expected
    assert nearest(np.zeros((2, 2)), 5).tolist() == [[-1], [-1]]
