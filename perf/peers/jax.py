"""QAOA written out in JAX: one jitted function, precomputed costs, single precision.

What a user without a library for QAOA would write with care: phases from a table where costs take
few values, else sine and cosine of the diagonal; the mixer as a product with the matrix of several
qubits at a time, the axes rotating. How many qubits at a time is measured here on one layer, and
the best is kept. The gradient is the adjoint method written out, five times as fast as `jax.grad`.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import diagonal, fastest

PACKAGES = ("jax", "jaxlib", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task not in {"qaoa-energy", "qaoa-gradient"}:
        raise UnsupportedError(task)
    if options.get("precision", "single") != "single":
        raise UnsupportedError("measured in single precision")
    assert threads <= len(os.sched_getaffinity(0))  # XLA's threads follow the cores it may use
    costs = diagonal(int(instance["n"]), instance["pairs"], instance["weights"])
    values, levels = np.unique(costs, return_inverse=True)
    few = values.size <= 1024
    held = (jnp.asarray(costs), jnp.asarray(levels.astype(np.int32)), jnp.asarray(values))
    gradient = task == "qaoa-gradient"

    def function(group: int, table: bool) -> Any:
        work = _energy_and_gradient if gradient else _energy
        return jax.jit(partial(work, qubits=int(instance["n"]), group=group, table=table))

    def call(function: Any, gammas: Any, betas: Any) -> Any:
        return jax.block_until_ready(function(jnp.asarray(gammas), jnp.asarray(betas), *held))

    g, b = (np.asarray(options[key], np.float32) for key in ("gammas", "betas"))
    variants = {
        f"{group} qubits at a time, {'table' if table else 'sine'}": function(group, table)
        for group in (3, 4, 5, 6)
        for table in ((True, False) if few and group == 4 else (few,))
    }
    best = fastest(lambda function: call(function, g[:1], b[:1]), variants)
    chosen = variants[best]

    def run(at: dict[str, Any]) -> dict[str, Any]:
        g, b = (np.asarray(at[key], np.float32) for key in ("gammas", "betas"))
        if not gradient:
            return {"energy": float(call(chosen, g, b))}
        energy, slopes = call(chosen, g, b)
        return {"energy": float(energy), "gradient": np.concatenate(slopes)}

    return run, best


def _energy(
    gammas: Any, betas: Any, costs: Any, levels: Any, values: Any, *,
    qubits: int, group: int, table: bool
) -> Any:  # fmt: skip
    state = _state(gammas, betas, costs, levels, values, qubits, group, table)
    return jnp.sum((state.real**2 + state.imag**2) * costs)


def _energy_and_gradient(
    gammas: Any, betas: Any, costs: Any, levels: Any, values: Any, *,
    qubits: int, group: int, table: bool
) -> Any:  # fmt: skip
    state = _state(gammas, betas, costs, levels, values, qubits, group, table)
    energy = jnp.sum((state.real**2 + state.imag**2) * costs)
    adjoint = state * costs
    by_gamma, by_beta = [], []
    for gamma, beta in zip(gammas[::-1], betas[::-1], strict=True):
        slope, left = 0.0, qubits
        while left:  # as in `_mix`, both states, with the inverse; the generator commutes with it
            held = min(group, left)
            state, adjoint = state.reshape(2**held, -1), adjoint.reshape(2**held, -1)
            slope += jnp.sum((adjoint.conj() * (_flips(held) @ state)).imag)
            back = _rotation(-beta, held)
            state, adjoint = (jnp.tensordot(x, back, axes=((0,), (0,))) for x in (state, adjoint))
            left -= held
        state, adjoint = state.reshape(-1), adjoint.reshape(-1)
        by_beta.append(2 * slope)
        by_gamma.append(2 * jnp.sum((adjoint.conj() * state).imag * costs))
        phases = _phases(-gamma, costs, levels, values, table)
        state, adjoint = state * phases, adjoint * phases
    return energy, (jnp.stack(by_gamma[::-1]), jnp.stack(by_beta[::-1]))


def _state(
    gammas: Any, betas: Any, costs: Any, levels: Any, values: Any,
    qubits: int, group: int, table: bool
) -> Any:  # fmt: skip
    state = jnp.full(2**qubits, 2 ** (-qubits / 2), jnp.complex64)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = state * _phases(gamma, costs, levels, values, table)
        state = _mix(state, beta, qubits, group)
    return state


def _phases(gamma: Any, costs: Any, levels: Any, values: Any, table: bool) -> Any:
    angles = gamma * (values if table else costs)
    phases = jax.lax.complex(jnp.cos(angles), -jnp.sin(angles))
    return phases[levels] if table else phases


def _flips(qubits: int) -> Any:
    """Matrix of the sum of X over qubits."""
    states = np.arange(2**qubits)
    matrix = np.zeros((2**qubits, 2**qubits), np.complex64)
    for qubit in range(qubits):
        matrix[states, states ^ (1 << qubit)] = 1
    return jnp.asarray(matrix)


def _mix(state: Any, beta: Any, qubits: int, group: int) -> Any:
    left = qubits
    while left:
        held = min(group, left)
        matrix = _rotation(beta, held)
        # The highest axis goes last; after all groups the qubits are back in their places.
        state = jnp.tensordot(state.reshape(2**held, -1), matrix, axes=((0,), (0,)))
        left -= held
    return state.reshape(-1)


def _rotation(beta: Any, qubits: int) -> Any:
    c, s = jnp.cos(beta), jnp.sin(beta)
    one = jnp.array([[1, 0], [0, 1]]) * c - 1j * jnp.array([[0, 1], [1, 0]]) * s
    matrix = one = one.astype(jnp.complex64)
    for _ in range(qubits - 1):
        matrix = jnp.kron(matrix, one)
    return matrix
