"""Reasons: why one device and not another, in plain words with numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import Prospect, chance_text, seconds_text
from qupel.backends.advice.recommendation import Aim, Refusal
from qupel.backends.catalogue.profile import Runs
from qupel.backends.contract import Kind


def why(devices: Sequence[Prospect], aim: Aim, need: Need, refused: Sequence[Refusal]) -> list[str]:
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


def premature(need: Need, refused: Sequence[Refusal]) -> list[str]:
    """That no device holds a need, and what those that come nearest lack."""
    return [
        f"premature: no device that can be hired holds {_asked(need)}",
        *("; ".join(each.reasons) for each in _nearest(need, refused)[:3]),
    ]


def beyond_limits(need: Need, held: Sequence[Refusal]) -> list[str]:
    """That only a limit stands in the way, and of what those devices are that would do."""
    return [
        f"no device takes {_asked(need)}; {len(held)} would with other limits",
        *(f"{each.profile.name}: {'; '.join(each.reasons)}" for each in held[:3]),
    ]


def _asked(need: Need) -> str:
    """A need and its limits in words."""
    asked = f"{need.qubits} qubits, depth {need.depth} and {need.two_qubit_gates} two-qubit gates"
    if need.kind is Kind.ANNEALING:
        asked = f"{need.qubits} variables with {need.filled().pairs} couplings"
    asked += f" for {need.shots} shots"
    if need.deadline is not None:
        asked += f" within {seconds_text(need.deadline)}"
    if need.budget is not None:
        asked += f" at {need.budget}"
    return asked


def closed(tier: str, refused: Sequence[Refusal]) -> list[str]:
    """That a tier opens no device which holds the need, and which ones would."""
    held = [each for each in refused if each.by_tier and not each.profile.simulated]
    return [
        f"tier {tier} opens none of the {len(held)} devices that hold it",
        *(f"{each.profile.name}: {'; '.join(each.reasons)}" for each in held[:3]),
    ]


def of_age(ranked: Sequence[Prospect], by_figures: Sequence[Prospect], today: date) -> list[str]:
    """What the age of the claims did to the ranking: the newer ones go first."""
    first, best = ranked[0].profile, by_figures[0].profile
    if notice := first.notice(today):
        return [f"no device with claims still to be believed fits; {notice}"]
    if best.expired(today):
        return [
            f"{best.name} would come first by its figures, but they were to be read again from "
            f"{best.expiry}"
        ]
    return []


def _nearest(need: Need, refused: Sequence[Refusal]) -> list[Refusal]:
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
