"""What local devices compute with: one machine for each kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from qupel.backends.catalogue.figures import GateTimes
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.contract import Annealing, Kind, Reading
from qupel.backends.noise import idled, noise_model
from qupel.backends.spin_reads import anneal_spins
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.gate import Gate
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
GATE, RUN, SHOT, SWEEP = 2e-9, 1e-5, 1e-6, 4e-9


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

    def laid_out(self, program: Any) -> Any:
        """Return the program as it is run; `InputError` if it cannot be."""
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

    def laid_out(self, program: Circuit) -> Circuit:
        """Return the circuit as it is given."""
        return program

    def read(self, program: Circuit, shots: int, rng: np.random.Generator) -> Reading:
        """Measure the final state."""
        return reading_of(StateVector().sample(program, shots, rng))

    def seconds(self, program: Circuit, shots: int) -> float:
        """One walk over the state for each gate."""
        return GATE * (len(program) + 1) * 2.0**program.qubits + SHOT * shots


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """A noisy quantum computer: a density matrix while it is small, trajectories beyond.

    Attributes
    ----------
    noise
        Channels after gates, and errors of the readout.
    times
        Durations by which qubits that wait decay; None if they do not.
    target
        Device to whose gates and couplings circuits are compiled; None runs them as they are
        given, any gate on any qubits.
    """

    kind: ClassVar[Kind] = Kind.CIRCUIT
    evidence: ClassVar[Evidence] = Evidence.NOISY

    noise: NoiseModel
    times: GateTimes | None = None
    target: DeviceProfile | None = None
    qubits: int = NOISY_QUBITS
    profile: str = ""

    @classmethod
    def of(cls, profile: DeviceProfile, *, scale: float = 1.0, compiles: bool = False) -> Noisy:
        """Return the machine that a profile describes; see `qupel.backends.noise.noise_model`.

        Parameters
        ----------
        scale
            Factor on all errors.
        compiles
            Whether circuits are compiled to the device's gates and couplings, which costs gates.
        """
        return cls(
            noise_model(profile, scale=scale),
            profile.times,
            profile if compiles else None,
            min(profile.qubits, NOISY_QUBITS),
            profile.name,
        )

    def laid_out(self, program: Circuit) -> Circuit:
        """Return the circuit as it is run, on the qubits that it uses."""
        if self.target is None:
            return program
        from qupel.backends.compiling import compile_circuit

        return on_used_qubits(compile_circuit(program, self.target).circuit)

    def read(self, program: Circuit, shots: int, rng: np.random.Generator) -> Reading:
        """Sample the noisy circuit."""
        program = self.laid_out(program)
        if program.qubits > NOISY_QUBITS:
            raise InputError(
                f"compiled, the circuit uses {program.qubits} qubits, and {NOISY_QUBITS} noisy "
                "qubits are simulated at most"
            )
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

    def laid_out(self, program: Annealing) -> Annealing:
        """Return the form as it is given: every spin is coupled to every other."""
        return program

    def read(self, program: Annealing, shots: int, rng: np.random.Generator) -> Reading:
        """Anneal once a read, each from random spins."""
        return anneal_spins(program.form, shots, self.sweeps, rng)

    def seconds(self, program: Annealing, shots: int) -> float:
        """Every read sweeps all spins."""
        spins = program.form.variables + program.form.couplings.nnz
        return SWEEP * shots * self.sweeps * spins


def on_used_qubits(circuit: Circuit) -> Circuit:
    """Return the circuit without qubits that no gate and no measurement touches."""
    measured = range(circuit.qubits) if circuit.measured is None else circuit.measured
    used = sorted({q for gate in circuit.gates for q in gate.qubits} | set(measured))
    place = {qubit: k for k, qubit in enumerate(used)}
    gates = [
        Gate(gate.name, tuple(place[q] for q in gate.qubits), gate.angles) for gate in circuit.gates
    ]
    return Circuit(len(used), gates, [place[q] for q in measured])


def reading_of(counts: Counts) -> Reading:
    """Counts as a reading."""
    return Reading(counts.rows(), counts.occurrences)


def _dense(qubits: int, shots: int) -> bool:
    """Whether a density matrix is less work than so many trajectories."""
    return qubits <= MOST_QUBITS and 4.0**qubits <= shots * (2.0**qubits + 4096)
