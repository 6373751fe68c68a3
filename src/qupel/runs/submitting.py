"""A job for the queue: a program that somebody wants run, asked what every order is asked.

Submitting plans the job in the ledger, with its money held; a worker pays and follows it, and
the result is there to be fetched whenever it is done.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from qupel.backends.checks.locks import Lock
from qupel.backends.contract import Annealing, Backend, Order, Reading, Result
from qupel.errors import BudgetError, InputError, NotReadyError, RunError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.runs.approvals import approve, approved_by
from qupel.runs.clearance import clear
from qupel.runs.identity import digest
from qupel.runs.ledger.jobs import Job, JobState
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.payloads import programs_hash
from qupel.runs.tables import jobs

#: Tier of what is submitted unless another is named: all that costs a provider's simulators.
USUAL_TIER = "cloud simulator"
#: Field of a job's purpose that says who submitted it.
SUBMITTER = "submitted_by"


def _fresh() -> str:
    return f"submitted-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """What is wanted, by whom, and on which terms.

    Attributes
    ----------
    program
        A circuit without free parameters, or a form for an annealer.
    shots
        Repetitions, or reads.
    who
        Who submits it; somebody else has to approve it where the device's tier asks for that.
    most
        What it may cost; None for a program that must cost nothing.
    tier
        Access tier that is used.
    accounts
        Accounts of the ledger that are charged.
    seconds
        From now until it is wanted no more; None for no limit.
    key
        Names the job for ever: submitted again under its key it is the same job, paid once.
    settings
        Plain data that the backend understands, such as a seed.
    """

    program: Circuit | Ising
    shots: int
    who: str
    most: Money | None = None
    tier: str = USUAL_TIER
    accounts: tuple[str, ...] = ()
    seconds: float | None = None
    key: str = field(default_factory=_fresh)
    settings: dict[str, Any] = field(default_factory=dict)

    def order(self) -> Order:
        """What the ledger is given."""
        program = self.program if isinstance(self.program, Circuit) else Annealing(self.program)
        return Order(
            (program,), self.shots, self.key, f"qupel-{digest(self.key)[:24]}", self.settings
        )

    def version(self, backend: Backend) -> str:
        """Hash of what is approved: this program, so often, on this backend."""
        where = f"{backend.provider}:{backend.device}"
        return digest(["submission", programs_hash(self.order()), self.shots, where])


def submit(ledger: Ledger, wanted: Submission, backend: Backend, lock: Lock | None) -> Job:
    """Plan a job and hold its money, if it may be ordered; a worker carries it out.

    Parameters
    ----------
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.

    Raises
    ------
    InputError
        If a value cannot be used, or the adapter is locked until its canary passes.
    RefusedError
        If it can never fit the device, or the tier forbids it.
    BudgetError
        If it may cost more than was allowed, or an account has not enough left.
    ContractError
        If its key stands for another order.
    """
    order = wanted.order()
    names = approved_by(ledger.database, wanted.version(backend))
    estimate = clear(
        ledger,
        backend,
        order,
        lock=lock,
        most=wanted.most,
        tier=wanted.tier,
        runs=_submitted(ledger, backend),
        approved_by=sorted({_one(name) for name in names} - {_one(wanted.who)}),
    )
    if wanted.most is None and estimate.cost is not None and estimate.cost.micros:
        raise BudgetError(
            f"the job may cost {estimate.cost}; allow it with --most '{estimate.cost}'"
        )
    return ledger.plan(
        order,
        backend=f"{backend.provider}:{backend.device}",
        accounts=wanted.accounts,
        bound=wanted.most
        if wanted.most is not None and estimate.cost is not None
        else estimate.cost,
        deadline=None if wanted.seconds is None else ledger.clock.now() + wanted.seconds,
        purpose={SUBMITTER: wanted.who},
    )


def approve_submission(
    ledger: Ledger, wanted: Submission, backend: Backend, *, who: str, why: str
) -> None:
    """Write down that ``who`` approves of a program, its shots and its backend.

    It counts for those who submit it, ``who`` excepted.
    """
    if not who.strip():
        raise InputError("an approval needs a name")
    version, now = wanted.version(backend), ledger.clock.now()
    with ledger.database.writing() as connection:
        approve(connection, version, owner="", who=who, why=why, at=now)


def result(ledger: Ledger, job_id: str, wait: float = 0.0) -> tuple[Job, Result]:
    """A job and its result, waiting so many seconds for it at most.

    Raises
    ------
    InputError
        If there is no such job.
    NotReadyError
        If it is still under way.
    RunError
        If it ended without a result.
    """
    until = ledger.clock.monotonic() + wait
    while True:
        job = ledger.job(job_id)
        if (found := ledger.result(job.id)) is not None:
            return job, found
        if job.state.still:
            raise RunError(
                f"job {job.id} is {job.state.value}{': ' * bool(job.why)}{job.why}; "
                f"see: qupel jobs show {job.id[:12]}"
            )
        left = until - ledger.clock.monotonic()
        if left <= 0:
            raise NotReadyError(
                f"job {job.id} is {job.state.value}; a worker carries it out (qupel worker), and "
                "--wait waits for it"
            )
        ledger.clock.sleep(min(0.2, left))


def result_document(job: Job, found: Result) -> dict[str, Any]:
    """A result as plain data; in a row of bits qubit or variable 0 comes first."""
    return {
        "job": job.id,
        "state": JobState.DONE.value,
        "backend": job.backend,
        "evidence": str(found.evidence),
        "calibration": found.calibration,
        "billed": None if job.billed is None else str(job.billed),
        "readings": [_reading(one) for one in found.readings],
    }


def _reading(reading: Reading) -> dict[str, Any]:
    rows = ["".join(map(str, row)) for row in reading.bits.tolist()]
    document: dict[str, Any] = {
        "shots": reading.shots,
        "counts": dict(zip(rows, reading.occurrences.tolist(), strict=True)),
    }
    if reading.energies is not None:
        document["energies"] = dict(zip(rows, reading.energies.tolist(), strict=True))
    return document


def _one(name: str) -> str:
    """A person's name as it counts, however it was typed."""
    return name.strip().casefold()


def _submitted(ledger: Ledger, backend: Backend) -> int:
    """Jobs that were submitted to a backend so far."""
    marked = jobs.c.purpose.contains(json.dumps(SUBMITTER), autoescape=True)
    here = jobs.c.backend == f"{backend.provider}:{backend.device}"
    with ledger.database.reading() as connection:
        chosen = sa.select(sa.func.count()).select_from(jobs).where(here, marked)
        return int(connection.execute(chosen).scalar_one())
