"""Devices of the emulated provider."""

from __future__ import annotations

from dataclasses import dataclass, field

from qupel.backends.contract import Annealing, Kind, Program
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.emulator.prices import Prices
from qupel.errors import unknown_name
from qupel.model.circuit import Circuit

#: Qubits of a state vector that the emulator runs at most: 1 GiB.
MOST_QUBITS = 26


@dataclass(frozen=True, slots=True)
class Device:
    """A device for hire.

    Attributes
    ----------
    name, kind
        Its name at the provider, and what it runs.
    qubits
        Qubits or spins.
    region
        Where it stands.
    prices
        What it costs.
    errors
        Noise and its drift; an annealer has readout errors only.
    job_seconds, shot_seconds
        Seconds on the device: for a job, and for every shot of every program.
    max_shots, max_programs
        Of one job.
    profile
        Name of its profile in the catalogue, empty if it has none.
    """

    name: str
    kind: Kind = Kind.CIRCUIT
    qubits: int = 20
    region: str = "eu-emulated-1"
    prices: Prices = field(default_factory=Prices)
    errors: Drifting = field(default_factory=Drifting)
    job_seconds: float = 0.0
    shot_seconds: float = 1e-5
    max_shots: int = 100_000
    max_programs: int = 100
    profile: str = ""

    def seconds(self, programs: int, shots: int) -> float:
        """Seconds on the device."""
        return self.job_seconds + programs * shots * self.shot_seconds


def size_of(program: Program) -> int:
    """Qubits or spins of a program."""
    return program.form.variables if isinstance(program, Annealing) else program.qubits


def bits_of_program(program: Program) -> int:
    """Bits of one shot."""
    if isinstance(program, Circuit):
        return program.qubits if program.measured is None else len(program.measured)
    return program.form.variables


#: Devices that need no catalogue: one without noise, one with, one that anneals.
OWN = {
    device.name: device
    for device in (
        Device("ideal"),
        Device("noisy", qubits=12, errors=Drifting(2e-4, 5e-3, 1e-2, spread=0.1)),
        Device(
            "annealer",
            Kind.ANNEALING,
            qubits=2000,
            prices=Prices(per_job=0, per_shot=0, per_second=2_000_000),
            job_seconds=0.01,
            shot_seconds=1e-4,
        ),
    )
}


def device_named(name: str) -> Device:
    """One of the emulator's own devices; `InputError` if there is none of that name."""
    if name in OWN:
        return OWN[name]
    raise unknown_name("emulated device", name, OWN)
