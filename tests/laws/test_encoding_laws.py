"""Laws of encodings, on random forms small enough to go through all their points."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qupel.encodings import Encoded, encode, reduce, split
from qupel.errors import InputError
from qupel.model import Ising, Model, Qubo, Quota
from qupel.testing.encoding import all_points, check_encoding, is_feasible
from tests.oracles import forms as oracle

EXAMPLES = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
SEEDS = st.integers(0, 2**32 - 1)
CODES = ["binary", "bounded", "one-hot", "domain-wall"]
MOST_BITS = 12


def random_qubo(rng: np.random.Generator, *, quotas: bool = True, n: int | None = None) -> Qubo:
    n = int(rng.integers(1, 8)) if n is None else n
    whole = rng.random() < 0.5
    weights = rng.integers(-4, 5, (n, n)) if whole else rng.normal(0, 2, (n, n))
    weights = np.triu(weights * (rng.random((n, n)) < rng.choice([0.3, 0.9])))
    groups = rng.permutation(n)[: int(rng.integers(0, n + 1))] if quotas else np.zeros(0, int)
    cut = int(rng.integers(0, groups.size + 1))
    held = [
        Quota(tuple(sorted(part.tolist())), int(rng.integers(0, part.size + 1)))
        for part in (groups[:cut], groups[cut:])
        if part.size
    ]
    return Qubo(weights, float(rng.integers(-3, 4)), held)


def feasible_model(seed: int) -> Model:
    model = oracle.random_model(np.random.default_rng(seed))
    assume(model.feasible(all_points(model)).any())
    return model


def best_back(form: Model, encoded: Encoded[Any]) -> set[tuple[int, ...]]:
    points = all_points(encoded.form)
    points = points[is_feasible(encoded.form, points)]
    energies = encoded.form.energies(points)
    close = 1e-9 * (1 + np.abs(energies).max())
    rows = encoded.back(points[energies <= energies.min() + close])
    return {tuple(row) for row in rows.tolist()}


@pytest.mark.parametrize("code", CODES)
@EXAMPLES
@given(keep_quotas=st.booleans(), seed=SEEDS)
def test_model_to_qubo_keeps_the_law_in_every_code(code: Any, keep_quotas: bool, seed: int) -> None:
    model = feasible_model(seed)
    encoded = encode(model, Qubo, integers=code, keep_quotas=keep_quotas, largest_coefficient=2)
    assume(encoded.form.variables <= MOST_BITS)
    assert encoded.report.exact
    assert encoded.report.after.variables == encoded.form.variables
    assert keep_quotas or not encoded.form.quotas
    breaks = code == "domain-wall" or (code == "one-hot" and not keep_quotas)
    check_encoding(model, encoded, misspells=breaks)
    assert best_back(model, encoded) == oracle.model_optimum(model)[1]


@EXAMPLES
@given(seed=SEEDS, keep_quotas=st.booleans())
def test_model_to_ising_keeps_the_law(seed: int, keep_quotas: bool) -> None:
    model = feasible_model(seed)
    encoded = encode(model, Ising, keep_quotas=keep_quotas)
    assume(encoded.form.variables <= MOST_BITS)
    check_encoding(model, encoded)


@EXAMPLES
@given(seed=SEEDS)
def test_model_reduced_on_the_way_keeps_its_optimum(seed: int) -> None:
    model = feasible_model(seed)
    encoded = encode(model, Qubo, reduced=True)
    assume(encoded.form.variables <= MOST_BITS)
    points = all_points(encoded.form)
    points = points[is_feasible(encoded.form, points)]
    energies = encoded.form.energies(points)
    [best] = encoded.back(points[[int(energies.argmin())]])
    optimum, optima = oracle.model_optimum(model)
    assert tuple(best.tolist()) in optima
    assert energies.min() == pytest.approx(optimum, abs=1e-7)


@EXAMPLES
@given(seed=SEEDS)
def test_qubo_and_ising_have_equal_energies_both_ways(seed: int) -> None:
    qubo = random_qubo(np.random.default_rng(seed))
    over_spins = encode(qubo, Ising)
    check_encoding(qubo, over_spins)
    assert over_spins.form.quotas == qubo.quotas
    bits = all_points(qubo)
    np.testing.assert_allclose(
        over_spins.form.energies(over_spins.forth(bits)), qubo.energies(bits), atol=1e-9
    )
    again = encode(over_spins.form, Qubo)
    np.testing.assert_allclose(again.form.weights.toarray(), qubo.weights.toarray(), atol=1e-12)
    assert again.form.offset == pytest.approx(qubo.offset, abs=1e-9)
    assert again.form.quotas == qubo.quotas


@EXAMPLES
@given(seed=SEEDS)
def test_qubo_and_ising_become_models_with_equality_rows_for_quotas(seed: int) -> None:
    qubo = random_qubo(np.random.default_rng(seed))
    check_encoding(qubo, encode(qubo, Model))
    ising = encode(qubo, Ising).form
    check_encoding(ising, encode(ising, Model))
    assert encode(qubo, Model).form.rows.shape[0] == len(qubo.quotas)


@EXAMPLES
@given(seed=SEEDS)
def test_quotas_become_penalties_for_solvers_that_do_not_keep_them(seed: int) -> None:
    qubo = random_qubo(np.random.default_rng(seed))
    encoded = encode(qubo, Qubo, keep_quotas=False)
    assert not encoded.form.quotas
    check_encoding(qubo, encoded)
    ising = encode(qubo, Ising).form
    unquoted = encode(ising, Ising, keep_quotas=False)
    assert not unquoted.form.quotas
    check_encoding(ising, unquoted)


@EXAMPLES
@given(seed=SEEDS)
def test_reducing_a_qubo_keeps_its_optimum(seed: int) -> None:
    qubo = random_qubo(np.random.default_rng(seed))
    reduced = reduce(qubo)
    check_encoding(qubo, reduced, reduces=True)
    assert reduced.report.removed == qubo.variables - reduced.form.variables
    assert oracle.qubo_optimum(reduced.form) == pytest.approx(oracle.qubo_optimum(qubo), abs=1e-9)
    ising = encode(qubo, Ising).form
    check_encoding(ising, reduce(ising), reduces=True)


@EXAMPLES
@given(seed=SEEDS)
def test_presolving_a_model_keeps_its_optimum(seed: int) -> None:
    model = feasible_model(seed)
    reduced = reduce(model)
    check_encoding(model, reduced, reduces=True)
    left = oracle.model_optimum(reduced.form)[0]
    assert left == pytest.approx(oracle.model_optimum(model)[0], abs=1e-9)


@settings(EXAMPLES, max_examples=100)
@given(seed=SEEDS)
def test_models_without_feasible_points_are_refused_or_stay_infeasible(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    assume(not model.feasible(all_points(model)).any())
    assert math.isinf(oracle.model_optimum(model)[0])
    for encoded in (refused_or(lambda: encode(model, Qubo)), refused_or(lambda: reduce(model))):
        if encoded is not None and encoded.form.variables <= MOST_BITS:
            points = all_points(encoded.form)
            points = points[is_feasible(encoded.form, points)]
            assert not len(points) or not model.feasible(encoded.back(points)).any()


def refused_or(way: Callable[[], Encoded[Any]]) -> Encoded[Any] | None:
    try:
        return way()
    except InputError:
        return None


@EXAMPLES
@given(seed=SEEDS)
def test_parts_of_a_qubo_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    qubo = random_qubo(rng)
    parts = split(qubo)
    points = all_points(qubo)
    total = sum(
        part.energies(block) for part, block in zip(parts.forms, parts.forth(points), strict=True)
    )
    np.testing.assert_allclose(total, qubo.energies(points), atol=1e-9)
    np.testing.assert_array_equal(parts.back(parts.forth(points)), points)
    kept = np.ones(len(points), dtype=bool)
    for part, block in zip(parts.forms, parts.forth(points), strict=True):
        kept &= is_feasible(part, block)
    np.testing.assert_array_equal(kept, is_feasible(qubo, points))
