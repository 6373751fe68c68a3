"""Arguments that must be numbers: what is not becomes one clear error, named after its argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qupel.errors import InputError


def whole(name: str, value: Any, *, least: int = 1) -> int:
    """Return a whole number of at least ``least``; True and 3.0 are none.

    Raises
    ------
    InputError
        Naming the argument and what it was.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r:.40}")
    return int(value)


def reals(name: str, values: Any, *, least_axes: int = 0) -> np.ndarray:
    """Return real numbers as an array of doubles; text and complex numbers are none.

    Raises
    ------
    InputError
        Naming the argument and what it was.
    """
    try:
        given = np.asarray(values)
        if given.dtype.kind in "biuf":
            return np.array(given, np.float64, ndmin=least_axes)
        if given.dtype.kind == "O":  # such as Python's own fractions
            return np.array([float(entry) for entry in given.flat], ndmin=least_axes).reshape(
                given.shape if given.ndim >= least_axes else (-1,) * least_axes
            )
    except (TypeError, ValueError):
        pass
    raise InputError(f"{name} must be real numbers, got {values!r:.60}")


def listed(items: Sequence[Any]) -> str:
    """The first few of some items, in brackets."""
    shown = ", ".join(str(item) for item in items[:8])
    return f"({shown}{', …' if len(items) > 8 else ''})"
