"""What is kept, as somebody reads it: every reading is checked, and written down.

The tables beneath know no readers; whoever gives anything of them out asks here. On a database in
a local file the file's own permissions are the fence: a `Reader` is a door in it, no wall.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Result
from qupel.errors import InputError
from qupel.governance.identity import Identity
from qupel.governance.readers import Resource
from qupel.runs import trial_lineage
from qupel.runs.access import READ, AccessEvent, Register, identity_here
from qupel.runs.database import Database
from qupel.runs.durable.lineage import lineage as lineage_of_run
from qupel.runs.durable.lineage import log_document
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.run import Run, StageRow
from qupel.runs.ledger import Job, Ledger
from qupel.runs.resources import Origin, job_resource, origin_of, route_resource, run_resource
from qupel.runs.routes.book import Book
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.lineage import lineage as lineage_of_decision
from qupel.runs.routes.replaying import decision_log
from qupel.runs.routes.roster import Roster
from qupel.runs.store import Run as Trial
from qupel.runs.store import Store
from qupel.runs.tables import artifacts, pipeline_stages

#: What lineage is asked of.
Found = Decision | Run | Trial

#: Fields of a job that are its readers' alone, and what others are told.
WITHHELD: Mapping[str, Any] = {"purpose": {}, "why": ""}

#: Largest file that is taken for a published output, in bytes.
LARGEST = 1 << 30


@dataclass(frozen=True, eq=False)
class Reader:
    """Somebody who reads a database.

    Attributes
    ----------
    database
        Of runs, routes and jobs.
    who
        Who reads; see `qupel.runs.access.identity_here`.
    clock
        Tells when it was.
    """

    database: Database
    who: Identity
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def here(cls, database: Database) -> Reader:
        """Return whoever runs this process as a reader."""
        return cls(database, identity_here(database))

    @cached_property
    def register(self) -> Register:
        """Where it is written down."""
        return Register(self.database, self.clock)

    def lineage(self, what: str) -> dict[str, Any]:
        """Return where a published decision comes from.

        Parameters
        ----------
        what
            The id of a route's decision or of a pipeline's run, or the beginning of it; the name
            of a pilot; or a file that a run has written.

        Returns
        -------
        ``data``, ``code``, ``environment``, ``parameters``, the paid ``jobs``, and ``access``:
        owner, readers, and who has read it or was refused.

        Raises
        ------
        InputError
            If nothing of this name is known.
        AccessError
            If ``who`` may not read it.
        """
        found = self._found(what)
        resource = self.resource(found)
        self.register.check(resource, f"lineage of {_named(found)}", self.who)
        if isinstance(found, Decision):
            document = lineage_of_decision(Book(self.database), found)
        elif isinstance(found, Trial):
            document = trial_lineage.lineage(Store(self.database), found)
        else:
            document = lineage_of_run(RunLog(self.database), found.id)
        return {
            **document,
            "jobs": [self._job(job) for job in document["jobs"]],
            "access": self._access(resource),
        }

    def run(self, run_id: str, stage: str | None = None) -> dict[str, Any]:
        """Return the lineage of a run, or of one of its stages; see `lineage`."""
        run = RunLog(self.database).run(run_id)
        self.register.check(self.resource(run), f"lineage of {_named(run)}", self.who)
        return lineage_of_run(RunLog(self.database), run.id, stage)

    def value(self, run_id: str, named: str) -> Any:
        """Return what a stage of a run gave, named ``stage`` or ``stage.port``.

        Raises
        ------
        InputError
            If it gave no such thing.
        AccessError
            If ``who`` may not read the run, or this stage of it.
        """
        log = RunLog(self.database)
        run, (stage, _, port) = log.run(run_id), named.partition(".")
        outputs = log.stage(run.id, stage).outputs
        self._check_stage(run, stage)
        if not outputs or (port and port not in outputs):
            raise InputError(
                f"stage {stage!r} has not given {port or 'anything'}; it gave: "
                f"{', '.join(outputs) or 'nothing'}"
            )
        return log.value(outputs[port] if port else next(iter(outputs.values())))

    def stages(self, run_id: str) -> tuple[Run, list[StageRow]]:
        """Return how a run and its stages stand; `AccessError` if ``who`` may not read it."""
        log = RunLog(self.database)
        run = log.run(run_id)
        self.register.check(self.resource(run), f"stages of {_named(run)}", self.who)
        return run, log.stages(run.id)

    def job(self, job_id: str) -> Job:
        """Return a job, for its whole story: what it was for, its attempts, what happened.

        A job that belongs to no route or pipeline is open, and its reading is not written down.

        Raises
        ------
        InputError
            If there is no such job.
        AccessError
            If ``who`` may not read the route's decisions, or the stage, that it was ordered for.
        """
        return self._checked_job(job_id, "job")

    def result(self, job_id: str, wait: float = 0.0) -> tuple[Job, Result]:
        """Return a job and its result; see `job`, and `qupel.runs.submitting.result`."""
        from qupel.runs.submitting import result

        job = self._checked_job(job_id, "result of job")
        return result(Ledger(self.database), job.id, wait)

    def standings(self, jobs: Iterable[Job]) -> list[dict[str, Any]]:
        """Return how jobs stand, as plain data; what they are for and why only to their readers.

        Whoever looks after jobs sees them all: state, backend, attempts, times and money. What is
        kept from them is named in ``withheld``. A list is not written down.
        """
        may = functools.cache(self._may_read_jobs_of)
        return [
            held
            if may(origin_of(self.database, job))
            else {**held, **WITHHELD, "withheld": list(WITHHELD)}
            for job in jobs
            for held in [job.document()]
        ]

    def log(self, what: str) -> dict[str, Any]:
        """Return all that a replay of a run or a decision needs, its data included.

        Raises
        ------
        AccessError
            If ``who`` may not read it, or any stage of the run.
        InputError
            If nothing of this name is known, or a decision's data are not kept.
        """
        found = self._found(what)
        if isinstance(found, Run):
            for stage in found.pipeline.stages:
                if stage.readers:
                    self._check_stage(found, stage.name)
        self.register.check(self.resource(found), f"log of {_named(found)}", self.who)
        if isinstance(found, Decision):
            return decision_log(self.database, found)
        if isinstance(found, Trial):
            raise InputError(
                f"pilot {found.id!r} is exported as files that repeat it: qupel export {found.id}"
            )
        return log_document(RunLog(self.database), found.id, Ledger(self.database))

    def decision(self, decision_id: str) -> Decision:
        """Return a decision with its answer; `AccessError` if ``who`` may not read it."""
        found = Book(self.database).decision(decision_id)
        self.register.check(self.resource(found), _named(found), self.who)
        return found

    def grant(self, what: str, reader: str, why: str = "") -> Resource:
        """Let a person or role read a route's decisions or a run; return it with its readers.

        Raises
        ------
        AccessError
            If ``who`` neither owns it nor is an administrator.
        """
        resource = self._resource_named(what)
        self.register.grant(resource, reader, self.who, why)
        return self.register.granted(resource)

    def revoke(self, what: str, reader: str, why: str = "") -> Resource:
        """Take back what `grant` gave."""
        resource = self._resource_named(what)
        self.register.revoke(resource, reader, self.who, why)
        return self.register.granted(resource)

    def events(self, what: str) -> list[AccessEvent]:
        """Who read, was refused, or was let read; `AccessError` unless ``who`` may grant it."""
        resource = self._resource_named(what)
        if not resource.may_grant(self.who):
            raise resource.grant_refusal(self.who)
        return self.register.events(resource.name)

    def resource(self, found: Found) -> Resource:
        """What somebody must be a reader of: a run, a pilot, or the route of a decision.

        Decisions have the readers of the version in force, so that they change for all at once.
        """
        if isinstance(found, Decision):
            return route_resource(self.database, found.route)
        if isinstance(found, Trial):
            return trial_lineage.resource_of(Store(self.database), found.id)
        return run_resource(found)

    def _check_stage(self, run: Run, stage: str) -> None:
        """Check a run's readers, or those of a stage that names fewer."""
        self.register.check(run_resource(run, stage), f"what stage {stage!r} gave", self.who)

    def _checked_job(self, job_id: str, item: str) -> Job:
        job = Ledger(self.database).job(job_id)
        resource = job_resource(self.database, origin_of(self.database, job))
        if resource is not None:
            self.register.check(resource, f"{item} {job.id}", self.who)
        return job

    def _may_read_jobs_of(self, origin: Origin) -> bool:
        resource = job_resource(self.database, origin)
        return resource is None or self.register.granted(resource).may_read(self.who)

    def _resource_named(self, what: str) -> Resource:
        kind, colon, name = what.partition(":")
        if colon and kind == "route":
            return route_resource(self.database, name)
        if not colon and what in Roster(self.database).names():
            return route_resource(self.database, what)
        return self.resource(self._found(name if colon and kind in ("run", "pilot") else what))

    def _found(self, what: str) -> Found:
        """The decision or run of an id, the pilot of a name, or the run that wrote a file."""
        path = Path(what)
        if path.is_file() and path.stat().st_size <= LARGEST:
            return self._that_wrote(path)
        try:
            return Book(self.database).decision(what)
        except InputError as no_decision:
            if what in {trial.id for trial in Store(self.database).runs()}:
                return Store(self.database).run(trial_lineage.pilot_of(what))
            try:
                return RunLog(self.database).run(what)
            except InputError as no_run:
                raise InputError(
                    f"{no_decision}; {no_run}; nor is {what!r} a file that a run has written"
                ) from None

    def _that_wrote(self, path: Path) -> Run:
        """The last run that exported just these bytes."""
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        held, rows = artifacts, pipeline_stages
        with self.database.reading() as connection:
            hashes = connection.execute(
                sa.select(held.c.hash).where(
                    held.c.size < 10_000, held.c.document.contains(f'"sha256":"{sha256}"')
                )
            ).scalars()
            found = [
                run
                for hashed in hashes
                for run in connection.execute(
                    sa.select(rows.c.run_id)
                    .where(rows.c.outputs.contains(hashed, autoescape=True))
                    .order_by(rows.c.ended.desc())
                ).scalars()
            ]
        if not found:
            raise InputError(
                f"{path}: no run of this database wrote these bytes (SHA-256 {sha256[:16]}…)"
            )
        return RunLog(self.database).run(found[0])

    def _access(self, resource: Resource) -> dict[str, Any]:
        events = self.register.events(resource.name)
        return {
            "resource": resource.name,
            "owner": resource.owner,
            "readers": list(self.register.granted(resource).readers),
            "read_by": _names(events, READ),
            "events": [event.document() for event in events],
        }

    def _job(self, job_id: str) -> dict[str, Any]:
        job = Ledger(self.database).job(job_id)
        keys = ("id", "backend", "state", "shots", "billed", "provider_job")
        document = job.document()
        return {name: document.get(name) for name in keys}


def _names(events: list[AccessEvent], kind: str) -> list[str]:
    return sorted({event.who for event in events if event.kind == kind})


def _named(found: Found) -> str:
    kinds = {Decision: "decision", Trial: "pilot", Run: "run"}
    return f"{kinds[type(found)]} {found.id}"
