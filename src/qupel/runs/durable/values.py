"""Values that stages gave, each kept once under the hash of what it is, and found by content.

A stage's result is found again under the hash of its code, settings, inputs and seed, so nothing
is computed twice by a re-run or a resume.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError
from qupel.runs.database import insert_into
from qupel.runs.durable.kinds import Values
from qupel.runs.identity import canonical, digest
from qupel.runs.tables import artifacts, stage_results

#: Hashes of outputs by port, and facts, of a result.
Known = tuple[Mapping[str, str], Mapping[str, Any]]


def hashes_of(values: Values) -> dict[str, str]:
    """Hash of each port's value."""
    return {port: digest(value) for port, value in values.items()}


def keep_values(connection: sa.Connection, values: Values, now: float) -> None:
    """Keep values; those that are there already stay as they are."""
    for value in values.values():
        text = canonical(value).decode()
        row = {"hash": digest(value), "size": len(text), "document": text, "created": now}
        connection.execute(
            insert_into(artifacts, connection).values(**row).on_conflict_do_nothing()
        )


def value_of(connection: sa.Connection, hashed: str) -> Any:
    """Return the value of a hash; `InputError` if it is not there."""
    chosen = sa.select(artifacts.c.document).where(artifacts.c.hash == hashed)
    found = connection.execute(chosen).scalar()
    if found is None:
        raise InputError(f"no value of hash {hashed}")
    return json.loads(found)


def keep_result(connection: sa.Connection, key: str, known: Known, now: float) -> None:
    """Have a result found again by later runs of the same; the first stands."""
    outputs, facts = known
    row = {"outputs": json.dumps(dict(outputs)), "facts": json.dumps(dict(facts), allow_nan=False)}
    connection.execute(
        insert_into(stage_results, connection)
        .values(key=key, created=now, **row)
        .on_conflict_do_nothing()
    )


def result_of(connection: sa.Connection, key: str) -> Known | None:
    """Return the result of an earlier run of the same; None if there is none."""
    chosen = sa.select(stage_results).where(stage_results.c.key == key)
    row = connection.execute(chosen).first()
    return None if row is None else (json.loads(row.outputs), json.loads(row.facts))
