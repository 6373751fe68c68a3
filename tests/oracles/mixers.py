"""Circuits with a turn for every qubit and a phase for every term, from dense matrices."""

from __future__ import annotations

import numpy as np

from tests.oracles.qaoa import X, on, rotation

Z = np.array([[1, 0], [0, -1]], np.complex128)


def terms(ends: np.ndarray, n: int) -> np.ndarray:
    """Value of each term (a column) in every state: a spin, or a product of two."""
    out = np.zeros((2**n, len(ends)))
    for index in range(2**n):
        spins = [1 - 2 * ((index >> q) & 1) for q in range(n)]
        out[index] = [spins[i] if i == j else spins[i] * spins[j] for i, j in ends]
    return out


def product_state(axes: np.ndarray) -> np.ndarray:
    """Product of ``cos(theta / 2) |0> + sin(theta / 2) |1>``, qubit 0 the lowest bit."""
    psi = np.ones(1, np.complex128)
    for theta in axes:
        psi = np.kron([np.cos(theta / 2), np.sin(theta / 2)], psi)
    return psi


def state(
    values: np.ndarray, axes: np.ndarray, phases: np.ndarray, turns: np.ndarray
) -> np.ndarray:
    """State after all layers; ``values`` are those of `terms`."""
    n = axes.size
    psi = product_state(axes)
    for phase, turn in zip(phases, turns, strict=True):
        psi = np.exp(-1j * values @ phase) * psi
        for q, (theta, beta) in enumerate(zip(axes, turn, strict=True)):
            generator = np.sin(theta) * X + np.cos(theta) * Z
            psi = on(n, {q: rotation(generator, beta)}) @ psi
    return psi


def energy(
    values: np.ndarray, weights: np.ndarray, axes: np.ndarray, phases: np.ndarray, turns: np.ndarray
) -> float:
    """Expected weighted sum of the terms."""
    psi = state(values, axes, phases, turns)
    return float((values @ weights) @ np.abs(psi) ** 2)
