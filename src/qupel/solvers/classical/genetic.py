"""A genetic algorithm on Ising models whose children are improved before they compete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import LONGEST_WALK, Chains, Landscape, descend, tabu
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.crossover import cross, mutate
from qupel.solvers.search import ROUND, Search, keys_of


@dataclass(frozen=True, slots=True)
class Genetic:
    """Uniform, quota-keeping crossover; every child descends and takes a short tabu walk.

    A memetic algorithm in the manner of Merz and Katayama 2004 (doi:10.1016/j.biosystems.
    2004.08.002). A child replaces the worst member if it is new and better. A population in which
    no child found a place for ``patience`` rounds keeps its best member and is drawn anew.

    Attributes
    ----------
    population
        Members.
    mutation
        Chance of each spin to change in a child.
    walk
        Moves of a child's tabu walk without improvement; None takes n, 0 leaves the walk out.
    patience
        Rounds without a placed child before a new population.
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "genetic"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {
        "population": (24, 12, 48),
        "mutation": (0.005, 0.02),
    }

    population: int = 24
    mutation: float = 0.005
    walk: int | None = None
    patience: int = 60
    threads: int = 1

    def __post_init__(self) -> None:
        if self.population < 2:
            raise InputError(f"population must be at least 2, got {self.population}")
        if not 0 <= self.mutation <= 1:
            raise InputError(f"mutation must be a chance from 0 to 1, got {self.mutation}")
        if self.walk is not None and self.walk < 0:
            raise InputError(f"walk must be at least 0, got {self.walk}")
        if min(self.patience, self.threads) < 1:
            raise InputError(
                f"patience and threads must be at least 1, got {self.patience} and {self.threads}"
            )

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        walk = land.n if self.walk is None else self.walk
        # A child costs its local fields, its descent, and about twice its walk.
        price = land.weights.size + 60 * land.n + 2 * walk * (30 + land.free // 5)
        brood = max(1, min(8, ROUND // max(1, price)))

        members = np.zeros((0, land.stride), land.fields.dtype)
        energies = np.zeros(0)
        idle = born = 0
        while True:
            if len(members) < self.population:
                rows = land.random(rng, brood)
            else:
                pairs = np.array([rng.choice(len(members), 2, replace=False) for _ in range(brood)])
                rows = cross(land, members[pairs[:, 0]], members[pairs[:, 1]], rng)
                rows = mutate(land, rows, self.mutation, rng)
            children = self._grown(land, rows, walk, rng)
            born += brood
            search.offer(children.best, children.least)
            if search.over():
                return search.samples(children=born)
            placed = False
            for row, energy in zip(children.best, children.least.tolist(), strict=True):
                full = len(members) >= self.population
                worst = int(np.argmax(energies)) if full else -1
                if (full and energy >= energies[worst]) or (members == row).all(axis=1).any():
                    continue
                placed = True
                if full:
                    members[worst], energies[worst] = row, energy
                else:
                    members = np.concatenate([members, row[None]])
                    energies = np.append(energies, energy)
            idle = 0 if placed else idle + 1
            if idle >= self.patience:
                best = int(np.argmin(energies))
                members, energies, idle = members[best : best + 1], energies[best : best + 1], 0

    def _grown(
        self, land: Landscape, rows: np.ndarray, walk: int, rng: np.random.Generator
    ) -> Chains:
        """Return the children after descent and walk."""
        chains = Chains.of(land, rows)
        keys = keys_of(rng, len(rows))
        descend(land, chains, key=int(keys[0]), threads=self.threads)
        chains.best[:], chains.least[:] = chains.spins, chains.energies
        if walk:
            tabu(
                land,
                chains,
                np.zeros(rows.shape, np.int32),
                np.zeros((len(rows), 2), np.int64),
                np.full(len(rows), LONGEST_WALK),
                keys,
                base=min(40, land.n // 20),
                spread=max(1, min(10, land.n // 4)),
                patience=walk,
                budget=4 * ROUND // len(rows),
                threads=self.threads,
            )
        return chains
