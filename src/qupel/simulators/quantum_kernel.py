"""Kernels of quantum feature maps: Gram matrices, exact or as shots would estimate them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError
from qupel.kernels import feature_states
from qupel.kernels.cpu import check_threads
from qupel.kernels.feature_states import Panels
from qupel.kernels.overlaps import fidelities
from qupel.model.checks import whole
from qupel.simulators.feature_maps import AngleMap, FeatureMap, samples_of
from qupel.simulators.qaoa import Precision

__all__ = ["KernelEstimate", "KernelKind", "QuantumKernel", "Regularisation", "regularised"]

KernelKind = Literal["fidelity", "projected"]
Regularisation = Literal["none", "clip", "shift"]


@dataclass(frozen=True, slots=True, eq=False)
class KernelEstimate:
    """Kernel values and how far shots let them stray.

    Attributes
    ----------
    values
        Kernel of each row with each column.
    standard_errors
        Standard error of each value, estimated from the shots; zero where values are exact.
    """

    values: Float64[np.ndarray, "rows columns"]
    standard_errors: Float64[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True)
class QuantumKernel:
    """The kernel of a feature map, of fidelities or of reduced density matrices.

    ``fidelity`` is ``|<x|y>|**2``. ``projected`` is
    ``exp(-gamma sum_q ||rho_q(x) - rho_q(y)||**2)`` over the reduced density matrices of single
    qubits, in the Frobenius norm; that norm squared is half the squared distance of their Bloch
    vectors, so libraries that take the distance of the expectations of X, Y and Z have half our
    ``gamma``.

    With ``shots``, a fidelity is the frequency of a binomial draw, as when the circuit of one
    sample and the inverse of the other's are run and zeros counted; a projected kernel takes each
    expectation of X, Y and Z on each qubit from so many shots of its own. Gram matrices stay
    symmetric with ones on their diagonal. Estimated fidelities may have negative eigenvalues; see
    ``regularisation``.

    Attributes
    ----------
    feature_map
        Makes the states.
    kind
        ``fidelity`` or ``projected``.
    gamma
        Bandwidth of the projected kernel.
    shots
        Shots per estimate; None for exact values.
    regularisation
        What `gram` does to its matrix: ``none``, or as `regularised`.
    precision
        Of the states: values are good to about 1e-6 in ``single``, 1e-14 in ``double``.
    threads
        Threads to use; None takes all processors. They change no result.
    memory
        Bytes that the states, and apart from them the matrix, may take. States that do not fit
        are made block by block, some of them more than once.

    References
    ----------
    Havlíček and others (2019), doi:10.1038/s41586-019-0980-2; Huang and others (2021), Power of
    data in quantum machine learning, doi:10.1038/s41467-021-22539-9, for the projected kernel.
    """

    feature_map: FeatureMap
    kind: KernelKind = "fidelity"
    gamma: float = 1.0
    shots: int | None = None
    regularisation: Regularisation = "none"
    precision: Precision = "single"
    threads: int | None = None
    memory: int = 2**31

    def __post_init__(self) -> None:
        for name, value, known in (
            ("kind", self.kind, get_args(KernelKind)),
            ("regularisation", self.regularisation, get_args(Regularisation)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in known:
                raise InputError(f"{name} must be one of {known}, got {value!r}")
        if not (np.isfinite(self.gamma) and self.gamma > 0):
            raise InputError(f"gamma must be positive, got {self.gamma}")
        if self.shots is not None:
            whole("shots", self.shots)
        if self.threads is not None:
            check_threads(self.threads)

    def gram(
        self, X: Any, rng: np.random.Generator | None = None
    ) -> Float64[np.ndarray, "samples samples"]:
        """Return the kernel of all pairs of rows of ``X``; ``rng`` draws the shots, if any."""
        return regularised(self.estimate(X, rng=rng).values, self.regularisation)

    def cross(
        self, X: Any, Y: Any, rng: np.random.Generator | None = None
    ) -> Float64[np.ndarray, "rows columns"]:
        """Return the kernel of each row of ``X`` with each row of ``Y``."""
        return self.estimate(X, Y, rng=rng).values

    def estimate(
        self, X: Any, Y: Any = None, *, rng: np.random.Generator | None = None
    ) -> KernelEstimate:
        """Return the kernel of ``X`` with ``Y``, or with itself, and standard errors.

        Nothing is regularised here: the errors are those of the raw estimates. A frequency of k
        in n shots has the error ``sqrt(p (1 - p) / n)`` with ``p = (k + 1/2) / (n + 1)``, so that
        no event is held impossible because it was not seen.

        Raises
        ------
        InputError
            If samples do not fit the feature map, shots lack an ``rng``, or memory does not do.
        """
        if self.shots is not None and rng is None:
            raise InputError("shots are drawn at random: pass rng=np.random.default_rng(seed)")
        rows = self._checked(X)
        columns = None if Y is None else self._checked(Y)
        bytes_needed = 8 * rows.shape[0] * (rows if columns is None else columns).shape[0]
        if bytes_needed > self.memory:
            raise InputError(
                f"the matrix takes {bytes_needed / 1e9:.1f} GB, memory allows "
                f"{self.memory / 1e9:.1f} GB; raise memory, or use nystrom_features"
            )
        if self.kind == "projected":
            return self._projected(rows, columns, rng)
        return self._measured(self._fidelities(rows, columns), columns is None, rng)

    def _checked(self, X: Any) -> np.ndarray:
        return samples_of(X, self.feature_map.features)

    def _fidelities(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        """Exact fidelities, of states made as memory allows."""
        if isinstance(self.feature_map, AngleMap):
            out = self.feature_map.fidelities(X, X if Y is None else Y)
        elif X.shape[0] + (0 if Y is None else Y.shape[0]) <= self._samples_in(self.memory):
            columns = None if Y is None else self._panels(Y)
            out = fidelities(self._panels(X), columns, self._threads())
        else:
            out = self._fidelities_by_blocks(X, Y, self._samples_in(self.memory // 2))
        if Y is None:
            np.fill_diagonal(out, 1.0)
        return out

    def _fidelities_by_blocks(self, X: np.ndarray, Y: np.ndarray | None, size: int) -> np.ndarray:
        """The same with two blocks of states at a time, one held while the other passes."""
        other = X if Y is None else Y
        out = np.empty((X.shape[0], other.shape[0]))
        for column in _blocks(other.shape[0], size):
            held = self._panels(other[column])
            for row in _blocks(X.shape[0], size):
                if Y is not None:
                    out[row, column] = fidelities(self._panels(X[row]), held, self._threads())
                elif row == column:
                    out[row, column] = fidelities(held, None, self._threads())
                elif row.start < column.start:
                    # The earlier sample is the row, as among all pairs at once.
                    out[row, column] = fidelities(self._panels(X[row]), held, self._threads())
                    out[column, row] = out[row, column].T
        return out

    def _measured(
        self, exact: np.ndarray, symmetric: bool, rng: np.random.Generator | None
    ) -> KernelEstimate:
        """Fidelities as frequencies of shots."""
        if self.shots is None or rng is None:
            return KernelEstimate(exact, np.zeros(exact.shape))  # zeros_like would touch them
        if symmetric:
            values = np.ones_like(exact)
            upper = np.triu_indices(exact.shape[0], 1)
            values[upper] = rng.binomial(self.shots, exact[upper]) / self.shots
            values.T[upper] = values[upper]
        else:
            values = rng.binomial(self.shots, exact) / self.shots
        errors = np.sqrt(_variance(values, self.shots))
        if symmetric:
            np.fill_diagonal(errors, 0.0)
        return KernelEstimate(values, errors)

    def _projected(
        self, X: np.ndarray, Y: np.ndarray | None, rng: np.random.Generator | None
    ) -> KernelEstimate:
        """Gaussian kernel of Bloch vectors; errors to first order in those of the vectors."""
        rows = self._bloch(X, rng)
        columns = rows if Y is None else self._bloch(Y, rng)
        distances = -2 * (rows @ columns.T)
        distances += (rows**2).sum(1)[:, None] + (columns**2).sum(1)[None]
        values = np.exp(-self.gamma / 2 * np.maximum(distances, 0))
        if Y is None:
            np.fill_diagonal(values, 1.0)
        errors = np.zeros(values.shape)
        if self.shots is not None:
            # Of half the squared distance: sum of (a - b)**2 (variance of a + variance of b).
            v, w = (4 * _variance((1 + r) / 2, self.shots) for r in (rows, columns))
            spread = (rows**2 * v).sum(1)[:, None] + (columns**2 * w).sum(1)[None]
            spread += rows**2 @ w.T + v @ (columns**2).T
            spread -= 2 * ((rows * v) @ columns.T + rows @ (columns * w).T)
            errors = self.gamma * values * np.sqrt(np.maximum(spread, 0))
            if Y is None:
                np.fill_diagonal(errors, 0.0)
        return KernelEstimate(values, errors)

    def _bloch(
        self, X: np.ndarray, rng: np.random.Generator | None
    ) -> Float64[np.ndarray, "samples terms"]:
        """Bloch vectors of all qubits, as measured."""
        if isinstance(self.feature_map, AngleMap):
            vectors = self.feature_map.bloch(X)
        else:
            parts = [
                self._panels(X[block], closed=True).bloch(self._threads())
                for block in _blocks(X.shape[0], min(512, self._samples_in(self.memory)))
            ]
            vectors = np.concatenate(parts) if parts else np.empty((0, X.shape[1], 3))
        flat = vectors.reshape(X.shape[0], 3 * X.shape[1])
        if self.shots is None or rng is None:
            return flat
        up = rng.binomial(self.shots, np.clip((1 + flat) / 2, 0, 1))
        return 2 * up / self.shots - 1

    def _panels(self, X: np.ndarray, *, closed: bool = False) -> Panels:
        return self.feature_map.panels(X, self._dtype(), self._threads(), closed=closed)

    def _dtype(self) -> feature_states.Real:
        return np.float32 if self.precision == "single" else np.float64

    def _threads(self) -> int:
        if self.threads is not None:
            return self.threads
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    def _samples_in(self, memory: int) -> int:
        """Samples whose states fit: whole panels, and at least one."""
        qubits, wide = self.feature_map.features, feature_states.lanes(self._dtype())
        panel = (1 if self.feature_map.real else 2) * 64 * 2**qubits
        if panel > memory:
            raise InputError(
                f"{wide} states of {qubits} qubits in {self.precision} precision take "
                f"{panel / 1e9:.1f} GB, of which two must fit the {self.memory / 1e9:.1f} GB of "
                "memory; raise memory or reduce the features"
            )
        return memory // panel * wide


def regularised(
    gram: Float64[np.ndarray, "samples samples"], how: Regularisation
) -> Float64[np.ndarray, "samples samples"]:
    """Return a positive semidefinite matrix with a unit diagonal near ``gram``, which has one.

    ``clip`` sets negative eigenvalues to zero, then scales rows and columns alike so that the
    diagonal is one again; ``shift`` adds to the diagonal what makes the lowest eigenvalue zero,
    then divides by the new diagonal, which shrinks all off-diagonal entries alike. ``none``, or a
    matrix without negative eigenvalues, changes nothing.

    References
    ----------
    Hubregtsen and others (2022), Training quantum embedding kernels on near-term quantum
    computers, doi:10.1103/PhysRevA.106.042431, section on thresholding and displacing.
    """
    if how == "none" or gram.shape[0] == 0:
        return gram
    values, vectors = np.linalg.eigh(gram)
    if values[0] >= 0:
        return gram
    if how == "shift":
        out = gram / (1 - values[0])
    else:
        out = (vectors * np.maximum(values, 0)) @ vectors.T
        scale = 1 / np.sqrt(out.diagonal())
        out *= np.multiply.outer(scale, scale)
        out = (out + out.T) / 2
    np.fill_diagonal(out, 1.0)
    return out


def _variance(frequencies: np.ndarray, shots: int) -> np.ndarray:
    """Variance of frequencies of so many shots."""
    p = (frequencies * shots + 0.5) / (shots + 1)
    return p * (1 - p) / shots


def _blocks(total: int, size: int) -> Iterator[slice]:
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
