"""The roster of routes: their versions, how each stands, what changed, who approved what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError, unknown_name
from qupel.runs import approvals
from qupel.runs.approvals import APPROVAL
from qupel.runs.database import Database, insert_into
from qupel.runs.routes import tables
from qupel.runs.routes.change import APPROVED, DEPLOYED, ROLLED_BACK, Change, Event
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.standing import Standing, Trial

#: What puts a version in force.
_IN_FORCE = (DEPLOYED, ROLLED_BACK)
#: Kind of the locks under which one process at a time changes a route in PostgreSQL.
_CHANGING = 0x726F7574


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """How routes stand, shared by all processes on one database.

    Every change of how a route stands is one transaction: what was before, what is after, and who
    did it are read and written together, and nobody else changes it meanwhile.
    """

    database: Database

    def names(self) -> list[str]:
        """Names of all routes."""
        with self.database.reading() as connection:
            chosen = sa.select(tables.routes.c.name).order_by(tables.routes.c.name)
            return list(connection.execute(chosen).scalars())

    def standing(self, name: str) -> Standing:
        """How a route stands now; `InputError` if there is no such route."""
        with self.database.reading() as connection:
            row = self._row(connection, name)
            version = json.loads(row.lineage)[-1]
            wanted = json.loads(row.trial)
            trial = None if wanted is None else Trial(**wanted)
            other = trial.version if trial is not None else ""
            return Standing(
                self._version(connection, version),
                Mode(row.mode),
                row.is_on,
                trial,
                self._version(connection, other) if other else None,
                self._gates(connection, version),
                self._approved_by(connection, version),
                row.change,
            )

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

    # Versions, and what they passed.

    def add_version(self, route: Route, *, at: float) -> None:
        """Keep what a route says under its hash, without putting it in force."""
        with self.database.writing() as connection:
            self._add_version(connection, route, at)

    def version(self, version: str) -> Route:
        """Return the route whose hash begins with ``version``."""
        with self.database.reading() as connection:
            return self._version(connection, version)

    def pass_gate(self, version: str, gate: str, *, who: str, detail: str, at: float) -> None:
        """Write down that a version passed a gate."""
        values = {"version": version, "gate": gate, "at": at, "who": who, "detail": detail}
        with self.database.writing() as connection:
            connection.execute(sa.insert(approvals.gates).values(**values))

    def gates(self, version: str) -> tuple[str, ...]:
        """Gates that a version passed."""
        with self.database.reading() as connection:
            return self._gates(connection, version)

    def approve(self, version: str, *, who: str, why: str, at: float) -> Change:
        """Write down that somebody approves of a version; `InputError` if it is the owner."""
        route = self.version(version)
        event = Event(at, APPROVED, route.version, who, why)
        with self._changing(route.name) as connection:
            before = self._approved_by(connection, route.version)
            approvals.approve(connection, route.version, owner=route.owner, who=who, why=why, at=at)
            self._note(connection, route.name, event)
            after = self._approved_by(connection, route.version)
        shown = {"version": route.version}
        return Change(
            route.name,
            event,
            {**shown, "approved_by": list(before)},
            {**shown, "approved_by": list(after)},
        )

    def approved_by(self, version: str) -> tuple[str, ...]:
        """Who approved of a version since another one was last in force in its place.

        An approval is for the version as it stands: once it was replaced, by a newer one or by
        rolling back, it needs a new one.
        """
        with self.database.reading() as connection:
            return self._approved_by(connection, version)

    # Changes.

    def deploy(self, route: Route, *, mode: Mode, who: str, why: str, at: float) -> Change:
        """Put a version in force, switched on, in ``mode``, with no trial."""
        version = route.version
        with self._changing(route.name) as connection:
            self._add_version(connection, route, at)
            lineage = [known for known in self._lineage(connection, route.name) if known != version]
            row = {
                "lineage": json.dumps([*lineage, version]),
                "mode": str(mode),
                "is_on": True,
                "trial": "null",
            }
            return self._change(connection, route.name, DEPLOYED, who, why, at, row)

    def roll_back(self, name: str, *, who: str, why: str, at: float) -> Change:
        """Put the version before the one in force in force again."""
        with self._changing(name) as connection:
            lineage = self._lineage(connection, name)
            if len(lineage) < 2:
                raise InputError(f"route {name!r} has no version before this one")
            row = {"lineage": json.dumps(lineage[:-1]), "trial": "null"}
            return self._change(connection, name, ROLLED_BACK, who, why, at, row)

    def change(self, name: str, kind: str, *, who: str, why: str, at: float, **row: Any) -> Change:
        """Change how a route stands, and write down who did it and why."""
        with self._changing(name) as connection:
            self._row(connection, name)
            return self._change(connection, name, kind, who, why, at, row)

    def switch_off_unless(self, name: str, change: int, *, why: str, at: float) -> bool:
        """Switch off by an alarm, unless somebody changed the route meanwhile."""
        with self._changing(name) as connection:
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

    @contextmanager
    def _changing(self, name: str) -> Iterator[sa.Connection]:
        """Return a transaction in which nobody else changes a route, be it there yet or not."""
        with self.database.writing() as connection:
            if not self.database.is_sqlite:  # where writers wait for each other anyway
                lock = sa.func.pg_advisory_xact_lock(_CHANGING, sa.func.hashtext(name))
                connection.execute(sa.select(lock))
            yield connection

    def _change(
        self,
        connection: sa.Connection,
        name: str,
        kind: str,
        who: str,
        why: str,
        at: float,
        row: Mapping[str, Any],
    ) -> Change:
        """Change a route's row, made if it is new."""
        held = tables.routes
        before = self._state(connection, name)
        changed = connection.execute(
            sa.update(held).where(held.c.name == name).values(**row, change=held.c.change + 1)
        )
        if not changed.rowcount:
            connection.execute(sa.insert(held).values(name=name, **row, change=1))
        version = self._lineage(connection, name)[-1]
        event = Event(at, kind, version, who, why)
        self._note(connection, name, event)
        return Change(name, event, before, self._state(connection, name))

    def _state(self, connection: sa.Connection, name: str) -> dict[str, Any] | None:
        """How a route stands, for people; None if it is new."""
        held = tables.routes
        row = connection.execute(sa.select(held).where(held.c.name == name)).first()
        if row is None:
            return None
        version = json.loads(row.lineage)[-1]
        return {
            "version": version,
            "mode": row.mode,
            "is_on": bool(row.is_on),
            "trial": json.loads(row.trial),
            "approved_by": list(self._approved_by(connection, version)),
        }

    def _row(self, connection: sa.Connection, name: str) -> sa.Row[Any]:
        held = tables.routes
        row = connection.execute(sa.select(held).where(held.c.name == name)).first()
        if row is None:
            raise self._unknown(connection, name)
        return row

    def _lineage(self, connection: sa.Connection, name: str) -> list[str]:
        held = tables.routes
        text = connection.execute(sa.select(held.c.lineage).where(held.c.name == name)).scalar()
        return [] if text is None else list(json.loads(text))

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

    def _gates(self, connection: sa.Connection, version: str) -> tuple[str, ...]:
        held = approvals.gates
        chosen = sa.select(held.c.gate).where(held.c.version == version).distinct()
        return tuple(sorted(connection.execute(chosen).scalars()))

    def _approved_by(self, connection: sa.Connection, version: str) -> tuple[str, ...]:
        held, events = approvals.gates, tables.route_events
        own, later = events.alias(), events.alias()
        replaced = (
            sa.select(sa.func.max(later.c.at))
            .join(own, sa.and_(own.c.name == later.c.name, own.c.number < later.c.number))
            .where(own.c.version == version, own.c.kind.in_(_IN_FORCE))
            .where(later.c.version != version, later.c.kind.in_(_IN_FORCE))
            .scalar_subquery()
        )
        chosen = (
            sa.select(held.c.who)
            .where(held.c.version == version, held.c.gate == APPROVAL)
            .where(held.c.at > sa.func.coalesce(replaced, -1.0))
            .distinct()
        )
        return tuple(sorted(connection.execute(chosen).scalars()))

    def _note(self, connection: sa.Connection, name: str, event: Event) -> None:
        connection.execute(sa.insert(tables.route_events).values(name=name, **asdict(event)))

    def _unknown(self, connection: sa.Connection, name: str) -> InputError:
        known: Sequence[str] = connection.execute(sa.select(tables.routes.c.name)).scalars().all()
        if not known:
            return InputError(f"no route is deployed, so none is called {name!r}; deploy one first")
        return unknown_name("route", name, known)
