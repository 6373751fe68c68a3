"""Simulated bifurcation of Ising models on a CUDA device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from qupel.kernels.gpu import Device, find
from qupel.kernels.gpu_landscape import THREADS, filled, is_dense
from qupel.kernels.ising import BLOCK, Landscape

__all__ = ["Oscillators"]


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
        dense = is_dense(landscape)
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
            held["couplings"] = filled(landscape, n, np.float32)
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
        blocks = -(-size // THREADS)
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
                    -(-groups * runs // THREADS),
                    THREADS,
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
                    "look", blocks, THREADS, held["x"], np.int64(size), sees, held["seen"]
                )
                device.multiply(held["couplings"], held["seen"], held["forces"])
                program.launch(
                    "step_dense", blocks, THREADS, *state, held["forces"], *quotas, *when
                )
            else:
                rows = (held["starts"], held["columns"], held["weights"])
                program.launch("step_sparse", blocks, THREADS, *state, *rows, *quotas, *when, sees)
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
