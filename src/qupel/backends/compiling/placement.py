"""Placement: on which physical qubit each logical one starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from qupel.backends.compiling.operations import Operation
from qupel.backends.compiling.order import order_of
from qupel.backends.compiling.routing import Lattice, Routed, route

#: What a layer costs each qubit that waits, in two-qubit gates; about so on devices of today.
WAITING = 0.1
#: Steps of the search for a placement that needs no swap.
_STEPS = 20_000


def placed_and_routed(
    operations: Sequence[Operation],
    qubits: int,
    lattice: Lattice,
    trials: int,
    rng: np.random.Generator,
) -> Routed:
    """Route from several placements and keep the cheapest.

    If the coupled pairs of the circuit fit on the lattice as they are, nothing is swapped. If not,
    every trial starts from a compact or a random placement and is routed forwards and backwards,
    where each pass starts from where the one before ended: Li, Ding & Xie (2019), section IV.C.
    The best has fewest added gates, layers being counted against it as qubits wait through them.
    """
    pairs = Counter(tuple(sorted(o.qubits)) for o in operations if len(o.qubits) == 2)
    fitting = embedded(list(pairs), qubits, lattice)
    if fitting is not None:
        return route(operations, lattice, fitting, rng)
    backwards = list(reversed(operations))
    orders = [
        (order_of(operations, commuting=free), order_of(backwards, commuting=free))
        for free in (True, False)
    ]
    found: list[list[Routed]] = [[], []]
    for trial in range(trials):
        # The first trials try both orders, the others stay with the better.
        which = trial if trial < 2 else int(_worth(found[1], qubits) < _worth(found[0], qubits))
        order, reverse = orders[which]
        start = (scattered if trial // 2 % 2 else compact)(pairs, qubits, lattice, rng)
        for last in (False, False, True):
            there = route(operations, lattice, start, rng, order)
            found[which].append(there)
            if not last:
                start = list(route(backwards, lattice, there.end, rng, reverse).end)
    return min(found[0] + found[1], key=lambda routed: _cost(routed, qubits))


def _cost(routed: Routed, qubits: int) -> float:
    """Gates that swaps add, and what it costs that qubits wait."""
    return routed.cost + WAITING * qubits * routed.layers


def _worth(found: Sequence[Routed], qubits: int) -> float:
    return min(_cost(routed, qubits) for routed in found)


def scattered(
    pairs: Counter[tuple[int, ...]],  # as `compact` is called
    qubits: int,
    lattice: Lattice,
    rng: np.random.Generator,
) -> list[int]:
    """Random places in a part of the lattice that hangs together."""
    centre = int(rng.integers(len(lattice.steps)))
    near = np.argsort(lattice.steps[centre], kind="stable")[:qubits]
    return [int(q) for q in rng.permutation(near)]


def compact(
    pairs: Counter[tuple[int, ...]], qubits: int, lattice: Lattice, rng: np.random.Generator
) -> list[int]:
    """Place the qubit with most partners placed, as near to them as there is room."""
    weight = np.zeros((qubits, qubits))
    for (a, b), count in pairs.items():
        weight[a, b] = weight[b, a] = min(count, 4)
    n = len(lattice.steps)
    degree = np.array([len(beside) for beside in lattice.beside])
    centre = int(np.argmin(lattice.steps.sum(axis=1) + rng.random(n) * n))
    place = np.full(qubits, -1)
    free = np.ones(n, dtype=bool)
    pull = np.zeros(qubits)
    for _ in range(qubits):
        todo = place < 0
        score = np.where(todo, pull + 1e-3 * weight.sum(axis=1) + 1e-6 * rng.random(qubits), -1.0)
        q = int(np.argmax(score))
        partners = np.flatnonzero((place >= 0) & (weight[q] > 0))
        if partners.size:
            far = (lattice.steps[place[partners]] * weight[q, partners, None]).sum(axis=0)
        else:
            far = lattice.steps[centre]
        worth = far + 1e-2 * lattice.steps[centre] - 1e-3 * degree + 1e-4 * rng.random(n)
        spot = int(np.argmin(np.where(free, worth, np.inf)))
        place[q], free[spot] = spot, False
        pull += weight[q]
    return [int(p) for p in place]


def embedded(pairs: Sequence[tuple[int, ...]], qubits: int, lattice: Lattice) -> list[int] | None:
    """A placement in which every pair is coupled, if a short search finds one.

    Qubits are placed one after another, each beside its partners, and taken back where that
    cannot go on.
    """
    partners: list[set[int]] = [set() for _ in range(qubits)]
    for a, b in pairs:
        partners[a].add(b)
        partners[b].add(a)
    most = max(map(len, lattice.beside), default=0)
    if max(map(len, partners), default=0) > most or len(pairs) > len(lattice.edges):
        return None
    order = _search_order(partners)
    place: dict[int, int] = {}
    used: set[int] = set()
    choices = [iter(_spots(order[0], partners, place, used, lattice))] if order else []
    steps = 0
    while choices and len(place) < len(order):
        steps += 1
        if steps > _STEPS:
            return None
        spot = next(choices[-1], None)
        if spot is None:
            choices.pop()
            if choices:
                used.discard(place.pop(order[len(choices) - 1]))
            continue
        q = order[len(choices) - 1]
        place[q] = spot
        used.add(spot)
        if len(place) < len(order):
            choices.append(iter(_spots(order[len(choices)], partners, place, used, lattice)))
    if len(place) < len(order):
        return None
    rest = iter(p for p in range(len(lattice.steps)) if p not in used)
    return [place[q] if q in place else next(rest) for q in range(qubits)]


def _search_order(partners: Sequence[set[int]]) -> list[int]:
    """Qubits that have partners, each after one of its own where it can be."""
    order: list[int] = []
    seen: set[int] = set()
    for root in sorted(range(len(partners)), key=lambda q: -len(partners[q])):
        if root in seen or not partners[root]:
            continue
        seen.add(root)
        queue = [root]
        for q in queue:
            order.append(q)
            new = sorted(partners[q] - seen, key=lambda p: -len(partners[p]))
            seen.update(new)
            queue += new
    return order


def _spots(
    q: int, partners: Sequence[set[int]], place: dict[int, int], used: set[int], lattice: Lattice
) -> list[int]:
    """Free places beside all placed partners of a qubit, with room for the others."""
    placed = [place[p] for p in partners[q] if p in place]
    if not placed:
        near: set[int] = set(range(len(lattice.steps)))
    else:
        near = set(lattice.beside[placed[0]])
        for p in placed[1:]:
            near &= set(lattice.beside[p])
    return sorted(
        (p for p in near - used if len(lattice.beside[p]) >= len(partners[q])),
        key=lambda p: (len(lattice.beside[p]), p),
    )
