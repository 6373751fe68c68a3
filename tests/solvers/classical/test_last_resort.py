"""What exact engines return when they run out of time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from qupel.model import Model, bits
from qupel.solvers.classical.cpsat import CpSat
from qupel.solvers.classical.last_resort import last_resort
from qupel.solvers.classical.milp import Milp
from qupel.solvers.contract import Stop


def test_a_form_that_its_lower_bounds_satisfy_always_has_an_answer() -> None:
    pick = bits("pick", 3)
    found = last_resort(Model(minimise=-pick.sum(), subject_to=[pick.sum() <= 2]), bound=-2.0)
    assert found.values.tolist() == [[0, 0, 0]]
    assert found.energies.tolist() == [0.0]
    assert found.bound == -2.0


def test_a_form_that_needs_a_search_has_none() -> None:
    pick = bits("pick", 3)
    assert len(last_resort(Model(minimise=pick.sum(), subject_to=[pick.sum() >= 1]))) == 0


@pytest.mark.parametrize("solver", [CpSat(), Milp()], ids=["cpsat", "milp"])
def test_an_engine_without_time_still_answers_an_unconstrained_form(solver: CpSat | Milp) -> None:
    pick = bits("pick", 6)
    form = Model(minimise=-pick.sum())
    past = Stop(deadline=time.monotonic() - 1.0)
    found = solver.solve(form, stop=past, rng=np.random.default_rng(1))
    assert len(found) >= 1
    assert np.array_equal(found.energies, form.energies(found.values))
