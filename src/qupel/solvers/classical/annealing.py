"""Simulated annealing of Ising models, in passes that grow longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import Chains, anneal
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of, temperature_range


@dataclass(frozen=True, slots=True)
class Annealing:
    """Metropolis sweeps under a temperature that falls linearly, again and again.

    Each replica makes passes of its own: from random spins at the hot end to the cold end, then a
    descent. Every pass has twice the sweeps of the one before, up to ``most_sweeps``; a time limit
    thus meets passes of every length, and the path does not depend on it.

    Kirkpatrick, Gelatt, Vecchi 1983 (doi:10.1126/science.220.4598.671); swaps inside quotas.

    Attributes
    ----------
    replicas
        Independent chains; threads share them.
    sweeps
        Sweeps of the first pass; None takes about a quarter million flips' worth, 64 at least.
    most_sweeps
        Sweeps of the longest pass.
    hot, cold
        First and last temperature in the unit of the energy; None takes them from the instance
        (see `temperature_range`).
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "annealing"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"replicas": (4, 1, 2, 8, 16)}

    replicas: int = 4
    sweeps: int | None = None
    most_sweeps: int = 1 << 20
    hot: float | None = None
    cold: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.replicas < 1 or self.threads < 1 or self.most_sweeps < 1:
            raise InputError(
                f"replicas, most_sweeps and threads must be at least 1, got {self.replicas}, "
                f"{self.most_sweeps} and {self.threads}"
            )
        if self.sweeps is not None and self.sweeps < 1:
            raise InputError(f"sweeps must be at least 1, got {self.sweeps}")
        for label, temperature in (("hot", self.hot), ("cold", self.cold)):
            if temperature is not None and not 0 < temperature < np.inf:
                raise InputError(f"{label} must be a temperature above 0, got {temperature}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        hot, cold = temperature_range(land)
        hot = self.hot if self.hot is not None else hot
        cold = self.cold if self.cold is not None else min(cold, hot)
        first = self.sweeps or max(64, (1 << 18) // max(1, land.n))
        lengths = np.full(self.replicas, min(first, self.most_sweeps), np.int64)

        chains = Chains.of(land, land.random(rng, self.replicas))
        places = np.zeros((self.replicas, 2), np.int64)
        keys = keys_of(rng, self.replicas)
        swept = 0
        while True:
            anneal(
                land,
                chains,
                places,
                lengths,
                keys,
                hot=hot,
                cold=cold,
                budget=ROUND // self.replicas,
                threads=self.threads,
            )
            search.follow(chains)
            done = np.flatnonzero(places[:, 0] >= lengths)
            if done.size:
                search.finish(chains.some(done), key=int(keys[0]), threads=self.threads)
            if search.over():
                search.finish(chains, key=int(keys[0]), threads=self.threads)
                swept += int(places[:, 0].sum())
                return search.samples(sweeps=swept, hot=hot, cold=cold)
            if done.size:
                swept += int(lengths[done].sum())
                chains.restart(land, done, land.random(rng, done.size))
                places[done] = 0
                keys[done] = keys_of(rng, done.size)
                lengths[done] = np.minimum(2 * lengths[done], self.most_sweeps)
