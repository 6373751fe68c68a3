"""What a host does where the provider or the database does not answer as it should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import JobStatus, State
from qupel.errors import StoreError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.durable.host import BILL_PATIENCE, Host
from qupel.runs.durable.pipeline import Pipeline, Stage
from tests.runs.durable.conftest import busy_once
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import plan


@pytest.fixture
def host(database: Database, clock: ManualClock, fake: Fake) -> Host:
    return Host(database, "worker", clock=clock, open_backend=lambda name: fake)


def test_a_job_that_is_over_is_followed_until_its_bill_is_told(
    host: Host, clock: ManualClock, fake: Fake
) -> None:
    job = plan(host.ledger)
    fake.words["p1"] = [JobStatus(State.DONE, "done")]
    fake.spoil = lambda result: replace(result, billed=None)
    wait: float | None = 0.0
    while wait is not None and not host.ledger.job(job.id).state.final:
        clock.advance(wait)
        wait = host.advance(job.id)
    assert not host.ledger.job(job.id).settled
    assert host.has_jobs()
    clock.advance(BILL_PATIENCE + 1.0)
    assert (host.has_jobs(), [*host.open_jobs()]) == (False, [job.id])
    del fake.words["p1"]  # now it tells a dollar
    while wait is not None:
        clock.advance(wait)
        wait = host.advance(job.id)
    assert host.ledger.job(job.id).billed == Money.of(1)
    assert host.ledger.account("team:a").held.money == 0
    assert host.open_jobs() == {}


@pytest.mark.parametrize(
    ("stage", "words"), [("read", "INSERT INTO artifacts"), ("file", "SELECT artifacts.document")]
)
def test_a_moment_without_the_database_does_not_fail_a_stage(
    host: Host, database: Database, tmp_path: Path, stage: str, words: str
) -> None:
    (tmp_path / "d.json").write_text("[1, 2]")
    read = Stage("read", "load", {}, {"file": "d.json", "as": "document"})
    file = Stage("file", "export", {"numbers": "read"}, {"file": "out.json"})
    run_id = host.log.submit(Pipeline("copied", (read, file)), tmp_path)
    host.log.release(run_id)
    if stage == "file":
        host.perform(run_id, "read")
    busy_once(database, words)
    with pytest.raises(StoreError, match="database is locked"):
        host.perform(run_id, stage)
    for name in ("read", "file"):
        host.perform(run_id, name)
    assert [row.state for row in host.log.stages(run_id)] == ["done", "done"]
    assert host.log.run(run_id).state == "done"
