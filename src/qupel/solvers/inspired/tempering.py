"""Parallel tempering of Ising models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import Chains, temper
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of, temperature_range

_SPARSE = 4.5  # couplings a spin up to which clusters do not span the whole instance


@dataclass(frozen=True, slots=True)
class Tempering:
    """Chains at a ladder of temperatures that exchange configurations with their neighbours.

    Hukushima, Nemoto 1996 (doi:10.1143/JPSJ.65.1604), temperatures in geometric progression. On
    sparse instances without quotas, pairs of ladders also trade clusters of spins at equal energy
    in the colder half (Zhu, Ochoa, Katzgraber 2015, doi:10.1103/PhysRevLett.115.077201).

    Attributes
    ----------
    rungs
        Temperatures.
    ladders
        Sets of chains over all temperatures; None takes the two that cluster moves need, else one.
    clusters
        Whether to trade clusters; None decides by the number of couplings a spin, at most 4.5.
    hot, cold
        Ends of the ladder in the unit of the energy; None takes them from the instance (see
        `temperature_range`).
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "tempering"
    kind: ClassVar[str] = "inspired"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"rungs": (20, 8, 12, 32, 48)}

    rungs: int = 20
    ladders: int | None = None
    clusters: bool | None = None
    hot: float | None = None
    cold: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.rungs, self.threads) < 1:
            raise InputError(
                f"rungs and threads must be at least 1, got {self.rungs} and {self.threads}"
            )
        if self.ladders is not None and self.ladders < 1:
            raise InputError(f"ladders must be at least 1, got {self.ladders}")
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
        cold = self.cold if self.cold is not None else min(2 * cold, hot)
        temperatures = np.geomspace(cold, hot, self.rungs)
        sparse = land.weights.size <= _SPARSE * land.n
        trades = sparse if self.clusters is None else self.clusters
        trades = trades and not form.quotas
        ladders = self.ladders or (2 if trades else 1)
        clustered = self.rungs // 2 if trades and ladders > 1 else 0

        count = self.rungs * ladders
        chains = Chains.of(land, land.random(rng, count))
        at = np.arange(count, dtype=np.int32).reshape(ladders, self.rungs)
        exchanges = np.zeros((ladders, self.rungs), np.int64)
        place = np.zeros(2, np.int64)
        key = int(keys_of(rng, 1)[0])
        while True:
            temper(
                land,
                chains,
                place,
                temperatures,
                at,
                exchanges,
                clustered=clustered,
                key=key,
                budget=ROUND,
                threads=self.threads,
            )
            search.follow(chains)
            if search.over():
                search.finish(chains, key=key, threads=self.threads)
                tried = max(1, int(place[0])) * max(1, self.rungs - 1) * ladders / 2
                return search.samples(
                    turns=int(place[0]),
                    hot=hot,
                    cold=cold,
                    exchanged=float(exchanges.sum() / tried),
                )
