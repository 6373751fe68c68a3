"""How different the rows of a sample are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped


def mean_distance(rows: Shaped[np.ndarray, "rows n"]) -> float | None:
    """Mean Hamming distance of all pairs of rows, as a share of the columns.

    0 for identical rows and for a single one, None if there is no row. The pairs are not
    listed: a column in which a value stands ``c`` times has ``c (c - 1) / 2`` equal pairs.
    """
    count, columns = rows.shape
    if count == 0:
        return None
    if count == 1 or columns == 0:
        return 0.0
    pairs = count * (count - 1) / 2
    least, most = rows.min(axis=0), rows.max(axis=0)
    high = (rows == most).sum(axis=0, dtype=np.int64)
    if bool(((rows == least) | (rows == most)).all()):  # bits and spins need no sorting
        unequal = np.where(least == most, 0, high * (count - high))
        return float(unequal.sum() / (pairs * columns))
    ordered = np.ascontiguousarray(np.sort(rows, axis=0).T)
    begins = np.ones(ordered.shape, bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    runs = np.diff(np.append(np.flatnonzero(begins), begins.size)).astype(np.float64)
    equal = float((runs * (runs - 1.0)).sum()) / 2
    return float(1.0 - equal / (pairs * columns))
