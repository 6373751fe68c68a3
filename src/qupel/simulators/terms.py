"""A form as a sum of terms over spins."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32

from qupel.errors import InputError
from qupel.model import Ising, Qubo

#: Largest power of ten, either way, of the costs and angles that each precision holds with room.
POWERS = {"single": 30, "double": 150}


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


def check_size(
    form: Ising | Qubo | Float64[np.ndarray, " states"],
    precision: str,
) -> None:
    """Refuse costs that are too large or too small for ``precision``, but for all zero.

    Raises
    ------
    InputError
        With the largest weight of a form, or half the range of a vector of costs.
    """
    if isinstance(form, Ising | Qubo):
        held = form.weights.data if isinstance(form, Qubo) else form.couplings.data
        fields = form.fields if isinstance(form, Ising) else np.zeros(0)
        largest = max(np.abs(held).max(initial=0.0), np.abs(fields).max(initial=0.0))
    else:
        largest = form.max() / 2 - form.min() / 2
    power = POWERS[precision]
    if largest and not 10.0**-power <= largest <= 10.0**power:
        raise InputError(
            f"costs of size {largest:.3g} do not fit {precision} precision, which takes 1e-{power} "
            f"to 1e{power}; use another unit{', or double' if precision == 'single' else ''}"
        )


def check_angles(angles: Float64[np.ndarray, "*shape"], *, spread: float, precision: str) -> None:
    """Refuse angles that are not finite, or too large for ``precision`` with costs so spread."""
    if not np.isfinite(angles).all():
        raise InputError("angles must be finite")
    largest = np.abs(angles).max(initial=0.0)
    if largest * max(spread, 1.0) > 10.0 ** POWERS[precision]:
        raise InputError(
            f"an angle of {largest:.3g} is too large for {precision} precision with costs spread "
            f"by {spread:.3g}"
        )


def over_bits(form: Ising | Qubo) -> tuple[np.ndarray, np.ndarray, float]:
    """Linear and pair terms over bits (dense, strictly upper), and the constant."""
    if isinstance(form, Qubo):
        weights = form.weights.toarray()
        return weights.diagonal().copy(), np.triu(weights, 1), form.offset
    couplings = form.couplings.toarray()
    linear = -2 * (form.fields + couplings.sum(axis=0) + couplings.sum(axis=1))
    offset = form.offset + float(form.fields.sum() + couplings.sum())
    return linear, 4 * couplings, offset
