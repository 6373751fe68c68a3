"""Searches whose replicas live on a CUDA device."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from qupel.kernels.gpu import Device
from qupel.kernels.gpu_annealing import Annealer
from qupel.kernels.ising import Chains
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop
from qupel.solvers.search import Search, keys_of, temperature_range

#: Replicas where none are named: 32 for each of two blocks on each of 128 multiprocessors.
REPLICAS = 1 << 13
#: Visits of a spin between two looks at the stop rule.
VISITS = 1 << 28


class AnnealingSettings(Protocol):
    """What annealing is told; see `qupel.solvers.classical.annealing.Annealing`."""

    @property
    def replicas(self) -> int | None: ...  # noqa: D102
    @property
    def sweeps(self) -> int | None: ...  # noqa: D102
    @property
    def most_sweeps(self) -> int: ...  # noqa: D102
    @property
    def hot(self) -> float | None: ...  # noqa: D102
    @property
    def cold(self) -> float | None: ...  # noqa: D102


def anneal(
    settings: AnnealingSettings,
    form: Ising,
    *,
    stop: Stop,
    rng: np.random.Generator,
    on_event: OnEvent,
    device: Device | None = None,
) -> Samples:
    """Search by annealing whose replicas all go through one pass after the other.

    Each pass starts from random spins and has twice the sweeps of the one before. At its end the
    best replicas descend to the minima below, on the processor.

    Raises
    ------
    InputError
        If there is no device (see `qupel.kernels.gpu.find`).
    """
    search = Search(form, stop, on_event)
    land, replicas = search.landscape, settings.replicas or REPLICAS
    hot, cold = temperature_range(land)
    hot = settings.hot if settings.hot is not None else hot
    cold = settings.cold if settings.cold is not None else min(cold, hot)
    first = settings.sweeps or max(64, (1 << 18) // max(1, land.n))
    length = min(first, settings.most_sweeps)
    stride = max(1, VISITS // max(1, replicas * land.n))

    spins, keys = land.random(rng, replicas), keys_of(rng, replicas)
    annealer, swept = Annealer.of(land, spins, keys, device=device), 0
    while True:
        for begin in range(0, length, stride):
            end = min(length, begin + stride)
            annealer.run(begin, end, sweeps=length, hot=hot, cold=cold)
            swept += replicas * (end - begin)
            _follow(search, annealer)
            if search.over():
                _finish(search, annealer, key=int(keys[0]))
                return search.samples(sweeps=swept, hot=hot, cold=cold)
        _finish(search, annealer, key=int(keys[0]))
        keys = keys_of(rng, replicas)
        annealer.restart(land.random(rng, replicas), keys)
        length = min(2 * length, settings.most_sweeps)


def _follow(search: Search, annealer: Annealer) -> None:
    """Take note of the best replica, if it is better than all before."""
    least = annealer.least()
    best = np.argmin(least, keepdims=True)
    slack = search.landscape.tolerance
    if least[best[0]] + search.form.offset < search.watch.best - slack:
        search.offer(annealer.best(best), least[best])


def _finish(search: Search, annealer: Annealer, *, key: int) -> None:
    """Take note of the best replicas, as many as the answer holds, and of the minima below."""
    chosen = np.argsort(annealer.least(), kind="stable")[: search.room]
    search.finish(Chains.of(search.landscape, annealer.best(chosen)), key=key)
