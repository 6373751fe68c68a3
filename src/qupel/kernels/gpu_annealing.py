"""Annealing of many replicas of an Ising model on a CUDA device.

Instances come as `qupel.kernels.ising.Landscape` and spins in its order, as rows padded to its
stride. Replicas draw from counter-based streams addressed by key, sweep and position: the chain of
a replica is the sequential one of its key, whatever the device and however the sweeps are cut into
calls. Where a landscape is ``exact``, its energies are too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, Int64, Shaped, UInt32, UInt64

from qupel.errors import InputError
from qupel.kernels.gpu import Device, find
from qupel.kernels.gpu_landscape import THREADS, filled, is_dense
from qupel.kernels.ising import Landscape

__all__ = ["Annealer", "runs_of"]

LANES = 32  #: replicas of a block of the sparse kernel, one a bit


def _largest(landscape: Landscape) -> int:
    """Spins of the largest group, 1 at least."""
    return int(np.diff(landscape.edges).max(initial=1))


def runs_of(landscape: Landscape) -> Int32[np.ndarray, " bounds"]:
    """Bounds of runs of free spins that do not feel each other, as long as they can be."""
    bounds = [0]
    starts, columns = landscape.starts, landscape.columns
    for i in range(landscape.free):
        row = columns[starts[i] : starts[i + 1]]
        if ((row >= bounds[-1]) & (row < i)).any():
            bounds.append(i)
    if landscape.free:
        bounds.append(landscape.free)
    return np.array(bounds, np.int32)


def _packed(spins: Shaped[np.ndarray, "rows n"]) -> UInt32[np.ndarray, "blocks n"]:
    """One word for each spin of 32 rows, a set bit for -1; rows of +1 fill the last block."""
    rows, n = spins.shape
    blocks = -(-rows // LANES)
    down = np.zeros((blocks * LANES, n), np.uint32)
    down[:rows] = spins < 0
    lanes = np.uint32(1) << np.arange(LANES, dtype=np.uint32)
    return (down.reshape(blocks, LANES, n) * lanes[:, None]).sum(axis=1, dtype=np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class Annealer:
    """Replicas under annealing on the device, and the best of each.

    Attributes
    ----------
    landscape
        The instance.
    replicas
        How many.
    """

    landscape: Landscape
    replicas: int
    _device: Device
    _dense: bool
    _held: dict[str, Any]

    @classmethod
    def of(
        cls,
        landscape: Landscape,
        spins: Shaped[np.ndarray, "replicas stride"],
        keys: UInt64[np.ndarray, " replicas"],
        *,
        device: Device | None = None,
    ) -> Annealer:
        """Replicas that start at ``spins``, each with the key of its random stream.

        Raises
        ------
        InputError
            If there is no device (see `qupel.kernels.gpu.find`).
        """
        where = device or find()
        dense = is_dense(landscape)
        held: dict[str, Any] = {
            "fields": landscape.fields,
            "edges": landscape.edges.astype(np.int32),
        }
        if dense:
            held["dense"] = filled(landscape, landscape.stride, landscape.fields.dtype)
        else:
            held["runs"] = runs_of(landscape)
            held |= {name: getattr(landscape, name) for name in ("starts", "columns", "weights")}
        replicas = spins.shape[0]
        rows = replicas if dense else -(-replicas // LANES) * LANES
        put = {name: where.put(array) for name, array in held.items()}
        put["slots"] = where.zeros(rows * _largest(landscape), np.int32)
        put["energies"] = where.zeros(rows, np.float64)
        if dense:
            put["locals"] = where.zeros((rows, landscape.stride), landscape.fields.dtype)
        out = cls(landscape, replicas, where, dense, put)
        out.restart(spins, keys)
        return out

    def restart(
        self, spins: Shaped[np.ndarray, "replicas stride"], keys: UInt64[np.ndarray, " replicas"]
    ) -> None:
        """Put all replicas at ``spins`` with new keys, and forget their best."""
        held, put = self._held, self._device.put
        if keys.size != self.replicas or len(spins) != self.replicas or not self.replicas:
            raise InputError(f"each replica has a key, got {len(spins)} rows and {keys.size} keys")
        rows = np.where(spins < 0, -1, 1).astype(np.int8)
        if not self._dense:
            rows = _packed(spins[:, : self.landscape.n])
            keys = np.pad(keys, (0, rows.shape[0] * LANES - self.replicas))
        held["spins"], held["best"], held["keys"] = put(rows), put(rows), put(keys)
        self._weigh()
        held["least"] = put(self._device.get(held["energies"]))

    @property
    def _real(self) -> list[tuple[str, str | int]]:
        return [("REAL", "float" if self.landscape.fields.dtype == np.float32 else "double")]

    @property
    def _blocks(self) -> int:
        return self.replicas if self._dense else self._held["keys"].size // LANES

    def _form(self) -> Iterator[Any]:
        """Arguments that describe a sparse instance."""
        yield from (self._held[name] for name in ("starts", "columns", "weights", "fields"))
        yield np.int32(self.landscape.n)

    def _weigh(self) -> None:
        """Energies of the spins as they are."""
        held, land = self._held, self.landscape
        if self._dense:
            self._device.program("anneal_dense", self._real).launch(
                "weigh_dense",
                self._blocks,
                THREADS,
                held["spins"],
                held["locals"],
                held["dense"],
                held["fields"],
                np.int32(land.n),
                np.int32(land.stride),
                np.int64(self.replicas),
                held["energies"],
            )
        else:
            self._device.program("anneal_sparse", self._real).launch(
                "weigh_sparse",
                self._blocks,
                LANES,
                held["spins"],
                *self._form(),
                np.int64(self._blocks),
                held["energies"],
            )

    def run(self, begin: int, end: int, *, sweeps: int, hot: float, cold: float) -> None:
        """Metropolis sweeps ``begin`` to ``end`` of a pass of ``sweeps``.

        The temperature falls linearly from ``hot`` to ``cold``. The best of each replica is looked
        for at the end of each sweep.
        """
        held, land = self._held, self.landscape
        groups = np.int32(land.edges.size - 1)
        largest = np.int32(_largest(land))
        moving = [held[name] for name in ("spins", "best", "energies", "least")]
        program = (np.float64(hot), np.float64(cold), *map(np.int64, (sweeps, begin, end)))
        if self._dense:
            self._device.program("anneal_dense", self._real).launch(
                "anneal_dense",
                self._blocks,
                THREADS,
                moving[0],
                held["locals"],
                *moving[1:],
                held["dense"],
                np.int32(land.n),
                np.int32(land.stride),
                np.int32(land.free),
                held["edges"],
                groups,
                largest,
                held["slots"],
                held["keys"],
                *program,
                np.int64(self.replicas),
            )
        else:
            self._device.program("anneal_sparse", self._real).launch(
                "anneal_sparse",
                self._blocks,
                THREADS,
                *moving,
                *self._form(),
                held["runs"],
                np.int32(held["runs"].size - 1),
                held["edges"],
                groups,
                largest,
                held["slots"],
                held["keys"],
                *program,
                np.int64(self._blocks),
            )

    def _rows(self, name: str, which: np.ndarray) -> Shaped[np.ndarray, "some stride"]:
        """Rows of some replicas; only the blocks that hold them are copied."""
        out = np.ones((which.size, self.landscape.stride), self.landscape.fields.dtype)
        n = self.landscape.n
        for row, replica in enumerate(which.tolist()):
            if self._dense:
                out[row, :n] = self._device.get(self._held[name][replica])[:n]
            else:
                words = self._device.get(self._held[name][replica // LANES])
                out[row, :n] = np.where(words >> np.uint32(replica % LANES) & 1, -1, 1)
        return out

    def spins(self) -> Shaped[np.ndarray, "replicas stride"]:
        """Return where the replicas are."""
        return self._rows("spins", np.arange(self.replicas))

    def best(self, which: Int64[np.ndarray, " some"]) -> Shaped[np.ndarray, "some stride"]:
        """Return the best spins that these replicas had at the end of a sweep, or at the start."""
        return self._rows("best", which)

    def energies(self) -> Float64[np.ndarray, " replicas"]:
        """Return the replicas' energies, without the offset."""
        return self._device.get(self._held["energies"])[: self.replicas]

    def least(self) -> Float64[np.ndarray, " replicas"]:
        """Return the energies of each replica's best."""
        return self._device.get(self._held["least"])[: self.replicas]
