"""A route: a decision that recurs, who makes it, within which limits, and who answers else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from qupel.errors import InputError
from qupel.governance.readers import checked_readers
from qupel.model.money import Money
from qupel.runs.contract import Contract
from qupel.runs.description import plain
from qupel.runs.identity import digest
from qupel.runs.routes.health import Limits
from qupel.runs.routes.profile import Profile, Rule

#: Shortest deadline of a route, in seconds: a process is woken, answers, and is judged.
SHORTEST = 0.5


class Mode(StrEnum):
    """By what kind of computation a route answers."""

    CLASSICAL = "classical"
    APPROXIMATE = "approximate"  # quantum-inspired
    QUANTUM = "quantum"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to answer.

    Attributes
    ----------
    solver
        Registered name, or ``package.module:Class``.
    settings
        Fields of the solver; one that is a solver nests.
    rounds
        The search also ends after so many rounds. A search that is ended by rounds, not by the
        clock, repeats byte for byte.
    repair, polish
        Whether infeasible samples are mended, and the best answer improved by fast moves.
    encoding
        Further arguments of the encoding.
    """

    solver: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rounds: int | None = None
    repair: bool = True
    polish: bool = False
    encoding: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.solver:
            raise InputError("an arm needs a solver; `qupel solvers` lists them")
        if self.rounds is not None and self.rounds < 1:
            raise InputError(f"rounds must be at least 1, got {self.rounds}")

    @property
    def description(self) -> dict[str, Any]:
        """The solver as plain data."""
        return {"solver": self.solver, **self.settings}


@dataclass(frozen=True, slots=True)
class Budget:
    """What the quantum step may cost.

    Attributes
    ----------
    accounts
        Accounts of the ledger that every order is charged to; each one's cap holds.
    bound
        Most that one decision may cost, such as ``0.50 USD``.
    """

    accounts: tuple[str, ...] = ()
    bound: str = "0 USD"

    def __post_init__(self) -> None:
        self.most  # noqa: B018  # raises if it is no sum of money

    @property
    def most(self) -> Money:
        """Most that one decision may cost."""
        try:
            return Money.parse(self.bound)
        except InputError as error:
            raise InputError(f"bound: {error}") from error


@dataclass(frozen=True, slots=True)
class Slo:
    """What whoever waits for the answers was promised.

    Attributes
    ----------
    on_time
        Share of decisions that have an answer by the deadline.
    """

    on_time: float = 0.999

    def __post_init__(self) -> None:
        if not 0 < self.on_time <= 1:
            raise InputError(f"on_time is a share above 0 and up to 1, got {self.on_time}")


@dataclass(frozen=True, slots=True)
class Route:
    """A decision that recurs, as it is deployed.

    Attributes
    ----------
    name
        Lower-case letters, digits and dashes.
    family
        Registered family of its problems.
    owner
        Who answers for it.
    slo
        What was promised.
    deadline_seconds
        From the request to the answer.
    primary
        Who answers where the profile and the mode allow it. Its kind is the mode that a route
        begins in: quantum and hybrid solvers ``quantum``, inspired ones ``approximate``.
    fallback
        Who answers if the primary does not: quick, and the same each time.
    fallback_seconds
        Budget of the fallback, within the deadline.
    budget
        What the quantum step may cost.
    classical, approximate
        Who answers in these modes; without a classical arm the fallback does alone.
    profile
        Which instances the quantum step is tried on.
    contract
        What any arm may be given and must give back.
    tier
        Which machines the quantum step may use; see `qupel.backends.catalogue.tiers`.
    limits
        When the route is switched to classical by itself.
    seed
        Of everything that draws random numbers.
    late_seconds
        How long after the request a quantum result is still waited for, to be compared.
    sample
        Instance file on which a deployment tries the route, beside the route's own file.
    readers
        People and roles who may read its decisions and their data, beside the owner.
    keep_days
        How long the data of a problem are kept after it was last decided, for audits; None for
        ever. At least as long as late results are waited for.
    """

    name: str
    family: str
    owner: str
    slo: Slo
    deadline_seconds: float
    primary: Arm
    fallback: Arm
    fallback_seconds: float
    budget: Budget
    classical: Arm | None = None
    approximate: Arm | None = None
    profile: Profile = field(default_factory=Profile)
    contract: Contract = field(default_factory=Contract)
    tier: str = "local simulator"
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    late_seconds: float = 86_400.0
    sample: str = ""
    readers: tuple[str, ...] = ()
    keep_days: float | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", self.name):
            raise InputError(
                f"a route's name is lower-case letters, digits and dashes, got {self.name!r}"
            )
        if not self.owner.strip():
            raise InputError("a route needs an owner: a person who answers for it")
        if self.deadline_seconds < SHORTEST:
            raise InputError(
                f"deadline_seconds must be at least {SHORTEST}, got {self.deadline_seconds}"
            )
        if not 0 < self.fallback_seconds <= 0.6 * self.deadline_seconds:
            raise InputError(
                f"fallback_seconds must be above 0 and at most 60 % of the deadline of "
                f"{self.deadline_seconds} s, so that the fallback is there whatever happens; "
                f"got {self.fallback_seconds}"
            )
        if not 0 <= self.seed < 2**53:
            raise InputError(f"a seed is a whole number from 0 to below 2**53, got {self.seed}")
        if not self.late_seconds >= 0:
            raise InputError(f"late_seconds must be at least 0, got {self.late_seconds}")
        if self.keep_days is not None and not self.keep_days * 86_400.0 >= self.late_seconds:
            raise InputError(
                f"keep_days must be at least {self.late_seconds / 86_400.0:g}, since results are "
                f"waited for late_seconds = {self.late_seconds:g}; got {self.keep_days}"
            )
        checked_readers(self.readers)

    @property
    def version(self) -> str:
        """SHA-256 of all that the route says: equal routes share a version."""
        return digest(self.document())

    def document(self) -> dict[str, Any]:
        """Return the route as plain JSON values."""
        document: dict[str, Any] = plain(asdict(self))
        # What came later is left out where it is not used: versions from before stay what they are.
        if not self.readers:
            del document["readers"]
        if self.keep_days is None:
            del document["keep_days"]
        if self.limits.feasible_drift is None:
            del document["limits"]["feasible_drift"]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a route from `document`."""
        parts = dict(document)
        for name in ("primary", "fallback", "classical", "approximate"):
            if parts.get(name) is not None:
                parts[name] = Arm(**parts[name])
        budget = parts["budget"]
        parts["budget"] = Budget(tuple(budget["accounts"]), budget["bound"])
        parts["slo"] = Slo(**parts["slo"])
        parts["profile"] = Profile(tuple(Rule(**rule) for rule in parts["profile"]["rules"]))
        parts["contract"] = Contract.of(parts["contract"])
        parts["limits"] = Limits(**parts["limits"])
        parts["readers"] = tuple(parts.get("readers", ()))
        return cls(**parts)
