"""Search kernels for Ising models in small integers: 64 replicas side by side.

Layout. A `Bundles` holds replicas in bundles of 64: spins as one 64-bit word a spin (bit k set
where replica k has −1), and one byte of local field a spin and replica. A `SmallModel` holds
couplings and fields as whole multiples of a unit, with local fields within ±254 of it, spins in
the order of a `Landscape`. That is what makes a flip cheap: it adds one vector of bytes to the
row of each neighbour.

Acceptance is exact to 2⁻⁴⁸: 48 random bits are compared with a table of exp(−cost / T), rounded
down. Work is counted in rough nanoseconds from the path alone; results depend neither on threads
nor on the instruction set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int8, Int32, Int64, UInt64

from qupel.kernels import _ising
from qupel.kernels.aligned import aligned
from qupel.kernels.ising import Landscape

WIDTH = 64  #: replicas of a bundle
_REACH = 254
_HOTTEST = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class SmallModel:
    """An Ising model in small integers.

    Attributes
    ----------
    landscape
        The layout it follows; all spins are free.
    unit
        Energy that 1 stands for.
    hottest
        Highest temperature at which all costs are told apart.
    form
        The compiled view.
    """

    landscape: Landscape
    unit: float
    hottest: float
    form: Any

    @classmethod
    def of(cls, landscape: Landscape, *, plain: bool = False) -> SmallModel | None:
        """The model in small integers; None if it has groups or numbers that do not fit.

        ``plain`` keeps to instructions that every machine has; results are the same.
        """
        if not landscape.exact or landscape.counts.size or not landscape.n:
            return None
        # A coupling is at least one unit.
        if np.diff(landscape.starts).max() > _REACH:
            return None
        unit = landscape.unit()
        if unit is None or landscape.strongest.max() > _REACH * unit:
            return None
        weights = np.rint(landscape.weights / unit).astype(np.int64)
        fields = np.rint(landscape.fields / unit).astype(np.int64)
        rows = np.repeat(np.arange(landscape.n), np.diff(landscape.starts))
        reach = np.abs(fields) + np.bincount(rows, np.abs(weights), minlength=landscape.n)
        if reach.max(initial=0) > _REACH or np.abs(weights).max(initial=0) > 127:
            return None
        odd = (fields + np.bincount(rows, weights, minlength=landscape.n).astype(np.int64)) & 1
        # Equal weights side by side: what a flip adds is made once for each.
        order = np.lexsort((landscape.columns, weights, rows))
        form = _ising.Small(
            landscape.starts,
            np.ascontiguousarray(landscape.columns[order], np.int32),
            np.ascontiguousarray(weights[order], np.int8),
            fields.astype(np.int16),
            odd.astype(np.uint8),
            unit,
            plain,
        )
        return cls(landscape, unit, _HOTTEST * unit, form)

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.landscape.n


@dataclass(frozen=True, slots=True, eq=False)
class Bundles:
    """Replicas under search, in bundles of 64, and the best of each bundle.

    Attributes
    ----------
    down, locals, energies
        Spins, local fields and energies without the offset.
    best, least
        Best spins (±1) that were kept and their energies.
    places
        Sweeps done, and the position inside the present one.
    """

    down: UInt64[np.ndarray, "bundles n"]
    locals: Int8[np.ndarray, "bundles n 64"]
    energies: Float64[np.ndarray, "bundles 64"]
    best: Int8[np.ndarray, "bundles n"]
    least: Float64[np.ndarray, " bundles"]
    places: Int64[np.ndarray, "bundles 2"]

    @classmethod
    def random(cls, model: SmallModel, rng: np.random.Generator, count: int) -> Bundles:
        """Bundles of random spins."""
        return cls.of(model, rng.integers(0, 2**64, (count, model.n), np.uint64))

    @classmethod
    def of(cls, model: SmallModel, down: UInt64[np.ndarray, "bundles n"]) -> Bundles:
        """Bundles that start at the spins of ``down``."""
        count, n = down.shape
        held = np.array(down, np.uint64, order="C")
        locals_ = aligned((count, n, WIDTH), np.int8)
        energies = np.zeros((count, WIDTH))
        _ising.bundle_prepare(model.form, held, locals_, energies)
        best = np.ones((count, n), np.int8)
        return cls(
            held, locals_, energies, best, np.full(count, np.inf), np.zeros((count, 2), np.int64)
        )

    def restart(self, model: SmallModel, down: UInt64[np.ndarray, "bundles n"]) -> None:
        """Put the replicas at ``down``, forget the best, and begin a new pass."""
        self.down[:] = down
        _ising.bundle_prepare(model.form, *self.state())
        self.least[:] = np.inf
        self.places[:] = 0

    def state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spins, local fields, energies: what every move changes."""
        return self.down, self.locals, self.energies

    def lowest(self, count: int) -> tuple[Int8[np.ndarray, "rows n"], Float64[np.ndarray, " rows"]]:
        """Spins and energies of the ``count`` best replicas, best first."""
        flat = self.energies.ravel()
        chosen = np.argsort(flat, kind="stable")[:count]
        words = self.down[chosen // WIDTH]
        bits = (words >> (chosen % WIDTH).astype(np.uint64)[:, None]) & np.uint64(1)
        return 1 - 2 * bits.astype(np.int8), flat[chosen]


def anneal_bundles(
    model: SmallModel,
    bundles: Bundles,
    keys: UInt64[np.ndarray, " bundles"],
    *,
    sweeps: int,
    hot: float,
    cold: float,
    budget: int,
    threads: int = 1,
) -> None:
    """Metropolis sweeps of each bundle under a temperature falling from ``hot`` to ``cold``.

    ``best`` is looked for at the end of each sweep of the last tenth.
    """
    _ising.bundle_anneal(
        model.form,
        *bundles.state(),
        bundles.best,
        bundles.least,
        bundles.places,
        sweeps,
        keys,
        hot,
        cold,
        budget,
        threads,
    )


def temper_bundles(
    model: SmallModel,
    bundles: Bundles,
    temperatures: Float64[np.ndarray, " rungs"],
    at: Int32[np.ndarray, "bundles ladders rungs"],
    exchanges: Int64[np.ndarray, "bundles ladders rungs"],
    keys: UInt64[np.ndarray, " bundles"],
    *,
    clustered: int,
    every: int,
    budget: int,
    threads: int = 1,
) -> None:
    """Turns of parallel tempering in each bundle, a temperature to a replica.

    ``at`` holds the replica at each rung; ``exchanges`` counts those above each rung. Every
    ``every`` turns, pairs of ladders trade clusters at the first ``clustered`` rungs.
    """
    _ising.bundle_temper(
        model.form,
        *bundles.state(),
        bundles.best,
        bundles.least,
        bundles.places,
        temperatures,
        at,
        exchanges,
        clustered,
        every,
        keys,
        budget,
        threads,
    )
