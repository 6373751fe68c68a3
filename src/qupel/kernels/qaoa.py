"""QAOA on a state vector: the arrays that the native loops work on.

A state is two planes of ``float32`` or ``float64``, real and imaginary, of `padded` length; what
lies beyond the states is zero, in the cost too. The lowest ``free`` bits of an index are free
qubits (qubit 0 the lowest), mixed by ``exp(-i beta X)``. Above them follow the groups, each a
register of bit patterns of one popcount in ascending order, mixed by ``exp(-i beta (XX + YY)/2)``
on its pairs of bits, one after another in the order given. A layer is the phase
``exp(-i gamma cost)``, the free qubits, then the groups. Evolution starts from equal amplitudes.

Energies and slopes are sums over fixed blocks, the same for any number of threads, with AVX-512
and with AVX2, bit for bit; without either they agree to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt64
from numpy.typing import NDArray

from qupel.errors import InputError
from qupel.kernels import _qaoa
from qupel.kernels._qaoa import Group
from qupel.kernels.aligned import aligned

__all__ = [
    "Group",
    "Plane",
    "State",
    "diagonal",
    "energies",
    "group",
    "padded",
    "patterns",
    "plane",
    "probabilities",
]

Plane = NDArray[np.float32] | NDArray[np.float64]

#: Most members of one group.
MEMBERS = 40


def padded(states: int) -> int:
    """Length of the planes that hold so many states: the next multiple of 16."""
    return -(-states // 16) * 16


def plane(states: int, dtype: type[np.float32] | type[np.float64]) -> Plane:
    """Return a zeroed plane that begins on a cache line."""
    return cast(Plane, aligned((padded(states),), dtype))


def probabilities(re: Plane, im: Plane, states: int) -> Float64[np.ndarray, " states"]:
    """Squared size of each amplitude held in two planes."""
    a, b = (part[:states].astype(np.float64) for part in (re, im))
    return a * a + b * b


def patterns(members: int, ones: int) -> UInt64[np.ndarray, " count"]:
    """Return all patterns of ``members`` bits of which ``ones`` are one, ascending."""
    row = [np.zeros(1, np.uint64)]
    for bits in range(members):
        top = np.uint64(1) << np.uint64(bits)
        empty = np.zeros(0, np.uint64)
        widths = range(min(bits + 1, ones) + 1)
        row = [
            np.concatenate((row[k] if k < len(row) else empty, row[k - 1] + top if k else empty))
            for k in widths
        ]
    return row[ones]


def group(members: int, ones: int, pairs: Int32[np.ndarray, "rotations 2"]) -> Group:
    """Return the register of the `patterns` of ``members`` and ``ones``, and its rotations.

    Raises
    ------
    InputError
        If there are more than `MEMBERS` members.
    """
    if members > MEMBERS:
        raise InputError(f"an XY mixer takes at most {MEMBERS} variables, got {members}")
    masks = patterns(members, ones)
    split = members // 2
    tops = np.arange(1 << (members - split), dtype=np.uint64) << np.uint64(split)
    high = np.searchsorted(masks, tops).astype(np.int32)
    ordered = np.sort(np.ascontiguousarray(pairs, np.int32), axis=1)
    others = patterns(members - 2, ones - 1) if 0 < ones < members else np.zeros(0, np.uint64)
    return Group(masks.size, others, _ranks(split), high, split, ordered)


@cache
def _ranks(bits: int) -> Int32[np.ndarray, " patterns"]:
    """Rank of each pattern of so many bits among those of its own popcount."""
    every = np.arange(1 << bits, dtype=np.uint64)
    ones = np.bitwise_count(every)
    ranks = np.zeros(every.size, np.int32)
    for k in range(bits + 1):
        where = np.flatnonzero(ones == k)
        ranks[where] = np.arange(where.size, dtype=np.int32)
    return ranks


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The planes of a state and its cost, and how its index is made up.

    Attributes
    ----------
    re, im, cost
        Planes of equal type and length. ``cost`` is best centred on zero: the phase is
        computed in the planes' own precision.
    states
        States of the space, without padding.
    free
        Number of free qubits.
    groups
        Registers above them, the first the lowest.
    threads
        Threads to use; they change no result.
    """

    re: Plane
    im: Plane
    cost: Plane
    states: int
    free: int
    groups: Sequence[Group]
    threads: int

    def evolve(
        self, gammas: Float64[np.ndarray, " layers"], betas: Float64[np.ndarray, " layers"]
    ) -> float:
        """Overwrite the planes with the state after all layers; return its expected cost."""
        return _qaoa.evolve(
            self.re, self.im, self.cost, self.free, self.groups, gammas, betas, self.threads
        )

    def gradient(
        self,
        adjoint_re: Plane,
        adjoint_im: Plane,
        gammas: Float64[np.ndarray, " layers"],
        betas: Float64[np.ndarray, " layers"],
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return expected cost and its derivatives by the adjoint method; overwrite all planes.

        References
        ----------
        Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
        variational quantum algorithms, arXiv:2009.02823.
        """
        by_gamma, by_beta = np.empty(gammas.size), np.empty(betas.size)
        energy = _qaoa.gradient(
            self.re,
            self.im,
            adjoint_re,
            adjoint_im,
            self.cost,
            self.free,
            self.groups,
            gammas,
            betas,
            by_gamma,
            by_beta,
            self.threads,
        )
        return energy, by_gamma, by_beta

    def draw(self, levels: Float64[np.ndarray, " shots"]) -> Int64[np.ndarray, " shots"]:
        """Return the index at which the summed probability passes each of ``levels``, ascending."""
        out = np.empty(levels.size, np.int64)
        _qaoa.draw(self.re, self.im, self.states, levels, out, self.threads)
        return out


def diagonal(
    linear: Float64[np.ndarray, " n"],
    pairs: Float64[np.ndarray, "n n"],
    offset: float,
    threads: int = 1,
) -> Float64[np.ndarray, " states"]:
    """Energies ``x @ linear + x @ pairs @ x + offset`` of all ``2**n`` states ``x``.

    ``pairs`` is strictly upper triangular.
    """
    out = np.empty(1 << linear.size)
    _qaoa.diagonal(linear, pairs, offset, out, threads)
    return out


def energies(
    states: UInt64[np.ndarray, " states"],
    linear: Float64[np.ndarray, " n"],
    pairs: Float64[np.ndarray, "n n"],
    offset: float,
    threads: int = 1,
) -> Float64[np.ndarray, " states"]:
    """Energies of chosen states, given by their bits; otherwise as `diagonal`."""
    out = np.empty(states.size)
    _qaoa.energies(states, linear, pairs, offset, out, threads)
    return out
