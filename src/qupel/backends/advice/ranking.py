"""Advice: which device for a need, why that one, and why not the others.

Devices are ranked by the time until a result is as precise as the shots asked for would make it
without errors (`Prospect.signal_seconds`), by the chance of success, or by price. Nothing knows
what kind of device is good at what: speed, coherence and connectivity count as far as they show in
the published figures. Devices whose figures have expired come after all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from qupel.backends.advice import reasons
from qupel.backends.advice.access import Access
from qupel.backends.advice.fitting import fits, limits
from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import Prospect, prospect
from qupel.backends.advice.recommendation import Advice, Aim, Refusal
from qupel.backends.catalogue.profile import DeviceProfile, Modality, Runs
from qupel.errors import InputError, RefusedError
from qupel.model.circuit import Circuit


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
        return _refusal(profile, need, reasons) if reasons else prospect(profile, need)
    from qupel.backends.advice.estimate import estimate

    try:
        made = estimate(circuit, profile, need.shots)
    except RefusedError as error:
        if need.shots > profile.max_shots:
            return _refusal(profile, need, [str(error)])
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
    return Refusal(profile, tuple(over), unlimited=found) if over else found


def _refusal(profile: DeviceProfile, need: Need, reasons: list[str]) -> Refusal:
    """A refusal, with what the device would make of the need without its limits."""
    shots = min(need.shots, profile.max_shots)
    freed = replace(need, deadline=None, budget=None, shots=shots)
    found = None if fits(profile, freed) else prospect(profile, freed)
    return Refusal(profile, tuple(reasons), unlimited=found)


def advise(
    need: Need,
    profiles: Iterable[DeviceProfile],
    aim: Aim = Aim.TIME,
    circuit: Circuit | None = None,
    *,
    today: date | None = None,
    access: Access | None = None,
) -> Advice:
    """Rank devices for a need, and say why.

    Parameters
    ----------
    need, profiles, circuit
        As for `compare`.
    aim
        What counts most.
    today
        Claims that have expired by this day come last, and the reasons say so; None to believe
        all of them.
    access
        Devices that it does not open are refused; None opens all.

    Raises
    ------
    InputError
        If there are no profiles.
    """
    found = [_compared(need, profile, circuit) for profile in profiles]
    if not found:
        raise InputError("no device profiles to choose from")
    fitting = sorted(
        (each for each in found if isinstance(each, Prospect)), key=lambda each: _rank(each, aim)
    )
    kept: list[Prospect] = []
    refused: list[Refusal] = []
    for each in fitting:
        objections = access.objections(each) if access else ()
        if objections:
            refused.append(Refusal(each.profile, objections, by_tier=True))
        else:
            kept.append(each)
    refused += [each for each in found if isinstance(each, Refusal)]
    ranked = sorted(kept, key=lambda each: today is not None and each.profile.expired(today))
    devices = tuple(each for each in ranked if not each.profile.simulated)
    simulators = tuple(each for each in ranked if each.profile.simulated)
    advice = Advice(need, aim, devices, simulators, tuple(refused), (), access.on if access else "")
    by_figures = [each for each in kept if not each.profile.simulated]
    return replace(advice, reasons=tuple(_reasons(advice, by_figures, today, access)))


def _reasons(
    advice: Advice, by_figures: list[Prospect], today: date | None, access: Access | None
) -> list[str]:
    if advice.premature:
        return reasons.premature(advice.need, advice.refused)
    if advice.best is None and not advice.closed:
        return reasons.beyond_limits(advice.need, advice.beyond_limits)
    if advice.best is None:
        return reasons.closed(advice.tier, advice.refused)
    said = reasons.why(advice.devices, advice.aim, advice.need, advice.refused)
    if today is not None:
        said += reasons.of_age(advice.devices, by_figures, today)
    if access is not None:
        said.append(access.terms(advice.best.profile))
    return said


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
