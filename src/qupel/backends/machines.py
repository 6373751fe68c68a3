"""What local devices compute with: one machine for each kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from qupel.backends.contract import Annealing, Kind, Reading
from qupel.backends.spin_reads import anneal_spins
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.simulators.counts import Counts
from qupel.simulators.statevector import StateVector

#: Qubits of a state vector: 4 GiB in double precision.
QUBITS = 28
SPINS = 100_000
#: Seconds a gate takes on one amplitude, a shot, and a sweep on one spin; generous.
GATE, SHOT, SWEEP = 4e-9, 1e-6, 2e-8


class Machine(Protocol):
    """Runs programs of one kind, at once.

    Attributes
    ----------
    kind, evidence
        See `qupel.backends.contract.Capabilities`.
    """

    kind: ClassVar[Kind]
    evidence: ClassVar[Evidence]

    @property
    def qubits(self) -> int:
        """Qubits or spins of a program at most."""
        ...

    @property
    def profile(self) -> str:
        """Name of the profile it follows, empty for none."""
        ...

    def read(self, program: Any, shots: int, rng: np.random.Generator) -> Reading:
        """Run a program of this kind so many times."""
        ...

    def seconds(self, program: Any, shots: int) -> float:
        """Roughly how long that takes on one processor."""
        ...


@dataclass(frozen=True, slots=True)
class Ideal:
    """A state vector without noise."""

    kind: ClassVar[Kind] = Kind.CIRCUIT
    evidence: ClassVar[Evidence] = Evidence.NOISELESS

    qubits: int = QUBITS
    profile: str = ""

    def read(self, program: Circuit, shots: int, rng: np.random.Generator) -> Reading:
        """Measure the final state."""
        return reading_of(StateVector().sample(program, shots, rng))

    def seconds(self, program: Circuit, shots: int) -> float:
        """One walk over the state for each gate."""
        return GATE * (len(program) + 1) * 2.0**program.qubits + SHOT * shots


@dataclass(frozen=True, slots=True)
class Annealer:
    """Simulated annealing in place of a quantum annealer: classical, and said so.

    Attributes
    ----------
    sweeps
        Sweeps of one read.
    """

    kind: ClassVar[Kind] = Kind.ANNEALING
    evidence: ClassVar[Evidence] = Evidence.CLASSICAL

    qubits: int = SPINS
    profile: str = ""
    sweeps: int = 200

    def read(self, program: Annealing, shots: int, rng: np.random.Generator) -> Reading:
        """Anneal once a read, each from random spins."""
        return anneal_spins(program.form, shots, self.sweeps, rng)

    def seconds(self, program: Annealing, shots: int) -> float:
        """Every read sweeps all spins."""
        spins = program.form.variables + program.form.couplings.nnz
        return SWEEP * shots * self.sweeps * spins


def reading_of(counts: Counts) -> Reading:
    """Counts as a reading."""
    return Reading(counts.rows(), counts.occurrences)
