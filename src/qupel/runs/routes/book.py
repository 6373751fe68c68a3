"""The book of routes: versions, standings, events, decisions and outcomes in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError, unknown_name
from qupel.runs import approvals
from qupel.runs.approvals import APPROVAL
from qupel.runs.database import Database, insert_into, insert_new
from qupel.runs.record import Record
from qupel.runs.routes import tables
from qupel.runs.routes.decision import Decision, Kept
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.standing import Standing, Trial

LATE, TRIAL = "late", "trial"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a route.

    Attributes
    ----------
    at
        UTC seconds since 1970.
    kind
        ``deployed``, ``rolled back``, ``mode``, ``off``, ``on``, ``trial`` or ``alarm``.
    version
        The version in force afterwards.
    who, why
        Who did it, and the reason given.
    """

    at: float
    kind: str
    version: str
    who: str
    why: str

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What is known of routes, shared by all processes on one database."""

    database: Database

    def names(self) -> list[str]:
        """Names of all routes."""
        with self.database.reading() as connection:
            chosen = sa.select(tables.routes.c.name).order_by(tables.routes.c.name)
            return list(connection.execute(chosen).scalars())

    def deploy(self, route: Route, *, mode: Mode, who: str, why: str, at: float) -> None:
        """Put a version in force, switched on, in ``mode``, with no trial."""
        version = route.version
        with self.database.writing() as connection:
            self._add_version(connection, route, at)
            lineage = [known for known in self._lineage(connection, route.name) if known != version]
            row = {
                "lineage": json.dumps([*lineage, version]),
                "mode": str(mode),
                "is_on": True,
                "trial": "null",
            }
            self._set(connection, route.name, row)
            self._note(connection, route.name, Event(at, "deployed", version, who, why))

    def roll_back(self, name: str, *, who: str, why: str, at: float) -> str:
        """Put the version before the one in force in force again; return its hash."""
        with self.database.writing() as connection:
            lineage = self._lineage(connection, name)
            if len(lineage) < 2:
                raise InputError(f"route {name!r} has no version before this one")
            version = lineage[-2]
            row = {"lineage": json.dumps(lineage[:-1]), "trial": "null"}
            self._set(connection, name, row)
            self._note(connection, name, Event(at, "rolled back", version, who, why))
        return version

    def change(self, name: str, kind: str, *, who: str, why: str, at: float, **row: Any) -> None:
        """Change how a route stands, and write down who did it and why."""
        with self.database.writing() as connection:
            lineage = self._lineage(connection, name)
            if not lineage:
                raise self._unknown(connection, name)
            self._set(connection, name, row)
            self._note(connection, name, Event(at, kind, lineage[-1], who, why))

    def switch_off_unless(self, name: str, change: int, *, why: str, at: float) -> bool:
        """Switch off by an alarm, unless somebody changed the route meanwhile."""
        with self.database.writing() as connection:
            done = connection.execute(
                sa.update(tables.routes)
                .where(tables.routes.c.name == name, tables.routes.c.change == change)
                .where(tables.routes.c.is_on)
                .values(is_on=False, change=change + 1)
            )
            if not done.rowcount:
                return False
            version = self._lineage(connection, name)[-1]
            self._note(connection, name, Event(at, "alarm", version, "qupel", why))
        return True

    def note(self, name: str, event: Event) -> None:
        """Write an event down."""
        with self.database.writing() as connection:
            self._note(connection, name, event)

    def standing(self, name: str) -> Standing:
        """How a route stands now."""
        with self.database.reading() as connection:
            row = connection.execute(
                sa.select(tables.routes).where(tables.routes.c.name == name)
            ).first()
            if row is None:
                raise self._unknown(connection, name)
            version = json.loads(row.lineage)[-1]
            route = self._version(connection, version)
            wanted = json.loads(row.trial)
            trial = None if wanted is None else Trial(**wanted)
            other = trial.version if trial is not None else ""
            held = approvals.gates
            gates = connection.execute(
                sa.select(held.c.gate, held.c.who).where(held.c.version == version).distinct()
            ).all()
            return Standing(
                route,
                Mode(row.mode),
                row.is_on,
                trial,
                self._version(connection, other) if other else None,
                tuple(sorted({passed.gate for passed in gates})),
                tuple(sorted(passed.who for passed in gates if passed.gate == APPROVAL)),
                row.change,
            )

    def version(self, version: str) -> Route:
        """Return the route whose hash begins with ``version``."""
        with self.database.reading() as connection:
            return self._version(connection, version)

    def pass_gate(self, version: str, gate: str, *, who: str, detail: str, at: float) -> None:
        """Write down that a version passed a gate, or was approved."""
        with self.database.writing() as connection:
            connection.execute(
                sa.insert(approvals.gates).values(
                    version=version, gate=gate, at=at, who=who, detail=detail
                )
            )

    def add_version(self, route: Route, *, at: float) -> None:
        """Keep what a route says under its hash, without putting it in force."""
        with self.database.writing() as connection:
            self._add_version(connection, route, at)

    def gates(self, version: str, gate: str = "") -> tuple[str, ...]:
        """Gates that a version passed; given one, who let the version pass it."""
        held = approvals.gates
        column = held.c.who if gate else held.c.gate
        chosen = sa.select(column).where(held.c.version == version).distinct()
        if gate:
            chosen = chosen.where(held.c.gate == gate)
        with self.database.reading() as connection:
            return tuple(sorted(connection.execute(chosen).scalars()))

    def orders(self, name: str) -> int:
        """How many decisions of a route have an order."""
        held = tables.decisions
        chosen = sa.select(sa.func.count()).where(held.c.route == name, held.c.job != "")
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def events(self, name: str) -> list[Event]:
        """What happened to a route, the oldest first; `InputError` if there is no such route."""
        held = tables.route_events
        with self.database.reading() as connection:
            rows = connection.execute(
                sa.select(held).where(held.c.name == name).order_by(held.c.number)
            ).all()
            if not rows:
                raise self._unknown(connection, name)
        return [Event(row.at, row.kind, row.version, row.who, row.why) for row in rows]

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
            )
            if wish is not None:
                self._wish(connection, kept, wish)
            return is_new

    def keep_input(self, hashed: str, family: str, document: Mapping[str, Any]) -> None:
        """Keep a problem's document, so that a late result can be judged."""
        with self.database.writing() as connection:
            self._input(connection, hashed, family, document)

    def input(self, hashed: str) -> tuple[str, dict[str, Any]] | None:
        """Family and document of a problem; None if it was not kept."""
        held = tables.route_inputs
        with self.database.reading() as connection:
            row = connection.execute(sa.select(held).where(held.c.hash == hashed)).first()
        return None if row is None else (row.family, json.loads(row.document))

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

    def decisions(
        self, name: str, *, version: str = "", first: int | None = None, last: int | None = None
    ) -> list[Decision]:
        """Decisions of a route, the oldest first; only its first or last so many."""
        held = tables.decisions
        chosen = sa.select(held.c.document).where(held.c.route == name)
        if version:
            chosen = chosen.where(held.c.version == version)
        order = held.c.number.desc() if last is not None else held.c.number
        with self.database.reading() as connection:
            found = connection.execute(chosen.order_by(order).limit(last or first)).scalars().all()
        made = [Decision.from_json(json.loads(text)) for text in found]
        return made[::-1] if last is not None else made

    def count(self, name: str, version: str) -> int:
        """How many decisions a version of a route has made."""
        held = tables.decisions
        chosen = sa.select(sa.func.count()).where(held.c.route == name, held.c.version == version)
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def open_jobs(self) -> list[Decision]:
        """Decisions with a job whose late outcome is not written down."""
        held, late = tables.decisions, tables.outcomes
        chosen = (
            sa.select(held.c.document)
            .outerjoin(late, sa.and_(late.c.decision == held.c.id, late.c.role == LATE))
            .where(held.c.job != "", late.c.decision.is_(None))
            .order_by(held.c.number)
        )
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
        held = tables.decisions
        with self.database.writing() as connection:
            text = connection.execute(
                sa.select(held.c.document).where(held.c.id == decision_id)
            ).scalar_one()
            document = json.dumps({**json.loads(text), "job": job})
            connection.execute(
                sa.update(held).where(held.c.id == decision_id).values(job=job, document=document)
            )

    def _wish(self, connection: sa.Connection, decision: Decision, wish: Mapping[str, Any]) -> None:
        self._input(connection, decision.problem_hash, wish["family"], wish["document"])
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

    def _input(
        self, connection: sa.Connection, hashed: str, family: str, document: Mapping[str, Any]
    ) -> None:
        connection.execute(
            insert_into(tables.route_inputs, connection)
            .values(hash=hashed, family=family, document=json.dumps(document, allow_nan=False))
            .on_conflict_do_nothing()
        )

    def _add_version(self, connection: sa.Connection, route: Route, at: float) -> None:
        connection.execute(
            insert_into(tables.route_versions, connection)
            .values(
                version=route.version,
                name=route.name,
                created=at,
                document=json.dumps(route.document(), allow_nan=False),
            )
            .on_conflict_do_nothing()
        )

    def _version(self, connection: sa.Connection, version: str) -> Route:
        held = tables.route_versions
        found = connection.execute(
            sa.select(held.c.version, held.c.document)
            .where(held.c.version.startswith(version, autoescape=True))
            .limit(2)
        ).all()
        if len(found) != 1 or not version:
            what = "no version of a route has" if not found else "several versions have"
            raise InputError(f"{what} a hash that begins with {version!r}")
        return Route.of(json.loads(found[0].document))

    def _lineage(self, connection: sa.Connection, name: str) -> list[str]:
        held = tables.routes
        text = connection.execute(sa.select(held.c.lineage).where(held.c.name == name)).scalar()
        return [] if text is None else list(json.loads(text))

    def _set(self, connection: sa.Connection, name: str, row: Mapping[str, Any]) -> None:
        """Change a route's row, made if it is new."""
        held = tables.routes
        changed = connection.execute(
            sa.update(held).where(held.c.name == name).values(**row, change=held.c.change + 1)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(held).values(name=name, **row, change=1))

    def _note(self, connection: sa.Connection, name: str, event: Event) -> None:
        connection.execute(sa.insert(tables.route_events).values(name=name, **asdict(event)))

    def _unknown(self, connection: sa.Connection, name: str) -> InputError:
        known: Sequence[str] = connection.execute(sa.select(tables.routes.c.name)).scalars().all()
        if not known:
            return InputError(f"no route is deployed, so none is called {name!r}; deploy one first")
        return unknown_name("route", name, known)
