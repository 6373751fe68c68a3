"""What the ledger's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from tests.postgres import server, why_not
from tests.runs.ledger.fake import Fake


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock, owner="worker")


@pytest.fixture
def fake(clock: ManualClock) -> Fake:
    return Fake(clock)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if reason := why_not():
        pytest.skip(reason)
    with server() as url:
        yield url
