"""The store: records, runs and their charters in a database, samples in files beside it.

Each record is committed on its own, so a process may be killed at any moment and what was saved
stays saved. Several processes may write at once; they wait for each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from qupel.errors import ContractError, InputError
from qupel.model.home import home
from qupel.model.samples import Samples
from qupel.runs.archive import load_samples, save_samples
from qupel.runs.database import REVISION, Database, insert_into, insert_new
from qupel.runs.identity import digest
from qupel.runs.record import Record
from qupel.runs.tables import amendments, records, runs

__all__ = ["REVISION", "Amendment", "Cell", "Run", "Store", "home"]

Cell = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the store knows it.

    Attributes
    ----------
    id
        Name of the run.
    created
        UTC time, ISO 8601.
    status
        A word of whoever runs it, such as ``running`` or ``finished``.
    charter_hash
        Hash of the charter as it was locked; empty before.
    records, amendments
        How many there are.
    """

    id: str
    created: str
    status: str
    charter_hash: str
    records: int
    amendments: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a charter after it was locked.

    Attributes
    ----------
    at
        UTC time, ISO 8601.
    who, why
        Who changed it, and the reason given.
    before_hash, charter_hash
        Hash of the charter before and after.
    charter
        The charter as it stands since then.
    """

    at: str
    who: str
    why: str
    before_hash: str
    charter_hash: str
    charter: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Records in a database, samples in the folder ``samples`` beside it.

    Attributes
    ----------
    database
        Where records, runs and charters stand.
    """

    database: Database

    @classmethod
    def open(cls, path: Path | str | None = None) -> Self:
        """Open the store at ``path``, made and migrated as need be.

        Parameters
        ----------
        path
            A SQLite file, a folder that holds ``qupel.db``, or the URL of a PostgreSQL database;
            what `Database.open` takes unless given.

        Raises
        ------
        InputError
            If the file cannot be opened, is no store, or was made by a newer Qupel.
        """
        return cls(Database.open(path))

    @property
    def path(self) -> Path:
        """The SQLite file; for PostgreSQL where it would be, beside the samples."""
        return Path(self.database.place) if self.database.is_sqlite else self.folder / "qupel.db"

    @property
    def folder(self) -> Path:
        """Folder of the files that belong to the store."""
        return self.database.folder

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine on the database."""
        return self.database.engine

    @property
    def samples(self) -> Path:
        """Folder of the samples."""
        return self.folder / "samples"

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def save(self, run_id: str, record: Record) -> bool:
        """Keep a record; False if its cell was kept before, which then stays as it is."""
        document = record.to_json()
        with self.database.writing() as connection:
            self._ensure(connection, run_id)
            return insert_new(
                connection,
                records,
                run_id=run_id,
                document=json.dumps(document, allow_nan=False),
                **{name: document[name] for name in _COLUMNS},
            )

    def records(self, run_id: str) -> list[Record]:
        """Return a run's records in the order they were saved."""
        chosen = sa.select(records.c.document).where(records.c.run_id == run_id)
        with self.database.reading() as connection:
            found = connection.execute(chosen.order_by(records.c.number)).scalars().all()
        return [Record.from_json(json.loads(document)) for document in found]

    def record(self, record_id: str) -> Record:
        """Return the newest record whose id begins with ``record_id``.

        Raises
        ------
        InputError
            If there is none, or several ids begin so.
        """
        chosen = (
            sa.select(records.c.id, records.c.document)
            .where(records.c.id.startswith(record_id, autoescape=True))
            .order_by(records.c.number.desc())
        )
        with self.database.reading() as connection:
            found = connection.execute(chosen).all()
        if len({row.id for row in found}) != 1:
            what = "no record has" if not found else "several records have"
            raise InputError(f"{what} an id that begins with {record_id!r}")
        return Record.from_json(json.loads(found[0].document))

    def finished_cells(self, run_id: str) -> set[Cell]:
        """Return arm, case and seed of every record of a run."""
        columns = (records.c.arm, records.c.case, records.c.seed)
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(*columns).where(records.c.run_id == run_id))
            return {(row.arm, row.case, row.seed) for row in rows}

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        kept = sa.select(sa.func.count()).where(records.c.run_id == runs.c.id).scalar_subquery()
        changed = (
            sa.select(sa.func.count()).where(amendments.c.run_id == runs.c.id).scalar_subquery()
        )
        columns = (runs.c.id, runs.c.created, runs.c.status, runs.c.charter_hash, kept, changed)
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(*columns).order_by(runs.c.created, runs.c.id))
            return [Run(*row) for row in rows]

    def run(self, run_id: str) -> Run:
        """Return one run; `InputError` if there is none of this name."""
        found = {known.id: known for known in self.runs()}
        if run_id not in found:
            known = ", ".join(list(found)[-5:]) or "none yet"
            raise InputError(f"no run {run_id!r} in {self.database.place}; latest: {known}")
        return found[run_id]

    def set_status(self, run_id: str, status: str) -> None:
        """Set the word for how a run stands; the run is made if it is new."""
        with self.database.writing() as connection:
            self._ensure(connection, run_id)
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(status=status))

    def lock_charter(self, run_id: str, charter: Mapping[str, Any]) -> str:
        """Lock the charter of a run and return its hash; the run is made if it is new.

        Raises
        ------
        ContractError
            If another charter is in force; a change needs `amend`.
        """
        hashed = digest(dict(charter))
        with self.database.writing() as connection:
            self._ensure(connection, run_id)
            standing, _ = self._in_force(connection, run_id)
            if standing == "":
                connection.execute(
                    sa.update(runs)
                    .where(runs.c.id == run_id)
                    .values(charter_hash=hashed, charter=json.dumps(dict(charter)))
                )
            elif standing != hashed:
                raise ContractError(
                    f"run {run_id!r} is locked to charter {standing[:12]}, this one is "
                    f"{hashed[:12]}; amend it with who and why, or begin another run"
                )
        return hashed

    def amend(self, run_id: str, charter: Mapping[str, Any], *, who: str, why: str) -> str:
        """Put a changed charter in force, beside the locked one; return its hash.

        Raises
        ------
        InputError
            If the run has no charter, nothing was changed, or who or why is empty.
        """
        if not who.strip() or not why.strip():
            raise InputError("an amendment needs who makes it and why")
        hashed = digest(dict(charter))
        with self.database.writing() as connection:
            standing, _ = self._in_force(connection, run_id)
            if standing in {"", hashed}:
                what = "no locked charter to amend" if not standing else "this charter already"
                raise InputError(f"run {run_id!r} has {what}")
            connection.execute(
                sa.insert(amendments).values(
                    run_id=run_id,
                    at=_now(),
                    who=who,
                    why=why,
                    before_hash=standing,
                    charter_hash=hashed,
                    charter=json.dumps(dict(charter)),
                )
            )
        return hashed

    def charter(self, run_id: str) -> dict[str, Any] | None:
        """Return the charter in force, amendments included; None if none is locked."""
        with self.database.reading() as connection:
            standing, document = self._in_force(connection, run_id)
        return json.loads(document) if standing else None

    def amendments(self, run_id: str) -> list[Amendment]:
        """Return the changes of a run's charter, the oldest first."""
        chosen = sa.select(amendments).where(amendments.c.run_id == run_id)
        with self.database.reading() as connection:
            rows = connection.execute(chosen.order_by(amendments.c.number)).all()
        return [
            Amendment(
                row.at, row.who, row.why, row.before_hash, row.charter_hash, json.loads(row.charter)
            )
            for row in rows
        ]

    def save_samples(self, samples: Samples) -> str:
        """Keep samples by the hash of what they hold, and return it."""
        return save_samples(self.samples, samples)

    def load_samples(self, name: str) -> Samples:
        """Return the samples of a hash; `InputError` if there are none or they were changed."""
        return load_samples(self.samples, name)

    def _ensure(self, connection: sa.Connection, run_id: str) -> None:
        """Make a run unless it is there."""
        if not run_id:
            raise InputError("a run needs a name")
        connection.execute(
            insert_into(runs, connection)
            .values(id=run_id, created=_now(), status="open", charter_hash="", charter="")
            .on_conflict_do_nothing()
        )

    def _in_force(self, connection: sa.Connection, run_id: str) -> tuple[str, str]:
        """Hash and text of the charter in force, empty if none is locked."""
        for table in (amendments, runs):
            key = table.c.run_id if table is amendments else table.c.id
            chosen = sa.select(table.c.charter_hash, table.c.charter).where(key == run_id)
            if table is amendments:
                chosen = chosen.order_by(table.c.number.desc())
            if (row := connection.execute(chosen.limit(1)).first()) is not None:
                return row.charter_hash, row.charter
        return "", ""


_COLUMNS = (
    "arm",
    "case",
    "seed",
    "id",
    "family",
    "problem_hash",
    "status",
    "answered_by",
    "objective",
    "feasible",
    "end_to_end",
    "created",
)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
