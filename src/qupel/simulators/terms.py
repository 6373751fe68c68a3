"""A form as a sum of terms over spins."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32

from qupel.model import Ising, Qubo


def spin_terms(
    form: Ising | Qubo,
) -> tuple[Int32[np.ndarray, "terms 2"], Float64[np.ndarray, " terms"], float]:
    """Terms of a form over spins, their weights, and the constant.

    A term is the two spins it multiplies, twice the same for a field: fields by spin, then
    couplings by their first and second spin; only those that are not zero.
    """
    if isinstance(form, Qubo):
        pairs = (form.weights / 4).tocoo()
        (rows, columns), values = pairs.coords, pairs.data
        loops, off = rows == columns, rows != columns
        fields = np.zeros(form.variables)
        np.add.at(fields, rows, np.where(loops, -2 * values, -values))
        np.add.at(fields, columns[off], -values[off])
        offset = form.offset + float(2 * values[loops].sum() + values[off].sum())
        rows, columns, values = rows[off], columns[off], values[off]
    else:
        (rows, columns), values = form.couplings.tocoo().coords, form.couplings.tocoo().data
        fields, offset = form.fields, form.offset
    acting = np.flatnonzero(fields)
    ends = np.concatenate([np.stack([acting, acting], 1), np.stack([rows, columns], 1)])
    return ends.astype(np.int32), np.concatenate([fields[acting], values]), offset
