"""Greedy answers to Ising models: steepest descent, and construction spin by spin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qupel.kernels.ising import Chains, Landscape, steepest
from qupel.model.ising import Ising
from qupel.model.samples import Outcome, Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search


@dataclass(frozen=True, slots=True)
class GreedyDescent:
    """Flip or swap whatever lowers the energy most, until nothing does.

    From two starts: all bits zero, with each quota's cheapest members at one; and a construction
    that decides, each time, the spin on which the decided ones pull hardest. Nothing is random.
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Descend from both starts, or until ``stop`` says so."""
        search = Search(form, stop, on_event)
        if not _descend(search, _plain(search.landscape)):
            return search.samples()
        built = _construct(search)
        if built is None or not _descend(search, built):
            return search.samples()
        return search.samples(Outcome.STALLED)


def _descend(search: Search, start: np.ndarray) -> bool:
    """Descend from ``start``; False if the stop rule came first."""
    land = search.landscape
    chains = Chains.of(land, start)
    moves = max(1, ROUND // (2 * land.n + 1))
    while True:
        done = steepest(land, chains, key=0, moves=moves)
        search.offer(chains.spins, chains.energies)
        if search.over():
            return False
        if done:
            return True


def _plain(land: Landscape) -> np.ndarray:
    """All spins +1, but for the cheapest members of each group."""
    row = np.ones((1, land.stride), land.fields.dtype)
    costs = -2 * Chains.of(land, row).locals[0]
    for group, count in zip(land.groups, land.counts.tolist(), strict=True):
        cheapest = np.argsort(costs[group], kind="stable")[:count]
        row[0, group.start + cheapest] = -1
    return row


def _construct(search: Search) -> np.ndarray | None:
    """Decide the most strongly pulled spin, again and again; None if the stop rule came first."""
    land = search.landscape
    row = np.ones((1, land.stride), land.fields.dtype)
    pull = land.fields.astype(np.float64)
    open_ = np.ones(land.n, bool)
    # Ones and zeros that each group still has to give; free spins have plenty of both.
    group_of = np.zeros(land.n, np.int64)
    sizes = np.diff(land.edges)
    group_of[land.free :] = 1 + np.repeat(np.arange(sizes.size), sizes)
    ones = np.concatenate([[land.n], land.counts])
    zeros = np.concatenate([[land.n], sizes - land.counts])
    strength = np.abs(pull)
    for turn in range(land.n):
        i = int(np.argmax(strength))
        group = group_of[i]
        spin = -1.0 if (pull[i] > 0 and ones[group] > 0) or zeros[group] == 0 else 1.0
        row[0, i] = spin
        (ones if spin < 0 else zeros)[group] -= 1
        open_[i] = False
        strength[i] = -1.0
        near = slice(land.starts[i], land.starts[i + 1])
        columns = land.columns[near]
        pull[columns] += spin * land.weights[near]
        strength[columns] = np.where(open_[columns], np.abs(pull[columns]), -1.0)
        if turn % 64 == 63 and search.over():
            return None
    return row
