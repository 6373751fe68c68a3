"""Device profiles: what is publicly said of a device, by whom, and until when to believe it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from qupel.backends.catalogue.figures import AnnealTimes, Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.lattices import Connectivity, Edges
from qupel.backends.catalogue.prices import Free, PriceModel
from qupel.errors import InputError, unknown_name
from qupel.model.gates import GATES

#: Months after which claims are to be read again, unless a profile names a day of its own: makers
#: replace a device, or its figures, every year or two.
LIFETIME = 18


class Modality(StrEnum):
    """What a qubit is made of."""

    SUPERCONDUCTING = "superconducting"
    TRAPPED_ION = "trapped ion"
    NEUTRAL_ATOM = "neutral atom"
    PHOTONIC = "photonic"
    ANNEALER = "annealer"
    SIMULATOR = "simulator"
    TOPOLOGICAL = "topological"


class Runs(StrEnum):
    """What kind of program a device runs."""

    CIRCUIT = "circuit"
    ANNEALING = "annealing"
    ANALOGUE = "analogue"  # a Hamiltonian that varies in time; nothing here writes such programs


class Availability(StrEnum):
    """Who can run programs on a device."""

    PUBLIC = "public"  # whoever opens an account
    PARTNER = "partner"  # by arrangement with the maker
    RETIRED = "retired"
    EXPERIMENTAL = "experimental"  # shown in a laboratory, for nobody to hire

    @property
    def runnable(self) -> bool:
        """Whether anybody can run a program there."""
        return self in {Availability.PUBLIC, Availability.PARTNER}


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """One device as its maker or a paper describes it: claims, with source and expiry.

    Attributes
    ----------
    name
        In the catalogue, such as ``ibm-heron-r2``.
    vendor
        Who makes it.
    modality, runs, availability
        What it is made of, what it runs, and for whom.
    qubits
        Physical qubits a program can use.
    connectivity
        Which of them are coupled.
    max_shots
        Of one program.
    tier
        Access tier that it belongs to; see `qupel.backends.catalogue.tiers`.
    source
        Page or paper where the figures stand, and what is uncertain about them.
    checked, expires
        When the source was read, and the first day on which it is to be read again; `LIFETIME`
        months later if None.
    native_gates
        Names in `qupel.model.gates.GATES`; none for a device that runs no circuits.
    fidelities, coherence, times
        Of a gate device; None where unknown.
    anneal
        Of an annealer.
    price
        How runs are charged.
    regions
        Where the device stands; empty for this machine.
    backends
        Names of backends through which Qupel reaches it.
    remarks
        What a reader of the figures should know.
    """

    name: str
    vendor: str
    modality: Modality
    runs: Runs
    availability: Availability
    qubits: int
    connectivity: Connectivity
    max_shots: int
    tier: str
    source: str
    checked: date
    expires: date | None = None
    native_gates: tuple[str, ...] = ()
    fidelities: Fidelities | None = None
    coherence: Coherence | None = None
    times: GateTimes | None = None
    anneal: AnnealTimes | None = None
    price: PriceModel = field(default_factory=Free)
    regions: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("name", "vendor", "tier", "source"):
            if not getattr(self, name).strip():
                raise InputError(f"{name} must not be empty")
        for name in ("qubits", "max_shots"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.expiry <= self.checked:
            raise InputError(f"expires must be after checked, got {self.expiry}, {self.checked}")
        for gate in self.native_gates:
            if gate not in GATES:
                raise InputError(f"native_gates holds an {unknown_name('gate', gate, GATES)}")
        if self.runs is Runs.CIRCUIT and self.runnable:
            self._check_gate_device()
        if repeated := sorted({g for g in self.native_gates if self.native_gates.count(g) > 1}):
            raise InputError(f"native_gates names {repeated[0]} twice; name it once")
        if self.runs is Runs.ANNEALING and self.anneal is None and self.runnable:
            raise InputError("runs is annealing, so anneal must be given")
        self.connectivity.check(self.qubits)

    @property
    def runnable(self) -> bool:
        """Whether anybody can run a program there."""
        return self.availability.runnable

    @property
    def simulated(self) -> bool:
        """Whether it is a program and not a quantum machine."""
        return self.modality is Modality.SIMULATOR

    def coupling(self) -> Edges | None:
        """Coupled pairs, the smaller qubit first, in order; None where all pairs are coupled."""
        return self.connectivity.coupling(self.qubits)

    @property
    def expiry(self) -> date:
        """First day on which the claims are to be read again before they are believed."""
        return self.expires or months_after(self.checked, LIFETIME)

    def expired(self, today: date) -> bool:
        """Whether the claims are to be read again before they are believed."""
        return today >= self.expiry

    def notice(self, today: date) -> str | None:
        """What to say beside every figure once the claims have expired; None before."""
        if not self.expired(today):
            return None
        return (
            f"claims about {self.name} expired on {self.expiry} (read on {self.checked}); "
            "check the source and renew the profile"
        )

    def document(self, today: date) -> dict[str, Any]:
        """Every claim as plain data, with what is to be said of its age."""
        found = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        edges = self.coupling()
        return found | {
            "expires": str(self.expiry),
            "runnable": self.runnable,
            "couplings": None if edges is None else len(edges),
            "expired": self.expired(today),
            "notice": self.notice(today),
        }

    def _check_gate_device(self) -> None:
        if self.fidelities is None or self.times is None:
            raise InputError("runs is circuit, so fidelities and times must be given")
        got = f"got {', '.join(self.native_gates) or 'none'}"
        if not any(GATES[gate].qubits == 2 for gate in self.native_gates) and self.qubits > 1:
            raise InputError(f"native_gates must name a gate on two qubits, {got}")
        if not any(GATES[gate].qubits == 1 and gate != "id" for gate in self.native_gates):
            raise InputError(f"native_gates must name a gate on one qubit, {got}")


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, dates and decimal numbers as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, date | Decimal | StrEnum) else value
