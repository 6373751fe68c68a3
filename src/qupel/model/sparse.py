"""One canonical way to hold the quadratic part of a form: CSR, upper triangular, sorted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

from qupel.errors import InputError


def upper_triangle(matrix: Any, *, name: str) -> sparse.csr_array:
    """Canonical CSR of a square ``matrix`` (dense or sparse) given by its upper triangle.

    Raises
    ------
    InputError
        If the matrix is not square, not finite, or has entries below the diagonal.
    """
    if isinstance(matrix, sparse.csr_array) and _is_tidy_triangle(matrix):
        return _copy(matrix)
    # Work in coordinates: a dense argument of a few thousand rows costs one pass.
    held = sparse.coo_array(matrix, dtype=np.float64)
    if held.ndim != 2 or held.shape[0] != held.shape[1]:
        raise InputError(f"{name} must be square, got shape {held.shape}")
    if not np.isfinite(held.data).all():
        raise InputError(f"{name} must be finite")
    rows, columns = held.coords
    below = (rows > columns) & (held.data != 0)
    if below.any():
        i, j = int(rows[below][0]), int(columns[below][0])
        raise InputError(f"{name} must be upper triangular, but entry ({i}, {j}) is not zero")
    out = tidy(held)
    if not np.isfinite(out.data).all():
        raise InputError(f"{name} must be finite, also where an entry is given in parts")
    return out


def checked_offset(offset: float) -> float:
    """Return the constant of a form, once it is known to be a finite number."""
    held = float(offset)
    if not math.isfinite(held):
        raise InputError(f"offset must be finite, got {held}")
    return held


def tidy(matrix: Any) -> sparse.csr_array:
    """CSR copy of ``matrix`` in floats: sorted, each entry once, no explicit zeros."""
    canonical = sparse.csr_array(sparse.coo_array(matrix, dtype=np.float64))
    canonical.sum_duplicates()
    canonical.eliminate_zeros()
    canonical.sort_indices()
    return canonical


def _is_tidy_triangle(matrix: Any) -> bool:
    """Whether a CSR matrix is what `upper_triangle` returns, found in few passes over its data."""
    if matrix.shape[0] != matrix.shape[1] or matrix.dtype != np.float64:
        return False
    if not (matrix.has_sorted_indices and matrix.has_canonical_format):
        return False
    filled = np.flatnonzero(np.diff(matrix.indptr))
    inside = (matrix.indices[matrix.indptr[filled]] >= filled).all()
    return bool(inside and np.isfinite(matrix.data).all() and matrix.data.all())


def _copy(matrix: Any) -> sparse.csr_array:
    parts = (matrix.data.copy(), matrix.indices.copy(), matrix.indptr.copy())
    return sparse.csr_array(parts, shape=matrix.shape)


def quadratic_values(matrix: sparse.csr_array, rows: np.ndarray) -> np.ndarray:
    """``x @ matrix @ x`` for each row ``x`` of ``rows``."""
    floats = np.asarray(rows, np.float64)
    return np.einsum("ij,ij->i", floats @ matrix, floats)


def symmetric(matrix: sparse.csr_array) -> sparse.csr_array:
    """``matrix + matrix.T`` in canonical CSR: each row lists all neighbours of a variable."""
    both = sparse.csr_array(matrix + matrix.T)
    both.sum_duplicates()
    both.sort_indices()
    return both
