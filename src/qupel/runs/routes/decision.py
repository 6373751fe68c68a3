"""A decision: the answer that went out, who gave it and why, and what else was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from qupel.runs.record import Record
from qupel.runs.routes.health import Sighting
from qupel.runs.routes.route import Mode


class Answerer(StrEnum):
    """Who gave the answer that went out."""

    PRIMARY = "primary"  # the arm of the decision's mode
    CLASSICAL = "classical"  # the classical arm, in the quantum step's turn
    FALLBACK = "fallback"
    LAST_RESORT = "last resort"  # built from the data without a search
    LAST_KNOWN = "last known"  # an earlier answer that is feasible for these data
    NOBODY = "nobody"


class Kept(StrEnum):
    """Where a decision was written down."""

    DATABASE = "database"
    SPOOL = "spool"
    NOWHERE = "nowhere"  # as far as was known when the answer went out


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a route.

    Attributes
    ----------
    id
        Random name.
    route, version
        Which route, and the hash of what it said.
    key
        The caller's name of the decision; splits trials.
    mode
        By what kind of computation it was to be answered.
    answered_by, why
        Who gave the answer, and why not the primary; an empty reason if it was the primary.
        See `stood_in` for whether another one was to.
    quantum
        Whether the quantum step was tried, and if not the reason.
    objective, feasible
        The judge's findings on the answer that went out.
    answer, solution
        The answer as plain data and in the family's solution format; None and empty if there is
        none.
    seconds, deadline_seconds
        From the request to the answer, and what was allowed.
    created
        UTC seconds since 1970 at the request.
    problem_hash
        Of the problem's document; of a large problem it may be found after the answer has gone out,
        and is empty until then.
    measures
        Of the instance, where they were taken.
    primary, fallback
        Records of both, with their clocks; None where one was not called or left no record.
    job
        The ledger's job of the quantum step, empty if none was ordered.
    arm
        In a trial the arm whose answer went out: ``standing`` or ``candidate``.
    kept
        Where it was written down.
    source
        Where the problem came from, as whoever asked says: a file with its hash, say.
    wanted
        Who was to answer: the primary, or where the profile keeps the instance from the quantum
        step the classical arm; the fallback where the route has no such arm.
    """

    id: str
    route: str
    version: str
    key: str
    mode: Mode
    answered_by: Answerer
    why: str
    quantum: str
    objective: float | None
    feasible: bool
    answer: Any
    solution: str
    seconds: float
    deadline_seconds: float
    created: float
    problem_hash: str
    measures: Mapping[str, float] = field(default_factory=dict)
    primary: Record | None = None
    fallback: Record | None = None
    job: str = ""
    arm: str = "standing"
    kept: Kept = Kept.NOWHERE
    source: str = ""
    wanted: Answerer = Answerer.PRIMARY

    @property
    def stood_in(self) -> bool:
        """Whether somebody else answered than who was to."""
        return self.answered_by is not self.wanted

    @property
    def is_open(self) -> bool:
        """Whether it has an order whose result it did not judge itself."""
        seen = self.sighting
        return bool(self.job) and not (seen.tried and seen.feasible_share is not None)

    @property
    def on_time(self) -> bool:
        """Whether there was an answer by the deadline."""
        return self.answered_by is not Answerer.NOBODY and self.seconds <= self.deadline_seconds

    @property
    def sighting(self) -> Sighting:
        """What health sees of it."""
        return Sighting(
            tried=self.quantum == TRIED,
            by_primary=self.answered_by is Answerer.PRIMARY,
            on_time=self.on_time,
            timed_out=self.quantum == TRIED and self.primary is None,
            gain=_gain(self.primary, self.fallback),
            measures=self.measures,
            feasible_share=_feasible_share(self.primary),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the decision as plain JSON values."""
        document = {part.name: getattr(self, part.name) for part in fields(self)}
        for name in ("primary", "fallback"):
            record = document[name]
            document[name] = None if record is None else record.to_json()
        for name in ("mode", "answered_by", "kept", "wanted"):
            document[name] = str(document[name])
        derived = {name: getattr(self, name) for name in _DERIVED}
        return {**document, "measures": dict(self.measures), **derived}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a decision from `to_json`."""
        parts = {name: value for name, value in document.items() if name not in _DERIVED}
        for name in ("primary", "fallback"):
            held = parts[name]
            parts[name] = None if held is None else Record.from_json(held)
        parts["mode"] = Mode(parts["mode"])
        parts["answered_by"] = Answerer(parts["answered_by"])
        parts["wanted"] = Answerer(parts.get("wanted", Answerer.PRIMARY))
        parts["kept"] = Kept(parts["kept"])
        return cls(**parts)


#: What `Decision.quantum` says where the quantum step was tried.
TRIED = "tried"
#: What a document says and a decision finds out by itself.
_DERIVED = ("on_time", "stood_in")


def _gain(primary: Record | None, fallback: Record | None) -> float | None:
    """How much better the primary's answer is, as a share of the fallback's objective."""
    if primary is None or fallback is None or not (primary.feasible and fallback.feasible):
        return None
    first, second = primary.objective, fallback.objective
    if first is None or second is None:
        return None
    from qupel.runs.description import family_from

    turn = 1.0 if family_from(primary.family).sense == "max" else -1.0
    return turn * (first - second) / max(abs(second), 1e-12)


def _feasible_share(primary: Record | None) -> float | None:
    return primary.raw.count / primary.raw.of if primary is not None and primary.raw.of else None
