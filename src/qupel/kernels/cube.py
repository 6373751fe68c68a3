"""QAOA with the X mixer on all bit strings: the state that the native passes work on.

A layer is the phase ``exp(-i gamma cost)``, then ``exp(-i beta X)`` on every qubit. Evolution
starts from equal amplitudes. Qubit 0 is the lowest bit of a state's index.

A *mirrored* cube is for costs that do not change when all bits are flipped. It holds the states
whose highest bit is zero, normalised to one, and its mixer also flips all bits at once, which is
what flipping the bit left out comes to.

Energies and slopes are sums over fixed tiles, the same for any number of threads, bit for bit,
and the same with AVX2 and AVX-512.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from qupel.kernels._cube import DoubleCube, SingleCube

#: Different costs up to which phases are looked up in tables.
LEVELS = 64
#: Qubits from which a cube can be mirrored, and costs told by level.
TABLED = 7
_WHOLE = 13


class Cube:
    """A state of all bit strings of so many qubits, with its costs.

    Parameters
    ----------
    qubits
        Qubits held, one fewer than the form has where the cube is mirrored.
    mirrored
        Whether the highest bit is left out; needs `TABLED` qubits.
    lattice
        ``(base, step, count)`` if every cost is ``base + k * step`` with ``k < count``, at most
        `LEVELS`, and there are at least `TABLED` qubits; else None.
    centre
        What is taken off every cost: phases are computed in the planes' own precision.
    dtype
        Type of the amplitudes' parts.
    threads
        Threads to use; they change no result.
    """

    def __init__(
        self,
        qubits: int,
        *,
        mirrored: bool,
        lattice: tuple[float, float, int] | None,
        centre: float,
        dtype: type[np.float32] | type[np.float64],
        threads: int,
    ) -> None:
        self.qubits = qubits
        self._lattice = lattice
        self._centre = centre
        low, high = _layout(qubits)
        kind = SingleCube if dtype is np.float32 else DoubleCube
        self._native = kind(qubits, mirrored, lattice is not None, low, high, threads)
        if lattice:
            base, step, count = lattice
            self._native.set_values(base - centre + step * np.arange(count, dtype=np.float64))

    def fill(self, begin: int, costs: Float64[np.ndarray, " some"]) -> None:
        """Give the costs of the states from ``begin`` on, a power of two of them."""
        if self._lattice:
            self._native.fill(begin, costs, *self._lattice[:2])
        else:
            self._native.fill(begin, costs - self._centre, 0.0, 1.0)

    def evolve(
        self,
        gammas: Float64[np.ndarray, " layers"],
        betas: Float64[np.ndarray, " layers"],
        *,
        keep: bool,
    ) -> float:
        """Return the expected cost after all layers; ``keep`` the state for what follows."""
        return self._native.evolve(gammas, betas, keep) + self._centre

    def gradient(
        self, gammas: Float64[np.ndarray, " layers"], betas: Float64[np.ndarray, " layers"]
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return expected cost and its derivatives by the adjoint method; no state is kept.

        References
        ----------
        Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
        variational quantum algorithms, arXiv:2009.02823.
        """
        by_gamma, by_beta = np.empty(gammas.size), np.empty(betas.size)
        energy = self._native.gradient(gammas, betas, by_gamma, by_beta)
        return energy + self._centre, by_gamma, by_beta

    def weights(self, begin: int, count: int) -> Float64[np.ndarray, " count"]:
        """Return the probabilities of ``count`` states from ``begin`` on, a power of two."""
        out = np.empty(count)
        self._native.weights(begin, out)
        return out

    def draw(self, shares: Float64[np.ndarray, " shots"]) -> Int64[np.ndarray, " shots"]:
        """Return the index at which the summed probability passes each of ``shares``, ascending."""
        out = np.empty(shares.size, np.int64)
        self._native.draw(shares, out)
        return out


def _layout(qubits: int) -> tuple[int, int]:
    """Low and high qubits of a pass; those between, if any, take passes of their own.

    A pair of low blocks and a pair of columns of the high qubits must stay in a core's own cache.
    """
    if qubits <= _WHOLE:
        return qubits, 0
    low = min(max(11, qubits - 8), 13) if qubits < 23 else 14
    rest = qubits - low
    return low, rest if rest <= 11 else rest - rest // 2
