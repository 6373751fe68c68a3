"""The QAOA state with the X mixer: which costs the cube of bit strings has, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64, Int64

from qupel.kernels import cube as kernel
from qupel.kernels import qaoa
from qupel.model import Ising, Qubo
from qupel.simulators.lattice import lattice_of, spacing_of
from qupel.simulators.memory import check_memory
from qupel.simulators.terms import over_bits, spin_terms

_AT_ONCE = 2**20
_ROUNDING = 1e-13


class CubeState:
    """A QAOA state over all bit strings, its highest bit left out where complements cost the same.

    Parameters
    ----------
    form
        `Ising`, `Qubo`, or the costs of all ``2**n`` states.
    dtype
        Type of the amplitudes' parts.
    threads
        Threads to use; they change no result.

    Attributes
    ----------
    mirrored
        Whether only half of the states are held.
    spread
        Standard deviation of the cost over all states.
    """

    def __init__(
        self,
        form: Ising | Qubo | Float64[np.ndarray, " states"],
        dtype: type[np.float32] | type[np.float64],
        threads: int,
    ) -> None:
        self._form = form
        if isinstance(form, Ising | Qubo):
            variables = form.variables
            _check_memory(variables - 1, np.dtype(dtype).itemsize)
            ends, weights, offset = spin_terms(form)
            fields = ends[:, 0] == ends[:, 1]
            tiny = _ROUNDING * np.abs(weights).sum()
            symmetric = bool((np.abs(weights[fields]) <= tiny).all())
            weights = weights[~fields] if symmetric else weights
            self.spread = float(np.sqrt(weights @ weights))
            lattice = lattice_of(weights, offset, kernel.LEVELS)
            centre = offset
        else:
            variables = form.size.bit_length() - 1
            symmetric = bool(np.array_equal(form, form[::-1]))
            self.spread = float(form.std())
            lattice = spacing_of(form, kernel.LEVELS)
            centre = float(form.max() / 2 + form.min() / 2)
        self.mirrored = symmetric and variables > kernel.TABLED
        qubits = variables - self.mirrored
        if qubits < kernel.TABLED:
            lattice = None
        real = np.dtype(dtype).itemsize
        _check_memory(qubits, real, tabled=lattice is not None)
        self._cube = kernel.Cube(
            qubits,
            mirrored=self.mirrored,
            lattice=lattice,
            centre=centre,
            dtype=dtype,
            threads=threads,
        )
        self._threads = threads
        self._held = 1 << qubits
        for begin, costs in self._costs():
            self._cube.fill(begin, costs)

    def energy(self, gammas: np.ndarray, betas: np.ndarray) -> float:
        """Return the expected cost after all layers."""
        return self._cube.evolve(gammas, betas, keep=False)

    def gradient(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its derivatives."""
        return self._cube.gradient(gammas, betas)

    def distribution(self, gammas: np.ndarray, betas: np.ndarray) -> Float64[np.ndarray, " held"]:
        """Return the probabilities of the states held; they stand for their complements too."""
        self._cube.evolve(gammas, betas, keep=True)
        parts = [
            self._cube.weights(begin, min(_AT_ONCE, self._held))
            for begin in range(0, self._held, _AT_ONCE)
        ]
        return np.concatenate(parts)

    def probabilities(
        self, gammas: np.ndarray, betas: np.ndarray
    ) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state."""
        held = self.distribution(gammas, betas)
        return np.concatenate([held, held[::-1]]) / 2 if self.mirrored else held

    def costs(self) -> Float64[np.ndarray, " held"]:
        """Return the costs of the states held."""
        return np.concatenate([costs for _, costs in self._costs()])

    def draw(
        self, gammas: np.ndarray, betas: np.ndarray, shares: Float64[np.ndarray, " shots"]
    ) -> Int64[np.ndarray, " shots"]:
        """Return the states at which the summed probability passes ``shares``, ascending."""
        self._cube.evolve(gammas, betas, keep=True)
        if not self.mirrored:
            return self._cube.draw(shares)
        upper = shares >= 0.5
        first = self._cube.draw(2 * shares[~upper])
        second = self._cube.draw(2 * shares[upper] - 1)
        return np.concatenate([first, 2 * self._held - 1 - second])

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return 1e-5 + 8e-9 * self._held

    def _costs(self) -> Iterator[tuple[int, Float64[np.ndarray, " some"]]]:
        """Costs of the states held, a run at a time."""
        if not isinstance(self._form, Ising | Qubo):
            yield 0, np.ascontiguousarray(self._form[: self._held])
            return
        linear, pairs, offset = over_bits(self._form)
        size = min(self._held, _AT_ONCE)
        low = size.bit_length() - 1
        for begin in range(0, self._held, size):
            ones = np.array([(begin >> i) & 1 for i in range(linear.size)], np.float64)
            base = offset + ones @ linear + ones @ pairs @ ones
            tilted = (linear + pairs @ ones)[:low]
            yield (
                begin,
                qaoa.diagonal(
                    tilted, np.ascontiguousarray(pairs[:low, :low]), float(base), self._threads
                ),
            )


def _check_memory(qubits: int, real: int, *, tabled: bool = True) -> None:
    state = (2 * real + (2 if tabled else real)) << min(max(qubits, 0), 60)
    check_memory(qubits, state, f"the 2**{qubits} amplitudes held, and their costs,")
