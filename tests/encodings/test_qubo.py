"""Models to QUBOs: the shapes chosen, the bounds reported, and traps that peers fell into."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.encodings import encode
from qupel.errors import InputError
from qupel.model import Ising, Model, Qubo, bits, integers
from qupel.testing.encoding import check_encoding


def one_row(row: list[float], low: float, high: float, costs: list[float] | None = None) -> Model:
    return Model.from_arrays(
        costs or [-1.0] * len(row), rows=np.array([row]), row_lower=low, row_upper=high
    )


@pytest.mark.parametrize(
    ("row", "low", "high", "shape"),
    [
        ([1, 1], -np.inf, 1, "product"),  # x + y <= 1 is the product x y
        ([1, 1, 1, 1], -np.inf, 1, "product"),  # all pairs of four
        ([1, -1], -np.inf, 0, "product"),  # x <= y
        ([1, 1], 1, np.inf, "product"),  # x + y >= 1
        ([1, 1, 1], 1, 2, "product"),  # neither none nor all
        ([1, 1, 1, -3], -np.inf, 0, "pairs"),  # x, y, z only where w is open
        ([5, 4, 3], -np.inf, 6, "pairs"),
        ([6, 2, 1], -np.inf, 5, "pairs"),  # the first one is too large by itself
        ([2, -3], 0, 0, "square"),
    ],
)
def test_rows_of_special_shape_need_no_slack(
    row: list[float], low: float, high: float, shape: str
) -> None:
    model = one_row(row, low, high)
    encoded = encode(model, Qubo)
    assert encoded.report.slack_bits == 0
    assert [penalty.shape for penalty in encoded.report.penalties] == [shape]
    check_encoding(model, encoded)


def test_excluding_a_pair_costs_one_product() -> None:
    encoded = encode(one_row([1, 1], -np.inf, 1, [-3.0, -5.0]), Qubo)
    # Dropping the cheaper of the two loses 3, so 4 is enough.
    assert encoded.form.weights.toarray().tolist() == [[-3.0, 4.0], [0.0, -5.0]]
    [penalty] = encoded.report.penalties
    assert (penalty.weight, penalty.bound, penalty.source) == (4.0, 3.0, "flips")


def test_independent_sets_cost_two_an_edge() -> None:
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]
    rows = np.array([[int(k in edge) for k in range(5)] for edge in edges])
    model = Model.from_arrays(-np.ones(5), rows=rows, row_upper=1)
    encoded = encode(model, Qubo)
    assert {penalty.weight for penalty in encoded.report.penalties} == {2.0}
    check_encoding(model, encoded)


def test_redundant_rows_are_dropped() -> None:
    encoded = encode(one_row([2, 3, 1], -np.inf, 6), Qubo)
    assert encoded.report.dropped_rows == 1
    assert encoded.form.variables == 3


def test_slack_ends_at_what_the_row_can_reach() -> None:
    encoded = encode(one_row([4, 6, 10], -np.inf, 17), Qubo)
    # Halved to 2 x + 3 y + 5 z <= 8, of which 8 is reached: slack 0 to 8 needs four bits.
    assert encoded.report.slack_bits == 4
    check_encoding(one_row([4, 6, 10], -np.inf, 17), encoded)


def test_exact_counts_stay_quotas_the_largest_first() -> None:
    x = bits("x", 6)
    weights = np.array([1.0, 2, 3, 4, 5, 6])
    model = Model(
        minimise=weights @ x,
        subject_to=[x[0] + x[1] == 1, np.array([0, 2.0, 2, 2, 2, 0]) @ x == 4],
    )
    kept = encode(model, Qubo)
    assert [(q.members, q.count) for q in kept.form.quotas] == [((1, 2, 3, 4), 2)]
    assert [penalty.constraint for penalty in kept.report.penalties] == ["c[0]"]
    check_encoding(model, kept)
    squared = encode(model, Qubo, keep_quotas=False)
    assert squared.form.quotas == ()
    assert len(squared.report.penalties) == 2
    check_encoding(model, squared)


def test_one_hot_codes_become_quotas() -> None:
    level = integers("level", 2, lower=-1, upper=2)
    model = Model(minimise=level[0] * level[1] + level[0], subject_to=[level.sum() >= 0])
    encoded = encode(model, Qubo, integers="one-hot", slack="binary")
    assert [q.members for q in encoded.form.quotas] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    check_encoding(model, encoded)


# Traps of peers, from their issue lists.


def test_slack_of_a_knapsack_has_the_right_coefficients_at_every_limit() -> None:
    """A peer's slack weights overshot, so that overfull knapsacks cost nothing."""
    row = [2.0, 3.0, 5.0, 7.0]
    for limit in range(1, 17):
        model = one_row(row, -np.inf, limit, [-3.0, -4.0, -7.0, -9.0])
        for code in ("binary", "bounded"):
            check_encoding(model, encode(model, Qubo, integers=code, largest_coefficient=3))


def test_inequalities_are_not_penalised_as_if_they_were_equalities() -> None:
    """A peer squared `row - limit` without slack, which forbids points below the limit."""
    x = bits("x", 3)
    row = np.array([3.0, 4.0, 5.0])
    model = Model(minimise=np.array([-1.0, 5.0, 5.0]) @ x, subject_to=[row @ x <= 9])
    encoded = encode(model, Qubo)
    best = encoded.form.energies(encoded.forth(np.array([[1, 0, 0]])))
    assert best.tolist() == [-1.0]
    check_encoding(model, encoded)


def test_columns_keep_the_order_of_variables_whatever_the_constraints_mention_first() -> None:
    """A peer ordered columns by first mention, so that answers were read in the wrong order."""
    first, second, third = bits("first"), integers("second", upper=3), bits("third")
    model = Model(
        minimise=-5 * third[0] - 2 * second[0] - first[0],
        subject_to=[third[0] + second[0] + 2 * first[0] <= 3],
    )
    assert model.names == ("first", "second", "third")
    for into in (Qubo, Ising):
        encoded = encode(model, into)
        points = np.array([[0, 2, 1], [1, 0, 1], [1, 1, 0]])
        np.testing.assert_array_equal(encoded.back(encoded.forth(points)), points)
        np.testing.assert_allclose(
            encoded.form.energies(encoded.forth(points)), model.energies(points)
        )


def test_slack_free_inequalities_do_not_need_unit_coefficients() -> None:
    """A peer knew `x + y <= 1` but not rows that say the same with other numbers."""
    encoded = encode(one_row([7, 9, 8], -np.inf, 12), Qubo)
    assert encoded.report.slack_bits == 0
    check_encoding(one_row([7, 9, 8], -np.inf, 12), encoded)


def test_fractions_with_small_denominators_are_exact() -> None:
    model = one_row([0.1, 0.2, 1 / 3], -np.inf, 0.45)
    encoded = encode(model, Qubo)
    assert encoded.report.exact
    check_encoding(model, encoded)


def test_other_coefficients_are_refused_or_rounded_by_request() -> None:
    model = one_row([np.pi, np.e, 1.0], -np.inf, 4.0)
    with pytest.raises(InputError, match=r"'c\[0\]' has the coefficient .* pass resolution="):
        encode(model, Qubo)
    encoded = encode(model, Qubo, resolution=0.01)
    assert not encoded.report.exact
    assert encoded.report.notes[0] == "rounded to multiples of 0.01: c[0]"


def test_rows_that_nothing_keeps_are_named() -> None:
    for row, low, high in (([1.0, 1.0], 3.0, np.inf), ([2.0, 4.0], 3.0, 3.0)):
        with pytest.raises(InputError, match=r"'c\[0\]' cannot be kept"):
            encode(one_row(row, low, high), Qubo)
    with pytest.raises(InputError, match=r"'c\[0\]' cannot be kept"):
        encode(one_row([5.0, 6.0, 7.0], 8.0, 10.0), Qubo)


def test_large_whole_coefficients_are_exact() -> None:
    model = one_row([3_000_001.0, 2_000_003.0, 1_000_003.0], -np.inf, 5_000_003.0)
    assert model.feasible(np.array([[1, 1, 0], [1, 0, 1]])).tolist() == [False, True]
    check_encoding(
        one_row([301, 203, 103], -np.inf, 503), encode(one_row([301, 203, 103], -np.inf, 503), Qubo)
    )


def test_lost_precision_is_said() -> None:
    wide = integers("wide", upper=2**30)
    model = Model(minimise=0.001 * wide[0] * wide[0] - wide[0], subject_to=[3 * wide[0] <= 2**31])
    report = encode(model, Qubo).report
    assert not report.exact
    assert "rounding errors" in report.notes[-1]


def test_report_sums_up_as_plain_data() -> None:
    document = encode(one_row([4, 6, 10], -np.inf, 17), Ising).report.document()
    assert document["variables"] == [3, 7]
    assert document["slack_bits"] == 4
    assert document["penalties"]["shapes"] == {"slack": 1}


def test_other_forms_and_stray_options_are_refused() -> None:
    qubo = Qubo(np.eye(2))
    with pytest.raises(InputError, match="form must be one of Model, Qubo, Ising, got dict"):
        encode({}, Qubo)
    with pytest.raises(InputError, match="into must be one of"):
        encode(qubo, dict)
    with pytest.raises(InputError, match="integers: options for models"):
        encode(qubo, Ising, integers="binary")
    assert encode(qubo, Qubo).form is qubo


def test_weights_are_far_below_a_thousandfold_guess() -> None:
    """A portfolio of 10 among 60: the bound uses that only 10 assets are held at a time."""
    rng = np.random.default_rng(3)
    x = bits("x", 60)
    root = rng.normal(size=(60, 8))
    model = Model(
        minimise=x.quadratic(np.triu(root @ root.T)) - rng.random(60) @ x,
        subject_to=[x.sum() == 10, rng.integers(1, 20, 60) @ x <= 90],
    )
    [penalty] = encode(model, Qubo).report.penalties
    assert penalty.source == "range"
    everything = np.abs(model.quadratic.data).sum() + np.abs(model.linear).sum()
    assert penalty.weight < everything / 5
