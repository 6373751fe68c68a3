"""Circuits and observables from their definitions: dense matrices, qubit 0 the lowest bit.

Nothing here looks at the table of gates: every matrix is an exponential or a controlled form of
Pauli matrices, placed by Kronecker products. Good for up to eight qubits or so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce

import numpy as np

from qupel.model import Angle, Circuit, Gate

I = np.eye(2, dtype=np.complex128)  # noqa: E741
X = np.array([[0, 1], [1, 0]], np.complex128)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(np.complex128)
ONE = np.diag([0, 1]).astype(np.complex128)
PAULIS = {"I": I, "X": X, "Y": Y, "Z": Z}
Matrix = np.ndarray


def on(n: int, places: Mapping[int, Matrix]) -> Matrix:
    """Product of one-qubit operators on ``n`` qubits, the identity elsewhere."""
    return reduce(np.kron, [places.get(q, I) for q in reversed(range(n))])


def embedded(n: int, operator: Matrix, qubits: Sequence[int]) -> Matrix:
    """Operator on some qubits, the first its lowest bit, as one on ``n``.

    It is put on the lowest bits by a Kronecker product, then every bit moves to its qubit.
    """
    order = [*qubits, *(q for q in range(n) if q not in qubits)]
    wide = np.kron(np.eye(2 ** (n - len(qubits))), operator)
    # Axis n - 1 - b of a reshaped row or column index is bit b.
    source = [n - 1 - order.index(n - 1 - axis) for axis in range(n)]
    axes = [*source, *(n + axis for axis in source)]
    return wide.reshape((2,) * (2 * n)).transpose(axes).reshape(2**n, 2**n)


def controlled(n: int, controls: Iterable[int], operator: Matrix) -> Matrix:
    """``operator`` where all controls are one, the identity where not."""
    where = on(n, dict.fromkeys(controls, ONE))
    return np.eye(2**n) - where + where @ operator


def power(operator: Matrix, exponent: float) -> Matrix:
    """Power of a Hermitian unitary whose −1 turns to ``exp(i pi exponent)``."""
    side = np.eye(len(operator))
    return (side + operator) / 2 + np.exp(1j * math.pi * exponent) * (side - operator) / 2


def exponential(generator: Matrix, angle: float) -> Matrix:
    """``exp(i angle generator)`` of a Hermitian matrix, by its eigenvectors."""
    values, vectors = np.linalg.eigh(generator)
    return (vectors * np.exp(1j * angle * values)) @ vectors.conj().T


def _turn(generator: Matrix) -> Callable[[float], Matrix]:
    return lambda angle: exponential(generator, -angle / 2)


_H = (X + Z) / math.sqrt(2)
_SWAP = (np.eye(4) + np.kron(X, X) + np.kron(Y, Y) + np.kron(Z, Z)) / 2
_ONE_QUBIT: dict[str, Callable[..., Matrix]] = {
    "id": lambda: I,
    "x": lambda: X,
    "y": lambda: Y,
    "z": lambda: Z,
    "h": lambda: _H,
    "s": lambda: power(Z, 1 / 2),
    "sdg": lambda: power(Z, -1 / 2),
    "t": lambda: power(Z, 1 / 4),
    "tdg": lambda: power(Z, -1 / 4),
    "sx": lambda: power(X, 1 / 2),
    "sxdg": lambda: power(X, -1 / 2),
    "rx": _turn(X),
    "ry": _turn(Y),
    "rz": _turn(Z),
    "p": lambda angle: exponential(ONE, angle),
    "u": lambda theta, phi, lam: exponential(ONE, phi) @ _turn(Y)(theta) @ exponential(ONE, lam),
}


def _two(first: Matrix, second: Matrix) -> Matrix:
    return on(2, {0: first, 1: second})


_TWO_QUBITS: dict[str, Callable[..., Matrix]] = {
    "swap": lambda: _SWAP,
    "iswap": lambda: exponential(_two(X, X) + _two(Y, Y), math.pi / 4),
    "ecr": lambda: _turn(_two(Z, X))(-math.pi / 4) @ _two(X, I) @ _turn(_two(Z, X))(math.pi / 4),
    "rxx": _turn(_two(X, X)),
    "ryy": _turn(_two(Y, Y)),
    "rzz": _turn(_two(Z, Z)),
    "rzx": _turn(_two(Z, X)),
    "xy": _turn(_two(X, X) + _two(Y, Y)),
}


def gate_matrix(name: str, angles: Sequence[float] = ()) -> Matrix:
    """Matrix of a gate on its own qubits, the first named being the lowest bit."""
    if name in _ONE_QUBIT:
        return _ONE_QUBIT[name](*angles)
    if name in _TWO_QUBITS:
        return _TWO_QUBITS[name](*angles)
    bare = name.lstrip("c")
    controls = len(name) - len(bare)
    small = gate_matrix(bare, angles)
    size = int(math.log2(len(small)))
    n = controls + size
    return controlled(n, range(controls), embedded(n, small, range(controls, n)))


def unitary(circuit: Circuit) -> Matrix:
    """Matrix of all gates, the first acting first."""
    out = np.eye(2**circuit.qubits, dtype=np.complex128)
    for gate in circuit.gates:
        out = placed(circuit.qubits, gate) @ out
    return out


def placed(n: int, gate: Gate) -> Matrix:
    """Matrix of one gate on ``n`` qubits."""
    angles = [angle for angle in gate.angles if not isinstance(angle, Angle)]
    return embedded(n, gate_matrix(gate.name, angles), gate.qubits)


def state(circuit: Circuit) -> np.ndarray:
    """What the gates make of all zeros."""
    return unitary(circuit)[:, 0]


def channel(rho: Matrix, kraus: Iterable[Matrix], qubits: Sequence[int]) -> Matrix:
    """``sum_k K rho K^dagger`` of Kraus operators on some qubits."""
    n = len(rho).bit_length() - 1
    wide = [embedded(n, k, qubits) for k in kraus]
    return sum((k @ rho @ k.conj().T for k in wide), np.zeros_like(rho))


def density(
    circuit: Circuit, noise: Callable[[Gate], Sequence[tuple[Sequence[Matrix], Sequence[int]]]]
) -> Matrix:
    """Density matrix after all gates, each followed by its channels ``(Kraus, qubits)``."""
    rho = np.zeros((2**circuit.qubits,) * 2, np.complex128)
    rho[0, 0] = 1
    for gate in circuit.gates:
        u = placed(circuit.qubits, gate)
        rho = u @ rho @ u.conj().T
        for kraus, qubits in noise(gate):
            rho = channel(rho, kraus, qubits)
    return rho


def observable(terms: Mapping[str, complex] | Iterable[tuple[str, complex]]) -> Matrix:
    """Matrix of weighted Pauli names, one letter a qubit, the rightmost being qubit 0."""
    pairs = list(terms.items() if isinstance(terms, Mapping) else terms)
    return sum(
        weight * reduce(np.kron, [PAULIS[letter] for letter in name]) for name, weight in pairs
    )


def expectation(psi: np.ndarray, operator: Matrix) -> float:
    """``<psi|operator|psi>`` of a Hermitian operator."""
    return float(np.vdot(psi, operator @ psi).real)


def same_up_to_phase(a: Matrix, b: Matrix, tolerance: float = 1e-9) -> bool:
    """Whether two matrices or states differ by a global phase alone."""
    overlap = np.vdot(a, b)
    return abs(overlap) > 0 and np.allclose(a * overlap / abs(overlap), b, atol=tolerance)
