"""A quadratic objective over integers made linear, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import sparse

from qupel.errors import InputError
from qupel.model.model import Model

#: Widest range of an integer that may be written in bits.
WIDEST = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Minimise ``objective @ x`` under linear constraints; the form's variables come first."""

    objective: Float64[np.ndarray, " n"]
    integral: Bool[np.ndarray, " n"]
    lower: Float64[np.ndarray, " n"]
    upper: Float64[np.ndarray, " n"]
    rows: sparse.csr_array
    row_lower: Float64[np.ndarray, " m"]
    row_upper: Float64[np.ndarray, " m"]


def linearised(form: Model) -> Linear:
    """Linear problem whose best points are the best points of ``form``, at equal energy.

    A product ``b * y`` of a bit and a bounded variable becomes a continuous variable between
    the planes through its corners (McCormick 1976, Glover 1975), of which only those are kept
    that the sign of its weight pushes against. Where two integers meet, the narrower one is
    written as its lower bound plus weighted bits.

    Raises
    ------
    InputError
        If both integers of a product have a range above `WIDEST`.
    """
    lower, upper = form.lower.astype(np.float64), form.upper.astype(np.float64)
    binary = (form.lower >= 0) & (form.upper <= 1)
    pairs = form.quadratic.tocoo()
    first, second = (each.astype(np.int64) for each in pairs.coords)
    weight = pairs.data
    objective = form.linear.copy()

    square = (first == second) & binary[first]
    np.add.at(objective, first[square], weight[square])
    first, second, weight = first[~square], second[~square], weight[~square]

    both = ~binary[first] & ~binary[second]
    codes = _written_in_bits(form, first[both], second[both])
    bits, others, shares = _products(
        codes, first[both], second[both], weight[both], objective, form
    )
    swap = ~binary[first]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    bit = np.concatenate([first[~both], bits])
    other = np.concatenate([second[~both], others])
    weight = np.concatenate([weight[~both], shares])

    n = objective.size + codes.bits
    low = np.concatenate([lower, np.zeros(codes.bits)])
    high = np.concatenate([upper, np.ones(codes.bits)])
    planes, plane_lower = _planes(bit, other, weight, low, high, n)
    product_low = np.minimum(0.0, low[other])
    product_high = np.maximum(0.0, high[other])
    width = n + bit.size
    blocks = [(form.rows, form.row_lower, form.row_upper)]
    blocks.append((codes.rows, codes.base, codes.base))
    blocks.append((planes, plane_lower, np.full(plane_lower.size, np.inf)))
    return Linear(
        np.concatenate([objective, np.zeros(codes.bits), weight]),
        np.concatenate([np.ones(n, dtype=bool), np.zeros(bit.size, dtype=bool)]),
        np.concatenate([low, product_low]),
        np.concatenate([high, product_high]),
        sparse.csr_array(sparse.vstack([_widened(block, width) for block, _, _ in blocks])),
        np.concatenate([each for _, each, _ in blocks]),
        np.concatenate([each for _, _, each in blocks]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Codes:
    """Integers written in bits: ``x - sum(step * bit) == base``, the bits after the variables."""

    places: dict[int, list[tuple[int, int]]]
    bits: int
    rows: sparse.csr_array
    base: Float64[np.ndarray, " rows"]


def _written_in_bits(
    form: Model, first: Int64[np.ndarray, " k"], second: Int64[np.ndarray, " k"]
) -> _Codes:
    """Give bits to one integer of each product, the narrower one."""
    span = form.upper - form.lower
    narrower = np.where(span[first] <= span[second], first, second)
    places: dict[int, list[tuple[int, int]]] = {}
    row: list[int] = []
    column: list[int] = []
    entry: list[float] = []
    used = form.variables
    for count, variable in enumerate(np.unique(narrower).tolist()):
        left = int(span[variable])
        if left > WIDEST:
            raise InputError(
                f"the product with integer {form.names[variable]} of range {left} cannot be made "
                f"linear; narrow its bounds to a range of at most {WIDEST}"
            )
        row.append(count)
        column.append(variable)
        entry.append(1.0)
        places[variable] = []
        step = 1
        while left > 0:
            step = min(step, left)
            places[variable].append((used, step))
            row.append(count)
            column.append(used)
            entry.append(-float(step))
            left -= step
            step *= 2
            used += 1
    shape = (len(places), used)
    rows = sparse.csr_array(sparse.coo_array((entry, (row, column)), shape=shape))
    base = form.lower[np.array(list(places), np.int64)].astype(np.float64)
    return _Codes(places, used - form.variables, rows, base)


def _products(
    codes: _Codes,
    first: Int64[np.ndarray, " k"],
    second: Int64[np.ndarray, " k"],
    weight: Float64[np.ndarray, " k"],
    objective: Float64[np.ndarray, " n"],
    form: Model,
) -> tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"], Float64[np.ndarray, " p"]]:
    """Products of bits with the other integer; the lower bound's share goes to ``objective``."""
    span = form.upper - form.lower
    bits: list[int] = []
    others: list[int] = []
    shares: list[float] = []
    for i, j, w in zip(first.tolist(), second.tolist(), weight.tolist(), strict=True):
        coded, other = (i, j) if span[i] <= span[j] else (j, i)
        objective[other] += w * float(form.lower[coded])
        for place, step in codes.places[coded]:
            bits.append(place)
            others.append(other)
            shares.append(w * step)
    return np.array(bits, np.int64), np.array(others, np.int64), np.array(shares, np.float64)


def _planes(
    bit: Int64[np.ndarray, " p"],
    other: Int64[np.ndarray, " p"],
    weight: Float64[np.ndarray, " p"],
    low: Float64[np.ndarray, " n"],
    high: Float64[np.ndarray, " n"],
    n: int,
) -> tuple[sparse.csr_array, Float64[np.ndarray, " rows"]]:
    """Two planes for each product ``z = b * y`` with ``l <= y <= u``, as rows ``>=`` a limit.

    A weight above 0 pushes down: ``z >= l b`` and ``z >= y - u (1 - b)``; one below 0 pushes up:
    ``z <= u b`` and ``z <= y - l (1 - b)``.
    """
    count = bit.size
    down = weight > 0
    sign = np.where(down, 1.0, -1.0)
    near = np.where(down, low[other], high[other])
    far = np.where(down, high[other], low[other])
    z = n + np.arange(count)
    one, two = 2 * np.arange(count), 2 * np.arange(count) + 1
    rows = np.concatenate([one, one, two, two, two])
    columns = np.concatenate([z, bit, z, other, bit])
    entries = np.concatenate([sign, -sign * near, sign, -sign, -sign * far])
    limits = np.zeros(2 * count)
    limits[1::2] = -sign * far
    matrix = sparse.coo_array((entries, (rows, columns)), shape=(2 * count, n + count))
    held = sparse.csr_array(matrix)
    held.eliminate_zeros()
    useful = np.diff(held.indptr) > 1  # a plane z >= 0 is a bound already
    return sparse.csr_array(held[useful]), limits[useful]


def _widened(matrix: sparse.csr_array, width: int) -> sparse.csr_array:
    """Return the matrix with empty columns up to ``width``."""
    held = sparse.csr_array(matrix)
    return sparse.csr_array((held.data, held.indices, held.indptr), shape=(held.shape[0], width))
