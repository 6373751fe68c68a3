"""What a quantum stage asks for, and what can be known to be wrong with it before a run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from qupel.backends.catalogue.tiers import tiers
from qupel.backends.registry import provider_of
from qupel.errors import InputError
from qupel.model.money import Money
from qupel.problems.contract import Problem
from qupel.runs.description import solver_from
from qupel.runs.durable.described import (
    Described,
    contract_faults,
    count_faults,
    described,
    is_hosted,
    solver_faults,
)
from qupel.runs.durable.kinds import Settings
from qupel.runs.durable.timetable import shortest
from qupel.runs.ledger.accounts import checked_names


class QuantumSettings(Settings):
    """Settings of ``quantum``.

    Attributes
    ----------
    solver
        A hosted solver, one that is split around its order, with its settings.
    backend
        ``provider:device``; the solver's own setting unless given.
    deadline_seconds
        From the beginning of the stage to its answer. The order is given up early enough for the
        fallback: ``fallback_seconds``, and what surrounds its search, before.
    late
        What becomes of an order that is late: ``keep`` takes its result into the ledger, to be
        compared with the fallback's; ``cancel`` asks for it not to be run.
    accounts
        Accounts of the ledger that pay.
    bound
        What it may cost at most, such as ``2.50 USD``; the backend's own estimate unless given.
    tier
        Which machines it may use; see `qupel.backends.catalogue.tiers`.
    fallback
        Solver that answers if the order is refused, fails, or is late.
    fallback_seconds, fallback_rounds
        Its budget; it repeats byte for byte if it ends by rounds and not by the clock.
    keep
        How many of the best distinct samples are decoded, judged and repaired.
    contract
        Fields of a `qupel.runs.contract.Contract`, checked before anything is ordered.
    """

    solver: Described
    backend: str = ""
    deadline_seconds: float = 3600.0
    late: Literal["keep", "cancel"] = "keep"
    accounts: list[str] = Field(default_factory=list)
    bound: str | float | None = None
    tier: str = "local simulator"
    fallback: Described | None = None
    fallback_seconds: float = 5.0
    fallback_rounds: int | None = None
    keep: int = 32
    contract: dict[str, Any] | None = None


def faults_of(settings: QuantumSettings) -> list[tuple[str, str]]:
    """Setting and message of all that can be known to be wrong before a run."""
    found = [("solver", fault) for fault in solver_faults(settings.solver)]
    if not found and not is_hosted(settings.solver):
        found.append(
            ("solver", "is not split around its order; use a hosted one, or the kind 'solve'")
        )
    if settings.fallback is not None:
        found += [("fallback", fault) for fault in solver_faults(settings.fallback)]
    needed = shortest(settings.fallback_seconds)
    if not settings.fallback_seconds > 0:
        found.append(("fallback_seconds", f"must be above 0, got {settings.fallback_seconds}"))
    elif settings.deadline_seconds < needed:
        found.append(
            (
                "deadline_seconds",
                f"must be at least {needed:.3g} s with a fallback of "
                f"{settings.fallback_seconds:g} s, which is to answer by then; got "
                f"{settings.deadline_seconds:g}",
            )
        )
    checks = (
        ("bound", bound_of),
        ("tier", lambda _: tiers().named(settings.tier)),
        ("accounts", lambda _: checked_names(settings.accounts)),
        ("backend", _check_provider),
    )
    for place, check in checks:
        try:
            check(settings)
        except InputError as error:
            found.append((place, str(error)))
    found += contract_faults(settings.contract)
    return found + count_faults(settings, "fallback_rounds", "keep")


def backend_of(settings: QuantumSettings, kind: type[Problem[Any]]) -> str:
    """Name of the backend that an order goes to."""
    if settings.backend:
        return settings.backend
    return str(getattr(solver_from(described(settings.solver, kind), kind), "backend", ""))


def bound_of(settings: QuantumSettings) -> Money | None:
    """What an order may cost at most; `InputError` if it is no sum of money."""
    return None if settings.bound is None else Money.parse(str(settings.bound))


def _check_provider(settings: QuantumSettings) -> None:
    """Refuse a backend whose name is none, or whose provider is not known here."""
    if settings.backend:
        provider_of(settings.backend)
