"""Path-integral kernel: an Ising model in a transverse field, as slices of imaginary time.

Layout. `Paths` holds replicas; each has 16, 32, 48 or 64 slices, neighbours tied periodically.
Spins of all slices are one 64-bit word a spin (bit k set where slice k has −1), local fields lie
slice beside slice, and spins follow the order of a `Landscape`, all of them free.

Work is counted in rough nanoseconds from the path alone; results do not depend on threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int8, Int64, Shaped, UInt64

from qupel.errors import InputError
from qupel.kernels import _ising
from qupel.kernels.ising import Landscape


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Replicas of a path integral, and the best slice of each.

    Attributes
    ----------
    down, locals, energies
        Spins, local fields, and the model's energy of each slice without the offset.
    best, least
        Best spins (±1) seen at the end of a sweep, and their energies.
    places
        Sweeps done, and the position inside the present one.
    """

    down: UInt64[np.ndarray, "rows n"]
    locals: Shaped[np.ndarray, "rows n slices"]
    energies: Float64[np.ndarray, "rows slices"]
    best: Int8[np.ndarray, "rows n"]
    least: Float64[np.ndarray, " rows"]
    places: Int64[np.ndarray, "rows 2"]

    @classmethod
    def random(
        cls, landscape: Landscape, rng: np.random.Generator, rows: int, slices: int
    ) -> Paths:
        """Replicas that start at random spins in every slice."""
        if slices not in (16, 32, 48, 64):
            raise InputError(f"slices must be 16, 32, 48 or 64, got {slices}")
        n = landscape.n
        paths = cls(
            np.zeros((rows, n), np.uint64),
            np.zeros((rows, n, slices), landscape.fields.dtype),
            np.zeros((rows, slices)),
            np.ones((rows, n), np.int8),
            np.full(rows, np.inf),
            np.zeros((rows, 2), np.int64),
        )
        paths.restart(landscape, rng)
        return paths

    def restart(self, landscape: Landscape, rng: np.random.Generator) -> None:
        """Put all slices at random spins, forget the best, and begin a new pass."""
        rows, n, slices = self.locals.shape
        words = rng.integers(0, 2**64, (rows, n), np.uint64)
        self.down[:] = words >> np.uint64(64 - slices)
        _ising.paths_prepare(landscape.form, self.down, self.locals, self.energies)
        self.least[:] = np.inf
        self.places[:] = 0

    def slices(self, row: int) -> Int8[np.ndarray, "slices n"]:
        """Spins of every slice of one replica."""
        count = np.arange(self.locals.shape[2], dtype=np.uint64)
        bits = (self.down[row] >> count[:, None]) & np.uint64(1)
        return 1 - 2 * bits.astype(np.int8)


def anneal_paths(
    landscape: Landscape,
    paths: Paths,
    keys: UInt64[np.ndarray, " rows"],
    *,
    sweeps: int,
    temperature: float,
    strong: float,
    weak: float,
    clusters: bool,
    budget: int,
    threads: int = 1,
) -> None:
    """Sweeps at one temperature under a transverse field falling linearly, ``strong`` to ``weak``.

    Slices of a spin flip in clusters along imaginary time, or one by one.
    """
    _ising.paths_anneal(
        landscape.form,
        paths.down,
        paths.locals,
        paths.energies,
        paths.best,
        paths.least,
        paths.places,
        sweeps,
        keys,
        temperature,
        strong,
        weak,
        clusters,
        budget,
        threads,
    )
