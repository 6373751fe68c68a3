from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from qupel.runs.database import REVISION, Database
from qupel.runs.routes import tables
from qupel.runs.routes.book import Book
from qupel.runs.routes.inputs import Inputs
from tests.runs.routes.test_inputs import NOW, decided, record


def moved_to(database: Database, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", "qupel.runs:migrations")
    with database.writing() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def test_what_health_sees_is_filled_in_from_decisions_written_before(database: Database) -> None:
    made = decided(database, "old", days_ago=3, quantum="tried", measures={"size": 4.0})
    decided(database, "answered", days_ago=2, primary=record(), measures={})
    before = Book(database).windows("cuts", "v", 5)[1]
    assert [(seen.tried, seen.timed_out) for seen in before] == [(True, True), (False, False)]
    moved_to(database, "0006", down=True)
    moved_to(database, REVISION)
    assert Book(database).windows("cuts", "v", 5)[1] == before
    with database.reading() as connection:
        at = connection.execute(
            sa.select(tables.route_inputs.c.at).where(tables.route_inputs.c.hash == "old")
        ).scalar_one()
    assert at == made.created
    assert Inputs(database).trim({"cuts": 1}, now=NOW).deleted == 2
