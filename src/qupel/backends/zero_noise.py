"""Zero-noise extrapolation: the same circuit with more noise, and a line back to none.

A gate followed by its inverse and itself does what the gate does, with three times its noise. The
mean is measured at several such factors and extrapolated to factor zero. How well that works
depends on how the mean really falls; the error bar tells of shots only, not of a wrong curve.

References
----------
Temme, Bravyi, Gambetta (2017), Error mitigation for short-depth quantum circuits,
doi:10.1103/PhysRevLett.119.180509; Giurgica-Tiron, Hindy, LaRose, Mari, Zeng (2020), Digital zero
noise extrapolation for quantum error mitigation, doi:10.1109/QCE49297.2020.00045.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from qupel.backends.mitigation import Cost, Mitigated
from qupel.backends.noise import VIRTUAL
from qupel.errors import InputError, ResultError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import inverse

FITS = ("linear", "richardson", "exponential")


def folded(circuit: Circuit, factor: float) -> Circuit:
    """Circuit with ``factor`` times as many noisy gates that does the same.

    Every gate but virtual ones and ``id`` is followed by pairs of its inverse and itself; where the
    factor is no odd number, evenly spread gates have a pair more. See `factor_of` for the factor
    that is reached. A compiler that cancels gates undoes it all: tell it not to.
    """
    if not (factor >= 1 and math.isfinite(factor)):
        raise InputError(f"factor must be at least 1, got {factor}")
    noisy = _noisy(circuit)
    pairs = round(noisy * (factor - 1) / 2)
    gates: list[Gate] = []
    met = done = 0
    for gate in circuit.gates:
        gates.append(gate)
        if _is_noisy(gate):
            met += 1
            due = pairs * met // noisy
            name, angles = inverse(gate.name, gate.angles)
            gates += [Gate(name, gate.qubits, angles), gate] * (due - done)
            done = due
    return Circuit(circuit.qubits, gates, circuit.measured, circuit.parameter_names)


def factor_of(circuit: Circuit, folds: Circuit) -> float:
    """How many times as many noisy gates a folded circuit has."""
    return _noisy(folds) / max(_noisy(circuit), 1)


@dataclass(frozen=True, slots=True)
class ZeroNoise:
    """Extrapolation of a mean to zero noise.

    Attributes
    ----------
    fit
        ``linear``: a straight line by weighted least squares. ``richardson``: the polynomial
        through all points. ``exponential``: a decay towards ``limit``, by weighted least squares of
        the logarithm.
    factors
        How much noise, ascending from 1.
    limit
        The mean where noise has destroyed everything, for ``exponential``: an Ising form's offset.

    Examples
    --------
    >>> line = ZeroNoise("linear").value([2.0, 1.0, 0.0], [0.1, 0.1, 0.1], shots=100)
    >>> round(line.value, 12), line.cost
    (2.5, Cost(circuits=2, shots=200))
    """

    fit: Literal["linear", "richardson", "exponential"] = "linear"
    factors: tuple[float, ...] = (1.0, 3.0, 5.0)
    limit: float = 0.0

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise InputError(f"fit must be one of {', '.join(FITS)}, got {self.fit!r}")
        if len(self.factors) < 2 or self.factors[0] != 1 or not _are_rising(self.factors):
            raise InputError(
                f"factors must be two or more finite numbers, ascending from 1, got {self.factors}"
            )
        if not math.isfinite(self.limit):
            raise InputError(f"limit must be finite, got {self.limit}")

    def programs(self, circuit: Circuit) -> tuple[Circuit, ...]:
        """The circuit at every factor, as nearly as its gates can be folded.

        Give `reached` to `value` where that is not quite what was asked for.

        Raises
        ------
        InputError
            If two factors come to the same circuit, since it has too few noisy gates.
        """
        made = tuple(folded(circuit, factor) for factor in self.factors)
        factors = tuple(factor_of(circuit, one) for one in made)
        if not _are_rising(factors):
            raise InputError(
                f"{_noisy(circuit)} noisy gates cannot be folded to factors {self.factors}, they "
                f"reach {factors}; ask for odd factors, or for ones further apart"
            )
        return made

    def reached(self, circuit: Circuit) -> tuple[float, ...]:
        """The factors that `programs` of a circuit have."""
        return tuple(factor_of(circuit, one) for one in self.programs(circuit))

    def value(
        self,
        means: Sequence[float],
        errors: Sequence[float],
        *,
        shots: int,
        factors: Sequence[float] | None = None,
    ) -> Mitigated:
        """Return the mean without noise.

        Parameters
        ----------
        means, errors
            What was measured at each factor, and its standard error.
        shots
            Of each circuit; all but the first are counted as cost.
        factors
            Factors reached, where folding could not reach those asked for.

        Raises
        ------
        InputError
            If there is not a finite mean, an error above 0 and a factor for each.
        ResultError
            If an exponential cannot be fitted, since noise has drowned a mean.
        """
        x = np.asarray(self.factors if factors is None else factors, np.float64)
        y, sigma = np.asarray(means, np.float64), np.asarray(errors, np.float64)
        finite = all(np.isfinite(values).all() for values in (y, sigma))
        if not (x.shape == y.shape == sigma.shape and finite and (sigma > 0).all()):
            raise InputError(
                f"a finite mean and an error above 0 for each of {len(self.factors)} factors, got "
                f"{y} and {sigma}"
            )
        if not _are_rising(x.tolist()):
            raise InputError(f"factors that were reached must be finite and ascend, got {x}")
        if self.fit == "linear":
            found, error = _intercept(x, y, sigma)
        elif self.fit == "richardson":
            found, error = _richardson(x, y, sigma)
        else:
            found, error = self._exponential(x, y, sigma)
        cost = Cost(len(x) - 1, (len(x) - 1) * shots)
        return Mitigated(found, error, float(y[0]), float(sigma[0]), cost)

    def _exponential(self, x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
        left = y - self.limit
        sign = math.copysign(1.0, left[0])
        if not (sign * left > 2 * sigma).all():
            raise ResultError(
                f"means {y.tolist()} are no decay towards {self.limit:g} that stands out of errors "
                f"{sigma.tolist()}; take fewer factors, more shots, or another fit"
            )
        height, error = _intercept(x, np.log(sign * left), sigma / np.abs(left))
        amplitude = math.exp(height)
        return self.limit + sign * amplitude, amplitude * error


def _are_rising(factors: Sequence[float]) -> bool:
    rising = all(a < b for a, b in pairwise(factors))
    return rising and all(math.isfinite(factor) for factor in factors)


def _intercept(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Where the weighted straight line meets zero, and its standard error."""
    weights = 1 / sigma**2
    total, first, second = weights.sum(), weights @ x, weights @ x**2
    determinant = total * second - first**2
    found = (second * (weights @ y) - first * (weights @ (x * y))) / determinant
    return float(found), math.sqrt(second / determinant)


def _richardson(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Value at zero of the polynomial through all points, and its standard error."""
    shares = np.array(
        [np.prod([other / (other - here) for other in x if other != here]) for here in x]
    )
    return float(shares @ y), float(np.sqrt(shares**2 @ sigma**2))


def _is_noisy(gate: Gate) -> bool:
    return gate.name not in VIRTUAL and gate.name != "id"


def _noisy(circuit: Circuit) -> int:
    return sum(_is_noisy(gate) for gate in circuit.gates)
