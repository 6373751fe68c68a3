"""The quantum approximate optimisation algorithm (QAOA), exactly, on a state vector."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64, Int8, UInt8

from qupel.errors import InputError
from qupel.kernels.cpu import check_threads
from qupel.model import Ising, Outcome, Qubo, Samples
from qupel.model.checks import reals, whole
from qupel.simulators.cube import CubeState
from qupel.simulators.on_device import DeviceState
from qupel.simulators.registers import RegisterState
from qupel.simulators.subspace import Subspace
from qupel.simulators.terms import check_angles, check_size
from qupel.simulators.warm import WarmState

Precision = Literal["single", "double"]
Mixer = Literal["x", "xy-ring", "xy-complete", "warm"]


class Qaoa:
    """A QAOA circuit for one form: layers of ``exp(-i gamma cost)`` and a mixer.

    The mixer ``x`` is ``exp(-i beta sum X)``, from equal amplitudes of all ``2**n`` states. The
    XY mixers never leave the states that keep the form's quotas, and hold only those: variables
    under a quota are mixed by ``exp(-i beta (XX + YY)/2)`` on pairs, one after another in the
    order told in `Subspace.groups`, free variables by ``x``; the start is equal amplitudes of
    all states that keep the quotas (a Dicke state for each quota). The mixer ``warm`` starts from
    a product state and turns about it, see `qupel.simulators.warm`. Angles are in radians, with
    energies in the form's own unit. Qubit 0 is the lowest bit.

    Costs that no flip of all bits changes, as every Ising form without fields has, need half of the
    states, and costs of at most 64 evenly spaced values one byte a state. In ``single``, 30 qubits
    take 5 GiB in the best case and 12 GiB in the worst; a gradient holds the state twice.

    An object keeps its state from call to call, so it serves one thread at a time.

    Parameters
    ----------
    form
        `Ising`, `Qubo`, or the costs of all ``2**n`` states.
    precision
        ``single`` is twice as fast; expectations are good to about 1e-6 of the range of costs where
        gamma times a cost is some radians. A phase of 1e6 is known to a tenth only, a phase of 1e8
        not at all: such angles need ``double``.
    threads
        Threads to use, by default all that the process may use; they change no result.
    mixer
        ``x``, ``xy-ring``, ``xy-complete`` or ``warm``.
    start
        Probability of one of each variable, for the mixer ``warm`` alone.
    device
        ``cpu``, or ``gpu`` for the CUDA twin of the mixer ``x`` (extra ``gpu``).

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
        threads: int | None = None,
        mixer: Mixer = "x",
        start: Any = None,
        device: Literal["cpu", "gpu"] = "cpu",
    ) -> None:
        if precision not in get_args(Precision) or mixer not in get_args(Mixer):
            raise InputError(
                f"precision must be one of {get_args(Precision)} and mixer one of "
                f"{get_args(Mixer)}, got {precision!r} and {mixer!r}"
            )
        if threads is not None:
            check_threads(threads)
        if device not in {"cpu", "gpu"}:
            raise InputError(f"device must be cpu or gpu, got {device!r}")
        if (start is not None) != (mixer == "warm"):
            raise InputError("mixer 'warm' needs a start, and only it takes one")
        team = threads or len(os.sched_getaffinity(0))
        dtype = np.float32 if precision == "single" else np.float64
        self.form = form
        self.subspace = _subspace(form, mixer)
        checked = _checked(form)
        check_size(checked, precision)
        self._precision = precision
        self._state: DeviceState | CubeState | RegisterState | WarmState
        if device == "gpu":
            if mixer != "x":
                raise InputError(f"a device has the mixer 'x' alone, got {mixer!r}")
            self._state = DeviceState(checked, dtype)
        elif mixer == "warm":
            self._state = WarmState(checked, start, dtype, team)
        elif self.subspace.quotas and isinstance(form, Ising | Qubo):
            ring = mixer == "xy-ring"
            self._state = RegisterState(form, self.subspace, ring=ring, dtype=dtype, threads=team)
        else:
            self._state = CubeState(checked, dtype, team)
        self.spread = self._state.spread
        self._ranked: tuple[np.ndarray, np.ndarray] | None = None

    def energy(self, gammas: Any, betas: Any) -> float:
        """Return the expected cost after as many layers as there are angles of each kind."""
        return self._state.energy(*self._angles(gammas, betas))

    def energy_and_gradient(
        self, gammas: Any, betas: Any
    ) -> tuple[float, Float64[np.ndarray, " layers"], Float64[np.ndarray, " layers"]]:
        """Return the expected cost and its exact derivatives by ``gammas`` and by ``betas``."""
        return self._state.gradient(*self._angles(gammas, betas))

    def cvar(self, gammas: Any, betas: Any, alpha: float) -> float:
        """Return the expected cost of the best share ``alpha`` of outcomes, 0 < alpha <= 1.

        References
        ----------
        Barkoutsos and others (2020), Improving variational quantum optimization using CVaR,
        doi:10.22331/q-2020-04-20-256.
        """
        if not 0 < alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, got {alpha}")
        if self._ranked is None:
            costs = self._state.costs()
            order = np.argsort(costs, kind="stable")
            self._ranked = order, costs[order]
        order, costs = self._ranked
        weights = self._state.distribution(*self._angles(gammas, betas))[order]
        before = np.cumsum(weights) - weights
        taken = np.clip(alpha - before, 0, weights)
        return float(costs @ taken / taken.sum())

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient on one thread, before anything is timed."""
        return self._state.layer_seconds()

    def probabilities(self, gammas: Any, betas: Any) -> Float64[np.ndarray, " states"]:
        """Return the probability of each state, in the order of ``subspace``."""
        return self._state.probabilities(*self._angles(gammas, betas))

    def sample(self, gammas: Any, betas: Any, *, shots: int, rng: np.random.Generator) -> Samples:
        """Measure ``shots`` times; repeated outcomes are merged and counted."""
        whole("shots", shots)
        drawn = self._state.draw(*self._angles(gammas, betas), np.sort(rng.random(shots)))
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

    def _angles(self, gammas: Any, betas: Any) -> tuple[np.ndarray, np.ndarray]:
        first, second = (
            reals(name, row, least_axes=1) for name, row in (("gammas", gammas), ("betas", betas))
        )
        if first.ndim != 1 or first.shape != second.shape:
            raise InputError(
                "a circuit has one gamma and one beta a layer, in rows of equal length, got shapes "
                f"{first.shape} and {second.shape}"
            )
        check_angles(first, spread=self.spread, precision=self._precision)
        check_angles(second, spread=1.0, precision=self._precision)
        return first, second


def _subspace(form: Any, mixer: Mixer) -> Subspace:
    if isinstance(form, Ising | Qubo):
        if mixer in {"x", "warm"}:
            return Subspace(form.variables)
        if not form.quotas:
            raise InputError(f"mixer {mixer!r} needs a form with quotas, got none; use 'x'")
        return Subspace(form.variables, form.quotas)
    costs = reals("costs", form)
    if costs.ndim != 1 or costs.size < 2 or costs.size & (costs.size - 1):
        raise InputError(f"a vector of costs has 2**n entries, n >= 1, got shape {costs.shape}")
    if mixer not in {"x", "warm"}:
        raise InputError(f"mixer {mixer!r} needs a form with quotas; a vector of costs has none")
    return Subspace(costs.size.bit_length() - 1)


def _checked(form: Any) -> Any:
    """Form of the X mixer: a vector of costs as finite doubles."""
    if isinstance(form, Ising | Qubo):
        return form
    costs = np.array(form, np.float64)
    if not np.isfinite(costs).all():
        raise InputError("costs must be finite")
    return costs
