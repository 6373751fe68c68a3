from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.model import Model
from qupel.model.samples import Outcome
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.cpsat import CpSat, scaled
from qupel.solvers.contract import after_seconds
from qupel.testing import check_solver
from qupel.testing.encoding import all_points


def random_model(seed: int, *, whole: bool, integers: bool) -> Model:
    """Seven variables with all products and two constraints; some have no feasible point."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float) if whole else rng.normal(size=shape)

    lower, upper = np.zeros(7, int), np.ones(7, int)
    if integers:
        lower[5:], upper[5:] = [-2, -1], [2, 3]
    return Model.from_arrays(
        drawn(7),
        quadratic=np.triu(drawn(7, 7)),
        offset=1.5,
        lower=lower,
        upper=upper,
        rows=drawn(2, 7),
        row_lower=[-4.0, -np.inf],
        row_upper=[1.0, -0.5],
    )


def least(model: Model) -> float | None:
    """Optimum by going through all points, None if none is feasible."""
    points = all_points(model)
    points = points[model.feasible(points)]
    return float(model.energies(points).min()) if len(points) else None


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_the_optimum_is_proved_with_products_of_any_kind(
    seed: int, whole: bool, integers: bool
) -> None:
    model = random_model(seed, whole=whole, integers=integers)
    best = least(model)
    samples = CpSat().solve(model, stop=after_seconds(20), rng=np.random.default_rng(0))
    if best is None:
        assert samples.outcome is Outcome.INFEASIBLE
        return
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == pytest.approx(best, abs=1e-9)
    assert best - 1e-6 <= samples.bound <= best + 1e-9


@pytest.mark.parametrize("seed", [7150, 7173, 7237, 7313])
def test_no_wrong_optimum_is_proved_where_presolve_once_lost_the_best_point(seed: int) -> None:
    model = random_model(seed, whole=False, integers=bool(seed % 2) and seed != 7237)
    samples = CpSat().solve(model, stop=after_seconds(20), rng=np.random.default_rng(0))
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == pytest.approx(least(model), abs=1e-9)


def test_cpsat_keeps_the_contract() -> None:
    check_solver(CpSat(), random_model(3, whole=False, integers=True), rounds=4)
    check_solver(CpSat(), JobShop.random(1, windows=2)[0].form(), rounds=4)


def test_fractions_are_scaled_exactly_and_others_with_a_known_error() -> None:
    assert scaled(np.array([0.1, -0.25, 3.0]), np.ones(3)) == ([2, -5, 60], 20.0, 0.0)
    assert scaled(np.array([2.0**-30, 1.0]), np.ones(2))[2] == 0.0
    whole, scale, error = scaled(np.array([np.pi, np.e]), np.array([10.0, 1.0]))
    assert 0.0 < error < 1e-11
    assert abs(whole[0] / scale - np.pi) * 10 + abs(whole[1] / scale - np.e) == pytest.approx(error)
    assert scaled(np.zeros(2), np.ones(2)) == ([0, 0], 1.0, 0.0)
    with pytest.raises(InputError, match="too large"):
        scaled(np.array([1e30]), np.ones(1))


def test_several_solutions_are_kept_best_first() -> None:
    shop = JobShop.random(4, jobs=5, machines=5)[0]
    samples = CpSat().solve(shop.form(), stop=after_seconds(20), rng=np.random.default_rng(0))
    assert samples.outcome is Outcome.OPTIMAL
    assert len(samples) == samples.facts["solutions"]
    assert (np.diff(samples.energies) >= 0).all()


def test_no_time_is_no_sample() -> None:
    model = random_model(3, whole=True, integers=False)
    stop = after_seconds(1e-9)
    assert CpSat().solve(model, stop=stop, rng=np.random.default_rng(0)).outcome is Outcome.EMPTY
