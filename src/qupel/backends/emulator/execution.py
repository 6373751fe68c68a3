"""Programs are really run: circuits on our simulators, annealings by our annealing of spins."""

from __future__ import annotations

import numpy as np

from qupel.backends.contract import Annealing, Program, Reading
from qupel.backends.emulator.calibration import Calibration
from qupel.backends.spin_reads import anneal_spins
from qupel.model.circuit import Circuit
from qupel.model.gates import GATES
from qupel.simulators.counts import Counts
from qupel.simulators.density import DensityMatrix
from qupel.simulators.noise import NoiseModel, Readout, Rule, depolarising
from qupel.simulators.statevector import StateVector
from qupel.simulators.trajectories import Trajectories

#: Qubits up to which a noisy circuit is a density matrix; beyond, every shot is a run of its own.
EXACT = 9
#: Sweeps of one anneal, and those that a microsecond is worth.
SWEEPS, SWEEPS_PER_MICROSECOND = 100, 5


def run_program(
    program: Program, shots: int, calibration: Calibration, rng: np.random.Generator
) -> Reading:
    """Readings of one program on a device as it is."""
    if isinstance(program, Annealing):
        return _annealed(program, shots, calibration.readout, rng)
    return _counted(_sampled(program, shots, calibration, rng))


def _sampled(
    circuit: Circuit, shots: int, calibration: Calibration, rng: np.random.Generator
) -> Counts:
    noise = noise_of(calibration)
    if noise is None:
        return StateVector(threads=1).sample(circuit, shots, rng)
    if circuit.qubits <= EXACT:
        return DensityMatrix(noise, threads=1).sample(circuit, shots, rng)
    return Trajectories(noise, threads=1).sample(circuit, shots, rng)


def noise_of(calibration: Calibration) -> NoiseModel | None:
    """Depolarising after every gate, and misread bits; None for a device without errors."""
    one, two, readout = calibration.one_qubit, calibration.two_qubit, calibration.readout
    if not (one or two or readout):
        return None
    singles = frozenset(name for name, kind in GATES.items() if kind.qubits == 1 and name != "id")
    pairs = frozenset(name for name, kind in GATES.items() if kind.qubits == 2)
    larger = frozenset(name for name, kind in GATES.items() if kind.qubits > 2)
    rules = (
        Rule(depolarising(one), singles),
        Rule(depolarising(two, 2), pairs),
        Rule(depolarising(two), larger),
    )
    return NoiseModel(rules, Readout(readout, readout) if readout else None)


def _counted(counts: Counts) -> Reading:
    return Reading(counts.rows(), counts.occurrences)


def _annealed(program: Annealing, reads: int, misread: float, rng: np.random.Generator) -> Reading:
    sweeps = SWEEPS
    if program.microseconds is not None:
        sweeps = min(max(1, round(program.microseconds * SWEEPS_PER_MICROSECOND)), 10_000)
    read = anneal_spins(program.form, reads, sweeps, rng)
    if not misread:
        return read
    rows = np.repeat(read.bits, read.occurrences, axis=0)
    rows ^= (rng.random(rows.shape) < misread).astype(np.uint8)
    bits, occurrences = np.unique(rows, axis=0, return_counts=True)
    energies = program.form.energies(1 - 2 * bits.astype(np.int8))
    return Reading(bits, occurrences.astype(np.int64), energies)
