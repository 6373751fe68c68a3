"""QAOA with an angle of its own for every term and every qubit, exactly, on a state vector."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.kernels import mixers as kernel
from qupel.kernels.cpu import check_threads
from qupel.kernels.qaoa import Plane, plane, probabilities
from qupel.model import Ising, Outcome, Qubo, Samples, bits_of
from qupel.model.checks import reals, whole
from qupel.simulators.qaoa import Precision
from qupel.simulators.subspace import Subspace
from qupel.simulators.terms import check_angles, check_size, spin_terms
from qupel.simulators.warm import axes_of, costs_of


class MultiAngleQaoa:
    """A QAOA circuit whose terms and qubits each have an angle of their own.

    A layer is the phase ``exp(-i sum_t gamma_t weight_t term_t)`` over the terms of the cost, then
    ``exp(-i beta_q X)`` on every qubit q; with ``start``, the turn of a warm start in place of X
    (see `qupel.simulators.warm`). Equal angles in a layer make the circuit `Qaoa`. A layer has as
    many angles as there are terms and qubits, which find better expectations with fewer layers,
    though not with less work in all. Angles are in radians, with energies in the form's own unit.
    Qubit 0 is the lowest bit.

    The simulator keeps its planes from call to call, so one object serves one thread at a time:
    2 to 4 planes of 4 bytes a state (``single``) or 8 (``double``).

    Parameters
    ----------
    form
        `Ising` or `Qubo`; quotas are not kept.
    precision
        ``single`` is about twice as fast.
    threads
        Threads to use; they change no result.
    start
        Probability of one of each variable; None for one half.

    Attributes
    ----------
    terms
        The two spins of each term, twice the same for a field: fields by spin, then couplings by
        their first and second spin. Only those that are not zero.
    weights
        Weight of each term, in the unit of energies.
    spread
        Standard deviation of the cost over all states, in the form's unit.

    References
    ----------
    Herrman, Lotshaw, Ostrowski, Humble, Siopsis (2022), Multi-angle quantum approximate
    optimization algorithm, doi:10.1038/s41598-022-10555-8; Egger, Mareček, Woerner (2021),
    Warm-starting quantum optimization, doi:10.22331/q-2021-06-17-479.
    """

    def __init__(
        self,
        form: Ising | Qubo,
        *,
        precision: Precision = "single",
        threads: int = 1,
        start: Any = None,
    ) -> None:
        if precision not in get_args(Precision):
            raise InputError(f"precision must be one of {get_args(Precision)}, got {precision!r}")
        check_threads(threads)
        check_size(form, precision)
        self.form = form
        self._precision = precision
        self.subspace = Subspace(form.variables)
        self.terms, self.weights, self._offset = spin_terms(form)
        self.spread = float(np.sqrt(self.weights @ self.weights))
        halves = np.full(form.variables, 0.5)
        self._dtype = np.float32 if precision == "single" else np.float64
        self._state = kernel.tilted_state(
            axes_of(halves if start is None else start, form.variables),
            self._dtype,
            ends=self.terms,
            weights=self.weights,
            threads=threads,
        )
        self._adjoint: tuple[Plane, Plane] | None = None
        self._costs: tuple[np.ndarray, np.ndarray] | None = None

    def energy(self, gammas: Any, betas: Any) -> float:
        """Return the expected cost.

        Parameters
        ----------
        gammas
            Shape ``(layers, terms)``, or ``(layers,)`` for one angle a layer.
        betas
            Shape ``(layers, qubits)``, or ``(layers,)``.
        """
        return self._state.evolve_each(*self._angles(gammas, betas)) + self._offset

    def energy_and_gradient(
        self, gammas: Any, betas: Any
    ) -> tuple[float, Float64[np.ndarray, "*gammas"], Float64[np.ndarray, "*betas"]]:
        """Return the expected cost and its exact derivatives by the angles, in their shape."""
        if self._adjoint is None:
            states = self.subspace.size
            self._adjoint = (plane(states, self._dtype), plane(states, self._dtype))
        energy, by_phase, by_turn = self._state.gradient_each(
            *self._adjoint, *self._angles(gammas, betas)
        )
        by_gamma = by_phase * self.weights
        if np.ndim(gammas) == 1:
            by_gamma = by_gamma.sum(axis=1)
        if np.ndim(betas) == 1:
            by_turn = by_turn.sum(axis=1)
        return energy + self._offset, by_gamma, by_turn

    def cvar(self, gammas: Any, betas: Any, alpha: float) -> float:
        """Return the expected cost of the best ``alpha`` of all outcomes, ``0 < alpha <= 1``."""
        if not 0 < alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, got {alpha}")
        weights = self.probabilities(gammas, betas)
        if self._costs is None:
            costs = costs_of(self.form)
            self._costs = costs, np.argsort(costs, kind="stable")
        costs, order = self._costs
        taken = np.minimum(np.cumsum(weights[order]) / weights.sum(), alpha)
        return float(np.diff(taken, prepend=0.0) @ costs[order] / alpha)

    def probabilities(self, gammas: Any, betas: Any) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state, by index."""
        self.energy(gammas, betas)
        return probabilities(self._state.re, self._state.im, self.subspace.size)

    def correlations(self, gammas: Any, betas: Any) -> Float64[np.ndarray, "qubits qubits"]:
        """Return expected spins on the diagonal, expected products of two spins above it."""
        self.energy(gammas, betas)
        return self._state.correlations()

    def sample(self, gammas: Any, betas: Any, *, shots: int, rng: np.random.Generator) -> Samples:
        """Measure ``shots`` times; repeated outcomes are merged and counted."""
        whole("shots", shots)
        self.energy(gammas, betas)
        drawn = self._state.draw(np.sort(rng.random(shots)))
        return measured(self.form, *np.unique(drawn, return_counts=True))

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return 2e-8 * self.subspace.size

    def _angles(
        self, gammas: Any, betas: Any
    ) -> tuple[Float64[np.ndarray, "layers terms"], Float64[np.ndarray, "layers qubits"]]:
        phases = _rows(gammas, len(self.terms), "gamma", "term")
        turns = _rows(betas, self.form.variables, "beta", "qubit")
        if len(phases) != len(turns):
            raise InputError(
                f"a layer has gammas and betas, got {len(phases)} layers of gammas and "
                f"{len(turns)} of betas"
            )
        check_angles(phases, spread=self.spread, precision=self._precision)
        check_angles(turns, spread=1.0, precision=self._precision)
        return phases * self.weights, turns


def measured(
    form: Ising | Qubo,
    indices: Int64[np.ndarray, " rows"],
    occurrences: Int64[np.ndarray, " rows"],
) -> Samples:
    """Samples of a form from distinct indices of states and how often each was seen."""
    bits = bits_of(indices, form.variables)
    values: Any = bits if isinstance(form, Qubo) else 1 - 2 * bits.astype(np.int8)
    energies = form.energies(values)
    rows = np.lexsort(values.T[::-1])  # equal energies are ordered by their values
    order = rows[np.argsort(energies[rows], kind="stable")]
    return Samples(values[order], energies[order], occurrences[order], Outcome.SAMPLED)


def _rows(angles: Any, width: int, kind: str, owner: str) -> Float64[np.ndarray, "layers width"]:
    held = reals(f"{kind}s", angles)
    if held.ndim == 1:
        held = np.repeat(held[:, None], width, axis=1)
    if held.ndim != 2 or held.shape[1] != width:
        raise InputError(
            f"a layer has one {kind}, or one a {owner} ({width}), got shape {held.shape}"
        )
    return held
