"""Parallel tempering of Ising models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.bundle import WIDTH, Bundles, SmallModel, temper_bundles
from qupel.kernels.dense import DenseChains, DenseModel, temper_dense
from qupel.kernels.ising import Chains, temper
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of, temperature_range

_SPARSE = 4.5  # couplings a spin up to which clusters do not span the whole instance
_RUNGS, _LANES = 20, 32  # temperatures where chains go one by one, and side by side
_EVERY = 16  # turns between trades of clusters, side by side
_DESCENTS = 64  # rounds between descents from the best chains, which stand above their minima


@dataclass(frozen=True, slots=True)
class Tempering:
    """Chains at a ladder of temperatures that exchange configurations with their neighbours.

    Hukushima, Nemoto 1996 (doi:10.1143/JPSJ.65.1604), temperatures in geometric progression; now
    and then, and in the end, copies of the best chains descend to the minima below them. On
    sparse instances without quotas, pairs of ladders also trade clusters of spins at equal energy
    in the colder half (Zhu, Ochoa, Katzgraber 2015, doi:10.1103/PhysRevLett.115.077201).

    Without quotas, models in small integers (see `qupel.kernels.bundle`) are swept 64 chains side
    by side, one to a temperature of a ladder, and dense ones (see `qupel.kernels.dense`) all chains
    in step; others go one chain after the other.

    Attributes
    ----------
    rungs
        Temperatures; None takes 32 where chains go side by side, else 20.
    ladders
        Sets of chains over all temperatures; None takes as many as fit 64 chains side by side,
        else the two that cluster moves need, else one.
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
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"rungs": (None, 8, 12, 20, 32, 48)}

    rungs: int | None = None
    ladders: int | None = None
    clusters: bool | None = None
    hot: float | None = None
    cold: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for label, count in (
            ("rungs", self.rungs),
            ("ladders", self.ladders),
            ("threads", self.threads),
        ):
            if count is not None and count < 1:
                raise InputError(f"{label} must be at least 1, got {count}")
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
        sparse = land.weights.size <= _SPARSE * land.n
        trades = sparse if self.clusters is None else self.clusters
        trades = trades and not form.quotas
        model = SmallModel.of(land) if self._fits() else None
        if model is not None and hot <= model.hottest:
            return self._side_by_side(search, model, hot, cold, trades, rng)
        dense = None if self.clusters else DenseModel.of(land)
        if dense is not None:
            return self._in_step(search, dense, hot, cold, rng)
        return self._one_by_one(search, hot, cold, trades, rng)

    def _fits(self) -> bool:
        """Whether all chains fit one bundle."""
        return (self.rungs or _LANES) * (self.ladders or 1) <= WIDTH

    def _side_by_side(
        self,
        search: Search,
        model: SmallModel,
        hot: float,
        cold: float,
        trades: bool,
        rng: np.random.Generator,
    ) -> Samples:
        rungs = self.rungs or _LANES
        ladders = self.ladders or WIDTH // rungs
        temperatures = np.geomspace(cold, hot, rungs)
        bundles = Bundles.random(model, rng, 1)
        at = np.arange(ladders * rungs, dtype=np.int32).reshape(1, ladders, rungs)
        exchanges = np.zeros((1, ladders, rungs), np.int64)
        keys = keys_of(rng, 1)
        rounds = 0
        while True:
            rounds += 1
            temper_bundles(
                model,
                bundles,
                temperatures,
                at,
                exchanges,
                keys,
                clustered=rungs // 2 if trades and ladders > 1 else 0,
                every=_EVERY,
                budget=ROUND,
                threads=self.threads,
            )
            search.follow_bundles(bundles)
            over = search.over()
            if over or rounds % _DESCENTS == 0:
                search.finish_bundles(bundles, key=int(keys[0]), threads=self.threads)
            if over:
                return self._samples(search, int(bundles.places[0, 0]), hot, cold, exchanges[0])

    def _in_step(
        self, search: Search, model: DenseModel, hot: float, cold: float, rng: np.random.Generator
    ) -> Samples:
        rungs, ladders = self.rungs or _RUNGS, self.ladders or 1
        temperatures = np.geomspace(cold, hot, rungs)
        chains = DenseChains.random(model, rng, rungs * ladders)
        at = np.arange(rungs * ladders, dtype=np.int32).reshape(ladders, rungs)
        exchanges = np.zeros((ladders, rungs), np.int64)
        key = int(keys_of(rng, 1)[0])
        rounds = 0
        while True:
            rounds += 1
            temper_dense(
                model,
                chains,
                temperatures,
                at,
                exchanges,
                key=key,
                budget=ROUND,
                threads=self.threads,
            )
            search.follow_dense(model, chains)
            over = search.over()
            if over or rounds % _DESCENTS == 0:
                search.finish_dense(model, chains, key=key, threads=self.threads)
            if over:
                return self._samples(search, int(chains.place[0]), hot, cold, exchanges)

    def _one_by_one(
        self,
        search: Search,
        hot: float,
        cold: float,
        trades: bool,
        rng: np.random.Generator,
    ) -> Samples:
        land = search.landscape
        rungs = self.rungs or _RUNGS
        temperatures = np.geomspace(cold, hot, rungs)
        ladders = self.ladders or (2 if trades else 1)
        clustered = rungs // 2 if trades and ladders > 1 else 0

        count = rungs * ladders
        chains = Chains.of(land, land.random(rng, count))
        at = np.arange(count, dtype=np.int32).reshape(ladders, rungs)
        exchanges = np.zeros((ladders, rungs), np.int64)
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
                return self._samples(search, int(place[0]), hot, cold, exchanges)

    def _samples(
        self, search: Search, turns: int, hot: float, cold: float, exchanges: np.ndarray
    ) -> Samples:
        ladders, rungs = exchanges.shape
        tried = max(1, turns) * max(1, rungs - 1) * ladders / 2
        return search.samples(
            turns=turns, hot=hot, cold=cold, exchanged=float(exchanges.sum() / tried)
        )
