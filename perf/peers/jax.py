"""QAOA written out in JAX: one jitted function, precomputed costs, single precision.

What a user without a library for QAOA would write with care: phases from a table where costs take
few values, else sine and cosine of the diagonal; the mixer as a product with the matrix of several
qubits at a time, the axes rotating. How many qubits at a time is measured here on one layer, and
the best is kept. Gradients are JAX's own reverse mode.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from perf.peers.serve import Run
from perf.peers.shared import diagonal, fastest

PACKAGES = ("jax", "jaxlib", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    if task not in {"qaoa-energy", "qaoa-gradient"}:
        raise NotImplementedError(task)
    if options.get("precision", "single") != "single":
        raise NotImplementedError("measured in single precision")
    assert threads <= len(os.sched_getaffinity(0))  # XLA's threads follow the cores it may use
    costs = diagonal(int(instance["n"]), instance["pairs"], instance["weights"])
    values, levels = np.unique(costs, return_inverse=True)
    few = values.size <= 1024
    held = (jnp.asarray(costs), jnp.asarray(levels.astype(np.int32)), jnp.asarray(values))
    gradient = task == "qaoa-gradient"

    def function(group: int, table: bool) -> Any:
        energy = partial(_energy, qubits=int(instance["n"]), group=group, table=table)
        return jax.jit(jax.value_and_grad(energy, argnums=(0, 1)) if gradient else energy)

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
    size = 2**qubits
    state = jnp.full(size, 2 ** (-qubits / 2), jnp.complex64)
    for gamma, beta in zip(gammas, betas, strict=True):
        angles = gamma * (values if table else costs)
        phases = jax.lax.complex(jnp.cos(angles), -jnp.sin(angles))
        state = state * (phases[levels] if table else phases)
        state = _mix(state, beta, qubits, group)
    return jnp.sum((state.real**2 + state.imag**2) * costs)


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
