"""Counting: how many native two-qubit gates unitaries take, without taking them apart.

For ``U`` of determinant one let ``g = U (Y ⊗ Y) U^T (Y ⊗ Y)``, which local turns after ``U`` change
to a similar matrix and those before it not at all. It takes three ``cx`` unless the trace of ``g``
is real; then two, or one if ``g^2`` is -1, or none if ``g`` is 1: Shende, Bullock & Markov (2004),
doi:10.1103/PhysRevA.70.012310, section III. The root of the determinant leaves the sign of
``g`` open, on which nothing here depends.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex128, Int64

from qupel.model.gates import SWAP, Y

_NEAR = 1e-10
_BOTH = np.kron(Y, Y)


def gates_needed(
    unitaries: Complex128[np.ndarray, "k 4 4"], native: str
) -> Int64[np.ndarray, " k"]:
    """Native two-qubit gates that each unitary takes: ``cz``, ``cx``, ``ecr``, ``iswap`` or free.

    With ``rzz`` or ``rxx`` of any angle it is the number of Weyl coordinates that are not zero.
    """
    out = _fixed(unitaries)
    if native == "iswap":
        # An even number of them is as many cz, an odd one as many and an exchange of the qubits.
        crossed = _fixed(SWAP @ unitaries)
        out = np.where(out == 0, 0, np.where(crossed == 1, 1, np.where(out <= 2, 2, 3)))
    elif native in ("rzz", "rxx"):
        g = _invariant(unitaries)
        half = np.trace(g, axis1=1, axis2=2)[:, None, None] / 2
        out = np.where((out == 2) & _vanishes(g @ g - half * g + np.eye(4)), 1, out)
    return out


def _fixed(unitaries: Complex128[np.ndarray, "k 4 4"]) -> Int64[np.ndarray, " k"]:
    g = _invariant(unitaries)
    eye = np.eye(4)
    two = np.abs(np.trace(g, axis1=1, axis2=2).imag) < _NEAR
    one = two & _vanishes(g @ g + eye)
    none = two & (_vanishes(g - eye) | _vanishes(g + eye))
    return np.where(none, 0, np.where(one, 1, np.where(two, 2, 3)))


def _invariant(unitaries: Complex128[np.ndarray, "k 4 4"]) -> Complex128[np.ndarray, "k 4 4"]:
    special = unitaries / np.linalg.det(unitaries)[:, None, None] ** 0.25
    turned: Complex128[np.ndarray, "k 4 4"] = special @ _BOTH @ special.transpose(0, 2, 1) @ _BOTH
    return turned


def _vanishes(matrices: Complex128[np.ndarray, "k 4 4"]) -> np.ndarray:
    return np.asarray(np.abs(matrices).max(axis=(1, 2), initial=0.0) < _NEAR)
