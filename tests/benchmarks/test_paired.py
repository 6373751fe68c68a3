"""Paired tests against enumeration and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qupel.benchmarks import paired
from tests.oracles import statistics as oracle

quick = settings(deadline=None, max_examples=60)
whole = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9)


@quick
@given(whole)
def test_signed_rank_test_matches_enumeration_with_ties_and_zeros(values: list[float]) -> None:
    assert paired.wilcoxon(np.array(values)) == pytest.approx(oracle.signed_rank_p(values))


def test_signed_rank_test_matches_scipy_where_both_are_exact() -> None:
    values = np.random.default_rng(1).normal(0.4, 1, size=14)
    expected = stats.wilcoxon(values, method="exact").pvalue
    assert paired.wilcoxon(values) == pytest.approx(expected)


def test_signed_rank_test_of_many_cases_is_near_the_exact_one() -> None:
    values = np.random.default_rng(2).normal(0.2, 1, size=61)
    exact = stats.wilcoxon(values, method="exact").pvalue
    assert paired.wilcoxon(values) == pytest.approx(exact, rel=0.05)


def test_rank_biserial_is_signed_and_bounded() -> None:
    assert paired.rank_biserial(np.array([1.0, 2.0, 3.0])) == 1.0
    assert paired.rank_biserial(np.array([-1.0, 0.0, -3.0])) == -1.0
    assert paired.rank_biserial(np.zeros(4)) == 0.0
    assert paired.rank_biserial(np.array([-1.0, 2.0])) == pytest.approx(1 / 3)


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_matches_its_definition(p_values: list[float]) -> None:
    assert paired.holm(p_values) == pytest.approx(oracle.holm(p_values))


def test_hodges_lehmann_is_not_moved_by_one_wild_case() -> None:
    tame = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02])
    wild = tame.copy()
    wild[0] = 1000.0
    assert paired.hodges_lehmann(wild, 0.9)[0] == pytest.approx(1.0, abs=0.1)


def test_equivalence_needs_evidence_and_not_its_absence() -> None:
    near = np.array([0.1, -0.1, 0.05, -0.05, 0.02, -0.02, 0.0, 0.08])
    p_value, equivalent = paired.equivalence(near, 1.0, 0.95)
    assert equivalent
    assert p_value < 1e-6
    wild = 30 * near
    assert not paired.equivalence(wild, 1.0, 0.95)[1]
    expected = stats.ttest_1samp(wild, 1.0, alternative="less").pvalue
    other = stats.ttest_1samp(wild, -1.0, alternative="greater").pvalue
    assert paired.equivalence(wild, 1.0, 0.95)[0] == pytest.approx(max(expected, other))
    assert paired.equivalence(np.zeros(6), 1.0, 0.95) == (0.0, True)
