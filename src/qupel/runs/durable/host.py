"""A host does the work of stages and jobs: what the steps of durable workflows call.

A stage is begun from what the log knows, makes its outputs, and is concluded in the log.
Everything here may be called again after a kill, by another process: what was done is found in
the log and the ledger, and is not done twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from qupel.backends.checks.locks import FileCanaries, Lock, canary_file
from qupel.backends.clock import Clock, SystemClock
from qupel.errors import QupelError, StoreError
from qupel.runs.durable.errands import Errands, within
from qupel.runs.durable.hands import Hands
from qupel.runs.durable.kinds import Given, Made, kind_named, settings_of
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.pipeline import Stage
from qupel.runs.durable.run import OPEN, RUN_OPEN, Run
from qupel.runs.durable.timetable import Around
from qupel.runs.identity import digest
from qupel.runs.ledger.conclusions import NEVER as NEVER_DUE
from qupel.runs.ledger.conclusions import doubt
from qupel.runs.ledger.hands import count_failure, writing
from qupel.runs.ledger.jobs import FINAL, JobState
from qupel.runs.ledger.taking import is_held
from qupel.runs.pool import PREPARATION
from qupel.runs.tables import jobs
from qupel.runs.telemetry import spans, traces

if TYPE_CHECKING:
    from qupel.backends.contract import Backend
    from qupel.runs.database import Database
    from qupel.runs.ledger import Job, Ledger

#: Told what happens: a word, and plain data about it.
Say = Callable[..., None]
#: Seconds until a job is looked at again whose backend or database was not to be had.
AGAIN = 5.0
#: The ledger's word for a job that needs nothing any more is that it is due later than this.
NEVER = 1e15
#: Seconds that a stage may take in the worker itself: to load, to judge, to export. A problem
#: that takes longer to rebuild could not be searched either.
LONGEST = PREPARATION
#: Seconds for which a bill keeps a worker that ends when nothing is left to do.
BILL_PATIENCE = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A stage that is under way.

    Attributes
    ----------
    run
        Of which it is a part.
    given, hashes
        What it is run with, and the hash of each input.
    key
        Hash of everything that can change what it gives.
    """

    run: Run
    given: Given
    hashes: Mapping[str, str]
    key: str

    @property
    def stage(self) -> Stage:
        """The stage."""
        return self.given.stage

    @property
    def settings(self) -> Any:
        """The stage's settings, as its kind's model."""
        return settings_of(self.given.stage)


def _silent(word: str, **about: Any) -> None:
    pass


@dataclass(slots=True, eq=False)
class Host:
    """Does the work that a process takes from the queues.

    Attributes
    ----------
    database
        Of the log and the ledger.
    executor
        Name of this process.
    say
        Told what happens.
    clock
        Tells the time.
    open_backend
        Opens a backend by name; replaced in tests and simulations.
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.
    hands
        Processes for solvers and functions.
    around
        How long what surrounds a fallback's search takes here.
    errands
        Calls of adapters and of stages' own code that are under way: any of them may hang.
    """

    database: Database
    executor: str
    say: Say = _silent
    clock: Clock = field(default_factory=SystemClock)
    open_backend: Callable[[str], Backend] | None = None
    lock: Lock | None = field(default_factory=lambda: Lock(FileCanaries(canary_file())))
    hands: Hands = field(default_factory=Hands)
    around: Around = field(default_factory=Around)
    errands: Errands = field(default_factory=Errands)
    _log: RunLog = field(init=False, repr=False)
    _ledger: Ledger | None = field(default=None, init=False, repr=False)
    _backends: dict[str, Backend] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._log = RunLog(self.database, self.clock)

    @property
    def log(self) -> RunLog:
        """The log of pipeline runs."""
        return self._log

    @property
    def ledger(self) -> Ledger:
        """The ledger of paid jobs."""
        if self._ledger is None:
            from qupel.runs.ledger import Ledger
            from qupel.runs.telemetry.listening import Listening

            # Not under the executor's name: the ledger's own names tell on the same machine
            # whether their process still lives, so a killed worker's leases end at once.
            self._ledger = Ledger(
                self.database, clock=self.clock, listener=Listening(self.database)
            )
        return self._ledger

    def close(self) -> None:
        """End the processes that were started."""
        self.errands.close()
        self.hands.close()

    def backend(self, name: str) -> Backend:
        """Open a backend, once."""
        if name not in self._backends:
            from qupel.backends.registry import backend_named

            self._backends[name] = (self.open_backend or backend_named)(name)
        return self._backends[name]

    def perform(self, run_id: str, name: str) -> list[str]:
        """Run a stage that is not quantum; return the stages that may begin now."""
        begun = self.begin(run_id, name)
        if isinstance(begun, list):
            return begun
        kind = kind_named(begun.stage.kind)

        def make() -> Made:
            return kind.run(begun.given, begun.settings)

        def made() -> Made:
            return make() if kind.is_killed else within(LONGEST, "it", make)

        return self.conclude(begun, made, keep=kind.keeps)

    def begin(self, run_id: str, name: str) -> Begun | list[str]:
        """Begin a stage, or begin it again; if there is nothing to do, return what comes next."""
        begun = self.resume(run_id, name)
        if isinstance(begun, list):
            return begun
        self.log.begin(run_id, name, begun.key, begun.hashes, self.executor)
        keeps = kind_named(begun.stage.kind).keeps
        if keeps and (known := self.log.known(begun.key)) is not None:
            following = self.log.reuse(run_id, name, known)
            self.say("stage reused", run=run_id, stage=name)
            self._trace(run_id, name)
            return following
        self.say("stage begins", run=run_id, stage=name)
        return begun

    def resume(self, run_id: str, name: str) -> Begun | list[str]:
        """Go on with a stage that has begun; if there is nothing to do, return what comes next."""
        run, row = self.log.run(run_id), self.log.stage(run_id, name)
        if row.state not in OPEN:
            self._trace(run_id, name)
            return self.log.release(run_id)
        stage = run.pipeline.stage(name)
        try:
            _find_functions(run)
            kind, settings = kind_named(stage.kind), settings_of(stage)
            hashes = self._inputs(run, stage)
            inputs = {port: self.log.value(hashed) for port, hashed in hashes.items()}
            for port, promised in (kind.inputs(settings) or {}).items():
                promised.check(inputs[port], f"input {port!r}")
            code = within(LONGEST, "reading its code", lambda: kind.code(settings))
            key = key_of(run.pipeline.seed, stage, code, hashes)
        except StoreError:
            raise  # it says nothing of the stage, which is done when the database is back
        except (QupelError, ValueError, TypeError, LookupError) as error:
            return self._failed(run_id, name, error)
        given = Given(stage, inputs, run.pipeline.seed, run.folder, self.hands)
        return Begun(run, given, hashes, key)

    def conclude(self, begun: Begun, make: Callable[[], Made], *, keep: bool) -> list[str]:
        """Make a stage's outputs and take them down, or why there are none.

        Returns
        -------
        The stages that may begin now.

        Raises
        ------
        StoreError
            If the database is not to be had; the stage has not ended then.
        """
        run_id, stage = begun.run.id, begun.stage
        try:
            made = make()
            for port, promised in kind_named(stage.kind).outputs(begun.settings).items():
                promised.check(made.outputs[port], f"output {port!r}")
            following = self.log.finish(run_id, stage.name, begun.key, made, keep=keep)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  functions of users raise anything; it is told
            return self._failed(run_id, stage.name, error)
        seconds = self.log.stage(run_id, stage.name).seconds
        about = {"by": made.answered_by, "why": made.why, "seconds": seconds}
        self.say("stage done", run=run_id, stage=stage.name, **about)
        self._trace(run_id, stage.name)
        return following

    def advance(self, job_id: str) -> float | None:
        """Do what a paid job needs next; seconds until it needs something again, None for never.

        Actions that follow each other at once are done at once: each is committed by the ledger
        by itself. A job that is over is due again for as long as its bill is awaited. A call that
        does not return is left behind when the job's lease is over.
        """
        ledger = self.ledger
        try:
            job = ledger.job(job_id)
        except QupelError as error:
            self.say("job waits", job=job_id, why=one_line(error))
            return AGAIN
        name = f"job {job_id}"
        called = self.errands.ask(name, job.backend, lambda: self._advanced(ledger, job))
        if not isinstance(called, float):
            return called.outcome()
        if (age := self.errands.age(name)) > ledger.patience.lease:
            self.errands.leave(name)
            self._leave_behind(ledger, job, age)
        return called

    def _advanced(self, ledger: Ledger, job: Job) -> float | None:
        told = {"job": job.id, "correlation": job.correlation}  # the run's, where a run ordered it
        try:
            backend = self.backend(job.backend)
            while True:
                progress = ledger.advance(job.id, backend)
                if progress.wait is None:
                    ended = progress.job
                    if ended.state.final and not ended.settled and ended.due < NEVER:
                        return max(AGAIN, ended.due - self.clock.now())  # its bill is awaited
                    self.say("job ended", **told, state=str(ended.state))
                    return None
                if progress.wait > 0:
                    return progress.wait
        except QupelError as error:  # the database or the backend is not there; it may come back
            self.say("job waits", **told, why=one_line(error))
            return AGAIN

    def _leave_behind(self, ledger: Ledger, job: Job, seconds: float) -> None:
        """Go on without a call that has not returned, as another worker would.

        The ledger that made it takes the job for being worked on; a fresh one, of another owner,
        finds a lease that is over. What the call may still bring is refused by its token; for the
        device's breaker it is a failure.
        """
        if self._ledger is ledger:
            self._ledger = None
        self.say(
            "call left behind",
            level="error",
            job=job.id,
            correlation=job.correlation,
            backend=job.backend,
            why=f"it has not returned for {seconds:.0f} s",
        )
        if (backend := self._backends.get(job.backend)) is not None:
            with writing(ledger, durable=False) as tx:
                count_failure(tx, backend, ledger.patience)

    def set_aside(self, job_id: str, error: Exception) -> bool:
        """Set a paid job aside that fails in the same way whenever it is advanced.

        It stays in the books with its money held, ambiguous and with an alarm, until a person
        releases it: ``qupel jobs resolve``. One that is over, and whose bill cannot be asked for,
        stays as it ended: ``qupel jobs settle``.

        Returns
        -------
        False if another worker has it in its hands.
        """
        ledger, why = self.ledger, f"set aside: {one_line(error)}"
        with writing(ledger) as tx:
            row = tx.job(job_id)
            if is_held(ledger, row, tx.now):
                return False
            if JobState(row.state).final:
                tx.update(row, due=NEVER_DUE, leased=0.0)
                tx.log("cannot be advanced", row, alarm=True, why=why)
            elif row.state != JobState.AMBIGUOUS:
                doubt(tx, row, why)
        self.say("job set aside", level="error", job=job_id, correlation=row.correlation, why=why)
        return True

    def give_up(self, run_id: str, name: str, error: Exception) -> list[str]:
        """End a stage whose step fails in the same way each time; return those that may begin."""
        return self._failed(run_id, name, error)

    def open_jobs(self) -> dict[str, int]:
        """Ids of paid jobs that need something, each with its lease's token."""
        chosen = sa.select(jobs.c.id, jobs.c.token).where(jobs.c.due < NEVER)
        with self.database.reading() as connection:
            return {row.id: row.token for row in connection.execute(chosen)}

    def has_jobs(self) -> bool:
        """Whether a paid job is on its way, or over so lately that its bill may still come."""
        lately = self.clock.now() - BILL_PATIENCE
        over = sa.and_(jobs.c.state.in_([*FINAL]), jobs.c.concluded < lately)
        chosen = sa.select(jobs.c.id).where(jobs.c.due < NEVER, sa.not_(over)).limit(1)
        with self.database.reading() as connection:
            return connection.execute(chosen).first() is not None

    def _inputs(self, run: Run, stage: Stage) -> dict[str, str]:
        """Hash of each input's value."""
        rows = {row.stage: row for row in self.log.stages(run.id)}
        found = {}
        for port, (source, output) in stage.sources().items():
            outputs = rows[source].outputs
            found[port] = outputs[output] if output else next(iter(outputs.values()))
        return found

    def _failed(self, run_id: str, name: str, error: Exception) -> list[str]:
        """Take down why a stage has no result; return the stages that may begin all the same."""
        why, cause = one_line(error), type(error).__name__
        following = self.log.fail(run_id, name, why)
        about = {"cause": cause, "why": why, "seconds": self.log.stage(run_id, name).seconds}
        self.say("stage failed", run=run_id, stage=name, level="error", **about)
        self._trace(run_id, name)
        return following

    def _trace(self, run_id: str, name: str) -> None:
        """Write the span of a stage that has ended, and that of its run after the last of them."""
        if not traces.are_kept():
            return
        run, rows = self.log.run(run_id), self.log.stages(run_id)
        spans.tell_stage(run, next(row for row in rows if row.stage == name))
        ended = [row for row in rows if row.state not in (*OPEN, "skipped")]
        last = max(ended, key=lambda row: row.ended or 0.0, default=None)
        if run.state not in RUN_OPEN and last is not None and last.stage == name:
            spans.tell_run(run)


def key_of(seed: int, stage: Stage, code: Any, inputs: Mapping[str, str]) -> str:
    """Hash of everything that can change what a stage gives."""
    return digest(
        {
            "kind": stage.kind,
            "code": code,
            "settings": dict(stage.settings),
            "inputs": dict(inputs),
            "seed": seed,
            "stage": stage.name,  # its random numbers are drawn from it
        }
    )


def one_line(error: BaseException) -> str:
    """An error in one line: what Qupel says itself needs no name of a class before it."""
    said = " ".join(str(error).split())
    named = isinstance(error, QupelError) and said
    return said if named else f"{type(error).__name__}: {said}"


def _find_functions(run: Run) -> None:
    """Have Python look for modules where the run's submitter did."""
    for place in reversed(run.path):
        if place not in sys.path:
            sys.path.insert(0, place)
