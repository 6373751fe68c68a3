from __future__ import annotations

import math

import numpy as np
import pytest

from qupel.backends.contract import Annealing
from qupel.errors import InputError
from qupel.model.ising import Ising

FORM = Ising([1.0, -1.0], np.zeros((2, 2)))


@pytest.mark.parametrize("microseconds", [0.0, -1.0, math.nan, math.inf])
def test_a_duration_that_is_none_is_refused(microseconds: float) -> None:
    with pytest.raises(InputError, match="microseconds must be a number above 0"):
        Annealing(FORM, microseconds)
