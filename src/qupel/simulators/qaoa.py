"""The quantum approximate optimisation algorithm (QAOA), exactly, on a state vector."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64, Int8, UInt8

from qupel.errors import InputError
from qupel.kernels import qaoa as kernel
from qupel.model import Ising, Outcome, Qubo, Samples
from qupel.simulators.subspace import Subspace

Precision = Literal["single", "double"]
Mixer = Literal["x", "xy-ring", "xy-complete"]


class Qaoa:
    """A QAOA circuit for one form: layers of ``exp(-i gamma cost)`` and a mixer.

    The mixer ``x`` is ``exp(-i beta sum X)``, from equal amplitudes of all ``2**n`` states. The
    XY mixers never leave the states that keep the form's quotas, and hold only those: variables
    under a quota are mixed by ``exp(-i beta (XX + YY)/2)`` on pairs, one after another in the
    order told in `Subspace.groups`, free variables by ``x``; the start is equal amplitudes of
    all states that keep the quotas (a Dicke state for each quota). Angles are in radians, with
    energies in the form's own unit. Qubit 0 is the lowest bit.

    The simulator keeps its planes from call to call, so one object serves one thread at a time:
    4 to 5 planes of 4 bytes a state (``single``) or 8 (``double``).

    Parameters
    ----------
    form
        `Ising`, `Qubo`, or the costs of all ``2**n`` states.
    precision
        ``single`` is twice as fast; expectations are good to about 1e-6 of the range of costs.
    threads
        Threads to use; they change no result.
    mixer
        ``x``, ``xy-ring`` or ``xy-complete``.

    Attributes
    ----------
    subspace
        The states held, and their order.
    spread
        Standard deviation of the cost over all states held, in the form's unit.

    References
    ----------
    Farhi, Goldstone, Gutmann (2014), arXiv:1411.4028; Hadfield and others (2019), From the
    quantum approximate optimization algorithm to a quantum alternating operator ansatz,
    doi:10.3390/a12020034.
    """

    def __init__(
        self,
        form: Ising | Qubo | Float64[np.ndarray, " states"],
        *,
        precision: Precision = "single",
        threads: int = 1,
        mixer: Mixer = "x",
    ) -> None:
        if precision not in get_args(Precision) or mixer not in get_args(Mixer):
            raise InputError(
                f"precision must be one of {get_args(Precision)} and mixer one of "
                f"{get_args(Mixer)}, got {precision!r} and {mixer!r}"
            )
        if threads < 1:
            raise InputError(f"threads must be at least 1, got {threads}")
        self.form = form
        self.subspace = _subspace(form, mixer)
        costs = _costs(form, self.subspace, threads)
        self._middle = float(costs.max() / 2 + costs.min() / 2)
        self.spread = float(costs.std())
        self._rotations = self.subspace.rotations(ring=mixer == "xy-ring")
        dtype = np.float32 if precision == "single" else np.float64
        states = self.subspace.size
        cost = kernel.plane(states, dtype)
        np.subtract(costs, self._middle, out=cost[:states], casting="same_kind")
        self._state = kernel.State(
            kernel.plane(states, dtype),
            kernel.plane(states, dtype),
            cost,
            states,
            len(self.subspace.free),
            self.subspace.groups(ring=mixer == "xy-ring"),
            threads,
        )
        self._adjoint: tuple[kernel.Plane, kernel.Plane] | None = None

    def energy(self, gammas: Any, betas: Any) -> float:
        """Return the expected cost after as many layers as there are angles of each kind."""
        return self._state.evolve(*_angles(gammas, betas)) + self._middle

    def energy_and_gradient(
        self, gammas: Any, betas: Any
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its exact derivatives by ``gammas`` and by ``betas``."""
        if self._adjoint is None:
            dtype = self._state.re.dtype.type
            states = self.subspace.size
            self._adjoint = (kernel.plane(states, dtype), kernel.plane(states, dtype))
        energy, by_gamma, by_beta = self._state.gradient(*self._adjoint, *_angles(gammas, betas))
        return energy + self._middle, by_gamma, by_beta

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return 1e-8 * self.subspace.size * (1 + self._rotations)

    def probabilities(self, gammas: Any, betas: Any) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state, in the order of ``subspace``."""
        self.energy(gammas, betas)
        states = self.subspace.size
        re = self._state.re[:states].astype(np.float64)
        im = self._state.im[:states].astype(np.float64)
        return re * re + im * im

    def sample(self, gammas: Any, betas: Any, *, shots: int, rng: np.random.Generator) -> Samples:
        """Measure ``shots`` times; repeated outcomes are merged and counted."""
        if shots < 1:
            raise InputError(f"shots must be at least 1, got {shots}")
        self.energy(gammas, betas)
        drawn = self._state.draw(np.sort(rng.random(shots)))
        indices, occurrences = np.unique(drawn, return_counts=True)
        bits = self.subspace.bits(indices)
        values: UInt8[np.ndarray, "rows n"] | Int8[np.ndarray, "rows n"] = bits
        if isinstance(self.form, Ising):
            values = (1 - 2 * bits.astype(np.int8)).astype(np.int8)
        if isinstance(self.form, Ising | Qubo):
            energies = self.form.energies(values)
        else:
            energies = np.asarray(self.form, np.float64)[indices]
        rows = np.lexsort(values.T[::-1]) if values.shape[1] else np.arange(len(values))
        order = rows[np.argsort(energies[rows], kind="stable")]
        return Samples(values[order], energies[order], occurrences[order], Outcome.SAMPLED)


def _subspace(form: Any, mixer: Mixer) -> Subspace:
    if isinstance(form, Ising | Qubo):
        if mixer == "x":
            return Subspace(form.variables)
        if not form.quotas:
            raise InputError(f"mixer {mixer!r} needs a form with quotas, got none; use 'x'")
        return Subspace(form.variables, form.quotas)
    costs = np.asarray(form)
    if costs.ndim != 1 or costs.size < 2 or costs.size & (costs.size - 1):
        raise InputError(f"a vector of costs has 2**n entries, n >= 1, got shape {costs.shape}")
    if mixer != "x":
        raise InputError(f"mixer {mixer!r} needs a form with quotas; a vector of costs has none")
    return Subspace(costs.size.bit_length() - 1)


def _costs(form: Any, subspace: Subspace, threads: int) -> Float64[np.ndarray, " states"]:
    """Cost of every state held."""
    if not isinstance(form, Ising | Qubo):
        costs = np.array(form, np.float64)
        if not np.isfinite(costs).all():
            raise InputError("costs must be finite")
        return costs
    linear, pairs, offset = _over_bits(form)
    if subspace.quotas:
        return kernel.energies(subspace.masks(), linear, pairs, offset, threads)
    return kernel.diagonal(linear, pairs, offset, threads)


def _over_bits(form: Ising | Qubo) -> tuple[np.ndarray, np.ndarray, float]:
    """Linear and pair terms over bits (dense, strictly upper), and the constant."""
    if isinstance(form, Qubo):
        weights = form.weights.toarray()
        return weights.diagonal().copy(), np.triu(weights, 1), form.offset
    couplings = form.couplings.toarray()
    linear = -2 * (form.fields + couplings.sum(axis=0) + couplings.sum(axis=1))
    offset = form.offset + float(form.fields.sum() + couplings.sum())
    return linear, 4 * couplings, offset


def _angles(gammas: Any, betas: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.array(row, np.float64, ndmin=1) for row in (gammas, betas))
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(
            f"a circuit has one gamma and one beta a layer, got {first.shape} and {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("angles must be finite")
    return first, second
