"""Sums of Pauli products: names, arithmetic, matrices, groups that are measured together."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Circuit, Ising, PauliSum, Quota
from qupel.model.pauli import packed, unpacked
from tests.oracles import circuits as oracle

FEW = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def names_of(seed: int, qubits: int = 3) -> list[tuple[str, complex]]:
    rng = np.random.default_rng(seed)
    return [
        ("".join(rng.choice(list("IXYZ"), qubits)), complex(*rng.normal(size=2)))
        for _ in range(int(rng.integers(1, 7)))
    ]


def assert_matrix(found: PauliSum, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.to_matrix(), expected, atol=1e-12)


@FEW
@given(SEEDS)
def test_a_sum_is_the_matrix_its_names_say(seed: int) -> None:
    terms = names_of(seed)
    assert_matrix(PauliSum.of(terms), oracle.observable(terms))


@FEW
@given(SEEDS, SEEDS, st.floats(-3, 3))
def test_arithmetic_is_that_of_matrices(first: int, second: int, number: float) -> None:
    a, b = names_of(first), names_of(second)
    left, right = PauliSum.of(a), PauliSum.of(b)
    p, q = oracle.observable(a), oracle.observable(b)
    assert_matrix(left * right, p @ q)
    assert_matrix(left + right, p + q)
    assert_matrix(left - right, p - q)
    assert_matrix(number * left / 2 + 1j, number * p / 2 + 1j * np.eye(8))
    assert_matrix(number - left, number * np.eye(8) - p)
    assert_matrix(left.dagger(), p.conj().T)


def test_the_products_of_two_letters_are_those_of_the_matrices() -> None:
    for a, b in product("IXYZ", repeat=2):
        found = PauliSum.of({a: 1}, 1) * PauliSum.of({b: 1}, 1)
        assert_matrix(found, oracle.PAULIS[a] @ oracle.PAULIS[b])


@FEW
@given(SEEDS)
def test_simplifying_gathers_equal_products(seed: int) -> None:
    terms = names_of(seed)
    twice = PauliSum.of([*terms, *terms]).simplify()
    assert len(set(twice.labels())) == twice.terms
    assert_matrix(twice, 2 * oracle.observable(terms))


def test_what_cancels_but_for_rounding_is_gone() -> None:
    terms = [("X", 0.1), ("X", 0.2), ("X", -0.3), ("Z", 1e-30)]
    assert PauliSum.of(terms).simplify().labels() == ("Z",)
    assert PauliSum.of(terms).simplify(tolerance=1e-9).terms == 0


def test_the_rightmost_letter_is_qubit_0() -> None:
    assert PauliSum.of({"XIZ": 2.0}) == PauliSum.of({"Z0 X2": 2.0}, qubits=3)
    assert PauliSum.of({"XIZ": 2.0}).labels() == ("XIZ",)


def test_the_empty_name_is_the_identity() -> None:
    assert_matrix(PauliSum.of({"": 3.0, "Z1": 1.0}, qubits=2), np.diag([4, 4, 2, 2]))


@pytest.mark.parametrize("qubits", [1, 63, 64, 65, 130])
def test_words_hold_any_number_of_qubits(qubits: int) -> None:
    last = f"Y{qubits - 1}"
    held = PauliSum.of({last: 1.0, "X0": 0.5}, qubits)
    assert held.labels()[0] == "Y" + "I" * (qubits - 1)
    assert (held * held).simplify().terms <= 2
    flags = np.random.default_rng(0).random((5, qubits)) < 0.5
    np.testing.assert_array_equal(unpacked(packed(flags), qubits), flags)


@pytest.mark.parametrize(
    ("terms", "qubits", "said"),
    [
        ({"XQ": 1.0}, None, "holds 'Q'; letters are I, X, Y and Z"),
        ({"XX": 1.0, "X": 1.0}, None, "has 1 letters for 2 qubits"),
        ({"X5": 1.0}, 3, "there is no qubit 5; there are 3"),
        ({"X0 Y0": 1.0}, 3, "names a qubit twice"),
        ({"X0Y1": 1.0}, 3, "is no Pauli factor"),
        ({"x0": 1.0}, 3, "is no Pauli factor"),
        ({"X0": 1.0}, None, "say how many qubits"),
        ({}, None, "say how many qubits"),
        ({"X": 1.0}, 0, "qubits must be a whole number of at least 1"),
        ({"X": float("nan")}, None, "finite numbers"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(terms: Any, qubits: int | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        PauliSum.of(terms, qubits)


def test_masks_must_fit_the_qubits() -> None:
    with pytest.raises(InputError, match="x must have shape"):
        PauliSum(3, [[1, 0]], [[1]], [1.0])
    with pytest.raises(InputError, match="z names a qubit beyond the last, 2"):
        PauliSum(3, [[1]], [[8]], [1.0])


def test_sums_on_other_qubits_do_not_meet() -> None:
    with pytest.raises(InputError, match="on 1 and 2 qubits do not meet"):
        PauliSum.of({"X": 1.0}) + PauliSum.of({"XX": 1.0})


@FEW
@given(SEEDS)
def test_an_ising_model_has_its_energies_on_the_diagonal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    couplings = np.triu(rng.normal(size=(n, n)), 1) * (rng.random((n, n)) < 0.7)
    ising = Ising(rng.normal(size=n) * (rng.random(n) < 0.7), couplings, float(rng.normal()))
    states = np.array([[1 - 2 * (k >> j & 1) for j in range(n)] for k in range(2**n)])
    found = PauliSum.of_ising(ising)
    assert found.is_diagonal()
    expected = [forms_energy(ising, spins) for spins in states]
    np.testing.assert_allclose(found.to_matrix(), np.diag(expected), atol=1e-10)


def forms_energy(ising: Ising, spins: np.ndarray) -> float:
    pairs = ising.couplings.toarray()
    return float(ising.fields @ spins + spins @ pairs @ spins + ising.offset)


def test_quotas_have_no_place_in_a_sum() -> None:
    ising = Ising(np.zeros(2), np.zeros((2, 2)), quotas=[Quota((0, 1), 1)])
    with pytest.raises(InputError, match="no place for 1 quotas"):
        PauliSum.of_ising(ising)


def test_hermitian_means_real_coefficients() -> None:
    assert PauliSum.of({"XY": 1.0, "ZZ": -2.0}).is_hermitian()
    assert not (PauliSum.of({"X": 1.0}) * PauliSum.of({"Y": 1.0})).is_hermitian()


def test_a_large_matrix_is_refused() -> None:
    with pytest.raises(InputError, match="the limit is 12"):
        PauliSum.of({"X0": 1.0}, qubits=13).to_matrix()


def test_a_product_of_too_many_terms_is_refused() -> None:
    rng = np.random.default_rng(1)
    words = rng.integers(0, 2**40, (5000, 1)).astype(np.uint64)
    many = PauliSum(40, words, words, np.ones(5000))
    with pytest.raises(InputError, match="has 25,000,000, beyond"):
        _ = many * many


@FEW
@given(SEEDS)
def test_every_group_is_read_from_one_setting(seed: int) -> None:
    terms = names_of(seed, qubits=4)
    held = PauliSum.of(terms)
    groups = held.commuting_groups()
    measured = sorted(k for group in groups for k in group.terms.tolist())
    identity = [k for k, name in enumerate(held.labels()) if set(name) == {"I"}]
    assert sorted([*measured, *identity]) == list(range(held.terms))
    for group in groups:
        turn = oracle.unitary(Circuit(4, group.rotations()))
        for k in group.terms.tolist():
            name = held.labels()[k]
            turned = turn @ oracle.observable({name: 1.0}) @ turn.conj().T
            parity = "".join("I" if letter == "I" else "Z" for letter in name)
            np.testing.assert_allclose(turned, oracle.observable({parity: 1.0}), atol=1e-12)


def test_terms_that_share_axes_make_one_group() -> None:
    held = PauliSum.of({"XXI": 1.0, "IXZ": 0.5, "XIZ": 0.2, "ZZZ": 3.0})
    assert [group.terms.tolist() for group in held.commuting_groups()] == [[3], [0, 1, 2]]


def test_a_sum_prints_its_terms() -> None:
    assert str(PauliSum.of({"XZ": 1.5, "II": -1.0})) == "1.5 XZ + -1 II"
    assert repr(PauliSum.of({"XZ": 1.5})) == "PauliSum(2, <1 terms>)"
    assert str(PauliSum.of([("X", 1.0)] * 25)).endswith("… 5 more")


def test_a_factor_that_is_no_finite_number_is_refused() -> None:
    with pytest.raises(InputError, match="finite number, got nan"):
        PauliSum.of({"X": 1.0}) * math.nan
