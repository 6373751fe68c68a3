"""Device profiles, prospects and advice as tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from qupel.cli.output import print_text, say
from qupel.cli.table import text_table

if TYPE_CHECKING:
    from qupel.backends.advice.prospect import Prospect
    from qupel.backends.advice.recommendation import Advice, Refusal
    from qupel.backends.catalogue.profile import DeviceProfile
    from qupel.backends.catalogue.tiers import Tier

#: Fields of prices that are amounts of their currency.
RATES = frozenset(
    {"task", "shot", "one_qubit_gate", "two_qubit_gate", "minimum", "second", "credit"}
)
#: Heads of the list of devices.
HEADS = ("device", "kind", "qubits", "couplings", "1q error", "2q error", "misread", "T2",
          "two-qubit gate", "price", "for", "read on", "reached by")  # fmt: skip


def line(profile: DeviceProfile, today: date) -> list[str]:
    """One row of the list: what is published of a device, and how old that is."""
    from qupel.backends.advice.prospect import seconds_text

    edges, f = profile.coupling(), profile.fidelities
    quality = (
        [f"{1 - f.one_qubit:.2g}", f"{1 - f.two_qubit:.2g}", f"{1 - f.readout:.2g}"] if f else []
    )
    times = profile.times
    return [
        profile.name,
        str(profile.modality),
        str(profile.qubits),
        "all" if edges is None else f"{len(edges)}",
        *(quality or ["–", "–", "–"]),
        seconds_text(profile.coherence.t2) if profile.coherence else "–",
        seconds_text(times.two_qubit) if times and not profile.simulated else "–",
        str(profile.price.kind),
        str(profile.availability),
        _age(profile, today),
        ", ".join(profile.backends) or "–",
    ]


def print_advice(advice: Advice, today: date) -> None:
    """Print the recommendation, its reasons, what else fits, and what does not."""
    from qupel.backends.advice.prospect import seconds_text

    if advice.best is not None:
        old = _old(advice.best.profile, today)
        print_text(f"recommended: {advice.best.profile.name} ({advice.best.profile.modality}){old}")
    for reason in advice.reasons:
        print_text(f"  {reason}")
    if advice.devices:
        print_text("")
        print_comparison(advice.devices, today)
    for found in advice.simulators:
        price = "free" if found.cost is None or found.cost.micros == 0 else f"up to {found.cost}"
        print_text(
            f"classical: {found.profile.name}{_old(found.profile, today)} does it in about "
            f"{seconds_text(found.run_seconds)}, {price}"
        )
    print_text("")
    for refusal in advice.refused:
        print_text(_refused(refusal, today))
    say_expired([found.profile for found in advice.simulators], today)


def print_comparison(
    found: Sequence[Prospect | Refusal], today: date, simulated: dict[str, float] | None = None
) -> None:
    """Print what devices would make of one need, with simulated fidelities if there are any."""
    from qupel.backends.advice.prospect import chance_text, seconds_text
    from qupel.backends.advice.recommendation import Refusal

    heads: tuple[str, ...]
    heads = ("device", "kind", "two-qubit gates", "for routing", "no error", "a shot",
             "all shots", "as good as perfect", "price at most", "for", "read on")  # fmt: skip
    rows, refused = [], []
    for each in found:
        if isinstance(each, Refusal):
            refused.append(each)
            continue
        annealed = each.embedding is not None
        rows.append(
            [
                each.profile.name,
                str(each.profile.modality),
                "–" if annealed else str(each.two_qubit_gates),
                "–" if annealed else str(each.routing_gates),
                chance_text(each.ln_success),
                seconds_text(each.shot_seconds),
                seconds_text(each.run_seconds),
                "unknown" if each.ln_success is None else seconds_text(each.signal_seconds),
                "unpublished" if each.cost is None else str(each.cost),
                str(each.profile.availability),
                _age(each.profile, today),
            ]
        )
    if simulated:
        heads = (*heads[:5], "simulated fidelity", *heads[5:])
        for row in rows:
            near = simulated.get(row[0])
            row.insert(5, "–" if near is None else f"{near:.3g}")
    print_text(text_table(heads, rows) if rows else "no device of these takes it")
    for refusal in refused:
        print_text(_refused(refusal, today))
    say_expired([each.profile for each in found if not isinstance(each, Refusal)], today)


def print_tiers(tiers: Sequence[Tier]) -> None:
    """Print access tiers with their caps, from free to dear."""
    heads = ("tier", "shots an order", "orders", "money an order", "approvals", "meaning")
    rows = [
        [
            tier.name,
            _cap(tier.max_shots),
            _cap(tier.max_runs),
            "any" if tier.max_money is None else f"{tier.max_money} {tier.currency}",
            str(tier.approvals),
            tier.meaning,
        ]
        for tier in tiers
    ]
    print_text(text_table(heads, rows))


def _cap(value: int | None) -> str:
    return "any" if value is None else str(value)


def _refused(refusal: Refusal, today: date) -> str:
    old = _old(refusal.profile, today)
    return f"not {refusal.profile.name}{old}: {'; '.join(refusal.reasons)}"


def _old(profile: DeviceProfile, today: date) -> str:
    return " (claims EXPIRED)" if profile.expired(today) else ""


def _age(profile: DeviceProfile, today: date) -> str:
    return f"{profile.checked}{' EXPIRED' if profile.expired(today) else ''}"


def say_expired(profiles: list[DeviceProfile], today: date) -> None:
    """Say on stderr which of the claims shown have expired."""
    for profile in profiles:
        if notice := profile.notice(today):
            say(f"expired: {notice}")


def flat(document: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Nested fields with dotted names."""
    found = []
    for key, value in document.items():
        if isinstance(value, dict):
            found += flat(value, f"{before}{key}.")
        else:
            found.append((f"{before}{key}", value))
    return found


def unit_of(field: str, currency: str) -> str:
    """The unit of a profile's field, after a blank; nothing for what has none.

    Parameters
    ----------
    field
        With its dots, such as ``times.readout``.
    currency
        Of the profile's price.
    """
    part, _, name = field.partition(".")
    if part == "price":
        if name in {"increment", "minimum_seconds"}:
            return " s"
        return f" {currency}" if name in RATES else ""
    seconds = {"times", "coherence", "anneal"}
    return " s" if part in seconds and name not in {"parallel", "fields", "couplings"} else ""


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
