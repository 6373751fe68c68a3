"""The QAOA state with the X mixer on a CUDA device."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.kernels.gpu import Device
from qupel.kernels.gpu_qaoa import State
from qupel.model import Ising, Qubo
from qupel.simulators.terms import over_bits, spin_terms

#: Most qubits, whatever the device: the host numbers states with 64 bits.
QUBITS = 40


class DeviceState:
    """A QAOA state over all bit strings, held by a CUDA device.

    Parameters
    ----------
    form
        `Ising`, `Qubo`, or the costs of all ``2**n`` states. Of a form, nothing of the length of
        the state is made on the host before `probabilities` or `costs` are asked for.
    dtype
        Type of the amplitudes' parts.
    device
        The device; None finds it.

    Attributes
    ----------
    spread
        Standard deviation of the cost over all states.

    Raises
    ------
    InputError
        If there is no device (see `qupel.kernels.gpu.find`) or too little memory on it.
    """

    def __init__(
        self,
        form: Ising | Qubo | Float64[np.ndarray, " states"],
        dtype: type[np.float32] | type[np.float64],
        device: Device | None = None,
    ) -> None:
        if isinstance(form, Ising | Qubo):
            if form.variables > QUBITS:
                raise InputError(f"a device holds at most {QUBITS} qubits, got {form.variables}")
            if not form.variables:
                raise InputError("a form without variables needs no device; use device='cpu'")
            _, weights, _ = spin_terms(form)
            self.spread = float(np.sqrt(weights @ weights))
            self._state = State.of_quadratic(*over_bits(form), dtype=dtype, device=device)
        else:
            self.spread = float(form.std())
            self._state = State.of(form, dtype=dtype, device=device)

    def energy(self, gammas: np.ndarray, betas: np.ndarray) -> float:
        """Return the expected cost after all layers."""
        return self._state.evolve(gammas, betas, keep=False)

    def gradient(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its derivatives."""
        return self._state.gradient(gammas, betas)

    def distribution(self, gammas: np.ndarray, betas: np.ndarray) -> Float64[np.ndarray, " states"]:
        """Return the probabilities of the states, all of which are held."""
        return self.probabilities(gammas, betas)

    def probabilities(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state."""
        self._state.evolve(gammas, betas)
        return self._state.probabilities()

    def costs(self) -> Float64[np.ndarray, " states"]:
        """Return the costs of all states, in the precision in which the device holds them."""
        return self._state.numbers()

    def draw(
        self, gammas: np.ndarray, betas: np.ndarray, shares: Float64[np.ndarray, " shots"]
    ) -> Int64[np.ndarray, " shots"]:
        """Return the states at which the summed probability passes ``shares``, ascending."""
        self._state.evolve(gammas, betas)
        return self._state.draw(shares)

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient, before anything is timed.

        A guess that no device was asked for: launches, and 100 bytes an amplitude at 1 TB/s.
        """
        return 2e-4 + 1e-10 * 2.0**self._state.qubits
