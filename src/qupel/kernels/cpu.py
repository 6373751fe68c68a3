"""What this processor offers to the kernels."""

from __future__ import annotations

from qupel.kernels import _cpu


def simd() -> str:
    """Vector instructions that the kernels use here: ``avx512``, ``avx2`` or ``baseline``."""
    return _cpu.simd()
