"""Job shop schedules: timing of machine orders, dispatching, local search.

Operations are numbered job by job, so operation ``first[j] + k`` is the ``k``-th of job ``j``.
Machine orders are written as one *sequence*: all operations in an order whose restriction to each
machine is that machine's order. Every function here is deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64, Shaped

from qupel.errors import InputError
from qupel.kernels import _jobshop

#: Times at or above this do not fit the kernel's numbers.
LARGEST_TIME = 2**30


class Rule(IntEnum):
    """Which waiting operation a machine takes next; ties go to the first job."""

    SHORTEST = 0
    LONGEST = 1
    MOST_WORK = 2
    LEAST_WORK = 3
    MOST_OPERATIONS = 4
    FIRST_COME = 5
    KEYS = 6


class Kind(IntEnum):
    """Local search methods."""

    DESCENT = 0
    TABU = 1
    ANNEALING = 2


class Shop:
    """A shop's data, laid out for the kernel.

    Parameters
    ----------
    first
        Position of each job's first operation, and at the end the number of operations.
    machine, duration
        Machine (from 0) and duration (from 0) of each operation.
    windows
        For each machine its closed windows ``(start, end)``, in any order; they may overlap.
    """

    def __init__(
        self,
        first: Sequence[int],
        machine: Sequence[int],
        duration: Sequence[int],
        windows: Sequence[Sequence[tuple[int, int]]],
    ) -> None:
        merged = [merge(each) for each in windows]
        latest = max((end for each in merged for _, end in each), default=0)
        if latest + sum(duration) >= LARGEST_TIME:
            raise InputError(
                f"times up to {latest + sum(duration)} do not fit; use a coarser unit of time"
            )
        if machine and not 0 <= min(machine) <= max(machine) < len(windows):
            raise InputError(f"machines must be 0 to {len(windows) - 1}")
        self.operations = len(machine)
        self._machine = np.array(machine, np.int32)
        self._held = _jobshop.Shop(
            np.array(first, np.int32),
            self._machine,
            np.array(duration, np.int32),
            np.cumsum([0, *(len(each) for each in merged)], dtype=np.int32),
            np.array([start for each in merged for start, _ in each], np.int32),
            np.array([end for each in merged for _, end in each], np.int32),
        )

    def starts(self, sequence: Shaped[np.ndarray, " ops"]) -> Int64[np.ndarray, " ops"]:
        """Earliest start of each operation; -1 where the orders contradict each other."""
        out = np.empty(self.operations, np.int64)
        _jobshop.time_sequence(self._held, self._checked(sequence), out)
        return out

    def latest_ends(self, sequence: Shaped[np.ndarray, " ops"]) -> Int64[np.ndarray, " ops"]:
        """Latest end of each operation that keeps the makespan; the orders must be sound."""
        out = np.empty(self.operations, np.int64)
        _jobshop.latest_ends(self._held, self._checked(sequence), out)
        return out

    def dispatch(
        self, rule: Rule, *, active: bool, keys: Float64[np.ndarray, " ops"] | None = None
    ) -> Int32[np.ndarray, " ops"]:
        """Sequence that a dispatching rule makes (Giffler and Thompson 1960).

        Parameters
        ----------
        rule
            Picks among the operations that compete for the machine.
        active
            Whether those compete that could start before the earliest completion (active
            schedules, among which is an optimal one where there are no windows), or only those
            that could start first of all (non-delay schedules).
        keys
            With `Rule.KEYS`: the least goes first.
        """
        if keys is None:
            keys = np.zeros(self.operations)
        out = np.empty(self.operations, np.int32)
        _jobshop.dispatch_sequence(
            self._held, int(rule), active, np.ascontiguousarray(keys, np.float64), out
        )
        return out

    def time_moves(
        self,
        sequence: Shaped[np.ndarray, " ops"],
        u: Shaped[np.ndarray, " moves"],
        v: Shaped[np.ndarray, " moves"],
        forward: Bool[np.ndarray, " moves"],
    ) -> Int64[np.ndarray, "moves moves"]:
        """Makespan after each move alone (diagonal) and after each pair of moves.

        Move ``i`` takes ``u[i]``, which precedes ``v[i]`` on their machine, right after ``v[i]``
        if ``forward[i]``, else ``v[i]`` right before ``u[i]``. -1 where no schedule exists.
        """
        table = np.empty((len(u), len(u)), np.int64)
        _jobshop.time_moves(
            self._held,
            self._checked(sequence),
            np.ascontiguousarray(u, np.int32),
            np.ascontiguousarray(v, np.int32),
            np.ascontiguousarray(forward, np.int32),
            table,
        )
        return table

    def search(
        self,
        kind: Kind,
        sequence: Shaped[np.ndarray, " ops"],
        *,
        seed: int,
        patience: int,
        pool: int = 0,
        lower: int = 0,
    ) -> Search:
        """Begin a local search at ``sequence``, whose orders must not contradict each other.

        Parameters
        ----------
        seed
            Of the counter-based random stream, below ``2**63``.
        patience
            Steps (kicks for `Kind.DESCENT`) without a gain after which it starts elsewhere.
        pool
            Elite schedules that `Kind.TABU` keeps and starts between; below 2 for random starts.
        lower
            Known lower bound of the makespan, at which the search is finished.
        """
        checked = self._checked(sequence)
        if (self.starts(checked) < 0).any():
            raise InputError("a search must begin at machine orders that can be carried out")
        return Search(
            _jobshop.search(self._held, int(kind), seed, patience, pool, lower, checked),
            self.operations,
        )

    def _checked(self, sequence: Shaped[np.ndarray, " ops"]) -> Int32[np.ndarray, " ops"]:
        held = np.ascontiguousarray(sequence, np.int32)
        if not np.array_equal(np.sort(held), np.arange(self.operations)):
            raise InputError("a sequence names every operation once")
        return held


class Search:
    """A search under way; what it does depends on its arguments alone, never on the clock."""

    def __init__(self, held: _jobshop.Search, operations: int) -> None:
        self._held = held
        self._operations = operations

    def advance(self, steps: int) -> int:
        """Go so many steps on; the makespan of the best schedule so far."""
        return self._held.advance(steps)

    @property
    def makespan(self) -> int:
        """Makespan of the best schedule so far."""
        return self._held.makespan

    @property
    def finished(self) -> bool:
        """Whether the best schedule is proved optimal."""
        return self._held.finished

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._held.steps

    @property
    def restarts(self) -> int:
        """How often it started elsewhere."""
        return self._held.starts

    def best(self) -> Int64[np.ndarray, " ops"]:
        """Starts of the best schedule so far."""
        out = np.empty(self._operations, np.int64)
        self._held.best(out)
        return out


def merge(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Windows in order of time, those that overlap or touch made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
