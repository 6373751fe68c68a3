"""Where the qubits of a warm start point.

A warm start gives every variable a probability of one. Qubit i starts as
``cos(theta_i / 2) |0> + sin(theta_i / 2) |1>`` with ``sin(theta_i / 2)**2`` its probability, and is
mixed by ``exp(-i beta (sin theta_i X + cos theta_i Z))``, which leaves the start as it is. The
generator is minus that of Egger, Mareček and Woerner (2021), doi:10.22331/q-2021-06-17-479, so that
probabilities of one half are the usual circuit, sign of beta included: where they minimise with
beta positive, here it is negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError


def axes_of(start: Any, variables: int) -> Float64[np.ndarray, " n"]:
    """Angle theta of each qubit, in radians, from its probability of one.

    Raises
    ------
    InputError
        If ``start`` is not one number from 0 to 1 a variable.
    """
    held = np.asarray(start, np.float64)
    if held.shape != (variables,):
        raise InputError(
            f"a warm start has one probability a variable, got shape {held.shape} "
            f"for {variables} variables"
        )
    if not ((held >= 0) & (held <= 1)).all():
        raise InputError(f"probabilities of a warm start must be 0 to 1, got {held}")
    # Exactly pi / 2 at one half: the kernel then leaves out what is zero.
    return np.where(held == 0.5, np.pi / 2, 2 * np.arcsin(np.sqrt(held)))


def softened(bits: Any, epsilon: float = 0.25) -> Float64[np.ndarray, " n"]:
    """Probabilities of one for a start from ``bits`` or a relaxed solution, kept off 0 and 1.

    Parameters
    ----------
    bits
        Values from 0 to 1.
    epsilon
        Values are brought into ``epsilon`` to ``1 - epsilon``: at 0 the circuit never leaves the
        start, at 0.5 it forgets it.
    """
    if not 0 <= epsilon <= 0.5:
        raise InputError(f"epsilon must be 0 to 0.5, got {epsilon}")
    return np.clip(np.asarray(bits, np.float64), epsilon, 1 - epsilon)
