"""Descent by an angle for every term and every qubit, from one angle a layer."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.course import CappedError, EndedError, descend

#: A layer more starts as this much of the one before: with none of it the slope would be nil.
FAINT = 0.1


@dataclass(slots=True, eq=False)
class EveryAngle:
    """The best angles of a multi-angle circuit so far.

    Attributes
    ----------
    gammas
        Shape ``(layers, terms)``.
    betas
        Shape ``(layers, qubits)``.
    energy
        Expected cost at these angles.
    done
        Evaluations, those of the search before included.
    """

    gammas: Float64[np.ndarray, "layers terms"]
    betas: Float64[np.ndarray, "layers qubits"]
    energy: float
    done: int


def free_angles(circuit: MultiAngleQaoa, search: AngleSearch, evaluations: int) -> EveryAngle:
    """Descend further from the best angles of ``search``, each angle free; never to worse ones.

    One number of layers after another, each from the shared angles found for it or from the free
    ones of fewer layers with a faint layer more, whichever has the lower energy; so more layers
    are never worse.

    Parameters
    ----------
    circuit
        The circuit that was searched.
    search
        Its stop rule goes on to hold.
    evaluations
        Evaluations at most, beside those of the search, shared evenly among the layers.
    """
    terms, qubits = len(circuit.terms), circuit.form.variables
    best = EveryAngle(*_spread(search.best, terms, qubits), search.energy, search.done)
    freed = _Freed(circuit, search, best)
    with contextlib.suppress(EndedError):
        for k, step in enumerate(search.steps):
            search.course.allowed = best.done + evaluations * (k + 1) // len(search.steps)
            freed.descend(step)
    best.done = search.done
    return best


class _Freed:
    """The descent, and the best angles it saw."""

    def __init__(self, circuit: MultiAngleQaoa, search: AngleSearch, best: EveryAngle) -> None:
        self._circuit, self._search, self._best = circuit, search, best
        self._sizes = len(circuit.terms), circuit.form.variables
        self._unit = circuit.spread or 1.0
        self._known: tuple[np.ndarray, np.ndarray] | None = None
        self._lowest = math.inf

    def descend(self, step: np.ndarray) -> None:
        """Go down from the shared angles ``step``, or from the free ones known, a layer more."""
        starts = [_spread(step, *self._sizes)]
        if self._known is not None:
            missing = len(starts[0][0]) - len(self._known[0])
            if missing >= 0:
                faint = [np.vstack([rows, *[FAINT * rows[-1:]] * missing]) for rows in self._known]
                starts.append((faint[0], faint[1]))
        with contextlib.suppress(CappedError):
            start = min(starts, key=self._energy) if len(starts) > 1 else starts[0]
            self._down(*start)

    def _energy(self, start: tuple[np.ndarray, np.ndarray]) -> float:
        gammas, betas = start
        energy = self._search.course.evaluate(
            lambda: self._circuit.energy(gammas, betas), len(gammas), slopes=False
        )
        self._saw(energy, gammas, betas)
        return energy

    def _down(self, gammas: np.ndarray, betas: np.ndarray) -> None:
        layers, scale = len(gammas), self._search.scale
        edge = gammas.size

        def slopes(flat: np.ndarray) -> tuple[float, np.ndarray]:
            first = flat[:edge].reshape(layers, -1) / scale
            second = flat[edge:].reshape(layers, -1)
            energy, by_gamma, by_beta = self._search.course.evaluate(
                lambda: self._circuit.energy_and_gradient(first, second), layers, slopes=True
            )
            self._saw(energy, first, second)
            flat_slopes = np.concatenate([by_gamma.ravel() / scale, by_beta.ravel()])
            return energy / self._unit, flat_slopes / self._unit

        start = np.concatenate([gammas.ravel() * scale, betas.ravel()])
        descend(slopes, start, self._search.course)

    def _saw(self, energy: float, gammas: np.ndarray, betas: np.ndarray) -> None:
        if energy < self._lowest:
            self._lowest, self._known = energy, (gammas.copy(), betas.copy())
        if energy < self._best.energy:
            self._best.energy = energy
            self._best.gammas, self._best.betas = gammas.copy(), betas.copy()
        self._search.course.check()


def _spread(angles: np.ndarray, terms: int, qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """One angle a layer, repeated for every term and qubit."""
    gammas, betas = np.split(angles, 2)
    return np.repeat(gammas[:, None], terms, axis=1), np.repeat(betas[:, None], qubits, axis=1)
