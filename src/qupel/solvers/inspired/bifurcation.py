"""Simulated bifurcation of Ising models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from qupel.errors import InputError
from qupel.kernels.gpu_bifurcation import Oscillators
from qupel.kernels.ising import BLOCK, Chains, Landscape, bifurcate, descend
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of


@dataclass(frozen=True, slots=True)
class Bifurcation:
    """Oscillators that bifurcate into spins as a pump rises; each run ends in a descent.

    Goto et al. 2021 (doi:10.1126/sciadv.abe7953), with their c0 = 0.5 sqrt((n - 1) / sum J^2),
    the sum over ordered pairs and squared fields. Runs come in blocks of 16 side by side. Each
    pass has twice the steps of the one before, up to ``most_steps``. Sums over a quota are drawn
    to their value, and the most negative positions are read out as its ones.

    Attributes
    ----------
    variant
        ``discrete`` sees the signs of the positions in the couplings, ``ballistic`` the positions.
    blocks
        Blocks of 16 runs; threads share them.
    steps, most_steps
        Time steps of the first and of the longest pass.
    step
        Time step, in the paper's unit.
    threads
        Threads to use; the result does not depend on it.
    device
        ``cpu``, or ``gpu`` for its CUDA twin (extra ``gpu``), whose samples are others.
    """

    name: ClassVar[str] = "bifurcation"
    kind: ClassVar[str] = "inspired"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {
        "variant": ("discrete", "ballistic"),
        "step": (1.0, 0.5),
    }

    variant: Literal["discrete", "ballistic"] = "discrete"
    blocks: int = 1
    steps: int = 256
    most_steps: int = 1 << 14
    step: float = 1.0
    threads: int = 1
    device: Literal["cpu", "gpu"] = "cpu"

    def __post_init__(self) -> None:
        if self.device not in ("cpu", "gpu"):
            raise InputError(f"device must be cpu or gpu, got {self.device!r}")
        if self.variant not in ("discrete", "ballistic"):
            raise InputError(f"variant must be discrete or ballistic, got {self.variant!r}")
        if min(self.blocks, self.steps, self.most_steps, self.threads) < 1:
            raise InputError(
                f"blocks, steps, most_steps and threads must be at least 1, got {self.blocks}, "
                f"{self.steps}, {self.most_steps} and {self.threads}"
            )
        if not 0 < self.step <= 2:
            raise InputError(f"step must be above 0 and at most 2, got {self.step}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        land = search.landscape
        squares = float((land.weights.astype(np.float64) ** 2).sum())
        squares += float((land.fields.astype(np.float64) ** 2).sum())
        strength = 0.5 * np.sqrt(max(1, land.n - 1) / squares) if squares else 1.0
        price = self.blocks * (land.weights.size + 6 * land.n)
        stride = max(1, ROUND // max(1, price))

        shape = (self.blocks, land.n, BLOCK)
        x, y, seen = (np.zeros(shape, np.float32) for _ in range(3))
        move: Callable[..., None] = partial(bifurcate, land, x, y, seen, threads=self.threads)
        held = Oscillators.of(land, x, y) if self.device == "gpu" else None
        if held:
            move, stride = held.run, 64 * stride
        steps, passes, key = min(self.steps, self.most_steps), 0, int(keys_of(rng, 1)[0])
        while True:
            x[:] = rng.uniform(-0.1, 0.1, shape)
            y[:] = rng.uniform(-0.1, 0.1, shape)
            if held:
                held.restart(x, y)
            for begin in range(0, steps, stride):
                move(
                    begin=begin,
                    end=min(steps, begin + stride),
                    steps=steps,
                    step=self.step,
                    strength=float(strength),
                    pull=float(strength) * float(land.strongest.max(initial=0.0)),
                    discrete=self.variant == "discrete",
                )
                if held:
                    x[:] = held.positions()
                if search.over():
                    self._read(search, x, key, patient=False)
                    return search.samples(passes=passes, steps=steps)
            if not self._read(search, x, key, patient=True):
                return search.samples(passes=passes, steps=steps)
            passes += 1
            steps = min(2 * steps, self.most_steps)

    def _read(self, search: Search, x: np.ndarray, key: int, *, patient: bool) -> bool:
        """Take note of the minima below the oscillators' signs; False if the stop rule came.

        An impatient reading stops after as many runs as fit one round.
        """
        land = search.landscape
        rows = _signs(land, x)
        batch = max(1, ROUND // (land.weights.size + 20 * land.n + 1))
        for begin in range(0, len(rows), batch):
            chains = Chains.of(land, rows[begin : begin + batch])
            descend(land, chains, key=key, threads=self.threads)
            search.offer(chains.spins, chains.energies)
            if not patient:
                return False
            if search.over():
                return False
        return True


def _signs(land: Landscape, x: np.ndarray) -> np.ndarray:
    """One row of spins a run, quotas kept."""
    places = x.transpose(0, 2, 1).reshape(len(x) * BLOCK, land.n)
    rows = np.ones((len(places), land.stride), land.fields.dtype)
    rows[:, : land.free] = np.where(places[:, : land.free] < 0, -1, 1)
    for group, count in zip(land.groups, land.counts.tolist(), strict=True):
        rank = places[:, group].argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        rows[:, group] = np.where(rank < count, -1, 1)
    return rows
