"""Cases of the feature pilot: resampled folds of scikit-learn's breast-cancer measurements."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer

from qupel.problems.features import feature_subset
from qupel.problems.subset import SubsetSelection

SIZE = 5
FOLDS = 8


def cases() -> dict[str, SubsetSelection]:
    """All samples, and eight bootstrap resamples of them: the cases arms are compared on."""
    return {"all": full(), **folds()}


def folds() -> dict[str, SubsetSelection]:
    """Eight bootstrap resamples of the 569 samples."""
    return {f"fold-{number}": resample(number) for number in range(1, FOLDS + 1)}


def tuning_folds() -> dict[str, SubsetSelection]:
    """Four further resamples that no comparison uses."""
    return {f"tuning-{number}": resample(100 + number) for number in range(1, 5)}


def full() -> SubsetSelection:
    """All 569 samples, each once."""
    samples, diagnosis, names = _data()
    return feature_subset(samples, diagnosis, size=SIZE, names=names, name="breast cancer")


def resample(seed: int) -> SubsetSelection:
    """As many samples, drawn with replacement."""
    samples, diagnosis, names = _data()
    drawn = np.random.default_rng(seed).integers(0, len(samples), len(samples))
    return feature_subset(
        samples[drawn], diagnosis[drawn], size=SIZE, names=names, name=f"breast cancer {seed}"
    )


def _data() -> tuple[np.ndarray, np.ndarray, list[str]]:
    found = load_breast_cancer()
    return found.data, found.target, [str(name) for name in found.feature_names]
