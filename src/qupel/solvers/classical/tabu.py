"""Tabu search on Ising models: walks whose tenure falls, grafted into the best so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import LONGEST_WALK, Chains, Landscape, descend, graft, tabu
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.crossover import is_symmetric
from qupel.solvers.search import ROUND, Search, keys_of


@dataclass(frozen=True, slots=True)
class Tabu:
    """Always the cheapest flip or swap that is not tabu; the best seen counts.

    Each walker has a home, the best it keeps. A walk starts there with a long tenure, which drives
    it over barriers, and the tenure falls to a short one, under which it settles: a schedule as
    in annealing. At its end every region of the walk that is no worse than the home's is grafted
    into the home (see `graft`), so that a walk over a sparse instance counts as many small ones.
    Each walk has twice the moves of the one before. A walker whose walks bring nothing starts
    anew from random spins.

    Moves and tenure follow Glover, Lü, Hao 2010 (doi:10.1007/s10288-009-0115-y); that tenures
    vary in a course of their own, Galinier, Boujbel, Fernandes 2011
    (doi:10.1007/s10479-011-0983-3).

    Attributes
    ----------
    walkers
        Independent walkers; threads share them.
    tenure
        Moves for which a moved spin rests at the beginning of a walk, with up to ten more; None
        takes a fifth of the spins that can rest while others move.
    least_tenure
        The same at the end of a walk.
    moves
        Moves of the first walk; None takes 20 n, 10,000 at least, or 2,000 under quotas.
    most_moves
        Moves of the longest walk; None takes ten times the first.
    patience
        Walks in a row without a better home after which a walker starts anew.
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "tabu"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {
        "walkers": (4, 1, 2, 8),
        "patience": (8, 4, 16),
    }

    walkers: int = 4
    tenure: int | None = None
    least_tenure: int = 10
    moves: int | None = None
    most_moves: int | None = None
    patience: int = 8
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.walkers, self.patience, self.threads) < 1:
            raise InputError(
                f"walkers, patience and threads must be at least 1, got {self.walkers}, "
                f"{self.patience} and {self.threads}"
            )
        if self.least_tenure < 0 or (self.tenure is not None and self.tenure < 0):
            raise InputError(
                f"tenures must be at least 0, got {self.tenure} and {self.least_tenure}"
            )
        for label, moves in (("moves", self.moves), ("most_moves", self.most_moves)):
            if moves is not None and not 1 <= moves <= LONGEST_WALK:
                raise InputError(f"{label} must be from 1 to {LONGEST_WALK}, got {moves}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        loose = _loose(land)
        # A resting spin must leave others to move, however small the instance.
        high = min(loose // 5 if self.tenure is None else self.tenure, loose // 4)
        base = min(self.least_tenure, high, loose // 8)
        spread = max(1, min(10, loose // 8))
        least = 2_000 if land.groups else 10_000  # swaps are dear
        first = min(self.moves or max(least, 20 * land.n), LONGEST_WALK)
        longest = max(first, min(self.most_moves or 10 * first, LONGEST_WALK))

        homes = Chains.of(land, land.random(rng, self.walkers))
        chains = homes.some(np.arange(self.walkers))
        until = np.zeros(chains.spins.shape, np.int32)
        trails = np.zeros((self.walkers, 2), np.int64)
        lengths = np.full(self.walkers, first, np.int64)
        idle = np.zeros(self.walkers, np.int64)
        keys = keys_of(rng, self.walkers)
        mirror = is_symmetric(land)
        moves = walks = 0
        while True:
            tabu(
                land,
                chains,
                until,
                trails,
                lengths,
                keys,
                base=base,
                high=high,
                spread=spread,
                budget=ROUND // self.walkers,
                threads=self.threads,
            )
            search.follow(chains)
            done = np.flatnonzero(trails[:, 0] >= lengths)
            if done.size:
                moves += int(trails[done, 0].sum())
                walks += int(done.size)
                trails[done] = 0
                better = self._bring_home(search, homes, chains, done, mirror, int(keys[0]))
                idle[done] = np.where(better, 0, idle[done] + 1)
            if search.over():
                search.finish(chains, key=int(keys[0]), threads=self.threads)
                search.offer(homes.spins, homes.energies)
                return search.samples(moves=moves + int(trails[:, 0].sum()), walks=walks)
            if done.size:
                lengths[done] = np.minimum(2 * lengths[done], longest)
                tired = done[idle[done] >= self.patience]
                homes.restart(land, tired, land.random(rng, tired.size))
                lengths[tired], idle[tired] = first, 0
                chains.restart(land, done, homes.spins[done])
                until[done] = 0
                keys[done] = keys_of(rng, done.size)

    def _bring_home(
        self,
        search: Search,
        homes: Chains,
        chains: Chains,
        done: np.ndarray,
        mirror: bool,
        key: int,
    ) -> np.ndarray:
        """Graft the walks ``done``, their ends and their bests, into their homes.

        Returns which homes became better.
        """
        land = search.landscape
        walked, kept = chains.some(done), homes.some(done)
        descend(land, walked, key=key, threads=self.threads)
        for guests in (walked.spins, walked.best):
            graft(land, kept, guests, mirror=mirror)
        descend(land, kept, key=key, threads=self.threads)
        search.offer(kept.spins, kept.energies)
        better = kept.energies < homes.energies[done] - land.tolerance
        homes.spins[done], homes.locals[done] = kept.spins, kept.locals
        homes.energies[done] = kept.energies
        return better


def _loose(land: Landscape) -> int:
    """Spins that can rest at one time while others move: of a group, one for each of its ones."""
    sizes = np.diff(land.edges)
    return land.free + 2 * int(np.minimum(land.counts, sizes - land.counts).sum())
