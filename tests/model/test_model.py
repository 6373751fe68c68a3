"""Models: energies and feasibility by definition, layout, and what is refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from qupel.errors import InputError
from qupel.model import Model, bits, integers
from qupel.testing.encoding import all_points
from tests.oracles import forms as oracle


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_energies_and_feasibility_follow_the_definition(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    points = all_points(model)[:60]
    expected = [oracle.model_energy(model, tuple(x)) for x in points.tolist()]
    np.testing.assert_allclose(model.energies(points), expected, atol=1e-9)
    kept = [oracle.model_is_kept(model, tuple(x)) for x in points.tolist()]
    assert model.feasible(points).tolist() == kept


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_feasibility_is_the_same_however_many_constraints_are_held(seed: int, cells: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    points = all_points(model)[:40]
    kept = [oracle.model_is_kept(model, tuple(x)) for x in points.tolist()]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qupel.model.model.CELLS", cells)
        assert model.feasible(points).tolist() == kept


def test_feasibility_of_many_samples_takes_little_memory() -> None:
    ring = np.arange(20_000)
    rows = sparse.coo_array((np.ones(40_000), (np.tile(ring, 2), np.r_[ring, (ring + 1) % 20_000])))
    model = Model.from_arrays(np.ones(20_000), rows=rows.tocsr(), row_upper=1.0)
    some = np.tile(np.arange(20_000) % 2, (400, 1)).astype(np.uint8)
    some[:200, 0] = 1
    tracemalloc.start()
    kept = model.feasible(some)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept.tolist() == [False] * 200 + [True] * 200
    assert peak < 150e6  # all left sides at once are 64 MB, several times over


def test_expressions_read_like_the_mathematics() -> None:
    x, y = bits("x", 2), integers("y", upper=4)
    model = Model(
        maximise=2 * x[0] * y[0] - (x[1] - 3) * (y[0] + 1),
        subject_to=[(x.sum() + y[0] <= 4).named("cap"), y[0] >= 1],
    )
    points = all_points(model)
    a, b, c = points.T
    np.testing.assert_allclose(model.energies(points), -(2 * a * c - (b - 3) * (c + 1)))
    np.testing.assert_array_equal(model.feasible(points), (a + b + c <= 4) & (c >= 1))
    assert model.names == ("x[0]", "x[1]", "y")
    assert model.row_names == ("cap", "c[1]")


def test_a_chained_comparison_is_refused_and_does_not_lose_its_first_half() -> None:
    x = bits("x", 3)
    with pytest.raises(InputError, match="as two constraints"):
        Model(minimise=x.sum(), subject_to=[1 <= x.sum() <= 2])
    with pytest.raises(InputError, match="leave out `!=`"):
        Model(minimise=x.sum(), subject_to=[x[0] != 1])  # type: ignore[list-item]


def test_a_number_or_a_row_of_variables_is_an_objective() -> None:
    x = bits("x", 2)
    some = Model(minimise=3, subject_to=[x.sum() >= 1])
    assert some.energies(np.array([[0, 1], [1, 1]])).tolist() == [3.0, 3.0]
    assert Model(maximise=x).energies(np.array([[1, 1]])).tolist() == [-2.0]
    with pytest.raises(InputError, match=r"subject_to\[1\] is no constraint, but True"):
        Model(minimise=x, subject_to=[x[0] <= 1, True])  # type: ignore[list-item]


def test_rows_of_large_whole_numbers_are_kept_exactly() -> None:
    model = Model.from_arrays(
        [1.0, 1.0], rows=np.array([[5e6, 5e6]]), row_upper=9_999_999, upper=[1, 1]
    )
    assert model.feasible(np.array([[1, 1], [1, 0]])).tolist() == [False, True]


def test_given_arrays_are_not_changed() -> None:
    rows = sparse.csr_array((np.array([0.0, 1.0]), np.array([0, 1]), np.array([0, 2])), (1, 2))
    model = Model.from_arrays([1.0, 1.0], rows=rows)
    assert rows.nnz == 2
    assert model.rows.nnz == 1


def test_what_makes_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="one of `minimise` and `maximise`"):
        Model()
    with pytest.raises(InputError, match="must not be above"):
        Model.from_arrays([1.0], rows=np.ones((1, 1)), row_lower=2, row_upper=1)
    with pytest.raises(InputError, match="finite"):
        Model.from_arrays([1.0], offset=np.nan)
    with pytest.raises(InputError, match="lower bound above"):
        Model.from_arrays([1.0], lower=2, upper=1)
    with pytest.raises(InputError, match="higher degree"):
        bits("x")[0] * bits("y")[0] * bits("z")[0]
    with pytest.raises(InputError, match="quadratic; constraints are linear"):
        _ = bits("x")[0] * bits("y")[0] <= 1
