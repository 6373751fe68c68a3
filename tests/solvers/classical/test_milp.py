from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.samples import Outcome
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.milp import Milp
from qupel.solvers.contract import after_seconds
from qupel.testing import check_solver
from tests.solvers.classical.test_cpsat import least, random_model


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_the_optimum_is_proved_with_products_of_any_kind(
    seed: int, whole: bool, integers: bool
) -> None:
    model = random_model(seed, whole=whole, integers=integers)
    best = least(model)
    samples = Milp().solve(model, stop=after_seconds(20), rng=np.random.default_rng(0))
    if best is None:
        assert samples.outcome is Outcome.INFEASIBLE
        return
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == pytest.approx(best, abs=1e-6)
    assert best - 1e-5 <= samples.bound <= samples.energies[0]


def test_milp_keeps_the_contract() -> None:
    check_solver(Milp(), random_model(3, whole=True, integers=True), rounds=4)
    check_solver(Milp(), JobShop.random(1, jobs=4, machines=4, windows=2)[0].form(), rounds=4)


def test_a_gap_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="gap"):
        Milp(gap=1.0)
