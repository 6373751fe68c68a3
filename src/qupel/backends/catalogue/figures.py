"""Figures of a device: how well and how fast its operations are, and how long its qubits last."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qupel.errors import InputError


@dataclass(frozen=True, slots=True)
class Fidelities:
    """How well operations do what they should; typical (median) figures.

    Attributes
    ----------
    one_qubit, two_qubit
        Average gate fidelity of a native gate on one or two qubits.
    false_one, false_zero
        Chance that 0 is read as 1, and 1 as 0. Where only one figure for preparation and
        measurement together is published, it stands in both.
    preparation
        Chance that a qubit starts as 0.
    survival
        Chance that a qubit (an atom, a photon) is still there at the end of a shot; a shot that
        lost one is thrown away and repeated.
    two_qubit_yield
        Chance that a gate on two qubits comes off at all, where one that did not shows and the
        shot is repeated (gates of linear optics).
    """

    one_qubit: float
    two_qubit: float
    false_one: float
    false_zero: float
    preparation: float = 1.0
    survival: float = 1.0
    two_qubit_yield: float = 1.0

    def __post_init__(self) -> None:
        for name in ("one_qubit", "two_qubit", "preparation", "survival", "two_qubit_yield"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} must be above 0 and at most 1, got {getattr(self, name)}")
        for name in ("false_one", "false_zero"):
            # From a half on a coin would read better, and no readout can be corrected.
            if not 0 <= getattr(self, name) < 0.5:
                raise InputError(f"{name} must be from 0 to below 0.5, got {getattr(self, name)}")

    @property
    def readout(self) -> float:
        """Chance that a qubit is read rightly, the mean of both bits."""
        return 1 - (self.false_one + self.false_zero) / 2


@dataclass(frozen=True, slots=True)
class Coherence:
    """How long a qubit keeps its state; infinity where nothing limits it.

    Attributes
    ----------
    t1, t2
        Relaxation and dephasing times in seconds; ``t2`` is at most ``2 t1``.
    """

    t1: float
    t2: float

    def __post_init__(self) -> None:
        if not (self.t1 > 0 and 0 < self.t2 <= 2 * self.t1):
            raise InputError(
                f"t1 and t2 must be above 0 and t2 at most 2 t1, got {self.t1} and {self.t2}"
            )


@dataclass(frozen=True, slots=True)
class GateTimes:
    """How long operations of a gate device take, in seconds.

    Attributes
    ----------
    one_qubit, two_qubit
        Of a native gate; where qubits are moved to meet, moving included.
    readout
        Of all measured qubits together.
    reset
        Until the next shot can start: reset, cooling, loading of atoms.
    job
        Overhead of every program.
    parallel
        Two-qubit gates that run at the same time; None for as many as there are.
    per_amplitude
        Of a simulator, for every gate and amplitude of the state; the other times are then 0.
    """

    one_qubit: float
    two_qubit: float
    readout: float
    reset: float
    job: float = 0.0
    parallel: int | None = None
    per_amplitude: float = 0.0

    def __post_init__(self) -> None:
        _check_seconds(self, "one_qubit", "two_qubit", "readout", "reset", "job", "per_amplitude")
        if self.parallel is not None and self.parallel < 1:
            raise InputError(f"parallel must be at least 1, got {self.parallel}")


@dataclass(frozen=True, slots=True)
class AnnealTimes:
    """How long an annealer takes, in seconds, and the numbers it takes.

    Attributes
    ----------
    anneal
        Usual duration of one anneal.
    shortest, longest
        Durations that can be asked for.
    readout
        Of one read.
    delay
        Between reads.
    programming
        Of every problem.
    fields, couplings
        Lowest and highest field and coupling that can be programmed.
    """

    anneal: float
    shortest: float
    longest: float
    readout: float
    delay: float
    programming: float
    fields: tuple[float, float]
    couplings: tuple[float, float]

    def __post_init__(self) -> None:
        _check_seconds(self, "anneal", "shortest", "longest", "readout", "delay", "programming")
        if not self.shortest <= self.anneal <= self.longest:
            raise InputError(
                f"anneal must lie from shortest to longest, got {self.shortest}, {self.anneal}, "
                f"{self.longest}"
            )
        for low, high in (self.fields, self.couplings):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise InputError(f"a range is two finite numbers, lowest first, got {low}, {high}")


def _check_seconds(times: GateTimes | AnnealTimes, *names: str) -> None:
    for name in names:
        value = getattr(times, name)
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be a number of seconds from 0, got {value}")
