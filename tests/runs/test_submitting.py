from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.errors import BudgetError, InputError, NotReadyError, RefusedError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs import submitting
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.submitting import Submission, approve_submission, result, submit
from tests.runs.ledger.fake import Fake

BELL = Circuit(2).h(0).cx(0, 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Database.open(tmp_path / "qupel.db") as database:
        yield Ledger(database, clock=ManualClock())


def wanted(who: str = "Ada", shots: int = 100, **terms: object) -> Submission:
    return Submission(BELL, shots, who, Money.of(2), **terms)  # type: ignore[arg-type]


def test_hardware_wants_the_approval_of_somebody_else(ledger: Ledger) -> None:
    hardware = Fake(evidence=Evidence.HARDWARE)
    mine, theirs = wanted(tier="hardware"), wanted("Grace", tier="hardware")
    with pytest.raises(RefusedError, match="needs the approval of 1 person, 0 approved"):
        submit(ledger, mine, hardware, lock=None)
    for name in ("ada", "Ada ", " ADA"):
        approve_submission(ledger, mine, hardware, who=name, why="my own")
    for again in (mine, wanted(" ada", tier="hardware")):
        with pytest.raises(RefusedError, match="0 approved"):
            submit(ledger, again, hardware, lock=None)
    assert submit(ledger, theirs, hardware, lock=None).bound == Money.of(2)
    with pytest.raises(RefusedError, match="0 approved"):
        submit(ledger, wanted("Grace", 101, tier="hardware"), hardware, lock=None)


def test_nothing_is_paid_unless_it_was_allowed(ledger: Ledger) -> None:
    free = Submission(BELL, 100, "Ada")
    with pytest.raises(BudgetError, match=r"may cost .* allow it with --most"):
        submit(ledger, free, Fake(), lock=None)
    assert ledger.jobs() == []


def test_runs_of_a_tier_are_counted(ledger: Ledger) -> None:
    for _ in range(2):
        submit(ledger, wanted(), Fake(), lock=None)
    assert len({job.id for job in ledger.jobs()}) == 2
    assert submitting._submitted(ledger, Fake()) == 2
    assert submitting._submitted(ledger, Fake(provider="other")) == 0


def test_a_result_is_waited_for_no_longer_than_asked(ledger: Ledger) -> None:
    job = submit(ledger, wanted(), Fake(), lock=None)
    with pytest.raises(NotReadyError, match="is planned"):
        result(ledger, job.id, wait=3.0)
    assert ledger.clock.monotonic() == pytest.approx(3.0, abs=0.3)


def test_an_approval_has_a_name(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="needs a name"):
        approve_submission(ledger, wanted(), Fake(), who=" ", why="")
