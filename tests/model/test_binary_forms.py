"""QUBOs, Ising models, quotas, samples and bit order against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from qupel.errors import InputError
from qupel.model import Ising, Qubo, Quota, Samples, bits_of, index_of
from qupel.model.quota import keep_quotas
from qupel.testing.encoding import all_points
from tests.clocked import quickest
from tests.oracles import forms as oracle


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_energies_follow_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 6))
    weights = np.triu(rng.normal(size=(n, n)))
    qubo, ising = Qubo(weights, 0.5), Ising(weights.diagonal(), np.triu(weights, 1), 0.5)
    bits, spins = all_points(qubo), all_points(ising)
    np.testing.assert_allclose(
        qubo.energies(bits), [oracle.qubo_energy(qubo, tuple(x)) for x in bits.tolist()], atol=1e-9
    )
    np.testing.assert_allclose(
        ising.energies(spins),
        [oracle.ising_energy(ising, tuple(s)) for s in spins.tolist()],
        atol=1e-9,
    )


def test_forms_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(InputError, match=r"entry \(1, 0\)"):
        Qubo(np.array([[0.0, 0], [1, 0]]))
    with pytest.raises(InputError, match="finite"):
        Qubo(np.array([[np.nan]]))
    with pytest.raises(InputError, match="square"):
        Qubo(np.zeros((2, 3)))
    with pytest.raises(InputError, match="zero diagonal"):
        Ising(np.zeros(1), np.eye(1))
    with pytest.raises(InputError, match="do not fit"):
        Ising(np.zeros(2), np.zeros((3, 3)))
    with pytest.raises(InputError, match="offset must be finite, got nan"):
        Ising(np.zeros(1), np.zeros((1, 1)), np.nan)
    with pytest.raises(InputError, match="offset must be finite, got inf"):
        Qubo(np.zeros((1, 1)), np.inf)
    twice = sparse.coo_array(([1e308, 1e308], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(InputError, match="given in parts"):
        Qubo(twice)


def test_quotas_are_disjoint_and_inside() -> None:
    with pytest.raises(InputError, match="overlap"):
        Qubo(np.eye(3), quotas=[Quota((0, 1), 1), Quota((1, 2), 1)])
    with pytest.raises(InputError, match="of 3"):
        Qubo(np.eye(3), quotas=[Quota((1, 3), 1)])
    with pytest.raises(InputError, match="ascend"):
        Quota((1, 0), 1)
    with pytest.raises(InputError, match="asks 3"):
        Quota((0, 1), 3)
    with pytest.raises(InputError, match="whole numbers"):
        Quota((0.5,), 1)  # type: ignore[arg-type]
    assert keep_quotas(np.array([[1, 0], [1, 1]]), [Quota((0, 1), 1)]).tolist() == [True, False]


def test_variable_0_is_the_lowest_bit() -> None:
    assert bits_of(np.array([6]), 4).tolist() == [[0, 1, 1, 0]]
    indices = np.arange(32)
    np.testing.assert_array_equal(index_of(bits_of(indices, 5)), indices)


def test_samples_are_distinct_and_best_first() -> None:
    samples = Samples.of([[1, 0], [0, 1], [1, 0]], [2.0, -1.0, 2.0])
    assert samples.values.tolist() == [[0, 1], [1, 0]]
    assert samples.energies.tolist() == [-1.0, 2.0]
    assert samples.occurrences.tolist() == [1, 2]
    assert len(Samples.none(3)) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["?", "u1", "i1", "<i4", "<i8", "<u8", ">i4", "<f8"]),
)
def test_samples_of_every_kind_of_number_are_ordered_by_their_values(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    far = [0, 1] if kind == "?" else [0, 1, 127]
    if dtype.kind == "i":
        far += [-1, -128]
    if dtype.kind in "iu" and dtype.itemsize > 1:
        far += [300, np.iinfo(dtype).max, np.iinfo(dtype).min]
    rows = np.array(rng.choice(np.array(far, dtype=object), (9, 2)).tolist(), dtype)
    given = rows.copy()
    samples = Samples.of(rows, np.zeros(9))
    expected = sorted(map(tuple, rows.tolist()))
    assert [tuple(row) for row in samples.values.tolist()] == sorted(set(expected))
    assert samples.occurrences.tolist() == [expected.count(row) for row in sorted(set(expected))]
    assert samples.values.dtype == dtype
    assert rows.tobytes() == given.tobytes()


def test_a_row_of_a_million_values_makes_samples_at_once() -> None:
    row = np.arange(10**6) % 7
    rows = np.stack([row, row[::-1], row])
    timed = quickest(lambda: Samples.of(rows, [1.0, 2.0, 1.0]), within=1.0)
    assert timed.seconds < 1.0
    samples = timed.value
    assert samples.occurrences.tolist() == [2, 1]
    np.testing.assert_array_equal(samples.values[0], row)


def test_quotas_of_any_whole_numbers_are_equal_values() -> None:
    plain = Quota((0, 2), 1)
    assert {plain, Quota([0, 2], 1), Quota(tuple(np.array([0, 2])), np.int64(1))} == {plain}  # type: ignore[arg-type]
