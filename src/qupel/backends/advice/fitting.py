"""Whether a need fits a device, and if not why, with numbers."""

from __future__ import annotations

import math

from qupel.backends.advice.need import Need
from qupel.backends.advice.placement import Embedding
from qupel.backends.advice.prospect import Prospect, chance_text, prospect, seconds_text
from qupel.backends.catalogue.profile import DeviceProfile, Runs
from qupel.backends.contract import Kind


def fits(profile: DeviceProfile, need: Need) -> list[str]:
    """Reasons why a need does not fit a device, with numbers; none if it does.

    Examples
    --------
    >>> from qupel.backends.catalogue.listing import profile_named
    >>> fits(profile_named("iqm-garnet"), Need(qubits=32, depth=10))
    ['32 qubits are needed, iqm-garnet has 20']
    """
    name = profile.name
    if not profile.runnable:
        return [f"{name} is {profile.availability}: nobody can run programs there"]
    if profile.runs is Runs.ANALOGUE:
        return [f"{name} runs analogue programs, which are neither circuits nor forms"]
    if profile.runs is Runs.ANNEALING and need.kind is Kind.CIRCUIT:
        return [f"{name} anneals; it has no gates for a circuit"]
    reasons = []
    if need.qubits > profile.qubits:
        reasons.append(f"{need.qubits} qubits are needed, {name} has {profile.qubits}")
    if need.shots > profile.max_shots:
        reasons.append(f"{need.shots} shots are needed, {name} takes {profile.max_shots}")
    if profile.simulated and need.qubits > profile.qubits:
        return reasons
    found = prospect(profile, need)
    reasons += _lies(found, need) + _signal(found, need)
    return reasons + limits(found, need)


def limits(found: Prospect, need: Need) -> list[str]:
    """Why the deadline or the budget does not do, with numbers."""
    reasons = []
    if need.deadline is not None and found.run_seconds > need.deadline:
        reasons.append(
            f"the run takes about {seconds_text(found.run_seconds)}, the deadline is "
            f"{seconds_text(need.deadline)}"
        )
    return reasons + _price(found, need)


def _lies(found: Prospect, need: Need) -> list[str]:
    """Why a form does not lie on an annealer's graph."""
    if found.embedding is None or found.profile.simulated:
        return []
    return unembeddable(found.profile, found.embedding, need)


def unembeddable(profile: DeviceProfile, lying: Embedding, need: Need) -> list[str]:
    """Why a form has no embedding on an annealer, with numbers; none if it may have one."""
    whole = need.filled()
    core = whole.core or 0
    if core + 1 > lying.largest:
        return [
            f"some {core + 1} variables or more have {core} couplings each among themselves; "
            f"at most {lying.largest} can all be coupled on {profile.name}"
        ]
    if lying.least > profile.qubits:
        return [
            f"at least {lying.least} physical qubits are needed for {whole.pairs} "
            f"couplings, {profile.name} has {profile.qubits}"
        ]
    return []


def _signal(found: Prospect, need: Need) -> list[str]:
    """Why errors leave nothing to see."""
    if found.ln_success is None or found.ln_success + math.log(need.shots) >= 0:
        return []
    worst = min(found.ln_parts, key=lambda part: found.ln_parts[part])
    causes = {
        "gates": (
            f"{found.two_qubit_gates} two-qubit gates, {found.routing_gates} of them for routing"
        ),
        "idling": f"qubits wait through a depth of {found.depth}",
        "readout": f"{need.filled().measured} qubits are read",
    }
    expected = chance_text(found.ln_success + math.log(need.shots))
    return [
        f"of {need.shots} shots {expected} are expected without an error on "
        f"{found.profile.name}: {causes[worst]}"
    ]


def _price(found: Prospect, need: Need) -> list[str]:
    """Why the budget does not do."""
    if need.budget is None or (found.cost is not None and found.cost.micros == 0):
        return []
    if found.cost is None:
        return [
            f"no price of {found.profile.name} is published, so no budget of {need.budget} can be "
            "kept"
        ]
    if found.cost.currency != need.budget.currency:
        return [
            f"{found.profile.name} bills in {found.cost.currency}, the budget is in "
            f"{need.budget.currency}"
        ]
    if need.budget < found.cost:
        return [f"the bill is up to {found.cost}, the budget is {need.budget}"]
    return []
