"""Quadratic unconstrained binary optimisation, with quotas where a form has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Integer
from scipy import sparse

from qupel.model.quota import Quota, checked_quotas
from qupel.model.sparse import checked_offset, quadratic_values, upper_triangle


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Qubo:
    """Energy ``sum_{i<=j} weights[i, j] x_i x_j + offset`` of bits ``x``, minimised.

    Attributes
    ----------
    weights
        Upper triangular, the linear part on the diagonal; given dense or sparse, held as CSR.
        Every entry counts once.
    offset
        Constant part of the energy.
    quotas
        Groups of bits of which exactly so many are one.
    """

    weights: sparse.csr_array
    offset: float
    quotas: tuple[Quota, ...]

    def __init__(self, weights: Any, offset: float = 0.0, quotas: Iterable[Quota] = ()) -> None:
        held = upper_triangle(weights, name="weights")
        object.__setattr__(self, "weights", held)
        object.__setattr__(self, "offset", checked_offset(offset))
        object.__setattr__(self, "quotas", checked_quotas(quotas, held.shape[0]))

    @property
    def variables(self) -> int:
        """Number of bits."""
        return int(self.weights.shape[0])

    def energies(self, bits: Integer[np.ndarray, "rows n"]) -> Float64[np.ndarray, " rows"]:
        """Energy of each row of ``bits``."""
        return quadratic_values(self.weights, bits) + self.offset
