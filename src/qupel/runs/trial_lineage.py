"""What a pilot's verdict was made from, as its locked charter and its records tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from qupel.governance.readers import Resource
from qupel.runs.access import Register, identity_here
from qupel.runs.record import Record
from qupel.runs.store import Run, Store
from qupel.runs.tables import records


def resource_of(store: Store, name: str) -> Resource:
    """What somebody must be a reader of; open to all where the charter names no readers."""
    charter = _charter(store, pilot_of(name))
    readers = tuple(charter.get("readers") or ())
    return Resource(f"pilot:{name}", str(charter.get("owner", "")) if readers else "", readers)


def check_readers(store: Store, name: str, item: str) -> None:
    """Write down that whoever runs this process reads a pilot, where its charter names readers.

    Parameters
    ----------
    name
        Of the pilot, or the beginning of the id of one of its records.
    item
        What of it is read.

    Raises
    ------
    AccessError
        If they may not.
    """
    for pilot in _pilots_of(store, name):
        resource = resource_of(store, pilot)
        if resource.owner:
            Register(store.database).check(resource, item, identity_here(store.database))


def may_read(store: Store, name: str) -> bool:
    """Whether whoever runs this process may read a pilot; it is not written down."""
    resource = resource_of(store, pilot_of(name))
    if not resource.owner:
        return True
    who = identity_here(store.database)
    return Register(store.database).granted(resource).may_read(who)


def lineage(store: Store, run: Run) -> dict[str, Any]:
    """Return what a pilot was made from, as plain data; see `qupel.runs.reader.Reader`."""
    charter, made = _charter(store, run.id), _records(store, run.id)
    hashes = dict(sorted({(record.case, record.problem_hash) for record in made}))
    return {
        "kind": "pilot",
        "id": run.id,
        "of": run.id,
        "state": run.status,
        "created": run.created,
        "owner": charter.get("owner", ""),
        "data": [
            {"what": f"case {case}", "hash": hashed, "source": _source(charter), "kept": False}
            for case, hashed in hashes.items()
        ],
        "code": {"revision": _joined(record.revision for record in made)},
        "environment": {
            "versions": _merged(record.versions for record in made),
            "machine": _merged(record.platform for record in made),
        },
        "parameters": {
            "charter_hash": run.charter_hash,
            "charter": charter,
            "amendments": [f"{each.at[:10]}: {each.why}" for each in store.amendments(run.id)],
        },
        "records": len(made),
        "jobs": [],
    }


def _pilots_of(store: Store, name: str) -> list[str]:
    """The pilot of a name, or those with a record whose id begins so."""
    if store.charter(pilot_of(name)) is not None:
        return [pilot_of(name)]
    chosen = sa.select(records.c.run_id).where(records.c.id.startswith(name, autoescape=True))
    with store.database.reading() as connection:
        return sorted({pilot_of(run_id) for run_id in connection.execute(chosen).scalars()})


def pilot_of(run_id: str) -> str:
    """Name of the pilot that a run is of.

    Each amendment begins a run with a number behind the name, and tuning has one of its own.
    """
    return run_id.partition("/")[0].partition(".")[0]


def _records(store: Store, name: str) -> list[Record]:
    """Records since the last amendment, or since the one before if there are none yet."""
    numbered = [f"{name}.{k}" for k in range(len(store.amendments(name)), 0, -1)]
    found = (store.records(run_id) for run_id in (*numbered, name))
    return next((made for made in found if made), [])


def _charter(store: Store, name: str) -> Mapping[str, Any]:
    held = store.charter(name) or {}
    found: Mapping[str, Any] = held.get("charter", held)
    return found


def _source(charter: Mapping[str, Any]) -> str:
    data = charter.get("data") or {}
    return ", ".join(name for name, value in data.items() if value is not None)


def _joined(said: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(word for word in said if word))


def _merged(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Values by name, those that differ joined."""
    held: dict[str, dict[str, None]] = {}
    for one in found:
        for name, value in one.items():
            held.setdefault(name, {})[str(value)] = None
    return {name: " | ".join(values) for name, values in held.items()}
