"""Squared overlaps of states that `qupel.kernels.feature_states` made.

Products are in the states' own precision within slabs of 256 states, and slabs are added in double
precision. An entry depends on its two samples and their order alone: not on the number of threads,
the other samples, or whether AVX-512 or AVX2 computes it, bit for bit. Among all pairs of one set
the earlier sample counts as the row, and the rest is mirrored.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from qupel.kernels import _overlaps
from qupel.kernels.feature_states import Panels


def fidelities(
    rows: Panels, columns: Panels | None = None, threads: int = 1
) -> Float64[np.ndarray, "rows columns"]:
    """Return ``|<row|column>|**2``, at most 1; without ``columns``, of all pairs of ``rows``.

    Both sides have states of one size and precision, and both or neither hold imaginary parts.
    """
    other = rows if columns is None else columns
    out = np.empty((rows.samples, other.samples))
    _overlaps.fidelities(
        other.data, other.samples, rows.data, rows.samples, columns is None, out, threads
    )
    return out
