"""Plain NumPy for the ZZ map: phases, Walsh-Hadamard transforms, one product; single precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from perf.peers.serve import Run, UnsupportedError

PACKAGES = ("numpy",)


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task != "gram":
        raise UnsupportedError(task)
    samples, repetitions = instance["samples"], int(instance["repetitions"])
    return lambda at: {"gram": _gram(samples, repetitions)}, "single"


def _gram(x: np.ndarray, repetitions: int) -> np.ndarray:
    # Angles are large: double precision until they are taken modulo a turn.
    angles = np.mod(_angles(x), 2 * np.pi).astype(np.float32)
    phases = np.empty(angles.shape, np.complex64)
    np.cos(angles, out=phases.real)
    np.sin(angles, out=phases.imag)
    size = phases.shape[1]
    states = phases / np.float32(np.sqrt(size))
    for _ in range(repetitions - 1):
        _walsh(states)
        states *= phases / np.float32(np.sqrt(size))
    return np.abs(states.conj() @ states.T) ** 2


def _angles(x: np.ndarray) -> np.ndarray:
    """Phase of every sample and state, qubit by qubit as the table of states doubles."""
    angles = np.zeros((x.shape[0], 1))
    for top in range(x.shape[1]):
        field = np.zeros((x.shape[0], 1))  # of pairs with lower qubits, by their bits
        one = np.zeros((x.shape[0], 1))
        for i in range(top):
            pair = (2 * (np.pi - x[:, i]) * (np.pi - x[:, top]))[:, None]
            field, one = np.hstack([field, field + pair]), np.hstack([one + pair, one])
        angles = np.hstack([angles + field, angles + one + 2 * x[:, top : top + 1]])
    return angles


def _walsh(states: np.ndarray) -> None:
    """Hadamards on all qubits, without their factor, in place."""
    size, stride = states.shape[1], 1
    while stride < size:
        pairs = states.reshape(states.shape[0], -1, 2, stride)
        low = pairs[:, :, 0] + pairs[:, :, 1]
        pairs[:, :, 1] = pairs[:, :, 0] - pairs[:, :, 1]
        pairs[:, :, 0] = low
        stride *= 2
