"""What the ledger's tests share."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from qupel.backends.clock import ManualClock
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from tests.runs.ledger.fake import Fake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "qupel.db"
    Database.open(path).close()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(migrated, tmp_path / "qupel.db")
    with Database.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock, owner="worker")


@pytest.fixture
def fake(clock: ManualClock) -> Fake:
    return Fake(clock)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of a database of the test's own."""
    name = f"t{secrets.token_hex(6)}"
    engine = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return postgres_server.replace("/postgres", f"/{name}")


@pytest.fixture
def postgres(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))  # where its ledgers keep their mark
    with Database.open(postgres_url) as opened:
        yield opened
