"""Good angles for a QAOA circuit: descent by the exact gradient, one more layer at a time."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from qupel.solvers.contract import Stop
from qupel.solvers.quantum.course import (
    LOADING,
    CappedError,
    Circuit,
    Course,
    EndedError,
    descend,
    interpolated,
)

#: First angles tried at one layer: gammas in units of the coupling scale, betas in radians.
GAMMAS = (0.25, 0.5, 1.0)
BETAS = (-0.1, -0.2, -0.4)
#: Step of the differences that stand in for slopes of a CVaR, in units of the angles.
STEP = 1e-3

Vector = Float64[np.ndarray, " angles"]


@dataclass(slots=True, eq=False)
class AngleSearch:
    """Searches angles of one circuit, layer by layer, and remembers the best.

    One layer starts from the best of the fixed angles, where there are any, and of a small grid.
    Each further layer starts from the fixed angles of that depth or from the angles so far,
    interpolated to one layer more, whichever has the lower energy; if that ends no better than
    without the layer, it starts again from the angles so far and a layer that does nothing. So
    more layers are never worse. With ``start``, the search begins there instead, at its depth.

    Gammas are scaled by the instance: in the units used, ``gamma = 1`` is one over
    ``spread * sqrt(2 / n)``, for a couplings-only form the root of the summed squares of a spin's
    couplings. Angles of one instance in these units are good first angles of a similar one.

    Attributes
    ----------
    circuit
        The simulator.
    stop
        Asked after every evaluation.
    evaluations
        Evaluations at most, shared evenly among the layers; those a layer leaves over go to the
        next.
    reserve
        Seconds to leave before the deadline for the shots, beyond one evaluation.
    fixed
        Angles worth starting from at a depth, gammas first, in radians; None for none.
    start
        Angles to begin from, gammas first, in the units above; None for none.
    alpha
        Below 1, the best angles of the mean are the start of a second search, for the lowest mean
        of the best ``alpha`` of outcomes (CVaR), with half of the evaluations. Its slopes are
        differences, of four evaluations a layer.
    known
        Best energy of any answer at hand, for a stop rule with a target.
    best
        Angles of the lowest value found, gammas first, in radians; equal values keep the fewer
        layers.
    energy
        Expected cost at the angles of the lowest expected cost, infinite before the first
        evaluation.
    value
        What ``best`` attains: the energy, or the CVaR once that is searched.
    steps
        Best angles of the mean after each number of layers that was searched to its end.

    References
    ----------
    Zhou, Wang, Choi, Pichler, Lukin (2020), Quantum approximate optimization algorithm:
    performance, mechanism, and implementation, doi:10.1103/PhysRevX.10.021067 (INTERP); Barkoutsos
    and others (2020), Improving variational quantum optimization using CVaR,
    doi:10.22331/q-2020-04-20-256.
    """

    circuit: Circuit
    stop: Stop
    evaluations: int
    reserve: float
    fixed: Callable[[int], Vector | None] | None = None
    start: Vector | None = None
    alpha: float = 1.0
    known: float = math.inf
    best: Vector = field(init=False)
    energy: float = field(default=math.inf, init=False)
    value: float = field(default=math.inf, init=False)
    steps: list[Vector] = field(init=False, default_factory=list)
    course: Course = field(init=False)
    scale: float = field(init=False)
    _ended: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.scale = scale_of(self.circuit)
        self.course = Course(
            self.stop, self.circuit.layer_seconds(), self.reserve, known=self.known
        )
        first = self.start if self.start is not None else np.array([GAMMAS[1], BETAS[2]])
        self.best = self._radians(first)

    @property
    def done(self) -> int:
        """Evaluations so far."""
        return self.course.done

    @property
    def ended(self) -> bool:
        """Whether the stop rule or the deadline ended the search."""
        return self._ended

    def search(self, layers: int) -> None:
        """Search up to ``layers`` layers."""
        share = self.evaluations if self.alpha == 1 else max(layers, self.evaluations // 2)
        each = share // layers
        try:
            begun = 1
            if self.start is None:
                self._first_layer(each)
            else:
                begun = self.start.size // 2
                self.course.allowed += each * begun
                self._descend(self.start)
            self.steps.append(self.best)
            for _ in range(begun, layers):
                self._next_layer(each)
                self.steps.append(self.best)
            if self.alpha < 1:
                self._lower_tail()
        except EndedError:
            self._ended = True

    def units(self) -> Vector:
        """Return the best angles in units of the instance."""
        units = self.best.copy()
        units[: units.size // 2] *= self.scale
        return units

    def _first_layer(self, evaluations: int) -> None:
        self.course.allowed += evaluations
        grid = [np.array([gamma, beta]) for gamma in GAMMAS for beta in BETAS]
        fixed = self._fixed(1)
        with contextlib.suppress(CappedError):
            for units in grid if fixed is None else [fixed, *grid]:
                self._energy(units)
        self._descend(self.units())

    def _next_layer(self, evaluations: int) -> None:
        self.course.allowed += evaluations
        before, known = self.energy, self.units()
        depth = known.size // 2
        starts = [np.concatenate([interpolated(known[:depth]), interpolated(known[depth:])])]
        fixed = self._fixed(depth + 1)
        with contextlib.suppress(CappedError):
            if fixed is not None:
                energies = [self._energy(units) for units in (starts[0], fixed)]
                if energies[1] < energies[0]:
                    starts = [fixed]
            self._descend(starts[0])
            if not self.energy < before:
                self._descend(np.concatenate([known[:depth], [0.0], known[depth:], [0.0]]))

    def _fixed(self, depth: int) -> Vector | None:
        """Fixed angles in units, if there are any and computing them cannot take too long."""
        if self.fixed is None:
            return None
        # Those of one layer are a formula; more are found by the optimiser.
        quick = depth == 1 or "scipy.optimize" in sys.modules
        if not self.course.has_seconds(0.1 if quick else LOADING):
            return None
        angles = self.fixed(depth)
        return None if angles is None else self._scaled(angles)

    def _descend(self, start: Vector) -> None:
        """Go down from ``start`` until the slope is nil or this layer's evaluations are used."""
        unit = self.circuit.spread or 1.0

        def slopes(units: np.ndarray) -> tuple[float, np.ndarray]:
            angles = self._radians(units)
            gammas, betas = np.split(angles, 2)
            energy, by_gamma, by_beta = self.course.evaluate(
                lambda: self.circuit.energy_and_gradient(gammas, betas), gammas.size, slopes=True
            )
            self._saw(energy, angles)
            return energy / unit, np.concatenate([by_gamma / self.scale, by_beta]) / unit

        descend(slopes, start, self.course)

    def _energy(self, units: Vector) -> float:
        angles = self._radians(units)
        gammas, betas = np.split(angles, 2)
        energy = self.course.evaluate(
            lambda: self.circuit.energy(gammas, betas), gammas.size, slopes=False
        )
        self._saw(energy, angles)
        return energy

    def _saw(self, energy: float, angles: Vector) -> None:
        if energy < self.energy:
            self.energy = self.value = energy
            self.best = angles
        self.course.check()

    def _lower_tail(self) -> None:
        """Go down from the best angles to a lower mean of the best outcomes."""
        self.course.allowed = self.evaluations
        unit = self.circuit.spread or 1.0
        start = self.units()
        self.value = math.inf

        def tail(units: np.ndarray) -> float:
            angles = self._radians(units)
            gammas, betas = np.split(angles, 2)
            value = self.course.evaluate(
                lambda: self.circuit.cvar(gammas, betas, self.alpha), gammas.size, slopes=False
            )
            if value < self.value:
                self.value, self.best = value, angles
            self.course.check()
            return value / unit

        def slopes(units: np.ndarray) -> tuple[float, np.ndarray]:
            value = tail(units)
            steps = np.eye(units.size) * STEP
            return value, np.array(
                [(tail(units + step) - tail(units - step)) / (2 * STEP) for step in steps]
            )

        descend(slopes, start, self.course)

    def _radians(self, units: Vector) -> Vector:
        angles = np.array(units, np.float64)
        angles[: angles.size // 2] /= self.scale
        return angles

    def _scaled(self, angles: Vector) -> Vector:
        units = np.array(angles, np.float64)
        units[: units.size // 2] *= self.scale
        return units


def scale_of(circuit: Circuit) -> float:
    """Root mean square of what acts on a spin of a circuit's form; 1 if nothing does."""
    variables = max(circuit.subspace.variables, 1)
    return circuit.spread * math.sqrt(2 / variables) or 1.0
