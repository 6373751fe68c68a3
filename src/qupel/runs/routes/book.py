"""The book of decisions: what went out, what came beside or after it, what is still wished for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError
from qupel.runs.database import Database, insert_into, insert_new
from qupel.runs.record import Record
from qupel.runs.routes import tables
from qupel.runs.routes.decision import Answerer, Decision, Kept
from qupel.runs.routes.health import Sighting
from qupel.runs.routes.inputs import put

LATE, TRIAL = "late", "trial"


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Decisions and what came of them, shared by all processes on one database."""

    database: Database

    def keep(self, decision: Decision, wish: Mapping[str, Any] | None = None) -> bool:
        """Write a decision down; False if it was already.

        Parameters
        ----------
        wish
            Document of the problem and its family, where a quantum step is wanted later.
        """
        kept = replace(decision, kept=Kept.DATABASE)
        with self.database.writing() as connection:
            is_new = insert_new(
                connection,
                tables.decisions,
                id=kept.id,
                route=kept.route,
                version=kept.version,
                created=kept.created,
                answered_by=str(kept.answered_by),
                problem_hash=kept.problem_hash,
                objective=kept.objective,
                job=kept.job,
                document=json.dumps(kept.to_json(), allow_nan=False),
                **_columns(kept.sighting),
            )
            if wish is not None:
                self._wish(connection, kept, wish)
            return is_new

    def decision(self, decision_id: str) -> Decision:
        """Return the decision whose id begins with ``decision_id``."""
        held = tables.decisions
        with self.database.reading() as connection:
            rows = connection.execute(
                sa.select(held.c.document)
                .where(held.c.id.startswith(decision_id, autoescape=True))
                .limit(2)
            ).all()
        if len(rows) != 1:
            what = "no decision has" if not rows else "several decisions have"
            raise InputError(f"{what} an id that begins with {decision_id!r}")
        return Decision.from_json(json.loads(rows[0].document))

    def decisions(self, name: str) -> list[Decision]:
        """Decisions of a route, the oldest first."""
        held = tables.decisions
        chosen = sa.select(held.c.document).where(held.c.route == name).order_by(held.c.number)
        with self.database.reading() as connection:
            found = connection.execute(chosen).scalars().all()
        return [Decision.from_json(json.loads(text)) for text in found]

    def windows(self, name: str, version: str, size: int) -> tuple[list[Sighting], list[Sighting]]:
        """First and last so many decisions of a version, as health sees them.

        The first ones are none while the two share a decision.
        """
        held = tables.decisions
        number = held.c.number
        seen = [held.c[column] for column in (*_SEEN, "answered_by", "measures")]
        chosen = (
            sa.select(number, *seen)
            .where(held.c.route == name, held.c.version == version)
            .limit(size)
        )
        with self.database.reading() as connection:
            last = connection.execute(chosen.order_by(number.desc())).all()[::-1]
            first = connection.execute(chosen.order_by(number)).all() if len(last) == size else []
        apart = bool(first) and first[-1].number < last[0].number
        return [_sighting(row) for row in first] if apart else [], [_sighting(row) for row in last]

    def count(self, name: str, version: str, *, until: str = "") -> int:
        """How many decisions a version of a route has made; given an id, up to that one."""
        held = tables.decisions
        chosen = sa.select(sa.func.count()).where(held.c.route == name, held.c.version == version)
        if until:
            last = sa.select(held.c.number).where(held.c.id == until).scalar_subquery()
            chosen = chosen.where(held.c.number <= last)
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def orders(self, name: str) -> int:
        """How many decisions of a route have an order."""
        held = tables.decisions
        chosen = sa.select(sa.func.count()).where(held.c.route == name, tables.HAS_JOB)
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def awaited(self, name: str) -> int:
        """How many decisions of a route have an order whose result was not judged yet."""
        chosen = _unjudged(sa.func.count()).where(tables.decisions.c.route == name)
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def open_jobs(self) -> list[Decision]:
        """Decisions with a job whose result was judged neither in time nor later."""
        held = tables.decisions
        chosen = _unjudged(held.c.document).order_by(held.c.number)
        with self.database.reading() as connection:
            found = connection.execute(chosen).scalars().all()
        return [Decision.from_json(json.loads(text)) for text in found]

    def keep_outcome(self, decision_id: str, role: str, record: Record, *, at: float) -> bool:
        """Write an outcome down; False if there is one of this role already, which stays."""
        with self.database.writing() as connection:
            return insert_new(
                connection,
                tables.outcomes,
                decision=decision_id,
                role=role,
                at=at,
                objective=record.objective,
                document=json.dumps(record.to_json(), allow_nan=False),
            )

    def outcome(self, decision_id: str, role: str) -> Record | None:
        """Return an outcome beside the published answer; None if there is none (yet)."""
        held = tables.outcomes
        with self.database.reading() as connection:
            text = connection.execute(
                sa.select(held.c.document).where(
                    held.c.decision == decision_id, held.c.role == role
                )
            ).scalar()
        return None if text is None else Record.from_json(json.loads(text))

    def outcomes(self, name: str, role: str) -> list[tuple[Decision, Record]]:
        """Decisions of a route that have an outcome of this role, with it."""
        held, made = tables.outcomes, tables.decisions
        chosen = (
            sa.select(made.c.document, held.c.document.label("outcome"))
            .join(held, held.c.decision == made.c.id)
            .where(made.c.route == name, held.c.role == role)
            .order_by(made.c.number)
        )
        with self.database.reading() as connection:
            rows = connection.execute(chosen).all()
        return [
            (
                Decision.from_json(json.loads(row.document)),
                Record.from_json(json.loads(row.outcome)),
            )
            for row in rows
        ]

    def last_known(self, name: str, problem_hash: str) -> list[str]:
        """Solutions that went out lately, those for the same problem first."""
        held = tables.decisions
        same = (held.c.problem_hash == problem_hash).desc()
        chosen = (
            sa.select(held.c.document)
            .where(held.c.route == name, held.c.objective.is_not(None))
            .order_by(same, held.c.number.desc())
            .limit(3)
        )
        with self.database.reading() as connection:
            found = connection.execute(chosen).scalars().all()
        return [solution for text in found if (solution := json.loads(text)["solution"])]

    def wishes(self, state: str = "waiting") -> list[dict[str, Any]]:
        """Quantum steps that are wanted and were not ordered yet, the oldest first."""
        held = tables.route_wishes
        with self.database.reading() as connection:
            rows = connection.execute(
                sa.select(held).where(held.c.state == state).order_by(held.c.created)
            ).all()
        return [dict(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name for it

    def settle_wish(self, decision_id: str, state: str, detail: str) -> None:
        """Write down what became of a wish."""
        held = tables.route_wishes
        with self.database.writing() as connection:
            connection.execute(
                sa.update(held)
                .where(held.c.decision == decision_id)
                .values(state=state, detail=detail)
            )

    def set_job(self, decision_id: str, job: str) -> None:
        """Tie a decision to the job that was ordered for it afterwards."""
        self._set(decision_id, job=job)

    def set_problem(self, decision_id: str, hashed: str) -> None:
        """Tie a decision to its problem, whose hash was found after the answer had gone out."""
        self._set(decision_id, problem_hash=hashed)

    def _set(self, decision_id: str, **changed: str) -> None:
        held = tables.decisions
        with self.database.writing() as connection:
            text = connection.execute(
                sa.select(held.c.document).where(held.c.id == decision_id)
            ).scalar_one()
            document = json.dumps({**json.loads(text), **changed})
            connection.execute(
                sa.update(held).where(held.c.id == decision_id).values(document=document, **changed)
            )

    def _wish(self, connection: sa.Connection, decision: Decision, wish: Mapping[str, Any]) -> None:
        family, document = wish["family"], wish["document"]
        put(connection, decision.problem_hash, family, document, at=decision.created)
        connection.execute(
            insert_into(tables.route_wishes, connection)
            .values(
                decision=decision.id,
                route=decision.route,
                version=decision.version,
                problem_hash=decision.problem_hash,
                created=decision.created,
                state="waiting",
                detail="",
            )
            .on_conflict_do_nothing()
        )


#: Columns that are fields of a sighting as they are.
_SEEN = ("tried", "on_time", "timed_out", "gain", "feasible_share")


def _columns(seen: Sighting) -> dict[str, Any]:
    """What health sees of a decision, as it stands in columns."""
    measures = json.dumps(dict(seen.measures), allow_nan=False)
    return {**{name: getattr(seen, name) for name in _SEEN}, "measures": measures}


def _sighting(row: sa.Row[Any]) -> Sighting:
    held = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    by_primary = row.answered_by == str(Answerer.PRIMARY)
    measures = json.loads(row.measures)
    return Sighting(
        **{name: held[name] for name in _SEEN}, by_primary=by_primary, measures=measures
    )


def _unjudged(what: Any) -> sa.Select[Any]:
    """Select from decisions that have an order whose result was not judged yet."""
    made, late = tables.decisions, tables.outcomes
    ended = sa.and_(late.c.decision == made.c.id, late.c.role == LATE)
    return (
        sa.select(what)
        .select_from(made.outerjoin(late, ended))
        .where(tables.IS_OPEN, late.c.decision.is_(None))
    )
