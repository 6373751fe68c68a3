"""What the CUDA kernels for annealing and bifurcation share: how an instance is laid out."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Shaped

from qupel.kernels.ising import Landscape

__all__ = ["THREADS", "filled", "is_dense"]

#: Threads of a block.
THREADS = 256


def is_dense(landscape: Landscape) -> bool:
    """Whether more than an eighth of the pairs are coupled."""
    return int(landscape.weights.size) * 8 > landscape.n**2


def filled(landscape: Landscape, columns: int, dtype: Any) -> Shaped[np.ndarray, "n columns"]:
    """Return the couplings as a full matrix of so many columns."""
    out = np.zeros((landscape.n, columns), dtype)
    rows = np.repeat(np.arange(landscape.n), np.diff(landscape.starts))
    out[rows, landscape.columns] = landscape.weights
    return out
