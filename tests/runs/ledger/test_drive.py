from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from qupel.backends.clock import ManualClock
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger, drive
from qupel.runs.ledger.drive import all_still
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import plan


def test_all_due_jobs_are_brought_to_their_end(ledger: Ledger, fake: Fake) -> None:
    fake.queue, fake.run = 30.0, 5.0
    for number in range(6):
        plan(ledger, str(number))
    actions = drive(ledger, lambda _: fake)
    assert [job.state for job in ledger.jobs()] == [JobState.DONE] * 6
    assert actions < 200
    assert all_still(ledger, bills=True)


def test_driving_stops_when_it_is_told_to(ledger: Ledger, fake: Fake) -> None:
    fake.queue = 1e9
    plan(ledger)
    left = iter(range(5))
    drive(ledger, lambda _: fake, until=lambda: next(left, None) is None)
    assert ledger.jobs()[0].state is JobState.SUBMITTED


def test_one_backend_is_opened_once(ledger: Ledger, clock: ManualClock) -> None:
    opened: list[str] = []

    def backend_of(name: str) -> Fake:
        opened.append(name)
        return Fake(clock, device=name.partition(":")[2])

    for number, device in enumerate(("one", "two", "one")):
        plan(ledger, str(number), backend=f"fake:{device}")
    drive(ledger, backend_of)
    assert sorted(opened) == ["fake:one", "fake:two"]


WORK = """
import json, sys
from pathlib import Path
from qupel.backends.clock import SystemClock
from qupel.backends.contract import Lookup
from qupel.errors import UnknownOutcomeError
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger, Patience, Retry, drive
from tests.runs.ledger.disk import OnDisk
folder, lookup = Path(sys.argv[1]), Lookup(sys.argv[2])
patience = Patience(first=0.01, lease=2.0, probe=0.05, failures=50)
ledger = Ledger(Database.open(folder), retry=Retry(attempts=50, pause=0.01), patience=patience)
drive(ledger, lambda _: OnDisk(folder / "provider", lookup))
"""


#: So many that workers on an idle machine are not done before the second kill.
JOBS = 150


@pytest.mark.slow
@pytest.mark.parametrize("lookup", ["key", "tag"])
def test_workers_that_are_killed_pay_nothing_twice_and_lose_nothing(
    tmp_path: Path, lookup: str
) -> None:
    from tests.runs.ledger.disk import OnDisk

    rng = np.random.default_rng(1)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database)
        for number in range(JOBS):
            plan(ledger, str(number), backend="disk:one")
        command = [sys.executable, "-c", WORK, str(tmp_path), lookup]
        kills, began = 0, time.monotonic()
        workers = [subprocess.Popen(command) for _ in range(2)]
        while not all_still(ledger) and time.monotonic() < began + 240:
            time.sleep(float(rng.uniform(0.3, 0.9)))
            if kills < 6 and all(worker.poll() is None for worker in workers):
                victim = int(rng.integers(2))
                os.kill(workers[victim].pid, signal.SIGKILL)
                workers[victim].wait()
                workers[victim] = subprocess.Popen(command)
                kills += 1
        for worker in workers:
            worker.wait(240)
        assert [job.state for job in ledger.jobs()] == [JobState.DONE] * JOBS
        provider = OnDisk(tmp_path / "provider")
        assert len(provider.keys()) == len(set(provider.keys())) == JOBS
        assert kills >= 2
