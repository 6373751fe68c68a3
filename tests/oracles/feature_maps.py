"""Quantum feature maps and kernels from their definitions: gate matrices on all ``2**n`` states."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

I2 = np.eye(2)
X = np.array([[0, 1], [1, 0]], np.complex128)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(np.complex128)
HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
PAULIS = {"x": X, "y": Y, "z": Z}
Pairs = Sequence[tuple[int, int]]


def on(n: int, places: dict[int, np.ndarray]) -> np.ndarray:
    """Operator on ``n`` qubits, qubit 0 the lowest bit, that acts on some of them."""
    return reduce(np.kron, [places.get(q, I2) for q in reversed(range(n))])


def turn(generator: np.ndarray, angle: float) -> np.ndarray:
    """``exp(-i angle generator / 2)`` of a generator that squares to one."""
    one = np.eye(generator.shape[0])
    return np.cos(angle / 2) * one - 1j * np.sin(angle / 2) * generator


def phase(angle: float) -> np.ndarray:
    return np.diag([1, np.exp(1j * angle)])


def controlled(n: int, control: int, target: int, gate: np.ndarray) -> np.ndarray:
    idle, active = np.diag([1, 0]), np.diag([0, 1])
    return on(n, {control: idle}) + on(n, {control: active, target: gate})


def zz(x: np.ndarray, repetitions: int, pairs: Pairs) -> np.ndarray:
    """Qiskit's ZZFeatureMap, gate by gate: H, P(2 x), CX P(2 (pi - x)(pi - x')) CX."""
    n = x.size
    psi = np.eye(2**n)[0] + 0j
    for _ in range(repetitions):
        for q in range(n):
            psi = on(n, {q: HADAMARD}) @ psi
        for q in range(n):
            psi = on(n, {q: phase(2 * x[q])}) @ psi
        for i, j in pairs:
            flip = controlled(n, i, j, X)
            psi = flip @ psi
            psi = on(n, {j: phase(2 * (np.pi - x[i]) * (np.pi - x[j]))}) @ psi
            psi = flip @ psi
    return psi


def iqp(x: np.ndarray, repetitions: int, pairs: Pairs) -> np.ndarray:
    """PennyLane's IQPEmbedding, gate by gate: H, RZ(x), then RZZ(x x')."""
    n = x.size
    psi = np.eye(2**n)[0] + 0j
    for _ in range(repetitions):
        for q in range(n):
            psi = on(n, {q: turn(Z, x[q]) @ HADAMARD}) @ psi
        for i, j in pairs:
            psi = turn(on(n, {i: Z, j: Z}), x[i] * x[j]) @ psi
    return psi


def angle(x: np.ndarray, axis: str) -> np.ndarray:
    n = x.size
    first = HADAMARD if axis == "z" else I2
    return on(n, {q: turn(PAULIS[axis], x[q]) @ first for q in range(n)})[:, 0]


def hardware_efficient(
    x: np.ndarray, layers: int, rotations: Sequence[str], entangler: str, pairs: Pairs
) -> np.ndarray:
    n = x.size
    psi = np.eye(2**n)[0] + 0j
    for _ in range(layers):
        for rotation in rotations:
            for q in range(n):
                psi = on(n, {q: turn(PAULIS[rotation[1]], x[q])}) @ psi
        for i, j in pairs:
            psi = controlled(n, i, j, X if entangler == "cx" else Z) @ psi
    return psi


def fidelity(psi: np.ndarray, phi: np.ndarray) -> float:
    return float(abs(np.vdot(psi, phi)) ** 2)


def reduced(psi: np.ndarray, qubit: int) -> np.ndarray:
    """Density matrix of one qubit: all others traced out."""
    n = psi.size.bit_length() - 1
    rows = np.moveaxis(psi.reshape((2,) * n), n - 1 - qubit, 0).reshape(2, -1)
    return rows @ rows.conj().T


def projected(psi: np.ndarray, phi: np.ndarray, gamma: float) -> float:
    """``exp(-gamma sum ||rho - sigma||_F^2)`` over single qubits."""
    n = psi.size.bit_length() - 1
    apart = [np.linalg.norm(reduced(psi, q) - reduced(phi, q)) ** 2 for q in range(n)]
    return float(np.exp(-gamma * sum(apart)))
