"""Quantum feature maps: circuits that turn a sample of real features into a state.

All start from all zeros, with one qubit a feature; qubit 0 is the lowest bit of a state's index.
Before anything else features are multiplied by ``scaling``, the bandwidth of the kernel; below,
``x`` means the scaled features. Angles are in radians, and the rotations are
``RX(t) = exp(-i t X / 2)``, RY and RZ alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import Complex, Float64, UInt32

from qupel.errors import InputError
from qupel.kernels import feature_states as kernel
from qupel.kernels.feature_states import Panels
from qupel.model.checks import whole

__all__ = [
    "AngleMap",
    "Axis",
    "Entanglement",
    "Entangler",
    "FeatureMap",
    "HardwareEfficientMap",
    "IqpMap",
    "Rotation",
    "ZZMap",
]

Entanglement = Literal["full", "linear", "ring"] | tuple[tuple[int, int], ...]
Axis = Literal["x", "y", "z"]
Rotation = Literal["rx", "ry", "rz"]
Entangler = Literal["cx", "cz"]

#: Most qubits of a state vector: 16 samples take 4 GB in single precision.
QUBITS = 25


@runtime_checkable
class FeatureMap(Protocol):
    """Turns samples of real features into states. A frozen value."""

    @property
    def features(self) -> int:
        """Features of a sample, and qubits of its state."""
        ...

    @property
    def real(self) -> bool:
        """Whether all amplitudes are real."""
        ...

    def states(self, X: Any) -> Complex[np.ndarray, "samples states"]:
        """Return the state of each row of ``X``, in double precision."""
        ...

    def panels(self, X: Any, dtype: kernel.Real, threads: int, *, closed: bool) -> Panels:
        """Return the states as kernels take them.

        Unless ``closed``, gates that end every state alike may be left out: overlaps are the
        same without them.
        """
        ...


@dataclass(frozen=True, slots=True)
class ZZMap:
    """Second-order Pauli-Z evolution: repeats of Hadamards and a phase.

    The phase is ``exp(2i [sum_i x_i b_i + sum_ij (pi - x_i)(pi - x_j) (b_i xor b_j)])`` for bits
    ``b``, with ``ij`` over the entangled pairs. Nothing follows the last phase. This is Qiskit's
    ``ZZFeatureMap`` with its default data map, global phase included.

    Attributes
    ----------
    features
        Features of a sample, and qubits.
    repetitions
        Repeats of Hadamards and phase.
    entanglement
        ``full`` takes all pairs, ``linear`` neighbours, ``ring`` also the last with the first; or
        the pairs themselves.
    scaling
        Factor on all features.

    References
    ----------
    Havlíček and others (2019), Supervised learning with quantum-enhanced feature spaces,
    doi:10.1038/s41586-019-0980-2.
    """

    features: int
    repetitions: int = 2
    entanglement: Entanglement = "full"
    scaling: float = 1.0

    def __post_init__(self) -> None:
        _check(self.features, self.scaling, repetitions=self.repetitions)
        object.__setattr__(self, "entanglement", _kept(self.entanglement, self.features))

    @property
    def real(self) -> bool:
        """Amplitudes are complex."""
        return False

    def states(self, X: Any) -> Complex[np.ndarray, "samples states"]:
        """Return the state of each row of ``X``, in double precision."""
        return self.panels(X, np.float64, 1, closed=True).amplitudes()

    def panels(self, X: Any, dtype: kernel.Real, threads: int, *, closed: bool) -> Panels:
        """Return the states as kernels take them; no end is common to all."""
        _check_size(self.features)
        x = samples_of(X, self.features, self.scaling)
        linear = 2 * x
        first, second = pairs_of(self.features, self.entanglement).T
        products = 2 * (np.pi - x[:, first]) * (np.pi - x[:, second])
        # b xor c = b + c - 2 b c
        for k, (i, j) in enumerate(zip(first, second, strict=True)):
            linear[:, i] += products[:, k]
            linear[:, j] += products[:, k]
        phases = _phases(linear, first, second, -2 * products, np.zeros(x.shape[0]))
        return kernel.phased(phases, self.features, self.repetitions, dtype, threads)


@dataclass(frozen=True, slots=True)
class IqpMap:
    """Instantaneous quantum polynomial (IQP) embedding: repeats of Hadamards and a phase.

    The phase is ``RZ(x_i)`` on every qubit and ``exp(-i x_i x_j Z_i Z_j / 2)`` on the entangled
    pairs. Nothing follows the last phase; closing Hadamards, which some add, change no overlap.
    This is PennyLane's ``IQPEmbedding``, with the order of qubits reversed.

    Attributes
    ----------
    features
        Features of a sample, and qubits.
    repetitions
        Repeats of Hadamards and phase.
    entanglement
        As of `ZZMap`.
    scaling
        Factor on all features.

    References
    ----------
    Shepherd and Bremner (2009), Temporally unstructured quantum computation,
    doi:10.1098/rspa.2008.0443; Havlíček and others (2019), doi:10.1038/s41586-019-0980-2.
    """

    features: int
    repetitions: int = 1
    entanglement: Entanglement = "full"
    scaling: float = 1.0

    def __post_init__(self) -> None:
        _check(self.features, self.scaling, repetitions=self.repetitions)
        object.__setattr__(self, "entanglement", _kept(self.entanglement, self.features))

    @property
    def real(self) -> bool:
        """Amplitudes are complex."""
        return False

    def states(self, X: Any) -> Complex[np.ndarray, "samples states"]:
        """Return the state of each row of ``X``, in double precision."""
        return self.panels(X, np.float64, 1, closed=True).amplitudes()

    def panels(self, X: Any, dtype: kernel.Real, threads: int, *, closed: bool) -> Panels:
        """Return the states as kernels take them; no end is common to all."""
        _check_size(self.features)
        x = samples_of(X, self.features, self.scaling)
        linear = x.copy()
        first, second = pairs_of(self.features, self.entanglement).T
        products = x[:, first] * x[:, second]
        # -s_i s_j / 2 = -1/2 + (b_i xor b_j) for spins s = 1 - 2 b
        for k, (i, j) in enumerate(zip(first, second, strict=True)):
            linear[:, i] += products[:, k]
            linear[:, j] += products[:, k]
        constant = -(x.sum(axis=1) + products.sum(axis=1)) / 2
        phases = _phases(linear, first, second, -2 * products, constant)
        return kernel.phased(phases, self.features, self.repetitions, dtype, threads)


@dataclass(frozen=True, slots=True)
class AngleMap:
    """One rotation a qubit, by its feature: product states, without entanglement.

    ``x`` and ``y`` rotate all zeros, ``z`` rotates after a Hadamard on every qubit. Fidelities
    are ``prod_i cos((x_i - y_i) / 2)**2`` for every axis; they and the reduced density matrices
    are computed from this closed form, for any number of features.

    Attributes
    ----------
    features
        Features of a sample, and qubits.
    axis
        ``x``, ``y`` or ``z``.
    scaling
        Factor on all features.
    """

    features: int
    axis: Axis = "x"
    scaling: float = 1.0

    def __post_init__(self) -> None:
        _check(self.features, self.scaling)
        if self.axis not in get_args(Axis):
            raise InputError(f"axis must be one of {get_args(Axis)}, got {self.axis!r}")

    @property
    def real(self) -> bool:
        """Rotations about y keep amplitudes real."""
        return self.axis == "y"

    def states(self, X: Any) -> Complex[np.ndarray, "samples states"]:
        """Return the state of each row of ``X``, in double precision."""
        return self.panels(X, np.float64, 1, closed=True).amplitudes()

    def panels(self, X: Any, dtype: kernel.Real, threads: int, *, closed: bool) -> Panels:
        """Return the states as kernels take them; no end is common to all."""
        _check_size(self.features)
        half = samples_of(X, self.features, self.scaling) / 2
        if self.axis == "z":
            columns = np.stack((np.exp(-1j * half), np.exp(1j * half)), axis=-1) / np.sqrt(2)
        else:
            turned = np.sin(half) * (-1j if self.axis == "x" else 1)
            columns = np.stack((np.cos(half) + 0j, turned), axis=-1)
        return kernel.layered(
            columns[:, None],
            np.arange(1 << self.features, dtype=np.uint32),
            closed=False,
            real=self.real,
            dtype=dtype,
            threads=threads,
        )

    def fidelities(self, rows: Any, columns: Any) -> Float64[np.ndarray, "rows columns"]:
        """Return all squared overlaps, without any state."""
        x, y = (samples_of(side, self.features, self.scaling) for side in (rows, columns))
        cosines, sines = (np.cos(x), np.cos(y)), (np.sin(x), np.sin(y))
        out = np.ones((x.shape[0], y.shape[0]))
        for start in range(0, x.shape[0], 64):  # few rows at a time, so that they stay in cache
            part = slice(start, start + 64)
            for q in range(self.features):
                cosine = np.multiply.outer(cosines[0][part, q], cosines[1][:, q])
                cosine += np.multiply.outer(sines[0][part, q], sines[1][:, q])
                cosine += 1
                cosine *= 0.5
                out[part] *= cosine
        return np.minimum(out, 1, out=out)

    def bloch(self, X: Any) -> Float64[np.ndarray, "samples qubits 3"]:
        """Return the expectations of X, Y and Z on each qubit, without any state."""
        x = samples_of(X, self.features, self.scaling)
        none = np.zeros_like(x)
        by_axis = {
            "x": (none, -np.sin(x), np.cos(x)),
            "y": (np.sin(x), none, np.cos(x)),
            "z": (np.cos(x), np.sin(x), none),
        }
        return np.stack(by_axis[self.axis], axis=-1)


@dataclass(frozen=True, slots=True)
class HardwareEfficientMap:
    """Layers of rotations by the features and fixed entangling gates, the features in every layer.

    A layer rotates each qubit by its feature, by all ``rotations`` in their order, then applies
    the entangling gates on the pairs in their order (a controlled X is controlled by the first
    of a pair). The last entangling gates are the same for all samples, so kernels of fidelity
    leave them out.

    Attributes
    ----------
    features
        Features of a sample, and qubits.
    layers
        Number of layers.
    rotations
        Rotations of a layer, first to last. With ``("ry",)`` all amplitudes are real, and
        a Gram matrix takes a third of the work.
    entangler
        ``cx`` or ``cz``.
    entanglement
        As of `ZZMap`.
    scaling
        Factor on all features.

    References
    ----------
    Kandala and others (2017), Hardware-efficient variational quantum eigensolver for small
    molecules and quantum magnets, doi:10.1038/nature23879, for the shape of a layer.
    """

    features: int
    layers: int = 2
    rotations: tuple[Rotation, ...] = ("ry", "rz")
    entangler: Entangler = "cx"
    entanglement: Entanglement = "linear"
    scaling: float = 1.0

    def __post_init__(self) -> None:
        _check(self.features, self.scaling, layers=self.layers)
        if not self.rotations or not set(self.rotations) <= set(get_args(Rotation)):
            raise InputError(f"rotations are of {get_args(Rotation)}, got {self.rotations!r}")
        if self.entangler not in get_args(Entangler):
            raise InputError(f"entangler is one of {get_args(Entangler)}, got {self.entangler!r}")
        object.__setattr__(self, "rotations", tuple(self.rotations))
        object.__setattr__(self, "entanglement", _kept(self.entanglement, self.features))

    @property
    def real(self) -> bool:
        """Rotations about y and both entangling gates keep amplitudes real."""
        return set(self.rotations) == {"ry"}

    def states(self, X: Any) -> Complex[np.ndarray, "samples states"]:
        """Return the state of each row of ``X``, in double precision."""
        return self.panels(X, np.float64, 1, closed=True).amplitudes()

    def panels(self, X: Any, dtype: kernel.Real, threads: int, *, closed: bool) -> Panels:
        """Return the states as kernels take them, without the last entangling if not ``closed``."""
        _check_size(self.features)
        half = samples_of(X, self.features, self.scaling) / 2
        a, b = np.ones_like(half, np.complex128), np.zeros_like(half, np.complex128)
        cosine, sine = np.cos(half), np.sin(half)
        for rotation in self.rotations:
            if rotation == "rz":
                a, b = a * (cosine - 1j * sine), b * (cosine + 1j * sine)
            else:
                turn = sine * (-1j if rotation == "rx" else 1)
                a, b = cosine * a - turn.conj() * b, turn * a + cosine * b
        gates = np.repeat(np.stack((a, b), axis=-1)[:, None], self.layers, axis=1)
        return kernel.layered(
            gates, self._sources(), closed=closed, real=self.real, dtype=dtype, threads=threads
        )

    def _sources(self) -> UInt32[np.ndarray, " states"]:
        """State that each state takes its amplitude from, by all entangling gates in turn."""
        index = np.arange(1 << self.features, dtype=np.uint32)
        moved, sign = index.copy(), np.zeros_like(index)
        for i, j in pairs_of(self.features, self.entanglement).astype(np.uint32):
            control = (moved >> i) & 1
            if self.entangler == "cx":
                moved ^= control << j
            else:
                sign ^= control & (moved >> j)
        sources = np.empty_like(index)
        sources[moved] = index
        return sources | sign << np.uint32(31)


def samples_of(
    X: Any, features: int, scaling: float = 1.0
) -> Float64[np.ndarray, "samples features"]:
    """Return ``X`` as rows of so many features, scaled.

    Raises
    ------
    InputError
        If it is no matrix of finite numbers with one column a feature.
    """
    rows = np.asarray(X, np.float64)
    if rows.ndim != 2 or rows.shape[1] != features:
        raise InputError(f"samples must be rows of {features} features, got shape {rows.shape}")
    scaled = rows * scaling
    # Products of two features are angles, too.
    if not (np.abs(scaled) < 1e100).all():
        raise InputError("features must be finite, and below 1e100 once scaled")
    return scaled


def pairs_of(features: int, entanglement: Entanglement) -> np.ndarray:
    """Entangled pairs, one a row."""
    if entanglement == "full":
        pairs = [(i, j) for i in range(features) for j in range(i + 1, features)]
    elif entanglement == "linear" or (entanglement == "ring" and features < 3):
        pairs = [(i, i + 1) for i in range(features - 1)]
    elif entanglement == "ring":
        pairs = [(features - 1, 0), *((i, i + 1) for i in range(features - 1))]
    else:
        pairs = list(entanglement)
    return np.array(pairs, np.int64).reshape(-1, 2)


def _phases(
    linear: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    both: np.ndarray,
    constant: np.ndarray,
) -> Float64[np.ndarray, "samples terms"]:
    """Phases in the order that `kernel.phased` takes; pairs given twice add up."""
    samples, qubits = linear.shape
    out = np.zeros((samples, qubits * (qubits + 1) // 2 + 1))
    one = np.arange(qubits)
    out[:, one * (one + 1) // 2 + one] = linear
    low, high = np.minimum(first, second), np.maximum(first, second)
    for k, term in enumerate(high * (high + 1) // 2 + low):
        out[:, term] += both[:, k]
    out[:, -1] = constant
    return out


def _kept(entanglement: Any, features: int) -> Entanglement:
    """The entanglement, checked, its pairs as tuples."""
    if isinstance(entanglement, str):
        if entanglement not in {"full", "linear", "ring"}:
            raise InputError(
                f"entanglement is 'full', 'linear', 'ring' or pairs, got {entanglement!r}"
            )
        return entanglement  # type: ignore[return-value]
    try:
        pairs = tuple((int(i), int(j)) for i, j in entanglement)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"entanglement is a name or pairs of qubits, got {entanglement!r}"
        ) from error
    wrong = [p for p in pairs if p[0] == p[1] or not all(0 <= i < features for i in p)]
    if wrong:
        raise InputError(f"a pair is two different qubits below {features}, got {wrong[0]}")
    return pairs


def _check(features: int, scaling: float, **counts: int) -> None:
    for name, value in {"features": features, **counts}.items():
        whole(name, value)
    if not np.isfinite(scaling):
        raise InputError(f"scaling must be finite, got {scaling}")


def _check_size(features: int) -> None:
    if features > QUBITS:
        raise InputError(
            f"a state of {features} qubits has 2**{features} amplitudes; at most {QUBITS} qubits "
            "are simulated. Reduce the features, or use AngleMap, whose kernels need no states"
        )
