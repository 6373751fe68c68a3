"""Iterated local search on Ising models: kick, descend, take back what was worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import Chains, descend, wander
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of


@dataclass(frozen=True, slots=True)
class LocalSearch:
    """Kicks along couplings from a random spin, each followed by a descent.

    A kick whose descent ends higher is taken back. A walker that found nothing better for
    ``patience`` kicks starts anew from random spins. Lourenço, Martin, Stützle 2003
    (doi:10.1007/0-306-48056-5_11).

    Attributes
    ----------
    walkers
        Independent walks; threads share them.
    kick
        Most flips (swaps inside quotas) of one kick.
    patience
        Kicks without improvement after which a walker starts anew; None takes 50 n, 20,000 at
        least.
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "local-search"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"walkers": (4, 1, 8), "kick": (8, 4, 16)}

    walkers: int = 4
    kick: int = 8
    patience: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.walkers, self.kick, self.threads) < 1:
            raise InputError(
                f"walkers, kick and threads must be at least 1, got {self.walkers}, "
                f"{self.kick} and {self.threads}"
            )
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience must be at least 1, got {self.patience}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        patience = self.patience or max(20_000, 50 * land.n)
        chains = Chains.of(land, land.random(rng, self.walkers))
        keys = keys_of(rng, self.walkers)
        descend(land, chains, key=int(keys[0]), threads=self.threads)
        chains.best[:], chains.least[:] = chains.spins, chains.energies
        kicks = np.zeros(self.walkers, np.int64)
        improved = kicks.copy()
        total = 0
        while True:
            before = chains.least.copy()
            wander(
                land,
                chains,
                kicks,
                keys,
                most=self.kick,
                budget=ROUND // self.walkers,
                threads=self.threads,
            )
            search.follow(chains)
            better = chains.least < before
            improved[better] = kicks[better]
            done = np.flatnonzero(kicks - improved >= patience)
            if search.over():
                search.finish(chains, key=int(keys[0]), threads=self.threads)
                return search.samples(kicks=total + int(kicks.sum()))
            if done.size:
                search.offer(chains.best[done], chains.least[done])
                total += int(kicks[done].sum())
                chains.restart(land, done, land.random(rng, done.size))
                kicks[done] = improved[done] = 0
                keys[done] = keys_of(rng, done.size)
