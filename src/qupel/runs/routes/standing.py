"""How a route stands: the version in force, its mode, switch and trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from qupel.errors import InputError
from qupel.runs.identity import digest
from qupel.runs.routes.route import Mode, Route


@dataclass(frozen=True, slots=True)
class Trial:
    """Another arm beside the one that stands, both logged.

    Attributes
    ----------
    mode
        The candidate's mode, in the version in force.
    version
        The candidate's version, where it is another one; else empty.
    share
        Share of decisions whose published answer is the candidate's: 0 for a shadow.
    salt
        Makes the split of one trial independent of another's.
    """

    mode: Mode
    version: str = ""
    share: float = 0.0
    salt: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", Mode(self.mode))
        if not 0 <= self.share <= 1:
            raise InputError(f"a share is from 0 to 1, got {self.share}")

    def publishes(self, key: str) -> bool:
        """Whether the candidate's answer goes out for the decision of this key.

        The same key always falls on the same side.
        """
        return int(digest([self.salt, key])[:13], 16) / 2**52 < self.share


@dataclass(frozen=True, slots=True)
class Standing:
    """A route as it is to be applied to the next decision.

    Attributes
    ----------
    route
        The version in force.
    mode
        As it was set.
    is_on
        Whether the quantum step is switched on.
    trial
        None for none; `candidate` is its route where that is another version.
    gates
        Names of the gates that the version has passed.
    approved_by
        Who approved it.
    change
        Grows with every change.
    """

    route: Route
    mode: Mode
    is_on: bool = True
    trial: Trial | None = None
    candidate: Route | None = None
    gates: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    change: int = 0

    @property
    def effective(self) -> Mode:
        """Mode of the next decision."""
        return self.mode if self.is_on else Mode.CLASSICAL

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "route": self.route.document(),
            "mode": str(self.mode),
            "is_on": self.is_on,
            "trial": None
            if self.trial is None
            else {**asdict(self.trial), "mode": self.trial.mode},
            "candidate": None if self.candidate is None else self.candidate.document(),
            "gates": list(self.gates),
            "approved_by": list(self.approved_by),
            "change": self.change,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from `to_json`."""
        trial, candidate = document["trial"], document["candidate"]
        return cls(
            Route.of(document["route"]),
            Mode(document["mode"]),
            document["is_on"],
            None if trial is None else Trial(**trial),
            None if candidate is None else Route.of(candidate),
            tuple(document["gates"]),
            tuple(document["approved_by"]),
            document["change"],
        )
