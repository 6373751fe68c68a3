"""Readout mitigation: what was read, turned back into what was there, and what that costs.

Two circuits more, all zeros and all ones, tell how each qubit is misread. If qubits are misread
independently of each other, the readings' distribution is the true one times a tensor product of
2 × 2 matrices, whose inverse removes the bias and raises the variance. Both are reported: a
smaller bias is worth having while it is larger than the error bar that it costs.

References
----------
Bravyi, Sheldon, Kandala, McKay, Gambetta (2021), Mitigating measurement errors in multiqubit
experiments, doi:10.1103/PhysRevA.103.042605; Smolin, Gambetta, Smith (2012), Efficient method for
computing the maximum-likelihood quantum state from measurements with additive Gaussian noise,
doi:10.1103/PhysRevLett.108.070502.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from qupel.backends.contract import Reading
from qupel.errors import InputError, ResultError
from qupel.model.bits import index_of
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.simulators.noise import Readout

#: Most qubits of a whole distribution.
MOST_QUBITS = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What was run in addition.

    Attributes
    ----------
    circuits, shots
        Beyond the circuit itself and its shots.
    """

    circuits: int
    shots: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.circuits + other.circuits, self.shots + other.shots)


@dataclass(frozen=True, slots=True)
class Mitigated:
    """A mean with less bias and more variance.

    Attributes
    ----------
    value, error
        The mitigated mean and its standard error.
    raw, raw_error
        The mean as it was measured, and its standard error.
    cost
        What was run in addition.
    """

    value: float
    error: float
    raw: float
    raw_error: float
    cost: Cost

    @property
    def overhead(self) -> float:
        """How many times as many shots give the raw mean's error bar; not counting ``cost``."""
        return (self.error / self.raw_error) ** 2 if self.raw_error else math.inf


def calibration_circuits(qubits: int) -> tuple[Circuit, Circuit]:
    """Circuits that prepare all zeros and all ones, and measure them."""
    zeros = Circuit(qubits).measure()
    ones = Circuit(qubits)
    for qubit in range(qubits):
        ones = ones.x(qubit)
    return zeros, ones.measure()


@dataclass(frozen=True, slots=True)
class ReadoutCalibration:
    """How each qubit was misread in the two calibration circuits.

    Attributes
    ----------
    readouts
        Errors by qubit.
    shots
        Of each of the two circuits.

    Raises
    ------
    ResultError
        If a qubit was misread half of the time or more: its readings tell nothing.
    """

    readouts: tuple[Readout, ...]
    shots: int

    def __post_init__(self) -> None:
        for qubit, slope in enumerate(self.slopes.tolist()):
            if not slope > 0:
                raise ResultError(
                    f"qubit {qubit} was misread so often ({self.readouts[qubit]}) that nothing can "
                    "be inferred from it; leave it out or calibrate again"
                )

    @classmethod
    def of(cls, zeros: Reading, ones: Reading) -> Self:
        """Return the calibration that readings of `calibration_circuits` tell."""
        if zeros.bits.shape[1] != ones.bits.shape[1] or zeros.shots != ones.shots:
            raise InputError(
                f"calibration circuits have equal qubits and shots, got {zeros.bits.shape[1]} and "
                f"{ones.bits.shape[1]} qubits, {zeros.shots} and {ones.shots} shots"
            )
        false_ones = zeros.occurrences @ zeros.bits.astype(np.float64) / zeros.shots
        false_zeros = 1 - ones.occurrences @ ones.bits.astype(np.float64) / ones.shots
        pairs = zip(false_ones.tolist(), np.clip(false_zeros, 0, 1).tolist(), strict=True)
        return cls(tuple(Readout(one, zero) for one, zero in pairs), zeros.shots)

    @property
    def cost(self) -> Cost:
        """The two circuits."""
        return Cost(2, 2 * self.shots)

    @property
    def slopes(self) -> Float64[np.ndarray, " qubits"]:
        """Factor by which misreading shrinks the mean of a spin."""
        return np.array([1 - r.false_one - r.false_zero for r in self.readouts])

    @property
    def shifts(self) -> Float64[np.ndarray, " qubits"]:
        """What misreading adds to the mean of a spin."""
        return np.array([r.false_zero - r.false_one for r in self.readouts])

    def quasi(self, reading: Reading) -> Float64[np.ndarray, " outcomes"]:
        """Unbiased estimates of the true probabilities; some may be negative. Up to 20 qubits."""
        n = self._check(reading)
        if n > MOST_QUBITS:
            raise InputError(
                f"a distribution over {n} qubits has 2^{n} numbers, up to {MOST_QUBITS} qubits are "
                "written out; ask for an energy"
            )
        out = np.zeros(1 << n)
        np.add.at(out, index_of(reading.bits), reading.occurrences / reading.shots)
        for qubit, readout in enumerate(self.readouts):
            pairs = out.reshape(-1, 2, 1 << qubit)
            inverse = np.linalg.inv(readout.matrix())
            out = np.einsum("tr,hrl->htl", inverse, pairs).reshape(-1)
        return out

    def distribution(self, reading: Reading) -> Float64[np.ndarray, " outcomes"]:
        """Return the probabilities nearest to `quasi` by least squares: none negative, a bias."""
        return nearest_distribution(self.quasi(reading))

    def energy(self, form: Ising, reading: Reading) -> Mitigated:
        """Return the mean energy of a form, unbiased as far as qubits are misread independently.

        Each shot's spins are mapped to unbiased ones, ``(s - shift) / slope``, and put into the
        energy, so that no distribution is written out. The error counts the shots of the
        calibration as well, to first order.
        """
        self._check(reading)
        slopes, shifts = self.slopes, self.shifts
        weights = reading.occurrences / reading.shots
        spins = 1.0 - 2.0 * reading.bits
        raw, raw_error = mean_energy(form, reading)
        fair = (spins - shifts) / slopes
        products = ((fair @ form.couplings) * fair).sum(axis=1)
        energies = fair @ form.fields + products + form.offset
        value = float(weights @ energies)
        spread = float(weights @ (energies - value) ** 2) / max(reading.shots - 1, 1)
        variance = spread + self._calibration_variance(form, fair, weights)
        return Mitigated(value, math.sqrt(variance), raw, raw_error, self.cost)

    def _calibration_variance(
        self,
        form: Ising,
        fair: Float64[np.ndarray, "rows qubits"],
        weights: Float64[np.ndarray, " rows"],
    ) -> float:
        """Variance of the energy that comes from errors measured with finitely many shots."""
        pairs = form.couplings + form.couplings.T
        acting = fair @ pairs + form.fields
        by_slope = -(weights @ (fair * acting)) / self.slopes
        by_shift = -(weights @ acting) / self.slopes
        total = 0.0
        for qubit, readout in enumerate(self.readouts):
            for chance, slope in (
                (readout.false_one, -by_slope[qubit] - by_shift[qubit]),
                (readout.false_zero, -by_slope[qubit] + by_shift[qubit]),
            ):
                total += float(slope**2) * chance * (1 - chance) / self.shots
        return total

    def _check(self, reading: Reading) -> int:
        n = reading.bits.shape[1]
        if n != len(self.readouts):
            raise InputError(f"{len(self.readouts)} qubits were calibrated, {n} were read")
        return n


def mean_energy(form: Ising, reading: Reading) -> tuple[float, float]:
    """Mean energy of a reading and its standard error."""
    energies = form.energies(1 - 2 * reading.bits.astype(np.int8))
    weights = reading.occurrences / reading.shots
    mean = float(weights @ energies)
    spread = float(weights @ (energies - mean) ** 2)
    return mean, math.sqrt(spread / max(reading.shots - 1, 1))


def nearest_distribution(
    quasi: Float64[np.ndarray, " outcomes"],
) -> Float64[np.ndarray, " outcomes"]:
    """Probabilities nearest to numbers that sum to one, by least squares."""
    falling = np.sort(quasi)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, falling.size + 1)
    taken = int(np.flatnonzero(falling > excess)[-1])
    return np.maximum(quasi - excess[taken], 0.0)
