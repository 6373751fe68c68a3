"""Costs of all states of a form, as a CUDA device holds them: a byte a state if they are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Shaped

from qupel.kernels import qaoa
from qupel.kernels.gpu import Device

__all__ = ["LEVELS", "Costs", "may_be_few", "unit_of"]

#: Different costs that are held as levels of one byte.
LEVELS = 256
_COST_BITS = 12
_PROBE = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Costs of all states on the device, less ``middle``.

    Attributes
    ----------
    of_states
        A level of each state (`uint8`), or its cost.
    values
        Cost of each level; None if ``of_states`` holds costs.
    middle
        What was taken off.
    """

    of_states: Any
    values: Float64[np.ndarray, " levels"] | None
    middle: float

    @classmethod
    def of(
        cls,
        device: Device,
        costs: Shaped[np.ndarray, " states"],
        dtype: type[np.float32] | type[np.float64],
        size: int,
    ) -> Costs:
        """Costs given one by one, in an array of ``size``."""
        middle = float(costs.max() / 2 + costs.min() / 2)
        if may_be_few(costs):
            values, places = np.unique(costs, return_inverse=True)
            if values.size <= LEVELS:
                held = device.zeros(size, np.uint8)
                held[: costs.size] = device.put(places.astype(np.uint8))
                return cls(held, np.pad(values - middle, (0, LEVELS - values.size)), middle)
        held = device.zeros(size, dtype)
        held[: costs.size] = device.put((costs - middle).astype(dtype))
        return cls(held, None, middle)

    @classmethod
    def of_quadratic(
        cls,
        device: Device,
        linear: Float64[np.ndarray, " n"],
        pairs: Float64[np.ndarray, "n n"],
        offset: float,
        dtype: type[np.float32] | type[np.float64],
        size: int,
    ) -> Costs:
        """Costs of a quadratic form over bits, computed on the device."""
        n = linear.size
        bits = min(n, _COST_BITS)
        blocks = 1 << (n - bits)
        real = "float" if dtype is np.float32 else "double"
        program = device.program("qaoa_cost", [("REAL", real), ("TILE", bits)])
        inner = qaoa.diagonal(
            np.ascontiguousarray(linear[:bits]), np.ascontiguousarray(pairs[:bits, :bits]), offset
        )
        given = (device.put(inner), device.put(linear), device.put(np.ascontiguousarray(pairs)))
        shape = (np.int32(n), np.int64(blocks))
        least, most = device.zeros(blocks, np.float64), device.zeros(blocks, np.float64)
        program.launch("find_range", blocks, 256, *given, *shape, least, most)
        low, high = float(device.get(least).min()), float(device.get(most).max())
        middle = high / 2 + low / 2
        unit = unit_of(linear, pairs)
        if unit is not None and (high - low) / unit < LEVELS - 0.5:
            levels = device.zeros(size, np.uint8)
            program.launch(
                "fill_levels",
                blocks,
                256,
                *given,
                *shape,
                np.float64(low),
                np.float64(unit),
                levels,
            )
            return cls(levels, low + unit * np.arange(LEVELS) - middle, middle)
        numbers = device.zeros(size, dtype)
        program.launch("fill_numbers", blocks, 256, *given, *shape, np.float64(middle), numbers)
        return cls(numbers, None, middle)

    def numbers(self, device: Device, states: int) -> Float64[np.ndarray, " states"]:
        """Return the costs of the first so many states, on the host."""
        held = device.get(self.of_states[:states])
        return (held.astype(np.float64) if self.values is None else self.values[held]) + self.middle


def may_be_few(costs: Shaped[np.ndarray, " states"]) -> bool:
    """Whether the first costs leave it open that there are few different ones."""
    return np.unique(costs[:_PROBE]).size <= LEVELS


def unit_of(linear: Float64[np.ndarray, " n"], pairs: Float64[np.ndarray, "n n"]) -> float | None:
    """A number of which every weight is a whole multiple, None if no simple one is found."""
    weights = np.concatenate([linear, pairs.ravel()])
    weights = np.abs(weights[weights != 0])
    if not weights.size:
        return 1.0
    for shift in range(25):
        scaled = weights * 2.0**shift
        if scaled.max() < 2**40 and (scaled == np.rint(scaled)).all():
            return float(np.gcd.reduce(scaled.astype(np.int64))) / 2.0**shift
    return None
