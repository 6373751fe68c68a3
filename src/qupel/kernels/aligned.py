"""Arrays that begin on a cache line, for loops over whole vectors."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

LINE = 64  #: bytes of a cache line


def aligned(shape: tuple[int, ...], dtype: Any, *, zeroed: bool = True) -> np.ndarray:
    """Return an array of zeros, or of anything, that begins on a cache line."""
    size = prod(shape) * np.dtype(dtype).itemsize
    room = (np.zeros if zeroed else np.empty)(size + LINE, np.uint8)
    skip = -room.ctypes.data % LINE
    return room[skip : skip + size].view(dtype).reshape(shape)
