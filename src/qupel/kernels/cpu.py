"""What this processor offers to the kernels."""

from __future__ import annotations

import numpy as np

from qupel.errors import InputError
from qupel.kernels import _cpu

#: Most threads of a kernel: systems that refuse to start more end the process.
MOST_THREADS = 1024


def simd() -> str:
    """Vector instructions that the kernels use here: ``avx512``, ``avx2`` or ``baseline``."""
    return _cpu.simd()


def check_threads(threads: int) -> None:
    """Refuse numbers of threads that no kernel can start.

    Raises
    ------
    InputError
        If ``threads`` is no whole number from 1 to `MOST_THREADS`.
    """
    if not isinstance(threads, int | np.integer) or not 1 <= threads <= MOST_THREADS:
        raise InputError(
            f"threads must be at least 1 and at most {MOST_THREADS}, got {threads!r:.20}"
        )
