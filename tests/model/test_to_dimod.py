"""Conversion to and from dimod: energies, order of variables, kinds, refusals."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Ising, Model, Qubo, Quota
from qupel.model.to_dimod import from_dimod, to_dimod
from qupel.testing.encoding import all_points
from tests.oracles import forms as oracle

dimod = pytest.importorskip("dimod")
SEEDS = st.integers(0, 2**32 - 1)
FAST = settings(max_examples=100, deadline=None)


def weights(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    return np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.6))


@FAST
@given(SEEDS)
def test_a_qubo_makes_the_round_trip(seed: int) -> None:
    qubo = Qubo(weights(seed), 1.5)
    bqm = to_dimod(qubo)
    assert bqm.vartype is dimod.BINARY
    assert list(bqm.variables) == list(range(qubo.variables))
    bits = all_points(qubo)
    np.testing.assert_allclose(bqm.energies(bits), qubo.energies(bits), atol=1e-9)
    again = from_dimod(bqm)
    assert isinstance(again, Qubo)
    assert again.offset == 1.5
    np.testing.assert_allclose(again.weights.toarray(), qubo.weights.toarray(), atol=1e-12)


@FAST
@given(SEEDS)
def test_an_ising_model_makes_the_round_trip(seed: int) -> None:
    held = weights(seed)
    ising = Ising(held.diagonal(), np.triu(held, 1), -2.0)
    bqm = to_dimod(ising)
    assert bqm.vartype is dimod.SPIN
    spins = all_points(ising)
    np.testing.assert_allclose(bqm.energies(spins), ising.energies(spins), atol=1e-9)
    again = from_dimod(bqm)
    assert isinstance(again, Ising)
    np.testing.assert_allclose(again.couplings.toarray(), ising.couplings.toarray(), atol=1e-12)
    np.testing.assert_allclose(again.fields, ising.fields, atol=1e-12)


@FAST
@given(SEEDS)
def test_a_model_makes_the_round_trip(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    cqm = to_dimod(model)
    assert list(cqm.variables) == list(model.names)
    again = from_dimod(cqm)
    assert isinstance(again, Model)
    assert again.names == model.names
    points = all_points(model)
    np.testing.assert_allclose(again.energies(points), model.energies(points), atol=1e-9)
    np.testing.assert_array_equal(again.feasible(points), model.feasible(points))
    sample = dict(zip(model.names, points[-1].tolist(), strict=True))
    assert cqm.objective.energy(sample) == pytest.approx(model.energies(points[-1:])[0])
    assert cqm.check_feasible(sample) == bool(model.feasible(points[-1:])[0])


def test_the_order_of_labels_is_the_order_of_variables() -> None:
    bqm = dimod.BinaryQuadraticModel("BINARY")
    for label, weight in ((7, 1.0), (2, 2.0)):
        bqm.add_linear(label, weight)
    bqm.add_quadratic(2, 7, 4.0)
    qubo = from_dimod(bqm)
    assert isinstance(qubo, Qubo)
    assert list(bqm.variables) == [7, 2]
    assert qubo.weights.toarray().tolist() == [[1.0, 4.0], [0.0, 2.0]]


def test_what_a_model_cannot_hold_is_refused() -> None:
    with pytest.raises(InputError, match="1 quotas"):
        to_dimod(Qubo(np.eye(2), 0.0, [Quota((0, 1), 1)]))
    with pytest.raises(InputError, match="expected a dimod"):
        from_dimod({"a": 1})
    for kind, word in (("REAL", "continuous"), ("SPIN", "spin_to_binary")):
        cqm = dimod.ConstrainedQuadraticModel()
        cqm.add_variable(kind, "v")
        with pytest.raises(InputError, match=word):
            from_dimod(cqm)
    x, y = dimod.Binaries("xy")
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.add_constraint(x * y + x <= 1, label="both")
    with pytest.raises(InputError, match="'both' is quadratic"):
        from_dimod(cqm)
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.add_constraint(x + y <= 1, label="soft", weight=2.0)
    with pytest.raises(InputError, match="'soft' is soft"):
        from_dimod(cqm)


def test_missing_dimod_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "dimod":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "qupel\[dimod\]"'):
        to_dimod(Qubo(np.eye(2)))
