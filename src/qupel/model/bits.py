"""Bit order: variable 0 is the lowest bit of an index, everywhere in Qupel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, UInt8


def bits_of(indices: Int64[np.ndarray, " rows"], n: int) -> UInt8[np.ndarray, "rows n"]:
    """Bits of each index; column ``j`` holds the bit of weight ``2**j``."""
    return ((np.asarray(indices, np.int64)[:, None] >> np.arange(n)) & 1).astype(np.uint8)


def index_of(bits: UInt8[np.ndarray, "rows n"]) -> Int64[np.ndarray, " rows"]:
    """Index of each row of ``bits``, at most 62 columns; the inverse of `bits_of`."""
    weights = np.left_shift(np.int64(1), np.arange(np.shape(bits)[1], dtype=np.int64))
    return np.asarray(bits, np.int64) @ weights
