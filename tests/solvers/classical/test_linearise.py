from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.model import Model
from qupel.solvers.classical.linearise import linearised
from qupel.testing.encoding import all_points
from tests.solvers.classical.test_cpsat import random_model


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.booleans())
def test_every_point_keeps_its_energy_and_its_constraints(seed: int, integers: bool) -> None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    model = random_model(seed, whole=False, integers=integers)
    linear = linearised(model)
    points = all_points(model)
    for point in points[:: max(1, len(points) // 12)]:
        lower, upper = linear.lower.copy(), linear.upper.copy()
        lower[: model.variables] = upper[: model.variables] = point
        found = milp(
            linear.objective,
            integrality=linear.integral,
            bounds=Bounds(lower, upper),
            constraints=LinearConstraint(linear.rows, linear.row_lower, linear.row_upper),
        )
        assert found.success == bool(model.feasible(point[None])[0])
        if found.success:
            energy = model.energies(point[None])[0] - model.offset
            assert found.fun == pytest.approx(energy, abs=1e-6)


def test_a_linear_model_stays_as_it_is() -> None:
    model = Model.from_arrays([1.0, -2.0], rows=[[1.0, 1.0]], row_upper=1.0)
    linear = linearised(model)
    assert linear.objective.tolist() == [1.0, -2.0]
    assert linear.rows.toarray().tolist() == [[1.0, 1.0]]
    assert linear.integral.all()


def test_a_product_of_two_wide_integers_is_refused_with_its_name() -> None:
    model = Model.from_arrays(
        [1.0, 1.0], quadratic=[[0, 1], [0, 0]], upper=2**21, names=["tall", "wide"]
    )
    with pytest.raises(InputError, match="integer tall of range 2097152"):
        linearised(model)
