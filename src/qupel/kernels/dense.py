"""Search kernels for dense Ising models in fixed point: several chains in step.

Layout. A `DenseModel` holds couplings as 16-bit multiples of a unit in full rows, fields and local
fields as 32-bit ones, spins in the order of a `Landscape`. Where the couplings are whole multiples
of some number, up to 8191 of it, that is exact; else the unit is 1/8191 of the strongest coupling,
and energies are near the true ones.

A chain is exactly the sequential Metropolis chain of the model so rounded. Work is counted in
rough nanoseconds from the path alone; results depend neither on threads nor on the instruction
set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int8, Int32, Int64, UInt64

from qupel.kernels import _ising
from qupel.kernels.ising import Landscape

BLOCK = 64  #: spins visited between two updates of all local fields
_LARGEST = 8191
_BYTES = 1 << 30
_SPARSEST = 16  # rows emptier than one in so many are better visited by their entries


@dataclass(frozen=True, slots=True, eq=False)
class DenseModel:
    """A dense Ising model in fixed point.

    Attributes
    ----------
    landscape
        The layout it follows; all spins are free.
    unit
        Energy that 1 stands for.
    exact
        Whether nothing was rounded.
    form
        The compiled view.
    """

    landscape: Landscape
    unit: float
    exact: bool
    form: Any

    @classmethod
    def of(cls, landscape: Landscape) -> DenseModel | None:
        """The model in fixed point; None if it has groups, is sparse, or is too large."""
        n = landscape.n
        stride = -(-n // BLOCK) * BLOCK
        if landscape.counts.size or landscape.weights.size * _SPARSEST <= n * n:
            return None
        if n * stride * 2 > _BYTES:
            return None
        largest = float(landscape.strongest.max(initial=0.0))
        unit = landscape.unit()
        exact = unit is not None and largest <= _LARGEST * unit
        if unit is None or not exact:
            unit = largest / _LARGEST
        fields = np.rint(landscape.fields.astype(np.float64) / unit)
        reach = np.abs(fields).max() + n * largest / unit
        if reach >= 2.0**30:
            return None
        weights = np.zeros((n, stride), np.int16)
        _ising.dense_spread(landscape.starts, landscape.columns, landscape.weights, unit, weights)
        run = int(min(BLOCK, (2**15 - 1) // max(1, round(largest / unit))))
        form = _ising.Dense(weights, fields.astype(np.int32), unit, run)
        return cls(landscape, unit, exact, form)

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.landscape.n


@dataclass(frozen=True, slots=True, eq=False)
class DenseChains:
    """Chains of a dense model, one a row, and the best of each.

    Attributes
    ----------
    minus
        0 for spin +1, −1 for spin −1.
    locals, energies, least
        Local fields and energies, without the offset, in the model's unit.
    best
        Best spins (±1) seen at the end of a sweep.
    place
        Sweeps done, and the position inside the present one.
    """

    minus: Int32[np.ndarray, "rows stride"]
    locals: Int32[np.ndarray, "rows stride"]
    energies: Int64[np.ndarray, " rows"]
    best: Int8[np.ndarray, "rows n"]
    least: Int64[np.ndarray, " rows"]
    place: Int64[np.ndarray, " 2"]

    @classmethod
    def random(cls, model: DenseModel, rng: np.random.Generator, rows: int) -> DenseChains:
        """Chains that start at random spins."""
        stride = -(-model.n // BLOCK) * BLOCK
        chains = cls(
            np.zeros((rows, stride), np.int32),
            np.zeros((rows, stride), np.int32),
            np.zeros(rows, np.int64),
            np.ones((rows, model.n), np.int8),
            np.zeros(rows, np.int64),
            np.zeros(2, np.int64),
        )
        chains.restart(model, rng)
        return chains

    def restart(self, model: DenseModel, rng: np.random.Generator) -> None:
        """Put all chains at random spins, forget the best, and begin a new pass."""
        self.minus[:, : model.n] = -rng.integers(0, 2, (len(self.minus), model.n), np.int32)
        _ising.dense_prepare(model.form, self.minus, self.locals, self.energies)
        self.least[:] = self.energies
        self.best[:] = 1 + 2 * self.minus[:, : model.n]
        self.place[:] = 0

    def state(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What every sweep changes."""
        return self.minus, self.locals, self.energies, self.best, self.least, self.place


def anneal_dense(
    model: DenseModel,
    chains: DenseChains,
    keys: UInt64[np.ndarray, " rows"],
    *,
    sweeps: int,
    hot: float,
    cold: float,
    budget: int,
    threads: int = 1,
) -> None:
    """Metropolis sweeps of all chains under a temperature falling from ``hot`` to ``cold``."""
    _ising.dense_anneal(model.form, *chains.state(), sweeps, keys, hot, cold, budget, threads)


def temper_dense(
    model: DenseModel,
    chains: DenseChains,
    temperatures: Float64[np.ndarray, " rungs"],
    at: Int32[np.ndarray, "ladders rungs"],
    exchanges: Int64[np.ndarray, "ladders rungs"],
    *,
    key: int,
    budget: int,
    threads: int = 1,
) -> None:
    """Turns of parallel tempering: a sweep of every chain, then exchanges of neighbours.

    ``at`` holds the chain at each rung; ``exchanges`` counts those above each rung.
    """
    _ising.dense_temper(
        model.form, *chains.state(), temperatures, at, exchanges, key, budget, threads
    )
