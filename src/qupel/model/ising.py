"""Ising models: spins of +1 and −1 with fields and couplings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Integer
from scipy import sparse

from qupel.errors import InputError
from qupel.model.quota import Quota, checked_quotas
from qupel.model.sparse import checked_offset, quadratic_values, upper_triangle


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Ising:
    """Energy ``sum_i fields[i] s_i + sum_{i<j} couplings[i, j] s_i s_j + offset``, minimised.

    Spins are ``s = 1 - 2 x`` for bits ``x``: bit 0 is spin +1, the eigenvalue of Z on ``|0>``.

    Attributes
    ----------
    fields
        One number a spin.
    couplings
        Strictly upper triangular; given dense or sparse, held as CSR.
    offset
        Constant part of the energy.
    quotas
        Groups of spins of which exactly so many are −1 (bits that are one).
    """

    fields: Float64[np.ndarray, " n"]
    couplings: sparse.csr_array
    offset: float
    quotas: tuple[Quota, ...]

    def __init__(
        self, fields: Any, couplings: Any, offset: float = 0.0, quotas: Iterable[Quota] = ()
    ) -> None:
        held = np.array(fields, dtype=np.float64)
        if held.ndim != 1 or not np.isfinite(held).all():
            raise InputError(f"fields must be one row of finite numbers, got shape {held.shape}")
        pairs = upper_triangle(couplings, name="couplings")
        if pairs.shape != (held.size, held.size):
            raise InputError(f"couplings of shape {pairs.shape} do not fit {held.size} fields")
        if pairs.diagonal().any():
            raise InputError("couplings must have a zero diagonal; s*s = 1 belongs to the offset")
        object.__setattr__(self, "fields", held)
        object.__setattr__(self, "couplings", pairs)
        object.__setattr__(self, "offset", checked_offset(offset))
        object.__setattr__(self, "quotas", checked_quotas(quotas, held.size))

    @property
    def variables(self) -> int:
        """Number of spins."""
        return int(self.fields.size)

    def energies(self, spins: Integer[np.ndarray, "rows n"]) -> Float64[np.ndarray, " rows"]:
        """Energy of each row of ``spins``."""
        spins = np.asarray(spins)
        return quadratic_values(self.couplings, spins) + spins @ self.fields + self.offset
