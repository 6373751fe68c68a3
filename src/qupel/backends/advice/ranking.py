"""Advice: which device for a need, why that one, and why not the others.

Devices are ranked by the time until a result is as precise as the shots asked for would make it
without errors (`Prospect.signal_seconds`), by the chance of success, or by price. Nothing knows
what kind of device is good at what: speed, coherence and connectivity count as far as they show in
the published figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from qupel.backends.advice.fitting import fits, limits
from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import Prospect, chance_text, prospect, seconds_text
from qupel.backends.catalogue.profile import DeviceProfile, Modality, Runs
from qupel.backends.contract import Kind
from qupel.errors import InputError, RefusedError
from qupel.model.circuit import Circuit


class Aim(StrEnum):
    """What counts most; the others decide between equals."""

    TIME = "time"
    SUCCESS = "success"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A device that a need does not fit, with the reasons and their numbers."""

    profile: DeviceProfile
    reasons: tuple[str, ...]

    def document(self, today: date) -> dict[str, Any]:
        """It as plain data."""
        return {
            "device": self.profile.name,
            "family": str(self.profile.modality),
            "refused": list(self.reasons),
            "notice": self.profile.notice(today),
        }


@dataclass(frozen=True, slots=True)
class Advice:
    """Devices for a need.

    Attributes
    ----------
    need
        What was asked.
    aim
        By what it is ranked.
    devices
        Quantum devices that fit, best first.
    simulators
        Programs on classical machines that give the same answer, best first.
    refused
        All others.
    reasons
        Why the first device is the first, in plain words with numbers.
    """

    need: Need
    aim: Aim
    devices: tuple[Prospect, ...]
    simulators: tuple[Prospect, ...]
    refused: tuple[Refusal, ...]
    reasons: tuple[str, ...]

    @property
    def best(self) -> Prospect | None:
        """The device to take; None if the idea is premature."""
        return self.devices[0] if self.devices else None

    @property
    def premature(self) -> bool:
        """Whether no quantum device that anybody can run programs on can hold it."""
        return not self.devices

    def document(self, today: date) -> dict[str, Any]:
        """All of it as plain data."""
        need = asdict(self.need.filled())
        budget = self.need.budget
        return {
            "need": need | {"budget": None if budget is None else str(budget)},
            "aim": str(self.aim),
            "premature": self.premature,
            "recommended": self.best.profile.name if self.best else None,
            "reasons": list(self.reasons),
            "devices": [found.document(today) for found in self.devices],
            "simulators": [found.document(today) for found in self.simulators],
            "refused": [each.document(today) for each in self.refused],
        }


def compare(
    need: Need, profiles: Iterable[DeviceProfile], circuit: Circuit | None = None
) -> list[Prospect | Refusal]:
    """What each device would make of one need, or why it does not fit; by kind, then by time.

    Parameters
    ----------
    need
        What is asked.
    profiles
        The devices.
    circuit
        The circuit that the need is of: it is compiled for every device, and what comes out is
        counted and scheduled. Without it the closed forms stand (`qupel.backends.advice.prospect`).
    """
    found = [_compared(need, profile, circuit) for profile in profiles]
    order = list(Modality)
    return sorted(
        found,
        key=lambda each: (
            isinstance(each, Refusal),
            order.index(each.profile.modality),
            each.signal_seconds if isinstance(each, Prospect) else 0.0,
            each.profile.name,
        ),
    )


def _compared(need: Need, profile: DeviceProfile, circuit: Circuit | None) -> Prospect | Refusal:
    if circuit is None or profile.runs is not Runs.CIRCUIT:
        reasons = fits(profile, need)
        return Refusal(profile, tuple(reasons)) if reasons else prospect(profile, need)
    from qupel.backends.advice.estimate import estimate

    try:
        made = estimate(circuit, profile, need.shots)
    except RefusedError as error:
        return Refusal(profile, (str(error),))
    if made.compiled is None:
        raise RefusedError(f"{profile.name} gave no compiled circuit")
    held, size = made.estimate, made.compiled.compiled
    one = sum(size.gates.values()) - size.two_qubit_gates
    found = Prospect(
        profile, held.qubits, made.compiled.routing_gates, one, size.two_qubit_gates, held.depth,
        made.ln_success, made.ln_parts, made.shot_seconds, held.run_seconds or 0.0, held.cost,
        need.shots,
    )  # fmt: skip
    over = limits(found, need)
    return Refusal(profile, tuple(over)) if over else found


def advise(
    need: Need,
    profiles: Iterable[DeviceProfile],
    aim: Aim = Aim.TIME,
    circuit: Circuit | None = None,
) -> Advice:
    """Rank devices for a need, and say why.

    Parameters
    ----------
    need, profiles, circuit
        As for `compare`.
    aim
        What counts most.

    Raises
    ------
    InputError
        If there are no profiles.
    """
    found = [_compared(need, profile, circuit) for profile in profiles]
    fitting = [each for each in found if isinstance(each, Prospect)]
    refused = [each for each in found if isinstance(each, Refusal)]
    if not fitting and not refused:
        raise InputError("no device profiles to choose from")
    ranked = sorted(fitting, key=lambda found: _rank(found, aim))
    devices = tuple(found for found in ranked if not found.profile.simulated)
    simulators = tuple(found for found in ranked if found.profile.simulated)
    reasons = _why(devices, aim, need, refused) if devices else _premature(need, refused)
    return Advice(need, aim, devices, simulators, tuple(refused), tuple(reasons))


def _rank(found: Prospect, aim: Aim) -> tuple[float, ...]:
    """Smaller is better; what nobody has published comes last, but time, which is that of shots."""
    time = found.signal_seconds
    cost = math.inf if found.cost is None else float(found.cost.micros)
    loss = math.inf if found.ln_success is None else -found.ln_success
    return {
        Aim.TIME: (time, cost, loss),
        Aim.SUCCESS: (loss, time, cost),
        Aim.PRICE: (cost, time, loss),
    }[aim]


def _why(devices: tuple[Prospect, ...], aim: Aim, need: Need, refused: list[Refusal]) -> list[str]:
    """The first device, then the best of every other kind, or why there is none of it."""
    first = devices[0]
    reasons, seen = [_summary(first)], {first.profile.modality}
    for other in devices:
        if other.profile.modality not in seen:
            seen.add(other.profile.modality)
            reasons.append(_against(first, other, aim))
    for refusal in _nearest(need, refused):
        if refusal.profile.modality not in seen:
            seen.add(refusal.profile.modality)
            reasons.append(f"no {refusal.profile.modality} device: {'; '.join(refusal.reasons)}")
    return reasons


def _nearest(need: Need, refused: list[Refusal]) -> list[Refusal]:
    """Runnable devices of the right sort, those with fewest reasons against them first."""
    return sorted(
        (
            each
            for each in refused
            if each.profile.runnable
            and not each.profile.simulated
            and each.profile.runs is not Runs.ANALOGUE
            and (need.kind is Kind.ANNEALING or each.profile.runs is Runs.CIRCUIT)
        ),
        key=lambda each: (len(each.reasons), -each.profile.qubits),
    )


def _summary(found: Prospect) -> str:
    name = found.profile.name
    if found.embedding is not None:
        if found.embedding.chain is None:
            return (
                f"{name}: at least {found.embedding.least} of {found.profile.qubits} qubits; "
                "whether an embedding exists, only an embedder can tell"
            )
        return (
            f"{name}: {found.qubits} of {found.profile.qubits} qubits hold the form in chains of "
            f"{found.embedding.chain}; a read takes {seconds_text(found.shot_seconds)}; how good "
            "reads are, its figures do not tell"
        )
    return (
        f"{name}: {found.two_qubit_gates} two-qubit gates, {found.routing_gates} of them for "
        f"routing; a shot takes {seconds_text(found.shot_seconds)} and has no error with chance "
        f"{chance_text(found.ln_success)}"
    )


def _against(first: Prospect, other: Prospect, aim: Aim) -> str:
    """Why ``first`` and not ``other``: the factor between them, and what makes most of it."""
    name = other.profile.name
    if aim is Aim.PRICE:
        dear = "what nobody has published" if other.cost is None else f"up to {other.cost}"
        return f"{name} would cost {dear}, against {first.cost or 'an unpublished price'}"
    if first.embedding is not None and other.embedding is None:
        return (
            f"{name} ({other.profile.modality}) would run it as QAOA with "
            f"{other.two_qubit_gates} two-qubit gates and no error with chance "
            f"{chance_text(other.ln_success)}"
        )
    fewer_errors = (first.ln_success or 0.0) - (other.ln_success or 0.0)
    faster = math.log(other.shot_seconds / first.shot_seconds) if first.shot_seconds else math.inf
    said = f"against {name} ({other.profile.modality}): "
    if aim is Aim.TIME and faster > 2 * fewer_errors:
        return said + (
            f"speed, a shot takes {seconds_text(first.shot_seconds)} and not "
            f"{seconds_text(other.shot_seconds)}" + _although(fewer_errors, first, other)
        )
    worst = max(other.ln_parts, key=lambda k: first.ln_parts.get(k, 0.0) - other.ln_parts[k])
    chances = f"{chance_text(first.ln_success)} and not {chance_text(other.ln_success)}"
    if worst == "idling":
        return said + f"coherence, its qubits outlive the circuit; no error with chance {chances}"
    if worst == "readout":
        return said + f"readout; no error with chance {chances}"
    if other.routing_gates > first.routing_gates:
        return said + (
            f"connectivity, {first.routing_gates} gates for routing and not "
            f"{other.routing_gates}; no error with chance {chances}"
        )
    return said + f"better gates; no error with chance {chances}"


def _although(fewer_errors: float, first: Prospect, other: Prospect) -> str:
    if fewer_errors >= 0:
        return ""
    return (
        f", although its shots have no error with chance {chance_text(first.ln_success)} only, "
        f"against {chance_text(other.ln_success)}"
    )


def _premature(need: Need, refused: list[Refusal]) -> list[str]:
    asked = f"{need.qubits} qubits, depth {need.depth} and {need.two_qubit_gates} two-qubit gates"
    if need.kind is Kind.ANNEALING:
        asked = f"{need.qubits} variables with {need.filled().pairs} couplings"
    return [
        f"premature: no device that can be hired holds {asked}",
        *("; ".join(each.reasons) for each in _nearest(need, refused)[:3]),
    ]
