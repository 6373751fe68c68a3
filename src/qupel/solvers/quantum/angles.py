"""Good angles for a QAOA circuit: descent by the exact gradient, one more layer at a time."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float64

from qupel.simulators import Qaoa
from qupel.solvers.contract import Stop

#: First angles tried at one layer: gammas in units of the coupling scale, betas in radians.
GAMMAS = (0.25, 0.5, 1.0)
BETAS = (-0.1, -0.2, -0.4)

#: Seconds that loading the optimiser takes in a fresh process, generously.
_LOADING = 0.5


class _EndedError(Exception):
    """The stop rule or the deadline ended the search."""


class _CappedError(Exception):
    """The evaluations of this layer are used up."""


@dataclass(slots=True, eq=False)
class AngleSearch:
    """Searches angles of one circuit, layer by layer, and remembers the best.

    One layer starts from the best of a small grid. Each further layer starts from the angles
    so far, interpolated to one layer more; if that ends no better than without the layer, it
    starts again from the angles so far and a layer that does nothing. So more layers are never
    worse. Gammas are scaled by the instance: in the units used, ``gamma = 1`` is one over
    ``spread * sqrt(2 / n)``, for a couplings-only form the root of the summed squares of a
    spin's couplings.

    Attributes
    ----------
    circuit
        The simulator.
    stop
        Asked after every evaluation of the energy or of energy and gradient.
    evaluations
        Evaluations at most, shared evenly among the layers.
    reserve
        Seconds to leave before the deadline for the shots, beyond one evaluation.
    best
        Angles of the lowest energy found, gammas first, in radians; equal energies keep the
        fewer layers.
    energy
        That energy, infinite before the first evaluation.
    done
        Evaluations so far.

    References
    ----------
    Zhou, Wang, Choi, Pichler, Lukin (2020), Quantum approximate optimization algorithm:
    performance, mechanism, and implementation, doi:10.1103/PhysRevX.10.021067 (INTERP).
    """

    circuit: Qaoa
    stop: Stop
    evaluations: int
    reserve: float
    best: Float64[np.ndarray, " angles"] = field(init=False)
    energy: float = field(default=math.inf, init=False)
    done: int = field(default=0, init=False)
    _scale: float = field(init=False)
    _layer_seconds: float = field(init=False)
    _allowed: int = field(default=0, init=False)
    _over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        variables = max(self.circuit.subspace.variables, 1)
        self._scale = self.circuit.spread * math.sqrt(2 / variables) or 1.0
        self.best = np.array([GAMMAS[1] / self._scale, BETAS[2]])
        self._layer_seconds = self.circuit.layer_seconds()

    def search(self, layers: int) -> None:
        """Search up to ``layers`` layers."""
        with contextlib.suppress(_EndedError):
            self._first_layer(self.evaluations // layers)
            for _ in range(1, layers):
                self._next_layer(self.evaluations // layers)

    def _first_layer(self, evaluations: int) -> None:
        self._allowed += evaluations
        for gamma in GAMMAS:
            for beta in BETAS:
                if self.done < self._allowed:
                    self._evaluate(np.array([gamma, beta]), slopes=False)
        self._descend(self._units(self.best))

    def _next_layer(self, evaluations: int) -> None:
        self._allowed += evaluations
        energy, known = self.energy, self._units(self.best)
        depth = known.size // 2
        self._descend(np.concatenate([_stretched(known[:depth]), _stretched(known[depth:])]))
        if not self.energy < energy:
            still = np.concatenate([known[:depth], [0.0], known[depth:], [0.0]])
            self._descend(still)

    def _descend(self, start: Float64[np.ndarray, " angles"]) -> None:
        """Go down from ``start`` until the slope is nil or this layer's evaluations are used."""
        if self.done >= self._allowed:
            return
        if "scipy.optimize" not in sys.modules and self.stop.seconds_left() < _LOADING:
            raise _EndedError
        from scipy.optimize import minimize

        room = self._allowed - self.done
        unit = self.circuit.spread or 1.0

        def descent(angles: np.ndarray) -> tuple[float, np.ndarray]:
            if self.done >= self._allowed:
                raise _CappedError
            energy, slopes = self._evaluate(angles, slopes=True)
            return energy / unit, slopes / unit

        options: Any = {"maxfun": room, "maxiter": room, "ftol": 1e-8, "gtol": 1e-5}
        with contextlib.suppress(_CappedError), _blas_threads().limit(limits=1):
            minimize(descent, start, jac=True, method="L-BFGS-B", options=options)

    def _evaluate(
        self, units: Float64[np.ndarray, " angles"], *, slopes: bool
    ) -> tuple[float, Float64[np.ndarray, " slopes"]]:
        depth = units.size // 2
        if self._over or self.stop.seconds_left() < self._expected(depth) + self.reserve:
            raise _EndedError
        began = time.monotonic()
        angles = units.copy()
        angles[:depth] /= self._scale
        by_unit = np.zeros(0)
        if slopes:
            energy, by_gamma, by_beta = self.circuit.energy_and_gradient(*np.split(angles, 2))
            by_unit = np.concatenate([by_gamma / self._scale, by_beta])
            # A slow moment only makes later estimates more careful.
            self._layer_seconds = max(self._layer_seconds, (time.monotonic() - began) / depth)
        else:
            energy = self.circuit.energy(*np.split(angles, 2))
        self.done += 1
        if energy < self.energy:
            self.energy, self.best = energy, angles
        self._over = self.stop(math.inf)
        if self._over:
            raise _EndedError
        return energy, by_unit

    def _expected(self, depth: int) -> float:
        """Seconds to allow for an evaluation and the state the shots are drawn from."""
        return 2 * self._layer_seconds * depth

    def _units(self, angles: Float64[np.ndarray, " angles"]) -> Float64[np.ndarray, " angles"]:
        units = angles.copy()
        units[: angles.size // 2] *= self._scale
        return units


@cache
def _blas_threads() -> Any:
    """Control of the linear algebra's threads: on a dozen angles they cost a hundredfold."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")


def _stretched(row: Float64[np.ndarray, " layers"]) -> Float64[np.ndarray, " more"]:
    """Angles of one layer more, read off the straight lines between the given ones."""
    layers = row.size
    k = np.arange(layers + 1)
    return (k * np.append(0.0, row) + (layers - k) * np.append(row, 0.0)) / layers
