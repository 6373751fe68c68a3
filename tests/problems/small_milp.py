"""Small models solved outright, to compare a form with what it stands for."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from qupel.model import Model


def solved(form: Model) -> tuple[np.ndarray, float]:
    """Values and energy of the optimum of a linear model."""
    assert form.quadratic.nnz == 0
    result = milp(
        form.linear,
        integrality=np.ones(form.variables, np.int64),
        bounds=Bounds(form.lower, form.upper),
        constraints=LinearConstraint(form.rows, form.row_lower, form.row_upper),
    )
    assert result.status == 0, result.message
    return np.rint(result.x).astype(np.int64), float(result.fun) + form.offset
