from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from qupel.errors import InputError
from qupel.simulators import (
    AngleMap,
    FeatureMap,
    HardwareEfficientMap,
    IqpMap,
    QuantumKernel,
    ZZMap,
    regularised,
)
from tests.oracles import feature_maps as oracle

MAPS: list[FeatureMap] = [
    ZZMap(4),
    IqpMap(4, 2, "ring"),
    AngleMap(4, "x"),
    AngleMap(4, "y"),
    AngleMap(4, "z"),
    HardwareEfficientMap(4, 3),
    HardwareEfficientMap(4, 2, ("ry",), "cz", "full"),
]


def samples(rows: int, features: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (rows, features))


def exact(feature_map: FeatureMap, X: np.ndarray, Y: np.ndarray, gamma: float | None) -> np.ndarray:
    rows, columns = feature_map.states(X), feature_map.states(Y)
    if gamma is None:
        return np.array([[oracle.fidelity(p, q) for q in columns] for p in rows])
    return np.array([[oracle.projected(p, q, gamma) for q in columns] for p in rows])


@pytest.mark.parametrize("feature_map", MAPS, ids=repr)
@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("gamma", [None, 0.7])
def test_kernels_match_their_definition(
    feature_map: FeatureMap, precision: Any, gamma: float | None
) -> None:
    X, Y = samples(9), samples(5, seed=1)
    kernel = QuantumKernel(
        feature_map,
        "fidelity" if gamma is None else "projected",
        gamma=gamma or 1.0,
        precision=precision,
    )
    atol = 2e-6 if precision == "single" else 1e-13
    np.testing.assert_allclose(kernel.gram(X), exact(feature_map, X, X, gamma), atol=atol)
    np.testing.assert_allclose(kernel.cross(X, Y), exact(feature_map, X, Y, gamma), atol=atol)


@settings(max_examples=20)
@given(
    st.sampled_from(MAPS),
    st.sampled_from(["fidelity", "projected"]),
    st.sampled_from(["single", "double"]),
    st.integers(0, 2**32 - 1),
)
def test_a_gram_matrix_is_symmetric_positive_semidefinite_with_unit_diagonal(
    feature_map: FeatureMap, kind: Any, precision: Any, seed: int
) -> None:
    X = samples(30, seed=seed)
    X[7] = X[3]
    gram = QuantumKernel(feature_map, kind, precision=precision).gram(X)
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(gram.diagonal(), 1)
    assert gram.min() >= 0
    assert gram.max() <= 1
    assert np.linalg.eigvalsh(gram)[0] > (-1e-5 if precision == "single" else -1e-12)
    assert gram[3, 7] == pytest.approx(1, abs=3e-6)


@pytest.mark.parametrize("feature_map", [ZZMap(9), HardwareEfficientMap(9)], ids=repr)
def test_gram_and_cross_do_not_depend_on_memory(feature_map: FeatureMap) -> None:
    X, Y = samples(100, 9), samples(40, 9, seed=1)
    plenty = QuantumKernel(feature_map)
    little = QuantumKernel(feature_map, memory=2 * 2 * 16 * 2**9 * 8)  # two panels a side
    assert plenty.gram(X).tobytes() == little.gram(X).tobytes()
    assert plenty.cross(X, Y).tobytes() == little.cross(X, Y).tobytes()
    projected = [
        QuantumKernel(k.feature_map, "projected", memory=k.memory) for k in (plenty, little)
    ]
    assert projected[0].gram(X).tobytes() == projected[1].gram(X).tobytes()


def test_threads_change_no_bit() -> None:
    X = samples(200, 8)
    one, two = (QuantumKernel(ZZMap(8), threads=t).gram(X) for t in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_angle_kernels_need_no_states() -> None:
    X = samples(3, 300) / 20
    gram = QuantumKernel(AngleMap(300)).gram(X)
    expected = np.prod(np.cos((X[:, None] - X[None]) / 2) ** 2, axis=2)
    np.testing.assert_allclose(gram, expected, atol=1e-13)
    assert QuantumKernel(AngleMap(300), "projected").gram(X).shape == (3, 3)


@pytest.mark.parametrize("kind", ["fidelity", "projected"])
def test_shots_scatter_about_the_exact_values_as_their_errors_say(kind: Any) -> None:
    X, Y = samples(30) / 3, samples(20, seed=1) / 3
    exact = QuantumKernel(ZZMap(4, 1), kind)
    shots = QuantumKernel(ZZMap(4, 1), kind, shots=4000)
    rng = np.random.default_rng(11)
    for true, found in (
        (exact.gram(X), shots.estimate(X, rng=rng)),
        (exact.cross(X, Y), shots.estimate(X, Y, rng=rng)),
    ):
        off = found.standard_errors > 0
        deviations = (found.values - true)[off] / found.standard_errors[off]
        assert np.abs(deviations).max() < 6
        assert 0.8 < deviations.std() < 1.2
        np.testing.assert_array_equal(found.values[~off], 1)


@pytest.mark.parametrize("kind", ["fidelity", "projected"])
def test_a_gram_matrix_of_shots_is_symmetric_with_unit_diagonal(kind: Any) -> None:
    kernel = QuantumKernel(IqpMap(4), kind, shots=50)
    first, again = (kernel.gram(samples(20), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, first.T)
    np.testing.assert_array_equal(first.diagonal(), 1)
    np.testing.assert_array_equal(first, again)


def test_no_count_gives_no_certainty() -> None:
    kernel = QuantumKernel(AngleMap(1), shots=10)
    found = kernel.estimate([[0.0]], [[np.pi]], rng=np.random.default_rng(0))
    assert found.values[0, 0] == 0
    assert found.standard_errors[0, 0] == pytest.approx(np.sqrt(0.5 / 11 * (1 - 0.5 / 11) / 10))


@pytest.mark.parametrize("how", ["clip", "shift"])
def test_regularised_matrices_are_positive_semidefinite_with_unit_diagonal(how: Any) -> None:
    X = samples(40)
    rough = QuantumKernel(IqpMap(4, scaling=0.3), shots=30).gram(X, np.random.default_rng(1))
    assert np.linalg.eigvalsh(rough)[0] < -0.1
    kernel = QuantumKernel(IqpMap(4, scaling=0.3), shots=30, regularisation=how)
    smooth = kernel.gram(X, np.random.default_rng(1))
    np.testing.assert_array_equal(smooth, regularised(rough, how))
    np.testing.assert_array_equal(smooth, smooth.T)
    np.testing.assert_array_equal(smooth.diagonal(), 1)
    assert np.linalg.eigvalsh(smooth)[0] > -1e-12
    good = np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(regularised(good, how), good)


def test_scikit_learn_takes_the_kernel() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (80, 3))
    y = X[:, 0] * X[:, 1] > 0
    kernel = QuantumKernel(IqpMap(3, 2))
    precomputed = SVC(kernel="precomputed", C=10.0).fit(kernel.gram(X[:60]), y[:60])
    called = SVC(kernel=kernel.cross, C=10.0).fit(X[:60], y[:60])
    predicted = precomputed.predict(kernel.cross(X[60:], X[:60]))
    np.testing.assert_array_equal(predicted, called.predict(X[60:]))
    assert (predicted == y[60:]).mean() > 0.7


@pytest.mark.parametrize("make", [ZZMap, IqpMap, AngleMap, HardwareEfficientMap])
def test_no_samples_have_an_empty_matrix(make: Any) -> None:
    for kind in ("fidelity", "projected"):
        kernel = QuantumKernel(make(3), kind)
        assert kernel.gram(np.zeros((0, 3))).shape == (0, 0)
        assert kernel.cross(np.zeros((2, 3)), np.zeros((0, 3))).shape == (2, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: QuantumKernel(ZZMap(2), "swap"), "kind must be one of"),  # type: ignore[arg-type]
        (lambda: QuantumKernel(ZZMap(2), gamma=0), "gamma must be positive"),
        (lambda: QuantumKernel(ZZMap(2), shots=0), "shots must be a whole number of at least 1"),
        (lambda: QuantumKernel(ZZMap(2), threads=0), "threads must be at least 1"),
        (lambda: QuantumKernel(ZZMap(2), precision="half"), "precision must be"),  # type: ignore[arg-type]
        (lambda: QuantumKernel(ZZMap(2), shots=5).gram(np.zeros((2, 2))), "pass rng"),
        (lambda: QuantumKernel(ZZMap(2)).gram(np.zeros((2, 3))), "rows of 2 features"),
        (
            lambda: QuantumKernel(ZZMap(2)).gram(np.zeros((100_000, 2))),
            "the matrix takes 80.0 GB, memory allows 2.1 GB",
        ),
        (
            lambda: QuantumKernel(ZZMap(24)).gram(np.zeros((20, 24))),
            "16 states of 24 qubits in single precision take 2.1 GB",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()
