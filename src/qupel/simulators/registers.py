"""The QAOA state under XY mixers: only the states that keep every quota."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from qupel.kernels import qaoa as kernel
from qupel.model import Ising, Qubo
from qupel.simulators.subspace import Subspace
from qupel.simulators.terms import over_bits


class RegisterState:
    """A QAOA state over the states of a subspace, mixed by XY rotations under its quotas.

    Parameters
    ----------
    form
        `Ising` or `Qubo`, with quotas.
    subspace
        The states held, and their order.
    ring
        Whether quotas are mixed on a ring, or else on all pairs.
    dtype
        Type of the amplitudes' parts.
    threads
        Threads to use; they change no result.

    Attributes
    ----------
    spread
        Standard deviation of the cost over all states held.
    """

    def __init__(
        self,
        form: Ising | Qubo,
        subspace: Subspace,
        *,
        ring: bool,
        dtype: type[np.float32] | type[np.float64],
        threads: int,
    ) -> None:
        self._costs = kernel.energies(subspace.masks(), *over_bits(form), threads)
        self._middle = float(self._costs.max() / 2 + self._costs.min() / 2)
        self.spread = float(self._costs.std())
        self._rotations = subspace.rotations(ring=ring)
        self._dtype = dtype
        states = subspace.size
        cost = kernel.plane(states, dtype)
        np.subtract(self._costs, self._middle, out=cost[:states], casting="same_kind")
        self._state = kernel.State(
            kernel.plane(states, dtype),
            kernel.plane(states, dtype),
            cost,
            states,
            len(subspace.free),
            subspace.groups(ring=ring),
            threads,
        )
        self._adjoint: tuple[kernel.Plane, kernel.Plane] | None = None

    def energy(self, gammas: np.ndarray, betas: np.ndarray) -> float:
        """Return the expected cost after all layers."""
        return self._state.evolve(gammas, betas) + self._middle

    def gradient(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its derivatives."""
        if self._adjoint is None:
            states = self._state.states
            self._adjoint = (kernel.plane(states, self._dtype), kernel.plane(states, self._dtype))
        energy, by_gamma, by_beta = self._state.gradient(*self._adjoint, gammas, betas)
        return energy + self._middle, by_gamma, by_beta

    def probabilities(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state."""
        self._state.evolve(gammas, betas)
        return kernel.probabilities(self._state.re, self._state.im, self._state.states)

    distribution = probabilities

    def costs(self) -> Float64[np.ndarray, " states"]:
        """Return the costs of the states."""
        return self._costs

    def draw(
        self, gammas: np.ndarray, betas: np.ndarray, shares: Float64[np.ndarray, " shots"]
    ) -> Int64[np.ndarray, " shots"]:
        """Return the states at which the summed probability passes ``shares``, ascending."""
        self._state.evolve(gammas, betas)
        return self._state.draw(shares)

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return 1e-5 + 1e-8 * self._state.states * (1 + self._rotations)
