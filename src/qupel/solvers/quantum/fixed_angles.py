"""Angles that are good for whole families of instances, computed from an infinite instance.

On a regular graph without short cycles every edge looks alike: after p layers its expected value
depends on a tree of depth p alone. `tree_value` computes it, for trees of any degree and in the
limit of infinite degree, which is also the Sherrington-Kirkpatrick model; `fixed_angles` optimises
it layer by layer. Nothing is read from a table.

Conventions. Here as everywhere the phase is ``exp(-i gamma E)`` with the Ising energy E, minimised,
and the mixer ``exp(-i beta sum X)``: gammas come out positive and betas negative. E is the sum of
``s_i s_j`` over the edges where a degree is given; without one, the couplings of a spin have
squares that add up to one. Tables found elsewhere use other scales: where the cost is the number
of cut edges, ``(1 - s_i s_j) / 2`` summed and maximised, gammas are twice ours and betas have the
other sign, and some tables double or halve gamma once more. The known value of one layer on a
cubic graph, 0.69245 of all edges, tells which scale is meant.

References
----------
Basso, Farhi, Marwaha, Villalonga, Zhou (2022), The quantum approximate optimization algorithm at
high depth for MaxCut on large-girth regular graphs and the Sherrington-Kirkpatrick model,
arXiv:2110.14206. Wurtz and Lykov (2021), Fixed-angle conjectures for the quantum approximate
optimization algorithm on regular MaxCut graphs, doi:10.1103/PhysRevA.104.052419.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float64

from qupel.errors import InputError
from qupel.kernels.mixers import walsh_hadamard
from qupel.model import Ising
from qupel.solvers.quantum.course import interpolated, one_blas_thread

#: Most layers whose angles are computed here.
LAYERS = 10
#: Degrees above this count as infinite: the angles differ by about one over the degree.
DEGREES = 16

Angles = Float64[np.ndarray, " layers"]


def fixed_angles(layers: int, degree: int | None = None) -> tuple[Angles, Angles]:
    """Return gammas and betas that are best for large instances of one degree.

    Computed when first asked for, then remembered: about 0.1 s for six layers, seconds for eight.

    Parameters
    ----------
    layers
        1 to 10.
    degree
        Edges at each node, at least 2, each of coupling one; None for very many, of couplings
        whose squares add up to one.
    """
    if not isinstance(layers, int | np.integer) or not 1 <= layers <= LAYERS:
        raise InputError(f"fixed angles are computed for 1 to {LAYERS} layers, got {layers}")
    if degree is not None and degree < 2:
        raise InputError(f"fixed angles need a degree of at least 2, got {degree}")
    gammas, betas = _optimised(layers, degree)
    return gammas.copy(), betas.copy()


def angles_for(form: Ising, layers: int) -> tuple[Angles, Angles]:
    """Return `fixed_angles` for the degree of a form, gammas scaled to its couplings.

    On a regular graph of equal couplings these are its fixed angles, the guarantee included (for
    couplings of mixed sign as well, if there are no short cycles). Otherwise the degree is the
    effective one, ``(sum J^2)^2 / sum J^4`` a spin, and the gammas are divided by the root mean
    square of what acts on a spin, fields included.

    References
    ----------
    Shaydulin, Lotshaw, Larson, Ostrowski, Humble (2023), Parameter transfer for quantum
    approximate optimization of weighted MaxCut, doi:10.1145/3584706; Sureshbabu and others (2024),
    Parameter setting in quantum approximate optimization of weighted problems,
    doi:10.22331/q-2024-01-18-1231.
    """
    degree, scale = degree_and_scale(form)
    gammas, betas = fixed_angles(layers, degree)
    return gammas * (1 if degree is None else math.sqrt(degree)) / scale, betas


def degree_and_scale(form: Ising) -> tuple[int | None, float]:
    """Effective degree of a form, and the root mean square of what acts on a spin.

    The degree is None above `DEGREES`, and at least 2; the scale is 1 if nothing acts.
    """
    squares = form.couplings.data**2
    acting = 2 * float(squares.sum()) + 2 * float(form.fields @ form.fields)
    scale = math.sqrt(acting / max(form.variables, 1)) or 1.0
    if not squares.sum() > 0:
        return None, scale
    alike = float(squares.sum() ** 2 / (squares**2).sum())
    degree = max(2, round(2 * alike / form.variables))
    return (degree if degree <= DEGREES else None), scale


def tree_value(
    gammas: Angles, betas: Angles, degree: int | None = None
) -> tuple[float, Angles, Angles]:
    """Expected gain of an edge on an infinite tree, with its derivatives.

    On a graph of this degree whose cycles are all longer than ``2 layers + 1`` every edge has the
    expected product ``-2 gain / sqrt(degree - 1)``, so ``1/2 + gain / sqrt(degree - 1)`` of
    all edges are cut. For infinite degree the energy a spin is ``-gain`` where the couplings of a
    spin have squares that add up to one.

    Parameters
    ----------
    gammas, betas
        As `fixed_angles` returns them, for the same ``degree``.
    """
    gammas, betas = np.asarray(gammas, np.float64), np.asarray(betas, np.float64)
    made = _Edge(gammas, betas, degree)
    gain, by_gamma, by_beta = made.finite() if degree is not None else made.infinite()
    return gain, by_gamma, by_beta


@cache
def _optimised(layers: int, degree: int | None) -> tuple[Angles, Angles]:
    """Best angles, by descent from those of one layer less, interpolated."""
    if layers == 1:
        # The best of one layer is known in closed form.
        if degree is None:
            return np.array([0.5]), np.array([-math.pi / 8])
        return np.array([math.atan2(1, math.sqrt(degree - 1)) / 2]), np.array([-math.pi / 8])
    from scipy.optimize import minimize

    start = np.concatenate([interpolated(row) for row in _optimised(layers - 1, degree)])

    def loss(angles: np.ndarray) -> tuple[float, np.ndarray]:
        gain, by_gamma, by_beta = tree_value(angles[:layers], angles[layers:], degree)
        return -gain, -np.concatenate([by_gamma, by_beta])

    options: Any = {"ftol": 1e-13, "gtol": 1e-7}
    with one_blas_thread():
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return found.x[:layers], found.x[layers:]


class _Edge:
    """The iteration of Basso and others for one set of angles, and its derivatives.

    States are histories a of a spin, one bit for each of 2p times: bit j - 1 for a_j, bit
    p + j - 1 for a_-j. The spin in the middle, a_0, is fixed to +1: all functions are even. Sums
    over pairs of histories are convolutions, so they are products of Walsh-Hadamard transforms.
    """

    def __init__(self, gammas: Angles, betas: Angles, degree: int | None) -> None:
        self.layers = gammas.size
        self.branches = 0 if degree is None else degree - 1
        # The paper maximises -sum s_i s_j / sqrt(branches) under exp(-i gamma C) and the mixer
        # exp(-i beta B): our angles with both signs turned, gammas in its unit.
        self.unit = math.sqrt(self.branches) if degree is not None else 1.0
        self.times = np.concatenate([gammas, -gammas]) * self.unit
        # Slopes divide by sine and cosine: keep off their zeros by less than matters.
        betas = -betas
        self.betas = np.where(np.abs(np.sin(2 * betas)) < 1e-7, betas + 1e-7, betas)
        self.size = 4**self.layers
        self.paths = self._paths()

    def finite(self) -> tuple[float, Angles, Angles]:
        """For a finite degree."""
        branches, paths = self.branches, self.paths
        coefficients = np.zeros(self.size)
        coefficients[self._bits()] = self.times / self.unit
        angles = walsh_hadamard(coefficients)
        cosine, sine = np.cos(angles), np.sin(angles)
        kernel = walsh_hadamard(cosine)
        branch = np.ones(self.size, np.complex128)
        seen = []
        for _ in range(self.layers):
            spectrum = walsh_hadamard(paths * branch)
            below = walsh_hadamard(spectrum * kernel) / self.size
            seen.append((branch, spectrum, below))
            branch = _power(below, branches)
        spectrum = walsh_hadamard(paths * branch)
        kernel_2 = walsh_hadamard(sine)
        factor = 0.5j * self.unit / self.size
        gain = factor * (spectrum**2 @ kernel_2)

        by_product = walsh_hadamard(2 * factor * spectrum * kernel_2)
        by_sine = walsh_hadamard(factor * spectrum**2)
        by_paths = branch * by_product
        by_branch = paths * by_product
        by_kernel = np.zeros(self.size, np.complex128)
        for branch, spectrum, below in reversed(seen):
            by_below = (
                walsh_hadamard(branches * _power(below, branches - 1) * by_branch) / self.size
            )
            by_kernel += spectrum * by_below
            by_product = walsh_hadamard(kernel * by_below)
            by_paths += branch * by_product
            by_branch = paths * by_product
        by_angle = by_sine * cosine - walsh_hadamard(by_kernel) * sine
        by_time = walsh_hadamard(by_angle)[self._bits()]
        return self._slopes(gain, by_time / self.unit, by_paths)

    def infinite(self) -> tuple[float, Angles, Angles]:
        """For infinite degree: only correlations of two times matter."""
        times, paths = self.times, self.paths
        first, second = np.triu_indices(2 * self.layers, 1)
        pairs = (1 << first) | (1 << second)
        both, own = times[first] * times[second], float(times @ times) / 2
        branch = np.ones(self.size, np.complex128)
        seen = []
        for _ in range(self.layers):
            spectrum = walsh_hadamard(paths * branch)
            seen.append((branch, spectrum[pairs], spectrum[0]))
            exponent = np.zeros(self.size, np.complex128)
            exponent[pairs], exponent[0] = both * spectrum[pairs], own * spectrum[0]
            branch = np.exp(-walsh_hadamard(exponent))
        middle = walsh_hadamard(paths * branch)[self._bits()]
        gain = 0.5j * (times @ middle**2)

        by_time = 0.5j * middle**2
        by_spectrum = np.zeros(self.size, np.complex128)
        by_spectrum[self._bits()] = 1j * times * middle
        by_product = walsh_hadamard(by_spectrum)
        by_paths, by_branch = branch * by_product, paths * by_product
        above = branch
        for branch, correlated, whole in reversed(seen):
            by_exponent = walsh_hadamard(-above * by_branch)
            np.add.at(by_time, first, by_exponent[pairs] * times[second] * correlated)
            np.add.at(by_time, second, by_exponent[pairs] * times[first] * correlated)
            by_time += by_exponent[0] * times * whole
            by_spectrum = np.zeros(self.size, np.complex128)
            by_spectrum[pairs], by_spectrum[0] = by_exponent[pairs] * both, by_exponent[0] * own
            by_product = walsh_hadamard(by_spectrum)
            by_paths += branch * by_product
            by_branch, above = paths * by_product, branch
        return self._slopes(gain, by_time, by_paths)

    def _bits(self) -> np.ndarray:
        """Where a transform holds the sum with the sign of each single time."""
        return 1 << np.arange(2 * self.layers)

    def _steps(self) -> list[tuple[int, int]]:
        """Bits of which the parity says whether a_r and a_r+1 differ, and a_-r and a_-r-1."""
        pairs = [(1 << r) | (1 << (r + 1)) for r in range(self.layers - 1)]
        ahead = [*pairs, 1 << (self.layers - 1)]
        return [(mask, mask << self.layers) for mask in ahead]

    def _paths(self) -> Complex128[np.ndarray, " histories"]:
        """Weight of each history: amplitudes of its flips, forth and back, both values of a_0."""
        histories = np.arange(self.size)
        weights = np.ones(self.size, np.complex128)
        for r, (ahead, behind) in enumerate(self._steps()):
            c, s = math.cos(self.betas[r]), math.sin(self.betas[r])
            weights *= np.where(np.bitwise_count(histories & ahead) & 1, 1j * s, c)
            weights *= np.where(np.bitwise_count(histories & behind) & 1, -1j * s, c)
        return weights

    def _slopes(
        self, gain: complex, by_time: np.ndarray, by_paths: np.ndarray
    ) -> tuple[float, Angles, Angles]:
        """Gain and slopes by our angles from those by the times and by the paths' weights."""
        p = self.layers
        by_gamma = (by_time[:p] - by_time[p:]).real * self.unit
        sums = walsh_hadamard(by_paths * self.paths)
        by_beta = np.zeros(p)
        for r, masks in enumerate(self._steps()):
            tangent = math.tan(self.betas[r])
            for mask in masks:
                same, other = (sums[0] + sums[mask]) / 2, (sums[0] - sums[mask]) / 2
                by_beta[r] -= (other / tangent - same * tangent).real
        return float(gain.real), by_gamma, by_beta


def _power(values: np.ndarray, exponent: int) -> np.ndarray:
    """``values ** exponent`` by squaring."""
    out = np.ones_like(values)
    while exponent:
        if exponent & 1:
            out = out * values
        values = values * values
        exponent >>= 1
    return out
