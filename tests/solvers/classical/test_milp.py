from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.model import Model
from qupel.model.samples import Outcome
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical import highs
from qupel.solvers.classical.linearise import linearised
from qupel.solvers.classical.milp import Milp
from qupel.solvers.contract import after_rounds, after_seconds
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


def test_a_product_of_two_wide_integers_is_refused_with_its_name() -> None:
    model = Model.from_arrays(
        [1.0, 1.0], quadratic=[[0, 1], [0, 0]], upper=2**21, names=["tall", "wide"]
    )
    with pytest.raises(InputError, match="integer tall of range 2097152"):
        linearised(model)


def test_a_large_form_is_held_to_its_deadline_in_its_own_process() -> None:
    rng = np.random.default_rng(0)
    model = Model.from_arrays(np.zeros(400), quadratic=np.triu(rng.normal(size=(400, 400))))
    began = time.monotonic()
    Milp().solve(model, stop=after_seconds(1.5), rng=rng)
    assert time.monotonic() - began < 1.5 + 0.25  # 50 ms on a machine with nothing else to do


def test_a_process_of_its_own_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(5, whole=True, integers=True)
    here = Milp().solve(model, stop=after_seconds(60), rng=np.random.default_rng(0))
    monkeypatch.setattr(highs, "LARGE", 0)
    apart = Milp().solve(model, stop=after_seconds(60), rng=np.random.default_rng(0))
    assert here.values.tobytes() == apart.values.tobytes()
    assert here.bound == apart.bound


def test_highs_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(6):
        model = random_model(seed, whole=False, integers=True)
        Milp().solve(model, stop=after_rounds(1000), rng=np.random.default_rng(0))
    assert capfd.readouterr().out == ""


def test_a_gap_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="gap"):
        Milp(gap=1.0)
