"""Parts of a quadratic function of bits: flip costs, descent, and a hard part cut out exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from scipy import sparse

from qupel.model.qubo import Qubo
from qupel.model.sparse import symmetric

#: A flip must win more than this share of the largest coefficient to count as an improvement.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """A function ``linear @ x + sum_{i<j} w_ij x_i x_j + offset`` of bits, ready for local moves.

    Attributes
    ----------
    linear
        One coefficient a bit.
    neighbours
        Symmetric CSR of the ``w_ij`` with a zero diagonal: a row lists all partners of a bit.
    offset
        Constant part.
    """

    linear: Float64[np.ndarray, " n"]
    neighbours: sparse.csr_array
    offset: float = 0.0

    @classmethod
    def of(cls, qubo: Qubo) -> Self:
        """Landscape of a Qubo's energies."""
        off_diagonal = sparse.csr_array(sparse.triu(qubo.weights, 1))
        return cls(qubo.weights.diagonal(), symmetric(off_diagonal), qubo.offset)

    def value(self, bits: np.ndarray) -> float:
        """Value of one row of bits."""
        x = np.asarray(bits, np.float64)
        return float(self.linear @ x + 0.5 * (x @ (self.neighbours @ x)) + self.offset)

    def flip_costs(self, bits: np.ndarray) -> Float64[np.ndarray, " n"]:
        """Change of the value when one bit alone is flipped, for each bit."""
        x = np.asarray(bits, np.float64)
        return (1 - 2 * x) * (self.linear + self.neighbours @ x)

    def partners(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours of bit ``i`` and their weights."""
        row = slice(self.neighbours.indptr[i], self.neighbours.indptr[i + 1])
        return self.neighbours.indices[row], self.neighbours.data[row]


def descend(landscape: Landscape, bits: np.ndarray) -> UInt8[np.ndarray, " n"]:
    """Flip the bit that lowers the value most, until none does; the lowest number on a tie."""
    x = np.array(bits, dtype=np.uint8)
    if not x.size:
        return x
    signs = 1.0 - 2.0 * x
    costs = landscape.flip_costs(x)
    least = -_ROUNDING * max(1.0, float(np.abs(costs).max()))
    while costs[i := int(costs.argmin())] < least:
        costs[i] = -costs[i]
        partners, weights = landscape.partners(i)
        costs[partners] += signs[i] * signs[partners] * weights
        signs[i] = -signs[i]
        x[i] ^= 1
    return x


def hard_part(
    landscape: Landscape, bits: np.ndarray, size: int, rng: np.random.Generator
) -> Int64[np.ndarray, " part"]:
    """At most ``size`` bits that are nearly free to flip and hang together, ascending.

    The part grows from a bit of low flip cost along couplings. The next bit is the one whose
    flip, made together with the part, would cost least; random costs of the order of a typical
    coefficient make later calls choose other parts.
    """
    n = landscape.linear.size
    if size >= n:
        return np.arange(n)
    signs = 1.0 - 2.0 * np.asarray(bits, np.float64)
    costs = landscape.flip_costs(bits)
    costs += rng.random(n) * max(float(np.median(np.abs(costs))), 1e-9)
    reached = np.zeros(n, bool)
    chosen = np.zeros(n, bool)
    for _ in range(size):
        border = reached & ~chosen
        open_bits = border if border.any() else ~chosen
        i = int(np.where(open_bits, costs, np.inf).argmin())
        chosen[i] = True
        partners, weights = landscape.partners(i)
        reached[partners] = True
        # A pair that gains by flipping together makes the partner cheaper.
        costs[partners] += np.minimum(0.0, signs[i] * signs[partners] * weights)
    return np.flatnonzero(chosen)


def cut_out(landscape: Landscape, bits: np.ndarray, part: np.ndarray) -> Landscape:
    """The function of the bits ``part`` alone, all others fixed as in ``bits``, value for value."""
    fixed = np.array(bits, dtype=np.float64)
    fixed[part] = 0.0
    rows = landscape.neighbours[part]
    return Landscape(
        landscape.linear[part] + rows @ fixed,
        sparse.csr_array(rows[:, part]),
        landscape.value(fixed),
    )


def as_qubo(landscape: Landscape) -> Qubo:
    """Qubo with the energies of ``landscape``."""
    pairs = sparse.triu(landscape.neighbours, 1)
    return Qubo(sparse.csr_array(pairs + sparse.diags_array(landscape.linear)), landscape.offset)
