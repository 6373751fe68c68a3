"""Watching a route: after every few decisions its health, and the switch if a limit breaks."""

from __future__ import annotations

import logging

from qupel.runs.database import Database
from qupel.runs.routes.book import Book
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.health import Health, assess
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.route import Mode
from qupel.runs.routes.standing import Standing

log = logging.getLogger("qupel.routes")


def health_of(book: Book, standing: Standing) -> Health:
    """Health of the version in force: its last decisions against its first ones.

    Inputs and objectives are compared once the two share no decision.
    """
    route = standing.route
    first, last = book.windows(route.name, route.version, route.limits.window)
    return assess(first, last, route.limits)


def is_due(count: int, window: int) -> bool:
    """Whether a route is looked at after so many decisions: every half window."""
    return count > 0 and count % max(1, window // 2) == 0


def watch(database: Database, decision: Decision, *, at: float) -> Health | None:
    """Look at a route if it is due after a decision; switch it to classical if a limit is broken.

    Returns
    -------
    Its health where it was looked at.
    """
    roster, book = Roster(database), Book(database)
    name = decision.route
    standing = roster.standing(name)
    if not standing.is_on or standing.mode is not Mode.QUANTUM:
        return None
    route = standing.route
    if not is_due(book.count(name, route.version, until=decision.id), route.limits.window):
        return None
    found = health_of(book, standing)
    if found.breaches:
        why = "; ".join(found.breaches)
        if roster.switch_off_unless(name, standing.change, why=why, at=at):
            log.error("route %s was switched to classical: %s", name, why)
    return found
