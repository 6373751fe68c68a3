"""Descent by an angle for every term and every qubit, from one angle a layer."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.course import EndedError, descend


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

    Parameters
    ----------
    circuit
        The circuit that was searched.
    search
        Its stop rule goes on to hold.
    evaluations
        Evaluations at most, beside those of the search.
    """
    shared = np.split(search.best, 2)
    layers, terms, qubits = shared[0].size, len(circuit.terms), circuit.form.variables
    best = EveryAngle(
        np.repeat(shared[0][:, None], terms, axis=1),
        np.repeat(shared[1][:, None], qubits, axis=1),
        search.energy,
        search.done,
    )
    course, unit = search.course, circuit.spread or 1.0
    course.allowed = course.done + evaluations
    edge = layers * terms

    def slopes(flat: np.ndarray) -> tuple[float, np.ndarray]:
        gammas = flat[:edge].reshape(layers, terms) / search.scale
        betas = flat[edge:].reshape(layers, qubits)
        energy, by_gamma, by_beta = course.evaluate(
            lambda: circuit.energy_and_gradient(gammas, betas), layers, slopes=True
        )
        if energy < best.energy:
            best.gammas, best.betas, best.energy = gammas, betas, energy
        course.check()
        return energy / unit, np.concatenate(
            [by_gamma.ravel() / search.scale, by_beta.ravel()]
        ) / unit

    start = np.concatenate([best.gammas.ravel() * search.scale, best.betas.ravel()])
    with contextlib.suppress(EndedError):
        descend(slopes, start, course)
    best.done = course.done
    return best
