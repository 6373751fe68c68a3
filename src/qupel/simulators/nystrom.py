"""Nyström features: a kernel of many samples through its columns at a few landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.simulators.quantum_kernel import QuantumKernel

__all__ = ["LandmarkChoice", "NystromFeatures", "nystrom_features"]

LandmarkChoice = Literal["uniform", "k-means++", "leverage"]

#: Samples whose kernel with the landmarks is computed at a time.
BLOCK = 8192


@dataclass(frozen=True, slots=True, eq=False)
class NystromFeatures:
    """Vectors whose inner products approximate a kernel.

    Attributes
    ----------
    values
        Features of each sample: ``values @ values.T`` approximates the Gram matrix from below
        (what is missing is positive semidefinite).
    landmarks
        Rows of the samples that serve as landmarks, ascending.
    residuals
        What is missing on the diagonal, a sample: ``1 - |values|**2``. By the Cauchy-Schwarz
        inequality the entry (i, j) is off by at most ``sqrt(residuals[i] * residuals[j])``.
    """

    values: Float64[np.ndarray, "samples rank"]
    landmarks: Int64[np.ndarray, " landmarks"]
    residuals: Float64[np.ndarray, " samples"]
    _kernel: QuantumKernel
    _points: Float64[np.ndarray, "landmarks features"]
    _whitening: Float64[np.ndarray, "landmarks rank"]

    @property
    def trace_error(self) -> float:
        """Trace norm of the error over that of the Gram matrix: the mean residual."""
        return float(self.residuals.mean())

    @property
    def largest_error(self) -> float:
        """Bound on the error of every entry: the largest residual."""
        return float(self.residuals.max())

    def transform(self, X: Any) -> Float64[np.ndarray, "rows rank"]:
        """Return the features of further samples."""
        return _features(self._kernel, np.asarray(X, np.float64), self._points, self._whitening)


def nystrom_features(
    kernel: QuantumKernel,
    X: Any,
    landmarks: int,
    rng: np.random.Generator,
    *,
    choice: LandmarkChoice = "uniform",
    tolerance: float = 1e-6,
) -> NystromFeatures:
    """Return features of the rows of ``X`` whose inner products approximate ``kernel``.

    Time and memory grow with samples times landmarks. Landmarks are drawn without replacement:
    ``uniform``; ``k-means++`` takes rows far apart in the space of the features of ``X``;
    ``leverage`` draws by ridge leverage scores, estimated from as many uniform landmarks.

    Parameters
    ----------
    kernel
        An exact kernel: shots would be drawn anew for every block.
    X
        Samples, one a row.
    landmarks
        How many of the rows serve as landmarks.
    rng
        Draws the landmarks.
    choice
        ``uniform``, ``k-means++`` or ``leverage``.
    tolerance
        Directions whose eigenvalue among the landmarks is below this part of the largest are left
        out; rounding of single precision would dominate them.

    Raises
    ------
    InputError
        If the kernel has shots, or there are fewer rows than landmarks.

    References
    ----------
    Williams and Seeger (2001), Using the Nyström method to speed up kernel machines; Arthur and
    Vassilvitskii (2007), k-means++; Alaoui and Mahoney (2015), Fast randomized kernel ridge
    regression with statistical guarantees, for ridge leverage scores, whose ridge here is the
    trace that uniform landmarks leave, over the number of landmarks.
    """
    if kernel.shots is not None:
        raise InputError("Nyström features take an exact kernel; set shots to None")
    if choice not in get_args(LandmarkChoice):
        raise InputError(f"choice must be one of {get_args(LandmarkChoice)}, got {choice!r}")
    rows = np.asarray(X, np.float64)
    if rows.ndim != 2 or not 1 <= landmarks <= rows.shape[0]:
        raise InputError(
            f"landmarks are 1 to as many as there are samples, got {landmarks} for samples of "
            f"shape {rows.shape}"
        )
    if choice == "k-means++":
        from sklearn.cluster import kmeans_plusplus

        # Generators of the current kind are refused there; equal generators give equal seeds.
        seed = int(rng.integers(2**31))
        chosen = kmeans_plusplus(rows, landmarks, random_state=seed)[1]
    else:
        chosen = rng.choice(rows.shape[0], landmarks, replace=False)
    if choice == "leverage":
        pilot = _at(kernel, rows, np.sort(chosen), tolerance)
        scores = _leverage(pilot)
        chosen = rng.choice(rows.shape[0], landmarks, replace=False, p=scores / scores.sum())
    return _at(kernel, rows, np.unique(chosen), tolerance)


def _at(
    kernel: QuantumKernel, rows: np.ndarray, landmarks: np.ndarray, tolerance: float
) -> NystromFeatures:
    """Nyström features at given landmarks."""
    points = rows[landmarks]
    values, vectors = np.linalg.eigh(kernel.gram(points))
    kept = values > tolerance * values[-1]
    whitening = vectors[:, kept] / np.sqrt(values[kept])
    features = _features(kernel, rows, points, whitening)
    residuals = np.maximum(1 - np.einsum("ij,ij->i", features, features), 0)
    return NystromFeatures(features, landmarks, residuals, kernel, points, whitening)


def _features(
    kernel: QuantumKernel, rows: np.ndarray, points: np.ndarray, whitening: np.ndarray
) -> Float64[np.ndarray, "rows rank"]:
    out = np.empty((rows.shape[0], whitening.shape[1]))
    for start in range(0, rows.shape[0], BLOCK):
        part = slice(start, start + BLOCK)
        out[part] = kernel.cross(rows[part], points) @ whitening
    return out


def _leverage(pilot: NystromFeatures) -> Float64[np.ndarray, " samples"]:
    """Ridge leverage score of each sample, from approximate features.

    What the features leave of a sample counts in full, as if it were orthogonal to all others.
    """
    features = pilot.values
    ridge = max(pilot.residuals.sum() / pilot.landmarks.size, 1e-12)
    covariance = features.T @ features + ridge * np.eye(features.shape[1])
    inside = np.einsum("ij,ij->i", features, np.linalg.solve(covariance, features.T).T)
    return np.minimum(inside + pilot.residuals / ridge, 1) + 1e-12
