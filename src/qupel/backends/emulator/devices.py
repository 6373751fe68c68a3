"""Devices of the emulated provider: three of its own, and every profile of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qupel.backends.catalogue.listing import profile_named, profiles
from qupel.backends.catalogue.prices import (
    Counts,
    PerSecond,
    PerShot,
    PriceModel,
    Unpublished,
    Usage,
    price,
)
from qupel.backends.catalogue.profile import DeviceProfile, Runs
from qupel.backends.contract import Annealing, Kind, Program
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.noise import depolarising_probability
from qupel.errors import InputError, unknown_name
from qupel.model.circuit import Circuit
from qupel.model.money import Money

#: Qubits of a state vector that the emulator runs at most: 1 GiB.
MOST_QUBITS = 26
#: Layers of gates that a profile's circuits are taken to have, for how long a shot takes.
LAYERS = 10


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

    Raises
    ------
    InputError
        If its price is not published.
    """

    name: str
    kind: Kind = Kind.CIRCUIT
    qubits: int = 20
    region: str = "eu-emulated-1"
    prices: PriceModel = field(default_factory=lambda: PerShot(Decimal("0.30"), Decimal("0.00035")))
    errors: Drifting = field(default_factory=Drifting)
    job_seconds: float = 0.0
    shot_seconds: float = 1e-5
    max_shots: int = 100_000
    max_programs: int = 100
    profile: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.prices, Unpublished):
            raise InputError(f"nobody publishes what {self.name} costs, so it cannot be emulated")

    def seconds(self, programs: int, shots: int) -> float:
        """Seconds on the device."""
        return self.job_seconds + programs * shots * self.shot_seconds

    def bill(self, programs: Sequence[Program], shots: int) -> Money:
        """What a job costs that ran these programs so often."""
        counts = tuple(Counts.of(p) if isinstance(p, Circuit) else Counts() for p in programs)
        return self._price(counts, shots)

    def bill_of_gates(self, one_qubit: int, two_qubit: int, qubits: int, shots: int) -> Money:
        """What a job of one program costs that has so many gates."""
        return self._price((Counts(one_qubit, two_qubit, qubits),), shots)

    def _price(self, counts: tuple[Counts, ...], shots: int) -> Money:
        seconds = Decimal(str(round(self.seconds(len(counts), shots), 9)))
        return price(self.prices, Usage(counts, shots, seconds))


def size_of(program: Program) -> int:
    """Qubits or spins of a program."""
    return program.form.variables if isinstance(program, Annealing) else program.qubits


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
            prices=PerSecond(Decimal(2), increment=Decimal("0.001")),
            job_seconds=0.01,
            shot_seconds=1e-4,
        ),
    )
}


def device_named(name: str) -> Device:
    """One of the emulator's own devices, or that of a profile in the catalogue.

    Raises
    ------
    InputError
        If there is none of that name, or the profile's device cannot be emulated.
    """
    if name in OWN:
        return OWN[name]
    if name in profiles():
        return device_of(profile_named(name))
    raise unknown_name("emulated device", name, [*OWN, *profiles()])


def device_of(profile: DeviceProfile) -> Device:
    """The emulated twin of a device in the catalogue.

    Its noise is depolarising after gates and misreading, from the profile's mean fidelities;
    circuits are run as they stand, however its qubits are coupled.
    """
    region = profile.regions[0] if profile.regions else "local"
    if profile.runs is Runs.ANNEALING and profile.anneal is not None:
        times = profile.anneal
        return Device(
            profile.name,
            Kind.ANNEALING,
            profile.qubits,
            region,
            profile.price,
            job_seconds=times.programming,
            shot_seconds=times.anneal + times.readout + times.delay,
            max_shots=profile.max_shots,
            profile=profile.name,
        )
    if profile.runs is not Runs.CIRCUIT or profile.times is None:
        raise InputError(f"{profile.name} runs neither circuits nor annealings for hire")
    gates = profile.times
    layer = gates.one_qubit + gates.two_qubit
    return Device(
        profile.name,
        Kind.CIRCUIT,
        profile.qubits,
        region,
        profile.price,
        _errors(profile),
        job_seconds=gates.job,
        shot_seconds=gates.reset + gates.readout + LAYERS * layer,
        max_shots=profile.max_shots,
        profile=profile.name,
    )


def _errors(profile: DeviceProfile) -> Drifting:
    known = profile.fidelities
    if known is None or profile.simulated:
        return Drifting()
    return Drifting(
        depolarising_probability(known.one_qubit, 1),
        depolarising_probability(known.two_qubit, 2),
        min(1 - known.readout, 0.5),
        spread=0.1,
    )
