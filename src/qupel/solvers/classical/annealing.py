"""Simulated annealing of Ising models, in passes that grow longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from qupel.errors import InputError
from qupel.kernels.bundle import WIDTH, Bundles, SmallModel, anneal_bundles
from qupel.kernels.dense import DenseChains, DenseModel, anneal_dense
from qupel.kernels.ising import Chains, anneal
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers import on_device
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of, temperature_range

_CHAINS = 4  # replicas where they go one by one


@dataclass(frozen=True, slots=True)
class Annealing:
    """Metropolis sweeps under a temperature that falls linearly, again and again.

    Each pass leads from random spins at the hot end to the cold end, then into a descent. Every
    pass has twice the sweeps of the one before, up to ``most_sweeps``; a time limit thus meets
    passes of every length, and the path does not depend on it.

    Without quotas, models in small integers (see `qupel.kernels.bundle`) are annealed 64 replicas
    side by side, and dense ones (see `qupel.kernels.dense`) several chains in step; others go one
    chain after the other.

    Kirkpatrick, Gelatt, Vecchi 1983 (doi:10.1126/science.220.4598.671); swaps inside quotas.

    Attributes
    ----------
    replicas
        Independent chains; threads share them. None takes 64 side by side where the model allows
        it, else 4. A multiple of 64 goes side by side too; other numbers do not.
    sweeps
        Sweeps of the first pass; None takes some milliseconds' worth, 64 at least.
    most_sweeps
        Sweeps of the longest pass.
    hot, cold
        First and last temperature in the unit of the energy; None takes them from the instance
        (see `temperature_range`).
    threads
        Threads to use; the result does not depend on it.
    device
        ``cpu``, or ``gpu`` for its CUDA twin (extra ``gpu``), whose samples are others.
    """

    name: ClassVar[str] = "annealing"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"replicas": (None, 1, 2, 4, 8, 16)}

    replicas: int | None = None
    sweeps: int | None = None
    most_sweeps: int = 1 << 20
    hot: float | None = None
    cold: float | None = None
    threads: int = 1
    device: Literal["cpu", "gpu"] = "cpu"

    def __post_init__(self) -> None:
        if self.device not in ("cpu", "gpu"):
            raise InputError(f"device must be cpu or gpu, got {self.device!r}")
        if self.replicas is not None and self.replicas < 1:
            raise InputError(f"replicas must be at least 1, got {self.replicas}")
        if self.threads < 1 or self.most_sweeps < 1:
            raise InputError(
                f"most_sweeps and threads must be at least 1, got {self.most_sweeps} and "
                f"{self.threads}"
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
        if self.device == "gpu":
            return on_device.anneal(self, form, stop=stop, rng=rng, on_event=on_event)
        search = Search(form, stop, on_event)
        land = search.landscape
        hot, cold = temperature_range(land)
        hot = self.hot if self.hot is not None else hot
        cold = self.cold if self.cold is not None else min(cold, hot)
        model = None
        if self.replicas is None or self.replicas % WIDTH == 0:
            model = SmallModel.of(land)
        if model is not None and hot <= model.hottest:
            return self._side_by_side(search, model, hot, cold, rng)
        dense = DenseModel.of(land)
        if dense is not None:
            return self._in_step(search, dense, hot, cold, rng)
        return self._one_by_one(search, hot, cold, rng)

    def _side_by_side(
        self, search: Search, model: SmallModel, hot: float, cold: float, rng: np.random.Generator
    ) -> Samples:
        count = (self.replicas or WIDTH) // WIDTH
        sweeps = min(self.sweeps or max(64, (1 << 14) // model.n), self.most_sweeps)
        bundles = Bundles.random(model, rng, count)
        keys = keys_of(rng, count)
        swept = 0
        while True:
            anneal_bundles(
                model,
                bundles,
                keys,
                sweeps=sweeps,
                hot=hot,
                cold=cold,
                budget=ROUND // count,
                threads=self.threads,
            )
            search.follow_bundles(bundles)
            done = bool((bundles.places[:, 0] >= sweeps).all())
            if done:
                search.finish_bundles(bundles, key=int(keys[0]), threads=self.threads)
            if search.over():
                if not done:
                    search.finish_bundles(bundles, key=int(keys[0]), threads=self.threads)
                swept += WIDTH * int(bundles.places[:, 0].sum())
                return search.samples(sweeps=swept, hot=hot, cold=cold)
            if done:
                swept += WIDTH * count * sweeps
                bundles.restart(model, rng.integers(0, 2**64, bundles.down.shape, np.uint64))
                keys = keys_of(rng, count)
                sweeps = min(2 * sweeps, self.most_sweeps)

    def _in_step(
        self, search: Search, model: DenseModel, hot: float, cold: float, rng: np.random.Generator
    ) -> Samples:
        rows = self.replicas or _CHAINS
        sweeps = min(self.sweeps or max(64, (1 << 18) // model.n), self.most_sweeps)
        chains = DenseChains.random(model, rng, rows)
        keys = keys_of(rng, rows)
        swept = 0
        while True:
            anneal_dense(
                model,
                chains,
                keys,
                sweeps=sweeps,
                hot=hot,
                cold=cold,
                budget=ROUND,
                threads=self.threads,
            )
            search.follow_dense(model, chains)
            done = chains.place[0] >= sweeps
            if done:
                search.finish_dense(model, chains, key=int(keys[0]), threads=self.threads)
            if search.over():
                if not done:
                    search.finish_dense(model, chains, key=int(keys[0]), threads=self.threads)
                swept += rows * int(chains.place[0])
                return search.samples(sweeps=swept, hot=hot, cold=cold)
            if done:
                swept += rows * sweeps
                chains.restart(model, rng)
                keys = keys_of(rng, rows)
                sweeps = min(2 * sweeps, self.most_sweeps)

    def _one_by_one(
        self, search: Search, hot: float, cold: float, rng: np.random.Generator
    ) -> Samples:
        land = search.landscape
        replicas = self.replicas or _CHAINS
        first = self.sweeps or max(64, (1 << 18) // max(1, land.n))
        lengths = np.full(replicas, min(first, self.most_sweeps), np.int64)

        chains = Chains.of(land, land.random(rng, replicas))
        places = np.zeros((replicas, 2), np.int64)
        keys = keys_of(rng, replicas)
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
                budget=ROUND // replicas,
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
