"""States of quantum feature maps, many samples at once.

A panel holds the states of 16 samples in single precision, of 8 in double: `lanes` of them make 64
bytes. `Panels.data` has the axes panel, part (real, imaginary; real alone where that is all),
state, lane; sample ``s`` is lane ``s % lanes`` of panel ``s // lanes``, and lanes past the last
sample are not to be read. Qubit 0 is the lowest bit of a state's index.

Results are the same for any number of threads, with AVX-512 and with AVX2, bit for bit, given equal
sines and cosines of NumPy; processors with neither round a little differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Complex, Float64, UInt32
from numpy.typing import NDArray

from qupel.kernels import _feature_states
from qupel.kernels.aligned import aligned

__all__ = ["Panels", "Real", "layered", "phased"]

Real = type[np.float32] | type[np.float64]
Held = NDArray[np.float32] | NDArray[np.float64]

#: Bit of a source that says: the amplitude comes negated.
SIGN = 1 << 31


def lanes(dtype: Real) -> int:
    """Samples of one panel."""
    return 64 // np.dtype(dtype).itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """The states of some samples.

    Attributes
    ----------
    data
        ``float32`` or ``float64``, of the axes told above.
    samples
        Number of samples.
    """

    data: Held
    samples: int

    def amplitudes(self) -> Complex[np.ndarray, "samples states"]:
        """Return all amplitudes, one row a sample."""
        panels, parts, states, wide = self.data.shape
        kind = np.complex64 if self.data.dtype == np.float32 else np.complex128
        out = np.zeros((panels, wide, states), kind)
        out.real = self.data[:, 0].transpose(0, 2, 1)
        if parts == 2:
            out.imag = self.data[:, 1].transpose(0, 2, 1)
        return out.reshape(panels * wide, states)[: self.samples]

    def bloch(self, threads: int = 1) -> Float64[np.ndarray, "samples qubits 3"]:
        """Return the expectations of X, Y and Z on each qubit."""
        panels, _, states, wide = self.data.shape
        out = np.empty((panels, states.bit_length() - 1, 3, wide))
        _feature_states.bloch(self.data, out, threads)
        return out.transpose(0, 3, 1, 2).reshape(panels * wide, -1, 3)[: self.samples]


def phased(
    phases: Float64[np.ndarray, "samples terms"],
    qubits: int,
    repetitions: int,
    dtype: Real = np.float32,
    threads: int = 1,
) -> Panels:
    """States after ``repetitions`` of Hadamards on all qubits and a phase, from all zeros.

    ``phases`` are in radians, in this order: for each qubit ``q``, what each pair of ``i < q`` and
    ``q`` adds when both are one, then what ``q`` adds when it is one; last, the phase of the state
    of all zeros. A sample has ``qubits * (qubits + 1) / 2 + 1`` of them.
    """
    ordered = _in_panels(phases, dtype)
    factors = np.stack((np.cos(ordered), np.sin(ordered)), axis=2)
    factors[:, -1] *= 2.0 ** (-qubits / 2)
    out = _room(factors.shape[0], 2, 1 << qubits, dtype)
    _feature_states.phased(factors, repetitions, out, threads)
    return Panels(out, phases.shape[0])


def layered(
    gates: Complex[np.ndarray, "samples layers qubits 2"],
    sources: UInt32[np.ndarray, " states"],
    *,
    closed: bool,
    real: bool,
    dtype: Real = np.float32,
    threads: int = 1,
) -> Panels:
    """States after layers of one gate a qubit and one signed permutation, from all zeros.

    ``gates`` are the first column ``(a, b)`` of ``[[a, -conj(b)], [b, conj(a)]]``. After the gates
    of a layer, state ``z`` takes the amplitude of ``sources[z]``, negated where that has the bit
    `SIGN`. The last permutation is left out unless ``closed``. With ``real``, all imaginary parts
    of ``gates`` are zero, and so are those of the states, which are then not held.
    """
    samples, layers, qubits, _ = gates.shape
    numbers = np.stack(
        (gates[..., 0].real, gates[..., 0].imag, gates[..., 1].real, gates[..., 1].imag), axis=-1
    )
    ordered = _in_panels(numbers.reshape(samples, layers * qubits * 4), dtype)
    shape = (ordered.shape[0], layers, qubits, 4, lanes(dtype))
    held = cast(Held, ordered.astype(dtype).reshape(shape))
    out = _room(held.shape[0], 1 if real else 2, 1 << qubits, dtype)
    _feature_states.layered(held, sources, closed, out, threads)
    return Panels(out, samples)


def _in_panels(
    rows: Float64[np.ndarray, "samples terms"], dtype: Real
) -> Float64[np.ndarray, "panels terms lanes"]:
    """``rows`` in the order of panels; lanes past the last sample are zero."""
    wide = lanes(dtype)
    panels = -(-rows.shape[0] // wide)
    padded = np.zeros((panels * wide, rows.shape[1]))
    padded[: rows.shape[0]] = rows
    return np.ascontiguousarray(padded.reshape(panels, wide, rows.shape[1]).transpose(0, 2, 1))


def _room(panels: int, parts: int, states: int, dtype: Real) -> Held:
    """Room for panels that begins on a cache line."""
    return cast(Held, aligned((panels, parts, states, lanes(dtype)), dtype, zeroed=False))
