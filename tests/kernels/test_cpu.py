from __future__ import annotations

from typing import Any

import pytest

from qupel.errors import InputError
from qupel.kernels.cpu import MOST_THREADS, check_threads


@pytest.mark.parametrize("threads", [1, MOST_THREADS])
def test_threads_that_can_be_started_are_taken(threads: int) -> None:
    check_threads(threads)


@pytest.mark.parametrize("threads", [0, -1, 1.5, 100_000, 10**12])
def test_threads_that_cannot_be_started_are_refused(threads: Any) -> None:
    with pytest.raises(InputError, match="threads must be at least 1 and at most 1024"):
        check_threads(threads)
