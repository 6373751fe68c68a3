"""Circuits to measure simulators on, as plain lists, and how Qupel runs them.

A gate is its name, its qubits and its angles, so that every peer's worker can build the circuit
with what it has, without Qupel. Qubit 0 is the lowest bit of a state's index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

PlainGate = tuple[str, list[int], list[float]]


def fourier(n: int) -> list[PlainGate]:
    """The quantum Fourier transform, with the swaps at its end."""
    gates: list[PlainGate] = []
    for q in reversed(range(n)):
        gates.append(("h", [q], []))
        gates += [("cp", [j, q], [float(np.pi / 2 ** (q - j))]) for j in range(q)]
    return gates + [("swap", [q, n - 1 - q], []) for q in range(n // 2)]


def random_pairs(n: int, depth: int, seed: int = 1) -> list[PlainGate]:
    """Layers of `ry` and `rz` on every qubit, then `cz` on a random pairing of them."""
    rng = np.random.default_rng(seed)
    gates: list[PlainGate] = []
    for _ in range(depth):
        gates += _rotations(n, rng)
        order = rng.permutation(n).tolist()
        gates += [("cz", order[k : k + 2], []) for k in range(0, n - 1, 2)]
    return gates


def hardware_efficient(n: int, layers: int, seed: int = 2) -> list[PlainGate]:
    """Layers of `ry` and `rz` on every qubit, then a chain of `cx`."""
    rng = np.random.default_rng(seed)
    gates: list[PlainGate] = []
    for _ in range(layers):
        gates += _rotations(n, rng)
        gates += [("cx", [q, q + 1], []) for q in range(n - 1)]
    return gates


def _rotations(n: int, rng: np.random.Generator) -> list[PlainGate]:
    gates: list[PlainGate] = []
    for q in range(n):
        gates += [("ry", [q], [float(rng.normal())]), ("rz", [q], [float(rng.normal())])]
    return gates


def qupel_state(
    n: int, gates: Sequence[PlainGate], precision: str, threads: int
) -> Callable[[], np.ndarray]:
    """Return a call that computes the final state from all zeros; the circuit is built outside."""
    from qupel.model import Circuit, Gate
    from qupel.simulators import StateVector

    circuit = Circuit(n, [Gate(name, tuple(on), tuple(angles)) for name, on, angles in gates])
    simulator = StateVector("single" if precision == "single" else "double", threads)
    return lambda: simulator.run(circuit)


def qupel_gradient(
    n: int, gates: Sequence[PlainGate], precision: str, threads: int
) -> Callable[[], tuple[float, np.ndarray]]:
    """Return a call that gives the energy of an Ising chain and its slope by every angle.

    The energy is ``sum Z_q Z_{q+1} + 0.5 sum X_q``.
    """
    from qupel.model import Angle, Circuit, Gate, PauliSum
    from qupel.simulators import StateVector, adjoint_gradient

    at: list[float] = []
    made: list[Gate] = []
    for name, on, angles in gates:
        followed: tuple[Any, ...] = tuple(Angle(len(at) + k) for k in range(len(angles)))
        made.append(Gate(name, tuple(on), followed))
        at += angles
    circuit = Circuit(n, made, parameter_names=[f"a{k}" for k in range(len(at))])
    terms = {f"Z{q} Z{q + 1}": 1.0 for q in range(n - 1)} | {f"X{q}": 0.5 for q in range(n)}
    energy = PauliSum.of(terms, qubits=n)
    simulator = StateVector("single" if precision == "single" else "double", threads)
    return lambda: adjoint_gradient(circuit, energy, at, simulator=simulator)
