"""QAOA from its definition: dense matrices on all ``2**n`` states, qubit 0 the lowest bit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from qupel.model import Ising, Qubo, Quota

X = np.array([[0, 1], [1, 0]], np.complex128)
Y = np.array([[0, -1j], [1j, 0]])
I2 = np.eye(2)
Pair = tuple[int, int]


def on(n: int, places: dict[int, np.ndarray]) -> np.ndarray:
    """Operator on ``n`` qubits that acts on some of them."""
    return reduce(np.kron, [places.get(q, I2) for q in reversed(range(n))])


def rotation(generator: np.ndarray, angle: float) -> np.ndarray:
    """``exp(-i angle generator)`` of a Hermitian matrix."""
    values, vectors = np.linalg.eigh(generator)
    return (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T


def costs(form: Ising | Qubo) -> np.ndarray:
    """Energy of every state, term by term."""
    n = form.variables
    out = np.zeros(2**n)
    for index in range(2**n):
        bits = [(index >> j) & 1 for j in range(n)]
        if isinstance(form, Qubo):
            w = form.weights.toarray()
            terms = [w[i, j] * bits[i] * bits[j] for i in range(n) for j in range(i, n)]
        else:
            spins = [1 - 2 * b for b in bits]
            w = form.couplings.toarray()
            terms = [w[i, j] * spins[i] * spins[j] for i in range(n) for j in range(i + 1, n)]
            terms += [h * s for h, s in zip(form.fields, spins, strict=True)]
        out[index] = sum(terms) + form.offset
    return out


def state(
    cost: np.ndarray,
    gammas: Sequence[float],
    betas: Sequence[float],
    *,
    quotas: Sequence[Quota] = (),
    ring: bool = False,
) -> np.ndarray:
    """The state after all layers; with ``quotas``, by XY rotations on the full space."""
    n = cost.size.bit_length() - 1
    taken = {member for quota in quotas for member in quota.members}
    kept = np.array([_keeps(index, quotas) for index in range(2**n)])
    psi = kept / np.sqrt(kept.sum()) + 0j
    for gamma, beta in zip(gammas, betas, strict=True):
        psi = np.exp(-1j * gamma * cost) * psi
        for q in range(n):
            if q not in taken:
                psi = on(n, {q: rotation(X, beta)}) @ psi
        for quota in quotas:
            for a, b in _pairs(quota.members, ring=ring):
                both = (on(n, {a: X, b: X}) + on(n, {a: Y, b: Y})) / 2
                psi = rotation(both, beta) @ psi
    return psi


def energy(cost: np.ndarray, psi: np.ndarray) -> float:
    return float(cost @ np.abs(psi) ** 2)


def _keeps(index: int, quotas: Sequence[Quota]) -> bool:
    return all(sum((index >> j) & 1 for j in q.members) == q.count for q in quotas)


def _pairs(members: Sequence[int], *, ring: bool) -> list[Pair]:
    m = len(members)
    if not ring:
        return [(members[i], members[j]) for i in range(m) for j in range(i + 1, m)]
    even = [(members[i], members[i + 1]) for i in range(0, m - 1, 2)]
    odd = [(members[i], members[i + 1]) for i in range(1, m - 1, 2)]
    return [*even, *odd, *([(members[-1], members[0])] if m > 2 else [])]
