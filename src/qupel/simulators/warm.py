"""The QAOA state of a warm start, and where its qubits point.

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
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.kernels import mixers as kernel
from qupel.kernels.qaoa import Plane, diagonal, plane, probabilities
from qupel.model import Ising, Qubo
from qupel.simulators.terms import over_bits, spin_terms


class WarmState:
    """A QAOA state that starts where ``start`` points, with the mixer that belongs to it.

    Parameters
    ----------
    form
        `Ising`, `Qubo`, or the costs of all ``2**n`` states.
    start
        Probability of one of each variable.
    dtype
        Type of the amplitudes' parts.
    threads
        Threads to use; they change no result.

    Attributes
    ----------
    spread
        Standard deviation of the cost over all states.
    """

    def __init__(
        self,
        form: Ising | Qubo | Float64[np.ndarray, " states"],
        start: Any,
        dtype: type[np.float32] | type[np.float64],
        threads: int,
    ) -> None:
        self._form, self._dtype = form, dtype
        if isinstance(form, Ising | Qubo):
            self._variables = form.variables
            axes = axes_of(start, self._variables)
            ends, weights, self._middle = spin_terms(form)
            self._state = kernel.tilted_state(
                axes, dtype, ends=ends, weights=weights, threads=threads
            )
            self.spread = float(np.sqrt(weights @ weights))
        else:
            self._variables = form.size.bit_length() - 1
            axes = axes_of(start, self._variables)
            self._middle = float(form.max() / 2 + form.min() / 2)
            cost = plane(form.size, dtype)
            np.subtract(form, self._middle, out=cost[: form.size], casting="same_kind")
            self._state = kernel.tilted_state(axes, dtype, cost=cost, threads=threads)
            self.spread = float(form.std())
        self._adjoint: tuple[Plane, Plane] | None = None

    def energy(self, gammas: np.ndarray, betas: np.ndarray) -> float:
        """Return the expected cost after all layers."""
        return self._state.evolve(gammas, betas) + self._middle

    def gradient(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its derivatives."""
        if self._adjoint is None:
            states = 1 << self._variables
            self._adjoint = (plane(states, self._dtype), plane(states, self._dtype))
        energy, by_gamma, by_beta = self._state.gradient(*self._adjoint, gammas, betas)
        return energy + self._middle, by_gamma, by_beta

    def probabilities(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state."""
        self._state.evolve(gammas, betas)
        return probabilities(self._state.re, self._state.im, 1 << self._variables)

    distribution = probabilities

    def costs(self) -> Float64[np.ndarray, " states"]:
        """Return the costs of the states."""
        return costs_of(self._form)

    def draw(
        self, gammas: np.ndarray, betas: np.ndarray, shares: Float64[np.ndarray, " shots"]
    ) -> Int64[np.ndarray, " shots"]:
        """Return the states where the summed probability passes each of ``shares``, ascending."""
        self._state.evolve(gammas, betas)
        return self._state.draw(shares)

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return 1e-5 + 2e-8 * (1 << self._variables)


def costs_of(form: Ising | Qubo | Float64[np.ndarray, " states"]) -> Float64[np.ndarray, " states"]:
    """Cost of every state of a form, by index."""
    if not isinstance(form, Ising | Qubo):
        return form
    return diagonal(*over_bits(form))


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
