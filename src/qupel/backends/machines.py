"""What local devices compute with: one machine for each kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from qupel.backends.contract import Annealing, Kind, Reading
from qupel.backends.noise import idled, noise_model
from qupel.backends.profile import DeviceProfile, GateTimes
from qupel.backends.spin_reads import anneal_spins
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.simulators.counts import Counts
from qupel.simulators.density import MOST_QUBITS, DensityMatrix
from qupel.simulators.noise import NoiseModel
from qupel.simulators.statevector import StateVector
from qupel.simulators.trajectories import Trajectories

#: Qubits of a state vector: 4 GiB in double precision.
QUBITS = 28
#: Qubits of a noisy circuit: every shot is a state vector of its own.
NOISY_QUBITS = 24
SPINS = 100_000
#: Seconds a gate takes on one amplitude, and in every run of a trajectory besides; seconds of a
#: shot, and of a sweep on one spin. All generous.
GATE, RUN, SHOT, SWEEP = 4e-9, 2e-5, 1e-6, 2e-8


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


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """A noisy quantum computer: a density matrix while it is small, trajectories beyond.

    The circuit runs as it is given: gates need not be native nor qubits coupled.

    Attributes
    ----------
    noise
        Channels after gates, and errors of the readout.
    times
        Durations by which qubits that wait decay; None if they do not.
    """

    kind: ClassVar[Kind] = Kind.CIRCUIT
    evidence: ClassVar[Evidence] = Evidence.NOISY

    noise: NoiseModel
    times: GateTimes | None = None
    qubits: int = NOISY_QUBITS
    profile: str = ""

    @classmethod
    def of(cls, profile: DeviceProfile, *, scale: float = 1.0) -> Noisy:
        """Return the machine that a profile describes; see `qupel.backends.noise.noise_model`."""
        noise = noise_model(profile, scale=scale)
        most = min(profile.qubits, NOISY_QUBITS)
        return cls(noise, profile.times, most, profile.name)

    def read(self, program: Circuit, shots: int, rng: np.random.Generator) -> Reading:
        """Sample the noisy circuit."""
        circuit = program if self.times is None else idled(program, self.times)
        dense = _dense(circuit.qubits, shots)
        simulator = DensityMatrix(self.noise) if dense else Trajectories(self.noise)
        return reading_of(simulator.sample(circuit, shots, rng))

    def seconds(self, program: Circuit, shots: int) -> float:
        """One walk over the matrix for each gate, or over the state for each gate and shot."""
        gates, size = len(program) + 1, 2.0**program.qubits
        if _dense(program.qubits, shots):
            return 4 * GATE * gates * size * size + SHOT * shots
        return shots * gates * (GATE * size + RUN)


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


def _dense(qubits: int, shots: int) -> bool:
    """Whether a density matrix is less work than so many trajectories."""
    return qubits <= MOST_QUBITS and 4.0**qubits <= shots * (2.0**qubits + 4096)
