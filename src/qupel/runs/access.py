"""The register of who may read what, who did, and who was refused; rows are only added."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.errors import InputError
from qupel.governance.identity import Identity, Roles, checked_name, own_name
from qupel.governance.readers import Resource
from qupel.model.formats.checked_yaml import read_yaml
from qupel.runs.database import Database
from qupel.runs.tables import metadata

#: What happened to a resource, in order.
access_events = sa.Table(
    "access_events",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("item", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("roles", sa.String, nullable=False),
    sa.Column("reader", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("access_events_by_resource", "resource", "number"),
)

READ, DENIED, GRANTED, REVOKED = "read", "denied", "granted", "revoked"


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One line of the register.

    Attributes
    ----------
    at
        UTC seconds since 1970.
    kind
        ``read``, ``denied``, ``granted`` or ``revoked``.
    resource, item
        What, and which part of it: ``route:cuts`` and ``decision:…``, or ``lineage``.
    who, roles
        Who asked, and as what; roles with commas between them.
    reader
        Who may read from then on, or may no more.
    why
        The reason given for that.
    """

    at: float
    kind: str
    resource: str
    item: str
    who: str
    roles: str
    reader: str = ""
    why: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """Grants, reads and refusals, shared by all processes on one database."""

    database: Database
    clock: Clock = field(default_factory=SystemClock)

    def check(self, resource: Resource, item: str, who: Identity) -> None:
        """Write down that somebody reads, or may not.

        Parameters
        ----------
        resource
            What, with its owner and the readers it names; those granted later are added.
        item
            What of it is given out.

        Raises
        ------
        AccessError
            If they may not; that is written down before it is raised.
        """
        held = self.granted(resource)
        allowed = held.may_read(who)
        self._add(READ if allowed else DENIED, resource.name, item, who)
        if not allowed:
            raise held.refusal(who, f"{item} of {resource.name}")

    def granted(self, resource: Resource) -> Resource:
        """Return a resource with the readers that were granted and not revoked since."""
        if resource.is_part:
            return resource
        held: dict[str, str] = {}
        for event in self.events(resource.name, kinds=(GRANTED, REVOKED)):
            if event.kind == GRANTED:
                held[event.reader.casefold()] = event.reader
            else:
                held.pop(event.reader.casefold(), None)
        return resource.with_readers(held.values())

    def grant(self, resource: Resource, reader: str, who: Identity, why: str) -> None:
        """Let somebody, or a role, read a resource; `AccessError` if ``who`` may not say so."""
        self._change(GRANTED, resource, checked_name(reader), who, why)

    def revoke(self, resource: Resource, reader: str, who: Identity, why: str) -> None:
        """Take a grant back; readers that the route or pipeline itself names stay."""
        named = {word.casefold() for word in (resource.owner, *resource.readers)}
        if reader.casefold() in named:
            raise InputError(
                f"{reader!r} is named as a reader by {resource.name} itself; change that instead"
            )
        self._change(REVOKED, resource, checked_name(reader), who, why)

    def events(self, resource: str, kinds: Iterable[str] = ()) -> list[AccessEvent]:
        """What happened to a resource, the oldest first."""
        held = access_events
        chosen = sa.select(held).where(held.c.resource == resource).order_by(held.c.number)
        if wanted := list(kinds):
            chosen = chosen.where(held.c.kind.in_(wanted))
        with self.database.reading() as connection:
            rows = connection.execute(chosen).all()
        return [
            AccessEvent(r.at, r.kind, r.resource, r.item, r.who, r.roles, r.reader, r.why)
            for r in rows
        ]

    def _change(self, kind: str, resource: Resource, reader: str, who: Identity, why: str) -> None:
        if not resource.may_grant(who):
            self._add(DENIED, resource.name, f"to say that {reader!r} is {kind} reading", who)
            raise resource.grant_refusal(who)
        self._add(kind, resource.name, "", who, reader, why)

    def _add(
        self, kind: str, resource: str, item: str, who: Identity, reader: str = "", why: str = ""
    ) -> None:
        roles = ", ".join(sorted(who.roles))
        event = AccessEvent(self.clock.now(), kind, resource, item, who.name, roles, reader, why)
        with self.database.writing() as connection:
            connection.execute(sa.insert(access_events).values(**asdict(event)))


def roles_file(database: Database) -> Path:
    """File of roles: ``QUPEL_ROLES``, else ``roles.yaml`` beside the database."""
    return Path(os.environ.get("QUPEL_ROLES") or database.folder / "roles.yaml")


def identity_here(database: Database) -> Identity:
    """Return who runs this process, with the roles that the file of roles gives them.

    Raises
    ------
    InputError
        If the file that ``QUPEL_ROLES`` names is not there, or a file has faults.
    """
    path, name = roles_file(database), own_name()
    if not path.exists() and not os.environ.get("QUPEL_ROLES"):
        return Identity(name)
    return read_yaml(path, Roles).identity(name)
