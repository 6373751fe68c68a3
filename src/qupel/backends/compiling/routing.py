"""Routing: swaps that bring qubits together, so that every gate acts on a coupled pair.

A swap is chosen by the distances it leaves: between the pairs that are next, and less so between
those that follow, as in SABRE (Li, Ding & Xie 2019, doi:10.1145/3297858.3304023, section IV). We
differ in some ways. Operations that commute may wait side by side, not in the order in which they
were written, so that all cost terms of a QAOA layer are next at once. A swap right after an
operation on its pair is cheap, since both become one unitary of at most three native gates. The
next pairs weigh less the farther apart they are, so that near ones are not held up, and more the
longer the chain of operations that hangs on them. Qubits that are busy longest are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64

from qupel.backends.compiling.operations import Operation, swap
from qupel.backends.compiling.order import Order, order_of

#: Pairs that follow which are looked at, and what they weigh beside the next ones.
AHEAD, WEIGHT = 20, 0.5
#: Operations at most that are looked through for them.
SEEN = 200
#: What a swap costs more if it joins no operation before it, in steps of distance.
ALONE = 0.4
#: What every layer that a qubit has been busy for adds, so that swaps go side by side.
LATE = 0.05
#: How much more a waiting pair weighs if the longest chain of operations hangs on it.
CHAIN = 1.0
#: What every recent swap of a qubit adds to its next one's cost; after how many it is forgotten.
DECAY, FORGOTTEN = 0.1, 5
#: Far pairs weigh ``distance ** POWER`` in place of the distance.
POWER = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A coupling map made ready.

    Attributes
    ----------
    edges
        Coupled pairs.
    steps
        Distances along them.
    worth
        What every distance is worth to a pair: a power of it.
    beside
        Neighbours of each qubit.
    number
        Place of each pair in ``edges``, by its qubits in either order.
    """

    edges: Int64[np.ndarray, "edges 2"]
    steps: Int32[np.ndarray, "n n"]
    worth: Float64[np.ndarray, "n n"]
    beside: tuple[tuple[int, ...], ...]
    number: Mapping[tuple[int, int], int]


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """Operations on physical qubits, every pair coupled.

    Attributes
    ----------
    operations
        In order; swaps among them.
    start, end
        The physical qubit of each logical one before and after.
    swaps
        How many swaps were put in.
    cost
        Two-qubit gates that the swaps are thought to add: three each, or one where a swap joins
        the operation before it.
    layers
        Layers of operations on two qubits.
    """

    operations: list[Operation]
    start: tuple[int, ...]
    end: tuple[int, ...]
    swaps: int
    cost: int
    layers: int


def route(
    operations: Sequence[Operation],
    lattice: Lattice,
    start: Sequence[int],
    rng: np.random.Generator,
    order: Order | None = None,
) -> Routed:
    """Put in swaps, from one placement of the logical qubits on."""
    return _Router(operations, lattice, start, rng, order or order_of(operations)).run()


class _Router:
    def __init__(
        self,
        operations: Sequence[Operation],
        lattice: Lattice,
        start: Sequence[int],
        rng: np.random.Generator,
        order: Order,
    ) -> None:
        n = len(lattice.steps)
        self._operations, self._lattice, self._rng, self._order = operations, lattice, rng, order
        self._start = tuple(start)
        self._place = list(start)
        self._at: list[int | None] = [None] * n
        for logical, physical in enumerate(start):
            self._at[physical] = logical
        self._number = lattice.number
        self._next = _Field(lattice.worth)
        self._ahead = _Field(lattice.worth)
        first, second = lattice.edges.T
        self._corners = [
            first * n + second,
            first * n + first,
            second * n + first,
            second * n + second,
        ]
        self._ends = first, second
        self._missing = list(order.needs)
        longest = max(order.chains, default=0) or 1
        self._weight = [1.0 + CHAIN * chain / longest for chain in order.chains]
        self._waiting: dict[int, tuple[int, int]] = {}
        self._around: list[set[int]] = [set() for _ in range(max(1, len(start)))]
        self._out: list[Operation] = []
        self._fresh: dict[int, Operation] = {}
        self._bonus = np.full(len(lattice.edges), ALONE)
        self._tired = np.zeros(n)
        self._level = np.zeros(n)
        self._swaps = self._cost = 0

    def run(self) -> Routed:
        self._proceed(self._order.first)
        patience = 0
        limit = 10 + 3 * int(self._lattice.steps.max())
        while self._waiting:
            before = len(self._waiting)
            if patience > limit:
                self._force()
                patience = 0
            else:
                self._swap(self._choose())
                patience += 1
            if len(self._waiting) != before:
                patience = 0
        return Routed(
            self._out, self._start, tuple(self._place), self._swaps, self._cost,
            int(self._level.max()),
        )  # fmt: skip

    def _proceed(self, ready: Sequence[int]) -> None:
        """Do whatever can be done now; leave the rest waiting and look ahead of it."""
        stack = list(reversed(ready))
        while stack:
            k = stack.pop()
            item = self._operations[k] if k < len(self._operations) else None
            if item is not None and len(item.qubits) == 2:
                a, b = (self._place[q] for q in item.qubits)
                if (a, b) not in self._number:
                    self._wait(k)
                    continue
            if item is not None:
                self._emit(item.on(tuple(self._place[q] for q in item.qubits)))
            for later in self._order.after[k]:
                self._missing[later] -= 1
                if not self._missing[later]:
                    stack.append(later)
        self._look_ahead()

    def _wait(self, k: int) -> None:
        a, b = self._operations[k].qubits
        self._waiting[k] = (a, b)
        self._around[a].add(k)
        self._around[b].add(k)
        self._next.add(self._place[a], self._place[b], self._weight[k])

    def _emit(self, item: Operation) -> None:
        """Write an operation; note which pairs a swap could still join."""
        self._out.append(item)
        for q, axis in zip(item.qubits, item.axes, strict=True):
            for other in self._lattice.beside[q]:
                k = self._number[q, other]
                held = self._fresh.get(k)
                if (
                    held is not None
                    and (axis is None or held.axes[held.qubits.index(q)] != axis)
                    and len(item.qubits) == 2
                ):
                    del self._fresh[k]
                    self._bonus[k] = ALONE
        if len(item.qubits) == 2:
            on = list(item.qubits)
            self._level[on] = self._level[on].max() + 1
            k = self._number[on[0], on[1]]
            self._fresh[k] = item
            self._bonus[k] = 0.0

    def _look_ahead(self) -> None:
        """Weigh the pairs that follow those that wait."""
        self._ahead.clear()
        found = 0
        seen: set[int] = set()
        queue = list(self._waiting)
        for k in queue:
            for later in self._order.after[k]:
                if later in seen:
                    continue
                seen.add(later)
                if len(seen) > SEEN:
                    return
                queue.append(later)
                if later < len(self._operations) and len(self._operations[later].qubits) == 2:
                    a, b = self._operations[later].qubits
                    self._ahead.add(self._place[a], self._place[b], 1.0)
                    found += 1
                    if found == AHEAD:
                        return

    def _choose(self) -> int:
        """Number of the edge whose swap leaves the lowest cost."""
        first, second = self._ends
        near = self._next.active
        cost = self._next.change(self._corners)
        if self._ahead.pairs:
            share = WEIGHT * min(1.0, len(self._waiting) / len(self._ahead.pairs))
            cost += share * self._ahead.change(self._corners)
            for pair, weight in self._ahead.pairs.items():
                if (edge := self._number.get(pair)) is not None:
                    # A swap leaves its own pair as near as it was.
                    cost[edge] += 2 * share * weight
        cost += self._bonus + np.maximum(self._tired[first], self._tired[second])
        cost += LATE * np.maximum(self._level[first], self._level[second])
        cost[~(near[first] | near[second])] = np.inf
        best = np.flatnonzero(cost <= cost.min() + 1e-9)
        return int(best[self._rng.integers(best.size)])

    def _swap(self, edge: int) -> None:
        a, b = (int(q) for q in self._lattice.edges[edge])
        self._exchange(a, b)
        self._tired[[a, b]] += DECAY
        if self._swaps % FORGOTTEN == 0:
            self._tired[:] = 0
        moved = [q for q in (self._at[a], self._at[b]) if q is not None]
        done = [
            k
            for k in sorted({k for q in moved for k in self._around[q]})
            if self._places(k) in self._number
        ]
        if done:
            self._tired[:] = 0
            for k in done:
                self._leave(k)
            self._proceed(done)

    def _places(self, k: int) -> tuple[int, int]:
        a, b = self._waiting[k]
        return self._place[a], self._place[b]

    def _leave(self, k: int) -> None:
        a, b = self._waiting.pop(k)
        self._around[a].discard(k)
        self._around[b].discard(k)
        self._next.add(self._place[a], self._place[b], -self._weight[k])

    def _exchange(self, a: int, b: int) -> None:
        edge = self._number[a, b]
        self._cost += 1 if edge in self._fresh else 3
        self._swaps += 1
        self._emit(swap(a, b))
        del self._fresh[edge]
        self._bonus[edge] = ALONE
        for field in (self._next, self._ahead):
            field.exchange(a, b)
        self._at[a], self._at[b] = self._at[b], self._at[a]
        for q in (a, b):
            logical = self._at[q]
            if logical is not None:
                self._place[logical] = q

    def _force(self) -> None:
        """Bring the nearest waiting pair together by the shortest way: it always gets there."""
        steps = self._lattice.steps
        k = min(
            self._waiting,
            key=lambda k: (int(steps[self._places(k)]), k),
        )
        one, other = self._waiting[k]
        while steps[self._place[one], self._place[other]] > 1:
            here, goal = self._place[one], self._place[other]
            onward = min(self._lattice.beside[here], key=lambda q: int(steps[q, goal]))
            self._swap(self._number[here, onward])


class _Field:
    """What every place would be worth to the partners of the qubit that is at another.

    ``field[p, x]`` is the sum, over the pairs of the qubit at ``p``, of the worth of the way from
    ``x`` to the partner. A swap's effect is then four look-ups an edge.
    """

    def __init__(self, worth: Float64[np.ndarray, "n n"]) -> None:
        self._worth = worth
        self._sums = np.zeros_like(worth)
        self._flat = self._sums.reshape(-1)
        self._partners: list[dict[int, float]] = [{} for _ in range(len(worth))]
        self.pairs: dict[tuple[int, int], float] = {}
        self.active = np.zeros(len(worth), dtype=bool)

    def add(self, p: int, q: int, weight: float) -> None:
        """Count a pair between two places, or with negative weight take it back."""
        key = (min(p, q), max(p, q))
        total = self.pairs.get(key, 0.0) + weight
        if abs(total) > 1e-9:
            self.pairs[key] = self._partners[p][q] = self._partners[q][p] = total
        else:
            del self.pairs[key], self._partners[p][q], self._partners[q][p]
        self._sums[p] += weight * self._worth[q]
        self._sums[q] += weight * self._worth[p]
        for place in (p, q):
            self.active[place] = bool(self._partners[place])
            if not self._partners[place]:
                self._sums[place] = 0.0

    def clear(self) -> None:
        """Forget all pairs."""
        touched = [p for p, partners in enumerate(self._partners) if partners]
        self._sums[touched] = 0.0
        for p in touched:
            self._partners[p].clear()
        self.pairs.clear()
        self.active[:] = False

    def exchange(self, a: int, b: int) -> None:
        """Move the qubit at ``a`` to ``b`` and the other way round."""
        moved = [
            (p, q, weight)
            for p in (a, b)
            for q, weight in self._partners[p].items()
            if q not in (a, b)
        ]
        other = {a: b, b: a}
        for p, q, weight in moved:
            self.add(p, q, -weight)
        for p, q, weight in moved:
            self.add(other[p], q, weight)

    def change(self, corners: Sequence[np.ndarray]) -> Float64[np.ndarray, " edges"]:
        """What a swap of each edge adds to the worth of all pairs."""
        ab, aa, ba, bb = (self._flat.take(corner) for corner in corners)
        return ab - aa + ba - bb


def lattice_of(edges: Sequence[tuple[int, int]], steps: Int32[np.ndarray, "n n"]) -> Lattice:
    """A coupling map made ready."""
    beside: list[set[int]] = [set() for _ in range(len(steps))]
    for a, b in edges:
        beside[a].add(b)
        beside[b].add(a)
    unique = sorted({(min(edge), max(edge)) for edge in edges})
    number = {pair: k for k, (a, b) in enumerate(unique) for pair in ((a, b), (b, a))}
    return Lattice(
        np.array(unique, np.int64).reshape(-1, 2),
        steps,
        steps.astype(np.float64) ** POWER,
        tuple(tuple(sorted(near)) for near in beside),
        number,
    )
