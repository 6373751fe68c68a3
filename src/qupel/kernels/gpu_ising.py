"""Search on Ising models by a CUDA device: annealing of many replicas, simulated bifurcation.

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
from jaxtyping import Float32, Float64, Int32, Int64, Shaped, UInt32, UInt64

from qupel.errors import InputError
from qupel.kernels.gpu import Device, find
from qupel.kernels.ising import BLOCK, Landscape

__all__ = ["Annealer", "Oscillators", "runs_of"]

LANES = 32  #: replicas of a block of the sparse kernel, one a bit
_THREADS = 256


def _dense(landscape: Landscape) -> bool:
    """Whether more than an eighth of the pairs are coupled."""
    return int(landscape.weights.size) * 8 > landscape.n**2


def _filled(landscape: Landscape, columns: int, dtype: Any) -> np.ndarray:
    """The couplings as a full matrix."""
    out = np.zeros((landscape.n, columns), dtype)
    rows = np.repeat(np.arange(landscape.n), np.diff(landscape.starts))
    out[rows, landscape.columns] = landscape.weights
    return out


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
        dense = _dense(landscape)
        held: dict[str, Any] = {
            "fields": landscape.fields,
            "edges": landscape.edges.astype(np.int32),
        }
        if dense:
            held["dense"] = _filled(landscape, landscape.stride, landscape.fields.dtype)
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
                _THREADS,
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
                _THREADS,
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
                _THREADS,
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


@dataclass(slots=True, eq=False)
class Oscillators:
    """Runs of simulated bifurcation on the device, 16 to a block as `kernels.ising.bifurcate` has.

    Attributes
    ----------
    landscape
        The instance.
    blocks
        Blocks of 16 runs.
    """

    landscape: Landscape
    blocks: int
    _device: Device
    _dense: bool
    _held: dict[str, Any]

    @classmethod
    def of(
        cls,
        landscape: Landscape,
        x: Float32[np.ndarray, "blocks n 16"],
        y: Float32[np.ndarray, "blocks n 16"],
        *,
        device: Device | None = None,
    ) -> Oscillators:
        """Oscillators at positions ``x`` with momenta ``y``.

        Raises
        ------
        InputError
            If there is no device (see `qupel.kernels.gpu.find`).
        """
        where = device or find()
        dense = _dense(landscape)
        n, runs = landscape.n, x.shape[0] * BLOCK
        group_of = np.full(n, -1, np.int32)
        for g, group in enumerate(landscape.groups):
            group_of[group] = g
        held = {
            "x": _by_spin(x),
            "y": _by_spin(y),
            "fields": landscape.fields.astype(np.float32),
            "edges": landscape.edges.astype(np.int32),
            "counts": landscape.counts.astype(np.int32),
            "groups": group_of,
        }
        if dense:
            held["couplings"] = _filled(landscape, n, np.float32)
        else:
            held |= {"starts": landscape.starts, "columns": landscape.columns}
            held["weights"] = landscape.weights.astype(np.float32)
        put = {name: where.put(array) for name, array in held.items()}
        put["next"] = where.zeros((n, runs), np.float32)
        put["excess"] = where.zeros(max(1, landscape.counts.size) * runs, np.float32)
        if dense:
            put["seen"] = where.zeros((n, runs), np.float32)
            put["forces"] = where.zeros((n, runs), np.float32)
        return cls(landscape, x.shape[0], where, dense, put)

    def run(
        self,
        begin: int,
        end: int,
        *,
        steps: int,
        step: float,
        strength: float,
        pull: float,
        discrete: bool,
    ) -> None:
        """Steps ``begin`` to ``end`` of ``steps``; arguments as of `kernels.ising.bifurcate`."""
        held, device = self._held, self._device
        n, runs = held["x"].shape
        size = n * runs
        blocks = -(-size // _THREADS)
        groups = int(self.landscape.counts.size)
        program = device.program("bifurcate")
        numbers = (np.float32(step), np.float32(strength), np.float32(pull))
        shape = (np.int32(n), np.int32(runs))
        sees = np.int32(discrete)
        for t in range(begin, end if size else begin):
            when = (np.int64(t), np.int64(steps), *numbers)
            if groups:
                program.launch(
                    "sum_groups",
                    -(-groups * runs // _THREADS),
                    _THREADS,
                    held["x"],
                    np.int32(runs),
                    sees,
                    held["edges"],
                    held["counts"],
                    np.int32(groups),
                    held["excess"],
                )
            state = (held["x"], held["y"], held["next"], *shape)
            quotas = (held["fields"], held["groups"], held["excess"])
            if self._dense:
                program.launch(
                    "look", blocks, _THREADS, held["x"], np.int64(size), sees, held["seen"]
                )
                device.multiply(held["couplings"], held["seen"], held["forces"])
                program.launch(
                    "step_dense", blocks, _THREADS, *state, held["forces"], *quotas, *when
                )
            else:
                rows = (held["starts"], held["columns"], held["weights"])
                program.launch("step_sparse", blocks, _THREADS, *state, *rows, *quotas, *when, sees)
            held["x"], held["next"] = held["next"], held["x"]

    def restart(
        self, x: Float32[np.ndarray, "blocks n 16"], y: Float32[np.ndarray, "blocks n 16"]
    ) -> None:
        """Put the oscillators at other positions with other momenta."""
        self._held["x"], self._held["y"] = (self._device.put(_by_spin(a)) for a in (x, y))

    def wait(self) -> None:
        """Return when the device has done all steps asked for."""
        self._device.get(self._held["x"][:1])

    def positions(self) -> Float32[np.ndarray, "blocks n 16"]:
        """Return the positions."""
        return _by_block(self._device.get(self._held["x"]), self.blocks)

    def momenta(self) -> Float32[np.ndarray, "blocks n 16"]:
        """Return the momenta."""
        return _by_block(self._device.get(self._held["y"]), self.blocks)


def _by_spin(blocks: Float32[np.ndarray, "blocks n 16"]) -> Float32[np.ndarray, "n runs"]:
    """All runs of one spin side by side."""
    runs = blocks.shape[0] * BLOCK
    return np.ascontiguousarray(blocks.transpose(1, 0, 2).reshape(blocks.shape[1], runs))


def _by_block(spins: Float32[np.ndarray, "n runs"], blocks: int) -> np.ndarray:
    """Runs in blocks of 16 again."""
    return np.ascontiguousarray(spins.reshape(len(spins), blocks, BLOCK).transpose(1, 0, 2))
