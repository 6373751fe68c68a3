"""Exact reductions: what each rule removes, and forms they settle entirely."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.encodings import reduce, split
from qupel.encodings.reduction import reduce_qubo
from qupel.errors import InputError
from qupel.model import Ising, Model, Qubo, Quota, bits, integers
from qupel.testing.encoding import check_encoding


def test_isolated_and_dominated_bits_are_fixed() -> None:
    qubo = Qubo(np.array([[-1.0, 0, 0], [0, 5, -2], [0, 0, 1]]))
    reduced = reduce_qubo(qubo)
    assert reduced.form.variables == 0
    assert reduced.form.offset == -1.0
    assert reduced.back(np.zeros((1, 0), np.uint8)).tolist() == [[1, 0, 0]]


def test_trees_are_settled_entirely() -> None:
    rng = np.random.default_rng(0)
    weights = np.diag(rng.normal(size=30))
    for k in range(1, 30):
        weights[rng.integers(k), k] = rng.normal() * 3
    assert reduce_qubo(Qubo(weights)).form.variables == 0


def test_two_bits_that_want_each_other_are_fixed_together() -> None:
    # Neither is settled alone: each depends on the other and on its own third bit.
    weights = np.zeros((4, 4))
    weights[0, 0], weights[1, 1], weights[0, 1] = 1.0, 1.0, -6.0
    weights[0, 2], weights[1, 3], weights[2, 2], weights[3, 3] = 1.0, 1.0, -0.5, -0.5
    weights[2, 3] = 0.25
    reduced = reduce_qubo(Qubo(weights))
    assert reduced.form.variables == 0
    check_encoding(Qubo(weights), reduced, reduces=True)


def test_bits_of_quotas_stay_unless_the_quota_leaves_no_choice() -> None:
    qubo = Qubo(np.diag([-1.0, -2, -3, 4]), 0.0, [Quota((0, 1), 1), Quota((2, 3), 2)])
    reduced = reduce_qubo(qubo)
    assert reduced.form.quotas == (Quota((0, 1), 1),)
    assert reduced.report.removed == 2
    check_encoding(qubo, reduced, reduces=True)


def test_an_ising_chain_in_a_field_is_settled() -> None:
    chain = Ising(np.array([0.5, 0, 0, 0]), np.diag([-1.0, 1.0, -1.0], 1))
    reduced = reduce(chain)
    assert reduced.form.variables == 0
    assert reduced.back(np.zeros((1, 0), np.int8)).tolist() == [[-1, -1, 1, 1]]
    check_encoding(chain, reduced, reduces=True)


def test_presolve_tightens_bounds_and_drops_rows() -> None:
    x, y = bits("x", 3), integers("y", 2, upper=100)
    costs = np.array([1.0, -2.0, -1.0])
    model = Model(
        minimise=costs @ x - y.sum(),
        subject_to=[3 * y[0] <= 10, y[0] + y[1] <= 5, x[0] + x[1] <= 2, x[1] + x[2] <= 1],
    )
    reduced = reduce(model)
    assert reduced.form.upper.max() <= 5
    assert reduced.report.removed == 1  # x[0] costs, and no row asks for it
    assert reduced.report.dropped_rows == 2  # the bound on y[0], and the row that always holds
    assert reduced.form.names == ("x[1]", "x[2]", "y[0]", "y[1]")


def test_presolve_names_what_cannot_be_kept() -> None:
    x = bits("x", 2)
    with pytest.raises(InputError, match="relax"):
        reduce(Model(minimise=x.sum(), subject_to=[x.sum() >= 3]))
    with pytest.raises(InputError, match="only Model, Qubo and Ising"):
        reduce([1, 2])


def test_parts_share_nothing() -> None:
    weights = np.zeros((6, 6))
    weights[0, 3] = weights[1, 4] = 1.0
    qubo = Qubo(weights, 2.0, [Quota((1, 2), 1)])
    parts = split(qubo)
    assert [columns.tolist() for columns in parts.columns] == [[0, 3], [1, 2, 4], [5]]
    assert [part.offset for part in parts.forms] == [2.0, 0.0, 0.0]
    assert parts.forms[1].quotas == (Quota((0, 1), 1),)
    assert split(Qubo(np.zeros((0, 0)))).forms == ()
    with pytest.raises(InputError, match="3 parts"):
        parts.back([np.zeros((1, 2))])
