"""Expectations from shots: what to measure how often, and how sure the result is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from jaxtyping import Float64, Int64, UInt64

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.pauli import PauliSum
from qupel.simulators.counts import Counts
from qupel.simulators.fusion import Values
from qupel.simulators.statevector import StateVector, draw, hermitian

Allocation = Literal["weighted", "uniform", "variance"]

#: Share of the shots that the allocation "variance" spends on learning the variances.
PILOT = 0.2

#: Shots that the variance expected before any shot counts for.
PRIOR = 5


class Sampler(Protocol):
    """Whatever runs a circuit for shots: an ideal or noisy simulator, or a device."""

    def sample(
        self,
        circuit: Circuit,
        shots: int,
        rng: np.random.Generator,
        parameters: Values = (),
    ) -> Counts:
        """Counts of what the measured qubits gave."""
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """An expectation from a sample, and how sure it is.

    Attributes
    ----------
    value
        The mean.
    standard_error
        Its estimated standard deviation.
    low, high
        Confidence interval.
    confidence
        The share of such intervals that hold the true value.
    shots
        Shots, or trajectories, behind it.
    """

    value: float
    standard_error: float
    low: float
    high: float
    confidence: float
    shots: int

    @classmethod
    def of(
        cls, value: float, variances: Sequence[float], shots: Sequence[int], confidence: float
    ) -> Estimate:
        """Mean of independent parts, each with the variance of one shot and its shots.

        The interval is Student's, with degrees of freedom by Welch and Satterthwaite.
        """
        parts = [v / s for v, s in zip(variances, shots, strict=True)]
        error = math.sqrt(sum(parts))
        spread = sum(p * p / (s - 1) for p, s in zip(parts, shots, strict=True) if s > 1)
        freedom = sum(parts) ** 2 / spread if spread else math.inf
        from scipy.special import stdtrit  # slow to load

        half = error * float(stdtrit(freedom, (1 + confidence) / 2))
        return cls(value, error, value - half, value + half, confidence, sum(shots))


def estimate(
    circuit: Circuit,
    observable: PauliSum,
    shots: int,
    allocation: Allocation = "weighted",
    rng: np.random.Generator | None = None,
    *,
    parameters: Values = (),
    sampler: Sampler | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the expectation of ``observable`` after ``circuit`` from so many shots.

    Terms that commute qubit by qubit are measured together, after the gates that turn each
    qubit's axis to Z. A measurement of the circuit's own is left out of account.

    Parameters
    ----------
    circuit, parameters
        What prepares the state.
    observable
        Hermitian.
    shots
        In all, at least two for each group of terms.
    allocation
        ``weighted``: shots by the sum of the absolute weights in a group. ``uniform``: as many
        for each. ``variance``: a fifth of them by weight, the others by the standard deviations
        these show (Neyman), which minimises the error.
    rng
        Where the shots come from.
    sampler
        What runs the circuits; an ideal simulator in double precision by default.
    confidence
        Of the interval.

    References
    ----------
    McClean and others (2016), The theory of variational hybrid quantum-classical algorithms,
    doi:10.1088/1367-2630/18/2/023023; Rubin, Babbush, McClean (2018), Application of fermionic
    marginal constraints to hybrid quantum algorithms, doi:10.1088/1367-2630/aab919.
    """
    if allocation not in get_args(Allocation):
        raise InputError(f"allocation must be one of {get_args(Allocation)}, got {allocation!r}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, got {confidence}")
    rng = np.random.default_rng() if rng is None else rng
    x, z, weights = hermitian(observable, circuit.qubits)
    support = x | z
    constant = float(weights[support == 0].sum())
    groups = PauliSum(circuit.qubits, x[:, None], z[:, None], weights).commuting_groups()
    if not groups:
        return Estimate(constant, 0.0, constant, constant, confidence, 0)
    if shots < 2 * len(groups):
        raise InputError(
            f"{observable.terms} terms are measured in {len(groups)} groups, which takes at least "
            f"{2 * len(groups)} shots, got {shots}"
        )
    measure = _Measured(circuit, parameters, sampler or StateVector(), rng)
    tallies = [
        _Tally(support[group.terms], weights[group.terms], group.rotations()) for group in groups
    ]
    sizes = np.array([np.abs(tally.weights).sum() for tally in tallies])
    if allocation == "uniform":
        sizes = np.ones_like(sizes)
    if allocation == "variance":
        pilot = max(2 * len(groups), round(PILOT * shots))
        _take(tallies, share(pilot, sizes, least=2), measure)
        sizes = np.array([math.sqrt(tally.expected_variance()) for tally in tallies])
        wanted = share(shots, sizes, least=2)
        more = np.maximum(wanted - [t.shots for t in tallies], 0)
        _take(tallies, share(shots - pilot, more + 1e-9, least=0), measure)
    else:
        _take(tallies, share(shots, sizes, least=2), measure)
    value = constant + sum(tally.mean() for tally in tallies)
    return Estimate.of(
        value, [t.variance() for t in tallies], [t.shots for t in tallies], confidence
    )


def share(
    shots: int, sizes: Float64[np.ndarray, " groups"], *, least: int
) -> Int64[np.ndarray, " groups"]:
    """Whole shots, ``least`` for each first, the others in proportion to ``sizes``."""
    free = shots - least * sizes.size
    total = sizes.sum()
    exact = free * sizes / total if total > 0 else np.full(sizes.size, free / sizes.size)
    out = np.floor(exact).astype(np.int64)
    rest = np.argsort(out - exact, kind="stable")[: free - int(out.sum())]
    out[rest] += 1
    return out + least


class _Measured:
    """Runs a circuit with further gates at its end; an ideal state is prepared only once."""

    def __init__(
        self,
        circuit: Circuit,
        parameters: Values,
        sampler: Sampler,
        rng: np.random.Generator,
    ) -> None:
        self._circuit = Circuit(
            circuit.qubits, circuit.gates, parameter_names=circuit.parameter_names
        )
        self._parameters = parameters
        self._sampler = sampler
        self._rng = rng
        self._state = sampler.run(circuit, parameters) if isinstance(sampler, StateVector) else None

    def __call__(self, rotations: Sequence[Gate], shots: int) -> Counts:
        n = self._circuit.qubits
        if isinstance(self._sampler, StateVector):
            state = self._sampler.run(Circuit(n, rotations), initial=self._state)
            return draw(state, range(n), shots, self._rng, self._sampler.workers())
        turned = self._circuit.compose(Circuit(n, rotations))
        return self._sampler.sample(turned, shots, self._rng, self._parameters)


class _Tally:
    """Shots of one group of terms so far."""

    def __init__(
        self,
        masks: UInt64[np.ndarray, " terms"],
        weights: Float64[np.ndarray, " terms"],
        rotations: Sequence[Gate],
    ) -> None:
        self.weights = weights
        self.shots = 0
        self._masks = masks
        self._rotations = rotations
        self._sum = self._squares = 0.0

    def take(self, shots: int, measure: _Measured) -> None:
        """Measure so many times more."""
        counts = measure(self._rotations, shots)
        values = self.weights @ counts.parities(self._masks)
        self.shots += shots
        self._sum += float(values @ counts.occurrences)
        self._squares += float(values**2 @ counts.occurrences)

    def mean(self) -> float:
        """Mean of the group's value."""
        return self._sum / self.shots

    def variance(self) -> float:
        """Unbiased variance of one shot."""
        return max(self._squares - self._sum**2 / self.shots, 0.0) / (self.shots - 1)

    def expected_variance(self) -> float:
        """Variance of one shot, drawn towards that of independent terms as if by `PRIOR` shots.

        Few shots may agree by chance; a group left without shots for that would make the
        estimate look surer than it is.
        """
        independent = float(self.weights @ self.weights)
        return (self.shots * self.variance() + PRIOR * independent) / (self.shots + PRIOR)


def _take(
    tallies: Sequence[_Tally], shots: Int64[np.ndarray, " groups"], measure: _Measured
) -> None:
    for tally, count in zip(tallies, shots.tolist(), strict=True):
        if count:
            tally.take(count, measure)
