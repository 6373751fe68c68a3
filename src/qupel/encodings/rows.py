"""Constraints over bits as whole-number rows, the shape in which penalties are exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float64, Int64
from scipy import sparse

from qupel.errors import InputError
from qupel.model.model import TOLERANCE, WHOLE_TOLERANCE
from qupel.model.quota import Quota

#: Largest denominator that a coefficient may have.
LARGEST_DENOMINATOR = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """``low <= matrix @ bits <= high`` in whole numbers, each limit reachable or nearly so.

    Attributes
    ----------
    matrix
        Whole numbers without a common divisor in a row; no explicit zeros.
    low, high
        Limits, cut to what the row can reach.
    least, most
        What the row can reach.
    names
        One a row.
    """

    matrix: sparse.csr_array
    low: Int64[np.ndarray, " m"]
    high: Int64[np.ndarray, " m"]
    least: Int64[np.ndarray, " m"]
    most: Int64[np.ndarray, " m"]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.names)

    def some(self, which: np.ndarray) -> Rows:
        """Rows selected by positions or by a mask."""
        positions = np.flatnonzero(which) if which.dtype == bool else which
        return Rows(
            self.matrix[positions],
            self.low[positions],
            self.high[positions],
            self.least[positions],
            self.most[positions],
            tuple(self.names[k] for k in positions.tolist()),
        )

    def kept(self, bits: np.ndarray) -> np.ndarray:
        """Whether each row of ``bits`` keeps all of these rows."""
        left = np.asarray(bits, np.int64) @ self.matrix.T
        return np.asarray(((left >= self.low) & (left <= self.high)).all(axis=1))


def whole_rows(
    matrix: sparse.csr_array,
    low: Float64[np.ndarray, " m"],
    high: Float64[np.ndarray, " m"],
    names: Sequence[str],
    spans: Int64[np.ndarray, " n"],
    resolution: float | None = None,
) -> tuple[Rows, tuple[str, ...]]:
    """Rows in whole numbers over integers 0 to ``spans``, and the names of those rounded.

    Fractions with small denominators are scaled up exactly. Any other coefficient is refused,
    or rounded to a multiple of ``resolution`` if one is given.

    Raises
    ------
    InputError
        If a row cannot be written in whole numbers, or no value within bounds keeps it.
    """
    held = matrix.astype(np.float64)
    held.sum_duplicates()
    held.data *= spans[held.indices] > 0
    held.eliminate_zeros()
    scale = np.ones(held.shape[0])
    rounded: list[str] = []
    owner = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
    for row in np.unique(owner[held.data != np.rint(held.data)]).tolist():
        found = _scale(held.data[held.indptr[row] : held.indptr[row + 1]])
        if found is None:
            found = 1.0 / resolution if resolution else _refuse(held, row, names)
            rounded.append(names[row])
        scale[row] = found
    data = np.rint(held.data * scale[owner])
    if data.size and np.abs(data).max() > 2**53:
        raise InputError(f"coefficients of {np.abs(data).max():g} are too large to be exact")
    ints = sparse.csr_array((data.astype(np.int64), held.indices, held.indptr), shape=held.shape)
    if rounded:
        ints.eliminate_zeros()
        owner = np.repeat(np.arange(held.shape[0]), np.diff(ints.indptr))

    divisor = np.ones(held.shape[0], np.int64)
    filled = np.flatnonzero(np.diff(ints.indptr))
    if filled.size:
        divisor[filled] = np.gcd.reduceat(np.abs(ints.data), ints.indptr[filled])
    ints.data = ints.data // divisor[owner]
    reach = ints.data * spans[ints.indices]
    least = np.bincount(owner, np.minimum(reach, 0), held.shape[0]).astype(np.int64)
    most = np.bincount(owner, np.maximum(reach, 0), held.shape[0]).astype(np.int64)
    # The same tolerance as `Model.feasible`, which never amounts to a unit of a whole row.
    floor = np.ceil((low * scale - _tolerance(low, scale)) / divisor)
    ceiling = np.floor((high * scale + _tolerance(high, scale)) / divisor)
    broken = np.flatnonzero((floor > ceiling) | (floor > most) | (ceiling < least))
    if broken.size:
        k = int(broken[0])
        raise InputError(
            f"constraint {names[k]!r} cannot be kept by any values within bounds; relax it"
        )
    clipped_low = np.maximum(floor, least).astype(np.int64)
    clipped_high = np.minimum(ceiling, most).astype(np.int64)
    return Rows(ints, clipped_low, clipped_high, least, most, tuple(names)), tuple(rounded)


def quota_rows(quotas: Sequence[Quota], variables: int) -> Rows:
    """Quotas as rows ``count <= sum of members <= count``."""
    sizes = np.array([len(quota.members) for quota in quotas], dtype=np.int64)
    members = np.array([i for quota in quotas for i in quota.members], dtype=np.int64)
    shape = (len(quotas), variables)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = sparse.csr_array((np.ones(members.size, np.int64), members, starts), shape=shape)
    counts = np.array([quota.count for quota in quotas], dtype=np.int64)
    names = tuple(f"quota[{k}]" for k in range(len(quotas)))
    return Rows(matrix, counts, counts, np.zeros_like(sizes), sizes, names)


def stacked(parts: Sequence[Rows]) -> Rows:
    """All rows of ``parts``, in order."""
    return Rows(
        sparse.csr_array(sparse.vstack([part.matrix for part in parts], format="csr")),
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.high for part in parts]),
        np.concatenate([part.least for part in parts]),
        np.concatenate([part.most for part in parts]),
        tuple(name for part in parts for name in part.names),
    )


def _scale(coefficients: np.ndarray) -> float | None:
    """Least factor that makes all coefficients whole, None if there is no small one."""
    common = 1
    for value in np.unique(np.abs(coefficients)).tolist():
        near = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
        if abs(float(near) - value) > 1e-12 * max(1.0, value):
            return None
        common = math.lcm(common, near.denominator)
    # A unit of the scaled row must stand out from the tolerance of feasibility.
    reach = max(1.0, float(np.abs(coefficients).sum()))
    return float(common) if common * reach * TOLERANCE < WHOLE_TOLERANCE else None


def _refuse(held: sparse.csr_array, row: int, names: Sequence[str]) -> float:
    data = held.data[held.indptr[row] : held.indptr[row + 1]]
    worst = data[np.argmax(np.abs(data - np.rint(data)))]
    raise InputError(
        f"constraint {names[row]!r} has the coefficient {float(worst)!r}, which is no fraction "
        f"with a denominator up to {LARGEST_DENOMINATOR} that fits its row; scale the row to "
        f"whole numbers, or pass resolution=… to round it (no longer exact)"
    )


def _tolerance(limits: np.ndarray, scale: np.ndarray) -> np.ndarray:
    wide = TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(limits), limits, 0.0)))
    return np.minimum(wide * scale, WHOLE_TOLERANCE)
