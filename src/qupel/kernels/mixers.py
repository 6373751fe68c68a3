"""QAOA with a turn of its own for every qubit and an angle of its own for every term.

A state is two planes of ``float32`` or ``float64``, real and imaginary, of the length that
`qupel.kernels.qaoa.padded` tells; qubit 0 is the lowest bit. It starts as the product of
``cos(theta_q / 2) |0> + sin(theta_q / 2) |1>`` over all qubits q. A layer is the phase
``exp(-i sum_t phases[t] term_t)`` and then, on every qubit,
``exp(-i turns[q] (sin theta_q X + cos theta_q Z))``, a turn about the direction in which the start
points. At ``theta = pi / 2`` that is the usual start of equal amplitudes and the usual mixer X.
What is held is the state up to a phase of each amplitude, which no measurement sees.

A term is a spin ``s_i`` or a product ``s_i s_j`` of two, spins being ``1 - 2 x`` for bits ``x``;
the cost is the terms' weighted sum. Energies and slopes are sums over fixed blocks, the same for
any number of threads, with AVX-512 and with AVX2, bit for bit; without either they agree to
rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float64, Int32, Int64

from qupel.errors import InputError
from qupel.kernels import _mixers
from qupel.kernels.qaoa import Plane, plane

__all__ = ["QUBITS", "TiltedState", "correlations", "tilted_state", "walsh_hadamard"]

#: Most qubits of a state.
QUBITS = 32


@dataclass(frozen=True, slots=True, eq=False)
class TiltedState:
    """The planes of a state, its cost, and where its qubits point; made by `tilted_state`.

    Attributes
    ----------
    re, im
        Planes of equal type and length.
    axes
        Angle theta of each qubit, in radians.
    ends
        The two spins of each term, twice the same for a single spin. Empty where the cost is a
        plane: that is then one term, of weight one.
    weights
        Weight of each term in the cost.
    cost
        Plane of costs, best centred on zero; empty where terms make up the cost.
    threads
        Threads to use; they change no result.
    """

    re: Plane
    im: Plane
    axes: Float64[np.ndarray, " qubits"]
    ends: Int32[np.ndarray, "terms 2"]
    weights: Float64[np.ndarray, " angles"]
    cost: Plane
    threads: int

    def evolve(
        self, gammas: Float64[np.ndarray, " layers"], betas: Float64[np.ndarray, " layers"]
    ) -> float:
        """Overwrite the planes with the state after all layers; return its expected cost.

        Every term turns by ``gamma`` times its weight, every qubit by ``beta``.
        """
        return self.evolve_each(*self._spread(gammas, betas))

    def gradient(
        self,
        adjoint_re: Plane,
        adjoint_im: Plane,
        gammas: Float64[np.ndarray, " layers"],
        betas: Float64[np.ndarray, " layers"],
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return expected cost and its derivatives by the adjoint method; overwrite all planes."""
        energy, by_phase, by_turn = self.gradient_each(
            adjoint_re, adjoint_im, *self._spread(gammas, betas)
        )
        return energy, by_phase @ self.weights, by_turn.sum(axis=1)

    def evolve_each(
        self,
        phases: Float64[np.ndarray, "layers angles"],
        turns: Float64[np.ndarray, "layers qubits"],
    ) -> float:
        """Overwrite the planes with the state after all layers; return its expected cost."""
        return _mixers.evolve(
            self.re,
            self.im,
            self.cost,
            self.ends,
            self.weights,
            self.axes,
            *self._checked(phases, turns),
            self.threads,
        )

    def gradient_each(
        self,
        adjoint_re: Plane,
        adjoint_im: Plane,
        phases: Float64[np.ndarray, "layers angles"],
        turns: Float64[np.ndarray, "layers qubits"],
    ) -> tuple[float, Float64[np.ndarray, "layers angles"], Float64[np.ndarray, "layers qubits"]]:
        """Return expected cost and its derivatives by every phase and turn; overwrite all planes.

        References
        ----------
        Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
        variational quantum algorithms, arXiv:2009.02823.
        """
        if adjoint_re.size < self.re.size or adjoint_im.size < self.re.size:
            raise InputError(
                f"adjoint planes must be as long as the state's, {self.re.size}, "
                f"got {adjoint_re.size} and {adjoint_im.size}"
            )
        by_phase, by_turn = np.zeros(phases.shape), np.zeros(turns.shape)
        energy = _mixers.gradient(
            self.re,
            self.im,
            adjoint_re,
            adjoint_im,
            self.cost,
            self.ends,
            self.weights,
            self.axes,
            *self._checked(phases, turns),
            by_phase,
            by_turn,
            self.threads,
        )
        return energy, by_phase, by_turn

    def draw(self, levels: Float64[np.ndarray, " shots"]) -> Int64[np.ndarray, " shots"]:
        """Return the index at which the summed probability passes each of ``levels``, ascending."""
        out = np.empty(levels.size, np.int64)
        _mixers.draw(self.re, self.im, 1 << self.axes.size, levels, out)
        return out

    def correlations(self) -> Float64[np.ndarray, "qubits qubits"]:
        """`correlations` of the state now in the planes."""
        return correlations(self.re, self.im, self.axes.size, self.threads)

    def _checked(self, phases: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Angles as the kernel takes them."""
        layers = len(phases)
        wanted = (layers, self.weights.size), (layers, self.axes.size)
        if (phases.shape, turns.shape) != wanted:
            raise InputError(
                f"phases and turns must have shapes {wanted[0]} and {wanted[1]}, "
                f"got {phases.shape} and {turns.shape}"
            )
        return (
            np.ascontiguousarray(phases, np.float64),
            np.ascontiguousarray(turns, np.float64),
        )

    def _spread(
        self, gammas: Float64[np.ndarray, " layers"], betas: Float64[np.ndarray, " layers"]
    ) -> tuple[Float64[np.ndarray, "layers angles"], Float64[np.ndarray, "layers qubits"]]:
        turns = np.repeat(np.asarray(betas, np.float64)[:, None], self.axes.size, axis=1)
        return np.outer(gammas, self.weights), turns


def tilted_state(
    axes: Float64[np.ndarray, " qubits"],
    dtype: type[np.float32] | type[np.float64],
    *,
    ends: Int32[np.ndarray, "terms 2"] | None = None,
    weights: Float64[np.ndarray, " terms"] | None = None,
    cost: Plane | None = None,
    threads: int = 1,
) -> TiltedState:
    """Return a state with new planes; its cost is ``weights`` of terms, or the plane ``cost``.

    Raises
    ------
    InputError
        If there are no qubits, more than `QUBITS`, if a term names a spin that is not there, or if
        the plane does not fit.
    """
    qubits = axes.size
    if not 1 <= qubits <= QUBITS:
        raise InputError(f"a state has 1 to {QUBITS} qubits, got {qubits}")
    held = np.zeros((0, 2), np.int32) if ends is None else np.ascontiguousarray(ends, np.int32)
    if held.size and not (held.min() >= 0 and held.max() < qubits):
        raise InputError(f"terms name spins {held.min()} to {held.max()} of {qubits}")
    factors = np.ones(1) if cost is not None else np.zeros(0) if weights is None else weights
    states = 1 << qubits
    if cost is not None and (cost.size < states or cost.dtype != np.dtype(dtype)):
        raise InputError(
            f"a plane of costs needs {states} numbers of {np.dtype(dtype)}, "
            f"got {cost.size} of {cost.dtype}"
        )
    return TiltedState(
        plane(states, dtype),
        plane(states, dtype),
        np.ascontiguousarray(axes, np.float64),
        held,
        np.ascontiguousarray(factors, np.float64),
        plane(0, dtype) if cost is None else cost,
        threads,
    )


def correlations(
    re: Plane, im: Plane, qubits: int, threads: int = 1
) -> Float64[np.ndarray, "qubits qubits"]:
    """Return expected spins on the diagonal, expected products of two spins above it.

    All come from one pass over the probabilities: their Walsh-Hadamard transform, of which only
    the coefficients of one and two bits are computed.
    """
    out = np.zeros((qubits, qubits))
    if qubits:
        _mixers.correlations(re, im, out, threads)
    return out


def walsh_hadamard(
    values: Float64[np.ndarray, " states"] | Complex128[np.ndarray, " states"],
) -> Float64[np.ndarray, " states"] | Complex128[np.ndarray, " states"]:
    """Return ``sum_x values[x] (-1)^(k . x)`` for every k; lengths are powers of two.

    Twice applied it gives ``values`` times their number.
    """
    if values.size & (values.size - 1) or not values.size:
        raise InputError(f"a Walsh-Hadamard transform needs 2**n values, got {values.size}")
    out = np.array(values, order="C")
    _mixers.walsh(out.view(np.float64), 1 if np.iscomplexobj(out) else 0)
    return out
