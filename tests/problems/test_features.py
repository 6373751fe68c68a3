"""Feature subsets: mutual information by its definition, and the breast-cancer figures."""

from __future__ import annotations

import importlib.util
import itertools
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

from qupel.errors import InputError
from qupel.problems.features import feature_subset, mutual_information, quantile_bins
from qupel.problems.subset import SubsetSelection
from qupel.solvers.classical.greedy_subset import GreedySubset
from qupel.solvers.contract import after_rounds
from qupel.testing.problem import check_problem
from tests.data import ROOT

OPTIMUM = -0.873601
BEST = (13, 21, 22, 27, 28)


def information(first: np.ndarray, second: np.ndarray) -> float:
    """Mutual information in nats, from its definition."""
    total = 0.0
    for a, b in itertools.product(np.unique(first), np.unique(second)):
        both = np.mean((first == a) & (second == b))
        if both > 0:
            total += both * np.log(both / (np.mean(first == a) * np.mean(second == b)))
    return float(total)


@pytest.fixture(scope="module")
def cancer() -> SubsetSelection:
    data = load_breast_cancer()
    return feature_subset(data.data, data.target, size=5, names=list(data.feature_names))


def test_the_best_of_all_five_feature_subsets_is_the_known_one(cancer: SubsetSelection) -> None:
    choices = np.array(list(itertools.combinations(range(30), 5)))
    assert len(choices) == 142_506
    shared = cancer.pairs.toarray()
    totals = -cancer.worth[choices].sum(axis=1)
    for i, j in itertools.combinations(range(5), 2):
        totals += shared[choices[:, i], choices[:, j]]
    best = choices[int(totals.argmin())]
    assert tuple(best.tolist()) == BEST
    assert totals.min() == pytest.approx(OPTIMUM, abs=1e-6)
    answer = cancer.select(*(cancer.names[i] for i in BEST))
    assert cancer.judge(answer).objective == pytest.approx(OPTIMUM, abs=1e-6)
    assert np.partition(totals, 1)[1] > OPTIMUM + 1e-4  # no other subset comes near


def test_minimum_redundancy_maximum_relevance_misses_it(cancer: SubsetSelection) -> None:
    found = GreedySubset("mrmr").solve(cancer, stop=after_rounds(1), rng=np.random.default_rng(0))
    assert cancer.answer(found.values[0]).items == (7, 13, 21, 22, 28)
    assert found.energies[0] == pytest.approx(-0.84619, abs=1e-5)


def test_the_breast_cancer_problem_obeys_the_laws(cancer: SubsetSelection) -> None:
    check_problem(cancer, cancer.select(*cancer.names[:5]), cancer.select(*cancer.names[:7]))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 4), st.integers(1, 5))
def test_mutual_information_matches_its_definition(
    seed: int, samples: int, columns: int, width: int
) -> None:
    codes = np.random.default_rng(seed).integers(0, width, (samples, columns))
    found = mutual_information(codes)
    for i, j in itertools.product(range(columns), repeat=2):
        assert found[i, j] == pytest.approx(information(codes[:, i], codes[:, j]), abs=1e-12)


def test_many_columns_are_counted_in_blocks() -> None:
    codes = np.random.default_rng(0).integers(0, 10, (50, 450))
    found = mutual_information(codes)
    for i, j in [(0, 449), (199, 200), (200, 399), (430, 7)]:
        assert found[i, j] == pytest.approx(information(codes[:, i], codes[:, j]), abs=1e-12)
    assert np.array_equal(found, found.T)


def test_a_value_on_an_edge_belongs_to_the_bin_above() -> None:
    table = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    assert quantile_bins(table, 2)[:, 0].tolist() == [0, 0, 1, 1, 1]
    assert quantile_bins(np.ones((4, 1)), 3)[:, 0].tolist() == [2, 2, 2, 2]


def test_a_numeric_target_is_binned_as_well() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=400)
    table = np.column_stack([target + 0.1 * rng.normal(size=400), rng.normal(size=400)])
    problem = feature_subset(table, target, size=1)
    assert problem.worth[0] > 3 * problem.worth[1]


def test_unusable_tables_are_refused() -> None:
    with pytest.raises(InputError, match="finite table"):
        feature_subset(np.array([[np.nan], [1.0]]), [0, 1], size=1)
    with pytest.raises(InputError, match="bins"):
        feature_subset(np.ones((4, 1)), [0, 1, 0, 1], size=1, bins=1)


def example() -> ModuleType:
    path = ROOT / "examples" / "feature-subset" / "cases.py"
    spec = importlib.util.spec_from_file_location("feature_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_pilot_has_eight_folds_and_others_to_tune_on() -> None:
    cases = example()
    folds, tuning = cases.folds(), cases.tuning_folds()
    assert len(folds) == 8
    assert not set(folds) & set(tuning)
    documents = [str(problem.document()["pairs"]) for problem in (folds | tuning).values()]
    assert len(set(documents)) == len(documents)
    assert {problem.size for problem in folds.values()} == {5}
    best = cases.full().judge(cases.full().select(*(cases.full().names[i] for i in BEST)))
    assert best.objective == pytest.approx(OPTIMUM, abs=1e-6)
