"""How a route stands and how it is doing, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qupel.runs.database import Database
from qupel.runs.routes.book import Book
from qupel.runs.routes.health import Health
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.standing import Standing
from qupel.runs.routes.watching import health_of


@dataclass(frozen=True, slots=True)
class Status:
    """How a route stands and how it is doing.

    Attributes
    ----------
    standing
        Version, mode, switch and trial.
    health
        Rates and drift over the last window.
    decisions, unjudged
        Decisions of the version, and how many of its quantum results are still awaited.
    """

    standing: Standing
    health: Health
    decisions: int
    unjudged: int

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            **self.summary(),
            "standing": self.standing.to_json(),
            "health": self.health.document(),
        }

    def summary(self) -> dict[str, Any]:
        """What is worth a line each."""
        standing, health = self.standing, self.health
        route, trial = standing.route, standing.trial
        return {
            "version": route.version,
            "owner": route.owner,
            "mode": str(standing.mode),
            "quantum step": "on" if standing.is_on else "off",
            "trial": "" if trial is None else f"{trial.mode}, share {trial.share:g}",
            "gates": ", ".join(standing.gates),
            "approved by": ", ".join(standing.approved_by),
            "decisions": self.decisions,
            "results awaited": self.unjudged,
            "health": health.reason or ("limits broken" if health.breaches else "within limits"),
            "on time": health.on_time,
            "promised": route.slo.on_time,
            "fallback rate": health.fallback_rate,
            "timeout rate": health.timeout_rate,
            "gain over the fallback": health.gain,
            "feasible share of samples": health.feasible_share,
            "breaches": "; ".join(health.breaches),
        }


def status_of(database: Database, name: str) -> Status:
    """Status of a route, from columns alone: no decision's document is read."""
    standing, book = Roster(database).standing(name), Book(database)
    return Status(
        standing,
        health_of(book, standing),
        book.count(name, standing.route.version),
        book.awaited(name),
    )
