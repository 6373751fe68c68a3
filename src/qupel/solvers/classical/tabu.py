"""Tabu search on Ising models, restarted from recombined elite configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import Chains, Landscape, tabu
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.crossover import cross, is_symmetric, mutate
from qupel.solvers.search import ROUND, Search, keys_of


@dataclass(frozen=True, slots=True)
class Tabu:
    """Always the cheapest flip or swap that is not tabu; the best seen counts.

    A walk that brings nothing better for ``patience`` moves ends, and a new one starts from a
    child of two elite configurations with some spins changed (Glover, Lü, Hao 2010,
    doi:10.1007/s10288-009-0115-y, with crossover in place of their frequency memory).

    Attributes
    ----------
    walkers
        Independent walks; threads share them. They share one elite.
    tenure
        Moves for which a moved spin rests at least, with up to ten more; None takes n / 20, at
        most 40.
    patience
        Moves without improvement after which a walk ends; None takes n, 5,000 at least.
    elite
        How many configurations new walks are bred from.
    change
        Share of spins changed at random in a new walk's start.
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "tabu"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"walkers": (4, 1, 2, 8), "elite": (10, 5, 20)}

    walkers: int = 4
    tenure: int | None = None
    patience: int | None = None
    elite: int = 10
    change: float = 0.05
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.walkers, self.elite, self.threads) < 1:
            raise InputError(
                f"walkers, elite and threads must be at least 1, got {self.walkers}, "
                f"{self.elite} and {self.threads}"
            )
        if self.tenure is not None and self.tenure < 0:
            raise InputError(f"tenure must be at least 0, got {self.tenure}")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience must be at least 1, got {self.patience}")
        if not 0 <= self.change <= 1:
            raise InputError(f"change must be a share from 0 to 1, got {self.change}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        # A resting spin must leave others to move, however small the instance.
        base = min(40, land.n // 20) if self.tenure is None else min(self.tenure, land.n // 4)
        spread = max(1, min(10, land.n // 4))
        patience = self.patience or max(5_000, land.n)
        elite = Elite(self.elite)

        chains = Chains.of(land, land.random(rng, self.walkers))
        until = np.zeros(chains.spins.shape, np.int32)
        trails = np.zeros((self.walkers, 2), np.int64)
        keys = keys_of(rng, self.walkers)
        moves = walks = 0
        while True:
            tabu(
                land,
                chains,
                until,
                trails,
                keys,
                base=base,
                spread=spread,
                patience=patience,
                budget=ROUND // self.walkers,
                threads=self.threads,
            )
            search.follow(chains)
            done = np.flatnonzero(trails[:, 0] - trails[:, 1] >= patience)
            if search.over():
                search.finish(chains, key=int(keys[0]), threads=self.threads)
                return search.samples(moves=moves + int(trails[:, 0].sum()), walks=walks)
            if done.size:
                search.offer(chains.best[done], chains.least[done])
                elite.add(land, chains.best[done], chains.least[done])
                moves += int(trails[done, 0].sum())
                walks += int(done.size)
                chains.restart(land, done, elite.breed(land, done.size, self.change, rng))
                trails[done] = 0
                until[done] = 0
                keys[done] = keys_of(rng, done.size)


class Elite:
    """The best distinct configurations of a search, few."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._rows: dict[bytes, tuple[float, np.ndarray]] = {}

    def add(self, land: Landscape, rows: np.ndarray, energies: np.ndarray) -> None:
        """Take these in, and drop the worst."""
        if is_symmetric(land):
            rows = rows * rows[:, :1]
        for row, energy in zip(rows, energies.tolist(), strict=True):
            self._rows[row.tobytes()] = (energy, row.copy())
        best = sorted(self._rows.items(), key=lambda item: (item[1][0], item[0]))[: self.room]
        self._rows = dict(best)

    def breed(
        self, land: Landscape, count: int, change: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Children of random pairs; random rows until there are two to pair."""
        if len(self._rows) < 2:
            return land.random(rng, count)
        rows = np.stack([row for _, row in self._rows.values()])
        pairs = np.array([rng.choice(len(rows), 2, replace=False) for _ in range(count)])
        return mutate(land, cross(land, rows[pairs[:, 0]], rows[pairs[:, 1]], rng), change, rng)
