"""Small changes of a schedule's machine orders: repair, polish, and a choice of moves."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64, Integer, Shaped

from qupel.kernels.jobshop import Kind, Shop
from qupel.model.qubo import Qubo
from qupel.problems.contract import Subproblem
from qupel.problems.jobshop_schedule import Schedule

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop

#: Tabu moves of one polish.
POLISH_STEPS = 400


def sequence_of(shop: JobShop, answer: Schedule) -> Int64[np.ndarray, " operations"]:
    """Return all operations, each job's in order, always the least given start next."""
    first = shop.first().tolist()

    def given(job: int, k: int) -> float:
        row = answer.starts[job] if job < len(answer.starts) else ()
        return row[k] if k < len(row) else float("inf")

    # Of equal starts the shorter goes first: what takes no time fits before what begins with it.
    waiting = [(given(job, 0), shop.durations[job][0], job, 0) for job in range(shop.jobs)]
    heapq.heapify(waiting)
    sequence = []
    while waiting:
        _, _, job, k = heapq.heappop(waiting)
        sequence.append(first[job] + k)
        if k + 1 < len(shop.machines[job]):
            heapq.heappush(waiting, (given(job, k + 1), shop.durations[job][k + 1], job, k + 1))
    return np.array(sequence, np.int64)


def polished(shop: JobShop, answer: Schedule, rng: np.random.Generator) -> Schedule:
    """Return the best schedule of a short tabu search from ``answer``."""
    search = shop.kernel().search(
        Kind.TABU,
        sequence_of(shop, answer),
        seed=int(rng.integers(2**63)),
        patience=POLISH_STEPS + 1,
        lower=shop.lower_bound(),
    )
    search.advance(POLISH_STEPS)
    return shop.answer(search.best())


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Moves of a schedule's machine orders; see `Shop.time_moves` for what ``u, v`` mean.

    Attributes
    ----------
    orders
        Operations of each machine in their order.
    u, v, forward
        One entry a move.
    gain
        Change of the makespan if the move is made alone.
    """

    shop: JobShop
    orders: list[list[int]]
    u: Int64[np.ndarray, " moves"]
    v: Int64[np.ndarray, " moves"]
    forward: Shaped[np.ndarray, " moves"]
    gain: Int64[np.ndarray, " moves"]

    def lift(self, bits: Integer[np.ndarray, " moves"]) -> Schedule:
        """Make the chosen moves, the most gainful first, leaving out what cannot follow."""
        machine_of = {op: k for k, order in enumerate(self.orders) for op in order}
        orders = [list(order) for order in self.orders]
        kernel = self.shop.kernel()
        starts = kernel.starts(_joined(orders))
        chosen = np.flatnonzero(np.asarray(bits) > 0)
        for move in chosen[np.argsort(self.gain[chosen], kind="stable")].tolist():
            u, v = int(self.u[move]), int(self.v[move])
            before = orders[machine_of[u]]
            if before.index(u) > before.index(v):
                continue
            after = _moved(before, u, v, bool(self.forward[move]))
            orders[machine_of[u]] = after
            tried = kernel.starts(_joined(orders))
            if (tried < 0).any():
                orders[machine_of[u]] = before
            else:
                starts = tried
        return self.shop.answer(starts)


def moves_around(
    shop: JobShop, answer: Schedule, size: int, rng: np.random.Generator
) -> Subproblem[Schedule] | None:
    """Return the choice of moves as a QUBO; see `JobShop.subproblem`."""
    kernel, sequence = shop.kernel(), sequence_of(shop, answer)
    starts = kernel.starts(sequence)
    orders = _orders(shop, sequence)
    u, v, forward = _candidates(shop, kernel, sequence, starts, orders, size, rng)
    if len(u) == 0:
        return None
    table = kernel.time_moves(sequence, u, v, forward)
    sound = np.flatnonzero(np.diag(table) >= 0)[:size]
    if sound.size == 0:
        return None
    u, v, forward, table = u[sound], v[sound], forward[sound], table[np.ix_(sound, sound)]
    base = shop.makespan(starts)
    gain = np.diag(table) - base
    clash = (table < 0) | _overlaps(orders, u, v)
    np.fill_diagonal(clash, val=False)
    pairs = np.where(clash, 0, table - base - gain[:, None] - gain[None, :])
    # Two moves that each make the schedule longer mostly do so on the same path, so together
    # they cost less than their sum. Among many moves such discounts would add up to schedules
    # that do not exist, so only pairs that gain anything get theirs.
    harmful = (gain[:, None] > 0) & (gain[None, :] > 0) & (table >= base)
    pairs = np.where(harmful & ~clash, np.maximum(pairs, 0), pairs)
    np.fill_diagonal(pairs, 0)
    # Dropping either of two clashing moves saves more than that move can bring.
    worth = np.abs(gain) + np.abs(pairs).sum(axis=1)
    pairs = np.where(clash, 1 + np.maximum(worth[:, None], worth[None, :]), pairs)
    weights = np.triu(pairs, 1).astype(np.float64) + np.diag(gain.astype(np.float64))
    moves = Moves(shop, orders, u, v, forward, gain)
    return Subproblem(Qubo(weights, float(base)), np.zeros(len(u), np.uint8), moves.lift)


def _candidates(
    shop: JobShop,
    kernel: Shop,
    sequence: Int64[np.ndarray, " operations"],
    starts: Int64[np.ndarray, " operations"],
    orders: list[list[int]],
    size: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, " k"], Shaped[np.ndarray, " k"]]:
    """Return moves in the order in which they deserve a place: critical ones first.

    Neighbours on a machine may be exchanged; their rank is the sum of their slacks, by how much
    they could be late without harm. Operations of a critical block may go to its other end;
    they rank behind the critical neighbours. Equal ranks are shuffled.
    """
    ends = starts + np.array([d for row in shop.durations for d in row])
    slack = kernel.latest_ends(sequence) - ends
    job = np.repeat(np.arange(shop.jobs), [len(row) for row in shop.machines])
    found: list[tuple[float, float, int, int, bool]] = []
    for order in orders:
        block: list[int] = []
        for at, op in enumerate(order):
            if at and job[order[at - 1]] != job[op]:
                rank = float(slack[order[at - 1]] + slack[op])
                found.append((rank, rng.random(), order[at - 1], op, True))
            if slack[op] > 0 or (block and ends[block[-1]] != starts[op]):
                found += _insertions(block, rng)
                block = []
            if slack[op] == 0:
                block.append(op)
        found += _insertions(block, rng)
    found.sort()
    found = found[: 2 * size]  # some may turn out to have no schedule
    columns = list(zip(*found, strict=True)) or [()] * 5
    return (
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int64),
        np.array(columns[4], dtype=bool),
    )


def _insertions(
    block: list[int], rng: np.random.Generator
) -> list[tuple[float, float, int, int, bool]]:
    """Return moves of inner operations of a block of three or more behind or before its ends."""
    if len(block) < 3:
        return []
    to_back = [(0.5, rng.random(), op, block[-1], True) for op in block[:-2]]
    to_front = [(0.5, rng.random(), block[0], op, False) for op in block[2:]]
    return to_back + to_front


def _overlaps(
    orders: list[list[int]], u: Int64[np.ndarray, " k"], v: Int64[np.ndarray, " k"]
) -> Shaped[np.ndarray, "k k"]:
    """Whether two moves concern a common stretch of a machine's order."""
    place = {op: (k, at) for k, order in enumerate(orders) for at, op in enumerate(order)}
    machine = np.array([place[op][0] for op in u.tolist()])
    begin = np.array([place[op][1] for op in u.tolist()])
    end = np.array([place[op][1] for op in v.tolist()])
    same = machine[:, None] == machine[None, :]
    return same & (begin[:, None] <= end[None, :]) & (begin[None, :] <= end[:, None])


def _orders(shop: JobShop, sequence: Int64[np.ndarray, " operations"]) -> list[list[int]]:
    machine = [k for row in shop.machines for k in row]
    orders: list[list[int]] = [[] for _ in range(shop.machine_count)]
    for op in sequence.tolist():
        orders[machine[op]].append(op)
    return orders


def _joined(orders: list[list[int]]) -> Int64[np.ndarray, " operations"]:
    return np.array([op for order in orders for op in order], np.int64)


def _moved(order: list[int], u: int, v: int, forward: bool) -> list[int]:
    mover = u if forward else v
    rest = [op for op in order if op != mover]
    place = rest.index(v) + 1 if forward else rest.index(u)
    return [*rest[:place], mover, *rest[place:]]
