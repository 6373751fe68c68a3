"""Planted frustration: couplings whose ground state is known by construction.

A loop of unit couplings with an odd number of frustrated ones cannot satisfy all of them. Each
loop here is built around one planted assignment so that exactly one coupling is broken, which is
the least any assignment can do. The planted assignment is best for every loop at once, so it is
best for their sum.

References
----------
Hen et al. (2015), Probing for quantum speedup in spin-glass problems with planted solutions,
doi:10.1103/PhysRevA.92.042325.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from qupel.errors import InputError

_LENGTHS = (3, 4, 5, 6)


def frustrated_loops(
    rng: np.random.Generator, nodes: int, loops: int
) -> tuple[UInt8[np.ndarray, " nodes"], Int64[np.ndarray, "m 2"], Float64[np.ndarray, " m"]]:
    """A planted side for each node, and edges with whole weights whose largest cut it is.

    Loops run through 3 to 6 nodes drawn at random. Weights of an edge in several loops are
    added; an edge whose weights cancel is left out.
    """
    if nodes < _LENGTHS[0] or loops < 1:
        raise InputError(f"planting needs 3 nodes and 1 loop at least, got {nodes} and {loops}")
    side = rng.integers(0, 2, nodes).astype(np.uint8)
    total: dict[tuple[int, int], float] = {}
    for _ in range(loops):
        length = int(rng.choice([size for size in _LENGTHS if size <= nodes]))
        around = rng.choice(nodes, length, replace=False)
        _add_loop(total, side, around, int(rng.integers(length)))
    return side, *_listed(total)


def planted_traps(
    rng: np.random.Generator, traps: int, size: int, loops: int
) -> tuple[UInt8[np.ndarray, " nodes"], Int64[np.ndarray, "m 2"], Float64[np.ndarray, " m"]]:
    """A planted side for each node, and edges with whole weights whose largest cut it is.

    Nodes come in ``traps`` groups of ``size``, every two of a group joined by an edge that the
    planted sides satisfy; `frustrated_loops` run between groups, through one node of each. The
    planted sides are best for each group and for each loop, so they are best for all. A group
    exchanged as a whole keeps all its edges satisfied and spoils only loops, which weigh little:
    2^(traps - 1) cuts or nearly as many are local optima, with barriers of half a group between
    them.
    """
    if traps < _LENGTHS[0] or size < 1 or loops < 1:
        raise InputError(
            f"planting needs 3 traps of 1 node and 1 loop at least, got {traps} of {size} and "
            f"{loops}"
        )
    side = rng.integers(0, 2, traps * size).astype(np.uint8)
    total: dict[tuple[int, int], float] = {}
    for trap in range(traps):
        for i in range(trap * size, (trap + 1) * size):
            for j in range(i + 1, (trap + 1) * size):
                total[i, j] = 1.0 if side[i] != side[j] else -1.0
    for _ in range(loops):
        length = int(rng.choice([number for number in _LENGTHS if number <= traps]))
        around = rng.choice(traps, length, replace=False) * size + rng.integers(0, size, length)
        _add_loop(total, side, around, int(rng.integers(length)))
    return side, *_listed(total)


def _add_loop(
    total: dict[tuple[int, int], float],
    side: UInt8[np.ndarray, " nodes"],
    around: Int64[np.ndarray, " length"],
    broken: int,
) -> None:
    """Add a loop whose edge number ``broken`` alone the planted sides do not satisfy."""
    for step in range(around.size):
        i, j = sorted((int(around[step]), int(around[(step + 1) % around.size])))
        # A satisfied edge weighs +1 across the planted cut and -1 inside a side.
        satisfied = 1.0 if side[i] != side[j] else -1.0
        total[i, j] = total.get((i, j), 0.0) + (-satisfied if step == broken else satisfied)


def _listed(
    total: dict[tuple[int, int], float],
) -> tuple[Int64[np.ndarray, "m 2"], Float64[np.ndarray, " m"]]:
    """Edges in order with their weights, without those that cancel."""
    kept = {pair: weight for pair, weight in sorted(total.items()) if weight}
    edges = np.array(list(kept), dtype=np.int64).reshape(-1, 2)
    return edges, np.array(list(kept.values()), dtype=np.float64)


def planted_clusters(
    rng: np.random.Generator, items: int, size: int
) -> tuple[
    Float64[np.ndarray, " items"], Float64[np.ndarray, "items items"], Bool[np.ndarray, " items"]
]:
    """Worth and pair costs of items in ``size`` clusters, and the best choice of ``size`` items.

    The best of each cluster is planted. Let V be the most that an item of a cluster is worth. Two
    items of one cluster share at least the greatest worth of all, so m of them bring at most
    ``m V - m (m - 1) / 2 * V <= V`` for any m >= 1. Pairs across clusters cost nothing or more,
    and nothing between planted items. So no choice beats the sum of all V, which the planted
    one attains.
    """
    if not 1 <= size <= items:
        raise InputError(f"size must be from 1 to {items} items, got {size}")
    cluster = rng.permutation(items) % size
    worth = rng.integers(20, 100, items) / 4
    best = np.zeros(items, bool)
    for number in range(size):
        members = np.flatnonzero(cluster == number)
        best[members[int(worth[members].argmax())]] = True
    pairs = rng.integers(0, 20, (items, items)) / 4
    together = cluster[:, None] == cluster[None, :]
    pairs[together] += worth.max()
    pairs[np.ix_(best, best)] = 0.0
    return worth, np.triu(pairs, 1), best
