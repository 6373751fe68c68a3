"""Feature subsets: relevance and redundancy as mutual information, chosen as a subset problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.problems.subset import SubsetSelection

#: One-hot columns that are counted against all others at a time; bounds the memory used.
_BLOCK = 2000


def feature_subset(
    X: Any,
    y: Any,
    *,
    size: int,
    bins: int = 10,
    redundancy: float = 0.25,
    names: Sequence[str] | None = None,
    name: str = "features",
) -> SubsetSelection:
    """Return the choice of ``size`` features that say much of ``y`` and little of each other.

    The objective, in nats, is ``J = -sum_i I(x_i; y) + redundancy * sum_{i<j} I(x_i; x_j)`` over
    chosen features, each pair once. With ``redundancy = 1 / (size - 1)`` the mean pairwise
    redundancy weighs as in minimum-redundancy maximum-relevance selection.

    Parameters
    ----------
    X
        Table of numbers, one row a sample, one column a feature. A data frame gives the names.
    y
        Class of each sample; numbers with more than ``bins`` distinct values are binned as well.
    size
        How many features to choose.
    bins
        Quantile bins a feature is divided into, see `quantile_bins`.
    redundancy
        Weight of a pair's mutual information.
    names
        One name a feature.

    References
    ----------
    Peng, Long and Ding (2005), Feature selection based on mutual information,
    doi:10.1109/TPAMI.2005.159.
    """
    if names is None and hasattr(X, "columns"):
        names = [str(column) for column in X.columns]
    table = np.asarray(X, dtype=np.float64)
    labels = np.asarray(y)
    if table.ndim != 2 or labels.shape != table.shape[:1] or not np.isfinite(table).all():
        raise InputError(
            f"features must be a finite table with one row for each of the {labels.shape} "
            f"classes, got shape {table.shape}"
        )
    classes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    if np.issubdtype(labels.dtype, np.floating) and classes.max(initial=0) >= bins:
        classes = quantile_bins(labels[:, None], bins)[:, 0]
    information = mutual_information(np.column_stack([quantile_bins(table, bins), classes]))
    return SubsetSelection(
        information[:-1, -1],
        redundancy * np.triu(information[:-1, :-1], 1),
        names=names,
        size=size,
        name=name,
    )


def quantile_bins(
    table: Float64[np.ndarray, "samples features"], bins: int
) -> Int64[np.ndarray, "samples features"]:
    """Bin of each value by the quantiles of its column.

    Inner edges are the linearly interpolated quantiles 1/bins, 2/bins, …; a value on an edge
    belongs to the bin above it. Columns with few distinct values leave bins empty.
    """
    if bins < 2:
        raise InputError(f"bins must be at least 2, got {bins}")
    edges = np.quantile(table, np.arange(1, bins) / bins, axis=0)
    columns = range(table.shape[1])
    return np.stack(
        [np.searchsorted(edges[:, j], table[:, j], side="right") for j in columns], axis=1
    ).astype(np.int64)


def mutual_information(
    codes: Int64[np.ndarray, "samples columns"],
) -> Float64[np.ndarray, "columns columns"]:
    """Mutual information in nats of each pair of columns of whole numbers from 0.

    Relative frequencies stand for probabilities. The diagonal holds the entropies.
    """
    samples, columns = codes.shape
    width = int(codes.max(initial=0)) + 1
    marks = np.zeros((samples, columns * width), np.float32)
    marks[np.arange(samples)[:, None], codes + np.arange(columns) * width] = 1.0
    single = _plogp(marks.sum(axis=0, dtype=np.float64) / samples)
    entropy = -single.reshape(columns, width).sum(axis=1)
    joint = np.empty((columns, columns))
    step = max(1, _BLOCK // width)
    # Counts up to 2^24 are exact in single precision; larger tables are counted in double.
    exact = marks if samples < 2**24 else marks.astype(np.float64)
    for start in range(0, columns, step):
        block = exact[:, start * width : (start + step) * width]
        shares = _plogp((block.T @ exact).astype(np.float64) / samples)
        cells = shares.reshape(-1, width, columns, width)
        joint[start : start + step] = -cells.sum(axis=(1, 3))
    information = entropy[:, None] + entropy[None, :] - joint
    # Rounding can leave a hair below zero, and unequal halves.
    return np.maximum(0.0, (information + information.T) / 2)


def _plogp(share: np.ndarray) -> np.ndarray:
    """``p log p`` with its limit 0 at 0."""
    return share * np.log(np.where(share > 0, share, 1.0))
