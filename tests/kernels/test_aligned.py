from __future__ import annotations

import numpy as np
import pytest

from qupel.kernels.aligned import LINE, aligned


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 7, 64)])
def test_arrays_begin_on_a_cache_line_and_are_zero(shape: tuple[int, ...], dtype: type) -> None:
    made = aligned(shape, dtype)
    assert made.ctypes.data % LINE == 0
    assert made.shape == shape
    assert made.dtype == dtype
    assert not made.any()
