from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.simulators import AngleMap, IqpMap, QuantumKernel, ZZMap, nystrom_features

KERNEL = QuantumKernel(ZZMap(4, scaling=0.3), precision="double")


def samples(rows: int = 300) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (rows, 4))


@pytest.mark.parametrize("choice", ["uniform", "k-means++", "leverage"])
def test_the_stated_errors_hold_for_every_entry(choice: Any) -> None:
    X = samples()
    found = nystrom_features(KERNEL, X, 30, np.random.default_rng(0), choice=choice)
    missing = KERNEL.gram(X) - found.values @ found.values.T
    assert found.landmarks.size == 30
    np.testing.assert_allclose(missing.diagonal(), found.residuals, atol=1e-10)
    bound = np.sqrt(np.multiply.outer(found.residuals, found.residuals))
    assert (np.abs(missing) <= bound + 1e-9).all()
    assert found.trace_error == pytest.approx(np.trace(missing) / 300, abs=1e-10)
    assert np.abs(missing).max() <= found.largest_error + 1e-9
    # What is missing is positive semidefinite.
    assert np.linalg.eigvalsh(missing)[0] > -1e-9


@pytest.mark.parametrize("choice", ["uniform", "k-means++", "leverage"])
def test_more_landmarks_leave_less(choice: Any) -> None:
    X = samples()
    errors = [
        nystrom_features(KERNEL, X, m, np.random.default_rng(1), choice=choice).trace_error
        for m in (5, 20, 80)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_all_landmarks_give_the_kernel_back() -> None:
    X = samples(40)
    found = nystrom_features(KERNEL, X, 40, np.random.default_rng(1), tolerance=1e-12)
    np.testing.assert_allclose(found.values @ found.values.T, KERNEL.gram(X), atol=1e-9)
    assert found.trace_error < 1e-9


def test_transform_continues_the_features() -> None:
    X = samples()
    found = nystrom_features(KERNEL, X, 30, np.random.default_rng(2))
    np.testing.assert_allclose(found.transform(X[:50]), found.values[:50], atol=1e-10)


def test_leverage_finds_the_rare_samples() -> None:
    """Most samples are nearly one point; a few lie elsewhere, and carry the rank."""
    rng = np.random.default_rng(4)
    X = np.concatenate((rng.normal(0, 0.01, (1000, 3)), rng.uniform(-3, 3, (10, 3))))
    kernel = QuantumKernel(AngleMap(3, scaling=1.0))
    errors = {
        choice: np.mean(
            [
                nystrom_features(
                    kernel, X, 20, np.random.default_rng(seed), choice=choice
                ).trace_error
                for seed in range(5)
            ]
        )
        for choice in ("uniform", "leverage", "k-means++")
    }
    assert errors["leverage"] < errors["uniform"] / 2
    assert errors["k-means++"] < errors["uniform"] / 2


def test_equal_generators_give_equal_features() -> None:
    for choice in ("uniform", "k-means++", "leverage"):
        one, two = (
            nystrom_features(KERNEL, samples(), 10, np.random.default_rng(6), choice=choice)
            for _ in range(2)
        )
        assert one.values.tobytes() == two.values.tobytes()


@pytest.mark.slow
def test_a_hundred_thousand_samples_take_no_square_matrix() -> None:
    X = np.random.default_rng(7).uniform(-1, 1, (100_000, 6))
    found = nystrom_features(QuantumKernel(IqpMap(6)), X, 100, np.random.default_rng(8))
    assert found.values.shape[0] == 100_000
    assert found.values.nbytes <= 8 * 100_000 * 100
    assert 0 < found.trace_error < 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((KERNEL, samples(), 0), "landmarks are 1 to as many"),
        ((KERNEL, samples(), 301), "landmarks are 1 to as many"),
        ((QuantumKernel(ZZMap(4), shots=9), samples(), 5), "take an exact kernel"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: tuple[QuantumKernel, Any, int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        nystrom_features(*arguments, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="choice must be one of"):
        nystrom_features(KERNEL, samples(), 3, np.random.default_rng(0), choice="best")  # type: ignore[arg-type]
