"""QAOA on a CUDA device: the state in place, a visit of all tiles for about two mixer passes.

The state holds ``2**n`` complex numbers (`complex64` or `complex128`), index bit 0 the lowest
qubit. A *pass* turns the qubits that one kind of tile covers. Passes of a layer commute, so layers
take them in turns forwards and backwards, and the pass that ends a layer also applies the next
phase and begins the next layer: ``layers * (passes - 1) + 1`` visits in all. The first visit reads
nothing and the last of an energy writes nothing.

Sums run over fixed tiles in one order: results repeat bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from qupel.errors import InputError
from qupel.kernels import qaoa
from qupel.kernels.gpu import Device, find

__all__ = ["Costs", "Pass", "State", "Tiling", "Visit", "backward", "forward", "tilings"]

LEVELS = 256
_START, _STORE, _WEIGH = 1, 2, 4
_COST_BITS = 12
_PROBE = 1 << 16


@dataclass(frozen=True, slots=True)
class Pass:
    """The tiles that cover some qubits.

    Attributes
    ----------
    first
        Lowest qubit of a high tile; 0 for the tiles of the lowest qubits.
    bits
        Bits of a place in the tile whose qubits this pass turns.
    """

    first: int
    bits: int

    @property
    def qubits(self) -> int:
        """How many qubits the pass turns."""
        return self.bits.bit_count()


@dataclass(frozen=True, slots=True)
class Tiling:
    """How states are cut into tiles: bits of a tile, of its unbroken rows, of a thread's share."""

    tile: int
    row: int
    held: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 1 << (self.tile - self.held)

    def passes(self, qubits: int) -> list[Pass]:
        """Passes that turn every qubit once: the low tile, then equal shares of the others."""
        low = min(qubits, self.tile)
        out = [Pass(0, (1 << low) - 1)]
        cover = self.tile - self.row
        count = -(-(qubits - low) // cover)
        begin = low
        for left in range(count, 0, -1):
            end = begin + -(-(qubits - begin) // left)
            first = min(begin, qubits - cover)
            out.append(Pass(first, ((1 << (end - begin)) - 1) << (self.row + begin - first)))
            begin = end
        return out

    def macros(self, real: str) -> list[tuple[str, str | int]]:
        """What the source is compiled with."""
        return [("REAL", real), ("TILE", self.tile), ("ROW", self.row), ("HELD", self.held)]


#: Tilings to choose from, forward and backward, by the real type. A backward tile holds two states.
_FORWARD = {
    "float": (Tiling(13, 4, 5), Tiling(13, 3, 5)),
    "double": (Tiling(12, 3, 4), Tiling(12, 2, 4)),
}
_BACKWARD = {
    "float": (Tiling(12, 4, 4), Tiling(12, 3, 4)),
    "double": (Tiling(11, 3, 3), Tiling(11, 2, 3)),
}


def tilings(real: str) -> dict[str, tuple[Tiling, ...]]:
    """Tilings that states of ``float`` or ``double`` choose from, by the source they are for."""
    return {
        "qaoa_forward": _FORWARD[real],
        "qaoa_backward": _BACKWARD[real],
        "qaoa_draw": _FORWARD[real],
    }


def _fewest(tilings: tuple[Tiling, ...], qubits: int) -> Tiling:
    """The first tiling of those that need the fewest passes."""
    return min(tilings, key=lambda tiling: len(tiling.passes(qubits)))


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit of all tiles does; layers are counted from 0.

    Attributes
    ----------
    step
        Which pass's tiles.
    before
        Layer whose turns come first, if any.
    phase
        Layer whose phase comes then, if any.
    after
        Layer whose turns come last, if any.
    """

    step: int
    before: int | None
    phase: int | None
    after: int | None


def forward(layers: int, passes: int) -> list[Visit]:
    """Visits from the start to the last layer."""
    parts: list[tuple[int, int | None]] = []  # of a layer: its phase (None) and its passes
    order = list(range(passes))
    for layer in range(layers):
        parts += [(layer, None), *((layer, step) for step in order)]
        order.reverse()
    return list(_merged(parts)) or [Visit(0, None, None, None)]


def backward(layers: int, passes: int) -> list[Visit]:
    """Visits that undo all layers, the last layer first."""
    parts: list[tuple[int, int | None]] = []
    order = list(range(passes))
    for layer in reversed(range(layers)):
        parts += [*((layer, step) for step in order), (layer, None)]
        order.reverse()
    return list(_merged(parts))


def _merged(parts: list[tuple[int, int | None]]) -> Iterator[Visit]:
    """Visits that do these phases and passes in order, each as much as it can."""
    step: int | None = None
    before: int | None = None
    phase: int | None = None
    after: int | None = None
    for layer, turned in parts:
        if turned is None:
            fits = phase is None
        elif phase is None:
            fits = before is None and step is None
        else:
            fits = after is None and step in (None, turned)
        if not fits:
            yield Visit(step or 0, before, phase, after)
            step, before, phase, after = None, None, None, None
        if turned is None:
            phase = layer
        elif phase is None:
            step, before = turned, layer
        else:
            step, after = turned, layer
    if parts:
        yield Visit(step or 0, before, phase, after)


@dataclass(frozen=True, slots=True)
class _Turn:
    """``exp(-i beta X)`` without the factor ``one`` of every qubit; see ``tile.cuh``."""

    how: int
    tangent: float
    one: float

    @classmethod
    def of(cls, beta: float) -> _Turn:
        c, s = math.cos(beta), math.sin(beta)
        return cls(1, s / c, c) if abs(c) >= abs(s) else cls(2, c / s, s)


_STILL = _Turn(0, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Costs of all states on the device, less ``middle``.

    Attributes
    ----------
    of
        A level of each state (`uint8`), or its cost.
    values
        Cost of each level; None if ``of`` holds costs.
    middle
        What was taken off.
    """

    of: Any
    values: Float64[np.ndarray, " levels"] | None
    middle: float


@dataclass(slots=True, eq=False)
class State:
    """A QAOA state on the device with the costs of its form.

    Attributes
    ----------
    device
        Where it lives.
    qubits
        Number of qubits.
    real
        ``float`` or ``double``.
    costs
        Costs of all states.
    ahead, back
        Tilings of the visits forward and backward.
    """

    device: Device
    qubits: int
    real: str
    costs: Costs
    ahead: Tiling
    back: Tiling
    amplitudes: Any = field(init=False)
    adjoint: Any = field(init=False, default=None)
    _values: Any = field(init=False)

    def __post_init__(self) -> None:
        self.amplitudes = self.device.zeros(self.size, self._complex)
        values = np.zeros(LEVELS) if self.costs.values is None else self.costs.values
        self._values = self.device.put(values.astype(self._float))

    @classmethod
    def of(
        cls,
        costs: Shaped[np.ndarray, " states"],
        *,
        dtype: type[np.float32] | type[np.float64] = np.float32,
        device: Device | None = None,
        tilings: tuple[Tiling, Tiling] | None = None,
    ) -> State:
        """State for a vector of ``2**n`` costs.

        At most 256 different costs are held as levels of one byte.

        Raises
        ------
        InputError
            If there is no device (see `qupel.kernels.gpu.find`) or too little memory on it.
        """
        where = device or find()
        qubits, real, (ahead, back) = _shape(costs.size, dtype, tilings)
        few = np.unique(costs[:_PROBE]).size <= LEVELS
        size = _size(qubits, ahead, back)
        _check_room(where, _bytes(size, dtype, levels=few), "a state of")
        middle = float(costs.max() / 2 + costs.min() / 2)
        values, levels = _levels(costs)
        held = where.zeros(size, dtype if values is None else np.uint8)
        if values is not None:
            held[: costs.size] = where.put(levels)
            values = np.pad(values - middle, (0, LEVELS - values.size))
        else:
            held[: costs.size] = where.put((costs - middle).astype(dtype))
        return cls(where, qubits, real, Costs(held, values, middle), ahead, back)

    @classmethod
    def of_quadratic(
        cls,
        linear: Float64[np.ndarray, " n"],
        pairs: Float64[np.ndarray, "n n"],
        offset: float,
        *,
        dtype: type[np.float32] | type[np.float64] = np.float32,
        device: Device | None = None,
        tilings: tuple[Tiling, Tiling] | None = None,
    ) -> State:
        """State for ``x @ linear + x @ pairs @ x + offset``, costs computed on the device.

        ``pairs`` is strictly upper triangular. Nothing of length ``2**n`` is made on the host.
        """
        where = device or find()
        qubits, real, (ahead, back) = _shape(1 << linear.size, dtype, tilings)
        size = _size(qubits, ahead, back)
        whole = _unit(linear, pairs) is not None
        _check_room(where, _bytes(size, dtype, levels=whole), "a state of")
        return cls(
            where, qubits, real, _quadratic(where, linear, pairs, offset, dtype, size), ahead, back
        )

    @property
    def size(self) -> int:
        """Amplitudes held: ``2**qubits``, or one tile if that is more."""
        return _size(self.qubits, self.ahead, self.back)

    @property
    def _float(self) -> type[np.float32] | type[np.float64]:
        return np.float32 if self.real == "float" else np.float64

    @property
    def _complex(self) -> type[np.complex64] | type[np.complex128]:
        return np.complex64 if self.real == "float" else np.complex128

    def evolve(
        self,
        gammas: Float64[np.ndarray, " layers"],
        betas: Float64[np.ndarray, " layers"],
        *,
        keep: bool = True,
    ) -> float:
        """Overwrite the state with that after all layers; return its expected cost.

        Without ``keep`` the last visit writes nothing, and the state is not to be used.
        """
        tiles = self.size >> self.ahead.tile
        sums = self.device.zeros(tiles, np.float64)
        passes = self.ahead.passes(self.qubits)
        visits = forward(gammas.size, len(passes))
        turns = [_Turn.of(float(beta)) for beta in betas]
        phases = self._phases(-gammas, turns)
        kind = "forward_levels" if self.costs.values is not None else "forward_numbers"
        program = self.device.program("qaoa_forward", self.ahead.macros(self.real))
        for number, visit in enumerate(visits):
            last = number == len(visits) - 1
            before, after = (_chosen(turns, layer) for layer in (visit.before, visit.after))
            flags = _START * (number == 0) + _STORE * (keep or not last) + _WEIGH * last
            program.launch(
                kind,
                tiles,
                self.ahead.threads,
                self.amplitudes,
                *phases(visit.phase),
                np.int32(visit.phase is not None),
                np.int32(passes[visit.step].first),
                np.int32(passes[visit.step].bits),
                np.int32(before.how),
                self._float(before.tangent),
                np.int32(after.how),
                self._float(after.tangent),
                np.int32(flags),
                self._float(2.0 ** (-self.qubits / 2)),
                np.int64(1 << self.qubits),
                np.int64(self.size),
                sums,
            )
        return float(self._added(sums, 1)[0]) + self.costs.middle

    def gradient(
        self, gammas: Float64[np.ndarray, " layers"], betas: Float64[np.ndarray, " layers"]
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return expected cost and its derivatives by the adjoint method; overwrites the state.

        References
        ----------
        Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
        variational quantum algorithms, arXiv:2009.02823.
        """
        by_gamma, by_beta = np.zeros(gammas.size), np.zeros(betas.size)
        energy = self.evolve(gammas, betas)
        if not gammas.size:
            return energy, by_gamma, by_beta
        if self.adjoint is None:
            _check_room(self.device, self.size * np.dtype(self._complex).itemsize, "a gradient of")
            self.adjoint = self.device.zeros(self.size, self._complex)
        passes = self.back.passes(self.qubits)
        visits = backward(gammas.size, len(passes))
        for visit, (_, before, phase, after) in zip(
            visits, self._go_back(visits, passes, gammas, betas), strict=True
        ):
            if visit.before is not None:
                by_beta[visit.before] += 2 * before
            if visit.phase is not None:
                by_gamma[visit.phase] += 2 * phase
            if visit.after is not None:
                by_beta[visit.after] += 2 * after
        return energy, by_gamma, by_beta

    def _go_back(
        self, visits: list[Visit], passes: list[Pass], gammas: np.ndarray, betas: np.ndarray
    ) -> Float64[np.ndarray, "visits 4"]:
        """Undo all layers on state and adjoint; sums of each visit."""
        tiles = self.size >> self.back.tile
        sums = self.device.zeros((4, tiles), np.float64)
        totals = self.device.zeros((len(visits), 4), np.float64)
        turns = [_Turn.of(-float(beta)) for beta in betas]
        phases = self._phases(gammas, turns)
        kind = "backward_levels" if self.costs.values is not None else "backward_numbers"
        program = self.device.program("qaoa_backward", self.back.macros(self.real))
        adder = self.device.program("sums")
        missing = np.ones(gammas.size)
        for number, visit in enumerate(visits):
            here = passes[visit.step]
            before, after = (_chosen(turns, layer) for layer in (visit.before, visit.after))
            flags = _START * (number == 0) + _STORE * (number < len(visits) - 1)
            program.launch(
                kind,
                tiles,
                self.back.threads,
                self.amplitudes,
                self.adjoint,
                *phases(visit.phase),
                np.int32(visit.phase is not None),
                np.int32(here.first),
                np.int32(here.bits),
                np.int32(before.how),
                self._float(before.tangent),
                np.float64(before.one**2),
                np.float64(1.0 if visit.before is None else missing[visit.before]),
                np.int32(after.how),
                self._float(after.tangent),
                np.float64(after.one**2),
                np.int32(flags),
                np.int64(self.size),
                sums,
            )
            adder.launch("add_up", 4, 256, sums, np.int64(tiles), totals[number])
            for layer in (visit.before, visit.after):
                if layer is not None:
                    missing[layer] *= turns[layer].one ** (2 * here.qubits)
        return self.device.get(totals)

    def _phases(self, gammas: np.ndarray, turns: list[_Turn]) -> Any:
        """What a kernel is told of costs and of one layer's phase ``exp(i gamma cost)``.

        The phase also puts in the factors that the layer's turns leave out.
        """
        scales = np.array([turn.one**self.qubits for turn in turns])
        costs = self.costs
        if costs.values is None:
            ratios = gammas / (2 * np.pi)

            def numbers(layer: int | None) -> tuple[Any, ...]:
                ratio, scale = (0, 1) if layer is None else (ratios[layer], scales[layer])
                return costs.of, self._float(ratio), self._float(scale)

            return numbers
        table = scales[:, None] * np.exp(1j * gammas[:, None] * costs.values)
        held = self.device.put(table.astype(self._complex)) if gammas.size else None

        def levels(layer: int | None) -> tuple[Any, ...]:
            row = self._values if held is None else held[layer or 0]
            return costs.of, row, self._values

        return levels

    def _added(self, rows: Any, count: int) -> Float64[np.ndarray, " count"]:
        """Sums of so many rows of equal length."""
        out = self.device.zeros(count, np.float64)
        self.device.program("sums").launch(
            "add_up", count, 256, rows, np.int64(rows.size // count), out
        )
        return self.device.get(out)

    def draw(self, levels: Float64[np.ndarray, " shots"]) -> Int64[np.ndarray, " shots"]:
        """Return the index at which the summed probability passes each of ``levels``, ascending."""
        tile = self.ahead.tile
        blocks = self.size >> tile
        weights = self.device.zeros(blocks, np.float64)
        program = self.device.program("qaoa_draw", self.ahead.macros(self.real))
        program.launch(
            "weigh_blocks", blocks, self.ahead.threads, self.amplitudes, np.int64(blocks), weights
        )
        each = self.device.get(weights)
        running = np.concatenate([[0.0], np.cumsum(each)])
        deep = levels * running[-1]
        # Blocks of no weight are passed over, also by a level that rounding puts at the end.
        last = int(np.flatnonzero(each)[-1])
        block = np.minimum(np.searchsorted(running[1:], deep, side="right"), last)
        hit, starts = np.unique(block, return_index=True)
        out = self.device.zeros(levels.size, np.int64)
        program.launch(
            "draw",
            hit.size,
            self.ahead.threads,
            self.amplitudes,
            self.device.put(hit.astype(np.int64)),
            self.device.put(np.append(starts, levels.size).astype(np.int64)),
            np.int64(hit.size),
            self.device.put(deep - running[block]),
            out,
        )
        return self.device.get(out)

    def numbers(self) -> Float64[np.ndarray, " states"]:
        """Return the cost of every state, on the host."""
        held = self.device.get(self.costs.of[: 1 << self.qubits])
        values = self.costs.values
        return (held.astype(np.float64) if values is None else values[held]) + self.costs.middle

    def probabilities(self) -> Float64[np.ndarray, " states"]:
        """Return the probability of every state, on the host."""
        state = self.device.get(self.amplitudes[: 1 << self.qubits])
        return state.real.astype(np.float64) ** 2 + state.imag.astype(np.float64) ** 2


def _chosen(turns: list[_Turn], layer: int | None) -> _Turn:
    return _STILL if layer is None else turns[layer]


def _shape(
    states: int,
    dtype: type[np.float32] | type[np.float64],
    tilings: tuple[Tiling, Tiling] | None,
) -> tuple[int, str, tuple[Tiling, Tiling]]:
    """Qubits, the real type's name in C, and tilings."""
    if states < 2 or states & (states - 1):
        raise InputError(f"a vector of costs has 2**n entries, n >= 1, got {states}")
    qubits, real = states.bit_length() - 1, "float" if dtype is np.float32 else "double"
    chosen = tilings or (_fewest(_FORWARD[real], qubits), _fewest(_BACKWARD[real], qubits))
    return qubits, real, chosen


def _size(qubits: int, *tilings: Tiling) -> int:
    return 1 << max(qubits, *(tiling.tile for tiling in tilings))


def _check_room(device: Device, need: int, what: str) -> None:
    """Refuse what cannot fit before anything is made."""
    room = device.room()
    if need > room:
        raise InputError(
            f"{what} these qubits needs {need / 2**30:.1f} GiB on the device, "
            f"{room / 2**30:.1f} are free; use fewer qubits or single precision"
        )


def _bytes(size: int, dtype: type[np.float32] | type[np.float64], *, levels: bool) -> int:
    """Bytes of a state and its costs."""
    real = np.dtype(dtype).itemsize
    return size * (2 * real + (1 if levels else real))


def _levels(costs: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Different costs, if few, and which of them each state has."""
    if np.unique(costs[:_PROBE]).size <= LEVELS:
        values, places = np.unique(costs, return_inverse=True)
        if values.size <= LEVELS:
            return values.astype(np.float64), places.astype(np.uint8)
    return None, np.zeros(0, np.uint8)


def _unit(linear: np.ndarray, pairs: np.ndarray) -> float | None:
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


def _quadratic(
    device: Device,
    linear: np.ndarray,
    pairs: np.ndarray,
    offset: float,
    dtype: type[np.float32] | type[np.float64],
    size: int,
) -> Costs:
    """Costs of a quadratic form, filled in on the device."""
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
    unit = _unit(linear, pairs)
    if unit is not None and (high - low) / unit < LEVELS - 0.5:
        levels = device.zeros(size, np.uint8)
        program.launch(
            "fill_levels", blocks, 256, *given, *shape, np.float64(low), np.float64(unit), levels
        )
        return Costs(levels, low + unit * np.arange(LEVELS) - middle, middle)
    numbers = device.zeros(size, dtype)
    program.launch("fill_numbers", blocks, 256, *given, *shape, np.float64(middle), numbers)
    return Costs(numbers, None, middle)
