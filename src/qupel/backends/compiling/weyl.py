"""Weyl coordinates: every two-qubit unitary as local turns around one canonical gate.

``U = phase (after2 ⊗ after1) exp(i (a XX + b YY + c ZZ)) (before2 ⊗ before1)`` with
``pi/4 >= a >= b >= |c|``. The coordinates alone tell how many native gates are needed. Kraus &
Cirac (2001), doi:10.1103/PhysRevA.63.062309; Zhang et al. (2003), doi:10.1103/PhysRevA.67.042313.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Complex128

from qupel.model.gates import X, Y, Z

#: Bell states as columns: local turns are real orthogonal in this basis, and XX, YY, ZZ diagonal.
_MAGIC = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / math.sqrt(2)
_DIAGONALS = [np.diag(_MAGIC.conj().T @ np.kron(p, p) @ _MAGIC).real for p in (X, Y, Z)]
_PAULIS = (X, Y, Z)
#: Turns that exchange two axes when they act on both qubits: exp(-i pi/4 P), P the third axis.
TURNS = [(np.eye(2) - 1j * p) / math.sqrt(2) for p in _PAULIS]
_EXACT = 1e-12
_TRIES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Weyl:
    """A two-qubit unitary up to its global phase.

    Attributes
    ----------
    coordinates
        ``a``, ``b``, ``c`` in radians.
    before, after
        Turns of the first and the second qubit, before and after the canonical gate.
    """

    coordinates: tuple[float, float, float]
    before: tuple[Complex128[np.ndarray, "2 2"], Complex128[np.ndarray, "2 2"]]
    after: tuple[Complex128[np.ndarray, "2 2"], Complex128[np.ndarray, "2 2"]]


def canonical(a: float, b: float, c: float) -> Complex128[np.ndarray, "4 4"]:
    """``exp(i (a XX + b YY + c ZZ))``; the three terms commute."""
    turns = [
        math.cos(t) * np.eye(4) + 1j * math.sin(t) * np.kron(p, p)
        for t, p in zip((a, b, c), _PAULIS, strict=True)
    ]
    return reduce(np.matmul, turns)


def weyl(matrix: Complex128[np.ndarray, "4 4"]) -> Weyl:
    """Take a unitary apart, the first qubit being the lowest bit of its index."""
    inner = _MAGIC.conj().T @ matrix @ _MAGIC
    inner = inner / np.linalg.det(inner) ** 0.25
    vectors, halves = _diagonalised(inner.T @ inner)
    left = (inner @ vectors) * np.exp(-1j * halves)
    if math.cos(halves.sum()) < 0:  # the determinant of left, as the other two are one
        halves[0] += math.pi
        left[:, 0] *= -1
    point = [float(halves @ diagonal) / 4 for diagonal in _DIAGONALS]
    before = _factors(_MAGIC @ vectors.T @ _MAGIC.conj().T)
    after = _factors(_MAGIC @ left @ _MAGIC.conj().T)
    return _in_chamber(point, list(before), list(after))


def _diagonalised(symmetric: Any) -> tuple[Any, Any]:
    """Real eigenvectors, of determinant one, of a symmetric unitary; half the phases of its values.

    Its real and its imaginary part commute; a random sum of both has the eigenvectors of both.
    """
    for attempt in range(_TRIES):
        x, y = (1.0, 0.5) if attempt == 0 else np.random.default_rng(attempt).normal(size=2)
        _, vectors = np.linalg.eigh(x * symmetric.real + y * symmetric.imag)
        values = (vectors * (symmetric @ vectors)).sum(axis=0)
        rebuilt = (vectors * values) @ vectors.T
        if np.abs(rebuilt - symmetric).max() < _EXACT:
            break
    if np.linalg.det(vectors) < 0:
        vectors[:, 0] *= -1
    return vectors, np.angle(values) / 2


def _factors(product: Any) -> tuple[Any, Any]:
    """First and second factor of ``second ⊗ first``, each of determinant one."""
    blocks = product.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    largest = int(np.abs(blocks).argmax()) // 4
    first = _special(blocks[largest])
    return first.reshape(2, 2), _special(blocks @ first.conj()).reshape(2, 2)


def _special(entries: Any) -> Any:
    """Entries of a matrix of two rows, scaled to determinant one."""
    a, b, c, d = entries.tolist()
    return entries / cmath.sqrt(a * d - b * c)


def _in_chamber(point: list[float], before: list[Any], after: list[Any]) -> Weyl:
    for k in range(3):
        # exp(i pi/2 PP) is the local turn i P ⊗ P.
        quarters = round(point[k] / (math.pi / 2))
        point[k] -= quarters * math.pi / 2
        if quarters % 2:
            before = [_PAULIS[k] @ turn for turn in before]
    for i, j in ((0, 1), (1, 2), (0, 1)):
        if abs(point[i]) < abs(point[j]):
            turn = TURNS[3 - i - j]
            point[i], point[j] = point[j], point[i]
            before = [turn @ old for old in before]
            after = [old @ turn.conj().T for old in after]
    for k in range(2):
        if point[k] < 0:
            # The third axis' Pauli on one qubit turns the signs of the other two.
            other = 2 if k else 1
            pauli = _PAULIS[3 - k - other]
            point[k], point[other] = -point[k], -point[other]
            before[0], after[0] = pauli @ before[0], after[0] @ pauli
    turns = [np.asarray(turn, dtype=np.complex128) for turn in (*before, *after)]
    a, b, c = (point[0], point[1], point[2])
    return Weyl((a, b, c), (turns[0], turns[1]), (turns[2], turns[3]))
