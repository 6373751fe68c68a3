"""QAOA on a CUDA device: the state in place, a visit of all tiles for about two mixer passes.

The state holds ``2**n`` complex numbers (`complex64` or `complex128`), index bit 0 the lowest
qubit. Layers become visits of its tiles (see `qupel.kernels.gpu_visits`); the first visit reads
nothing and the last of an energy writes nothing.

Sums run over fixed tiles in one order: results repeat bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from qupel.errors import InputError
from qupel.kernels.gpu import Device, find
from qupel.kernels.gpu_costs import LEVELS, Costs, may_be_few, unit_of
from qupel.kernels.gpu_visits import Pass, Tiling, Visit, backward, fewest, forward, tilings_of

__all__ = ["State"]

_START, _STORE, _WEIGH = 1, 2, 4


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
        size = _size(qubits, ahead, back)
        _check_room(where, _bytes(size, dtype, levels=may_be_few(costs)), "a state of")
        held = Costs.of(where, costs, dtype, size)
        return cls(where, qubits, real, held, ahead, back)

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
        whole = unit_of(linear, pairs) is not None
        _check_room(where, _bytes(size, dtype, levels=whole), "a state of")
        held = Costs.of_quadratic(where, linear, pairs, offset, dtype, size)
        return cls(where, qubits, real, held, ahead, back)

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
                return costs.of_states, self._float(ratio), self._float(scale)

            return numbers
        table = scales[:, None] * np.exp(1j * gammas[:, None] * costs.values)
        held = self.device.put(table.astype(self._complex)) if gammas.size else None

        def levels(layer: int | None) -> tuple[Any, ...]:
            row = self._values if held is None else held[layer or 0]
            return costs.of_states, row, self._values

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
        return self.costs.numbers(self.device, 1 << self.qubits)

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
    choice = tilings_of(real)
    fitting = (fewest(choice[name], qubits) for name in ("qaoa_forward", "qaoa_backward"))
    ahead, back = tilings or fitting
    return qubits, real, (ahead, back)


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
