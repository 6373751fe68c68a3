"""Problems that were decided: kept while somebody may need them, and trimmed after that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from qupel.runs.database import Database, insert_into
from qupel.runs.ledger.jobs import FINAL
from qupel.runs.routes import tables
from qupel.runs.tables import jobs

#: Seconds of a day.
DAY = 86_400.0
#: Documents that are deleted in one transaction, so that no writer waits for long.
PAGE = 500


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What came of trimming.

    Attributes
    ----------
    deleted
        Documents that were deleted, or would be.
    kept
        Documents that are still kept.
    """

    deleted: int
    kept: int

    def document(self) -> dict[str, int]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Documents of problems by their hash, shared by all processes on one database."""

    database: Database

    def keep(self, hashed: str, family: str, document: Mapping[str, Any], *, at: float) -> None:
        """Keep a problem's document, decided at ``at`` (UTC seconds)."""
        with self.database.writing() as connection:
            put(connection, hashed, family, document, at=at)

    def of(self, hashed: str) -> tuple[str, dict[str, Any]] | None:
        """Family and document of a problem; None if it is not kept."""
        held = tables.route_inputs
        with self.database.reading() as connection:
            row = connection.execute(sa.select(held).where(held.c.hash == hashed)).first()
        return None if row is None else (row.family, json.loads(row.document))

    def trim(self, days: Mapping[str, float], *, now: float, dry: bool = False) -> Trimmed:
        """Delete the documents that nobody needs any more.

        Whatever is open keeps its document: a quantum step that was ordered and not judged, one
        that is wished for, a job of the ledger that names the problem. Decisions themselves stay,
        with the problem's hash, so that whoever has the data can show that it is the data.

        Parameters
        ----------
        days
            How long each route keeps the problems that it decided; those that a route which is
            not named here decided as well stay.
        now
            UTC seconds since 1970.
        dry
            Whether they are only counted.
        """
        held = tables.route_inputs
        doomed = self._doomed(days, now) if days else []
        deleted = len(doomed)
        if not dry:
            deleted = sum(
                self._delete(doomed[first : first + PAGE]) for first in range(0, deleted, PAGE)
            )
        with self.database.reading() as connection:
            left = connection.execute(sa.select(sa.func.count()).select_from(held)).scalar_one()
        return Trimmed(deleted, int(left) - (deleted if dry else 0))

    def _doomed(self, days: Mapping[str, float], now: float) -> list[tuple[str, float]]:
        """Hashes that no route keeps any longer, with when each was last decided."""
        held, made = tables.route_inputs, tables.decisions
        oldest = now - DAY * min(days.values())
        chosen = (
            sa.select(held.c.hash, held.c.at, made.c.route, sa.func.max(made.c.created))
            .join(made, made.c.problem_hash == held.c.hash)
            .where(held.c.at < oldest, *_closed())
            .group_by(held.c.hash, held.c.at, made.c.route)
        )
        ages: dict[tuple[str, float], list[bool]] = {}
        with self.database.reading() as connection:
            for hashed, at, route, last in connection.execute(chosen):
                over = route in days and last < now - DAY * days[route]
                ages.setdefault((hashed, at), []).append(over)
            awaited = _awaited(connection) if ages else set()
        return [key for key, over in ages.items() if all(over) and key[0] not in awaited]

    def _delete(self, doomed: Iterable[tuple[str, float]]) -> int:
        """Delete those that were neither decided again nor opened meanwhile."""
        held, count = tables.route_inputs, 0
        with self.database.writing() as connection:
            for hashed, at in doomed:
                gone = connection.execute(
                    sa.delete(held).where(held.c.hash == hashed, held.c.at == at, *_closed())
                )
                count += gone.rowcount
        return count


def put(
    connection: sa.Connection, hashed: str, family: str, document: Mapping[str, Any], *, at: float
) -> None:
    """Keep a problem's document within a transaction."""
    made = insert_into(tables.route_inputs, connection).values(
        hash=hashed, family=family, document=json.dumps(document, allow_nan=False), at=at
    )
    known = tables.route_inputs.c.at
    connection.execute(
        made.on_conflict_do_update(
            index_elements=["hash"], set_={"at": made.excluded.at}, where=known < made.excluded.at
        )
    )


def _closed() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions under which nobody waits for anything about a document."""
    held, made, late = tables.route_inputs.c, tables.decisions.c, tables.outcomes.c
    wishes = tables.route_wishes.c
    unjudged = (
        sa.select(made.id)
        .outerjoin(tables.outcomes, sa.and_(late.decision == made.id, late.role == "late"))
        .where(made.problem_hash == held.hash, tables.IS_OPEN, late.decision.is_(None))
    )
    wished = sa.select(wishes.decision).where(
        wishes.problem_hash == held.hash, wishes.state == "waiting"
    )
    return (~unjudged.exists(), ~wished.exists())


def _awaited(connection: sa.Connection) -> set[str]:
    """Hashes that jobs of the ledger name which are not over, those of trials among them."""
    chosen = sa.select(jobs.c.purpose).where(jobs.c.state.not_in(FINAL))
    purposes = map(json.loads, connection.execute(chosen).scalars())
    return {str(purpose["problem"]) for purpose in purposes if "problem" in purpose}
