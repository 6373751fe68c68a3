"""A host does the work of stages and jobs: what the steps of durable workflows call.

Everything here may be called again after a kill, by another process: what was done is found in
the log and the ledger, and is not done twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.errors import QupelError, RunError
from qupel.runs.durable.hands import Hands
from qupel.runs.durable.kinds import Given, Kind, Made, kind_named, settings_of
from qupel.runs.durable.log import OPEN, RUN_OPEN, Run, RunLog
from qupel.runs.durable.pipeline import Stage
from qupel.runs.durable.quantum import Quantum, backend_of, bound_of
from qupel.runs.identity import digest
from qupel.runs.tables import jobs
from qupel.runs.telemetry import traces

if TYPE_CHECKING:
    from qupel.backends.contract import Backend
    from qupel.runs.database import Database
    from qupel.runs.ledger import Ledger

#: Told what happens: a word, and plain data about it.
Say = Callable[..., None]
#: Seconds between two looks at a paid job: the first, and the longest.
FIRST_LOOK, LONGEST_LOOK = 0.05, 5.0
#: The ledger's word for a job that needs nothing any more is that it is due later than this.
NEVER = 1e15


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
    open_backend
        Opens a backend by name; replaced in tests and simulations.
    """

    database: Database
    executor: str
    say: Say = _silent
    clock: Clock = field(default_factory=SystemClock)
    open_backend: Callable[[str], Backend] | None = None
    hands: Hands = field(default_factory=Hands)
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

            self._ledger = Ledger(
                self.database,
                clock=self.clock,
                owner=self.executor,
                listener=Listening(self.database),
            )
        return self._ledger

    def close(self) -> None:
        """End the processes that were started."""
        self.hands.close()

    def backend(self, name: str) -> Backend:
        """Open a backend, once."""
        if name not in self._backends:
            from qupel.backends.registry import backend_named

            self._backends[name] = (self.open_backend or backend_named)(name)
        return self._backends[name]

    def perform(self, run_id: str, name: str) -> list[str]:
        """Run a stage that is not quantum; return the stages that may begin now."""
        found = self._ready(run_id, name)
        if isinstance(found, list):
            return found
        run, given, key = found
        kind = kind_named(given.stage.kind)
        return self._conclude(
            run, name, key, partial(kind.run, given, settings_of(given.stage)), keep=kind.keeps
        )

    def order(self, run_id: str, name: str) -> dict[str, Any]:
        """Order a quantum stage's program.

        Returns
        -------
        ``next``, stages that may begin because there is nothing to wait for; or ``job`` and
        ``until``, the paid job and the deadline in UTC seconds.
        """
        found = self._ready(run_id, name)
        if isinstance(found, list):
            return {"next": found}
        run, given, key = found
        settings, quantum = settings_of(given.stage), Quantum()
        row = self.log.stage(run_id, name)
        until = (row.started or self.clock.now()) + settings.deadline_seconds
        if row.job:
            return {"job": row.job, "until": until}
        try:
            from qupel.runs.durable.solving import problem_of

            order = quantum.order(given, settings, key=digest([run_id, name, key]))
            where = backend_of(settings, type(problem_of(given.inputs["problem"])))
            job = self.ledger.plan(
                order,
                backend=where,
                accounts=tuple(settings.accounts),
                bound=bound_of(settings) or self.backend(where).estimate(order).cost,
                deadline=until if settings.late == "cancel" else None,
                correlation=run_id,
                purpose={
                    "run": run_id,
                    "stage": name,
                    **traces.travelling(traces.reserved(run_id, name)),
                },
            )
        except (QupelError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            why = f"nothing was ordered: {_line(error)}"
            self.say("stage falls back", level="warning", run=run_id, stage=name, why=why)
            return {"next": self._fall_back(run, given, key, why)}
        self.log.order(run_id, name, job.id)
        self.say("stage ordered", run=run_id, stage=name, job=job.id, backend=where)
        return {"job": job.id, "until": until}

    def look(self, run_id: str, name: str, job_id: str, until: float, looks: int) -> float | None:
        """Seconds until the next look at a stage's job; None when there is nothing to wait for."""
        if self.log.stage(run_id, name).state != "running":
            return None
        if self.ledger.job(job_id).state.still or self.clock.now() >= until:
            return None
        wait = min(FIRST_LOOK * 1.5**looks, LONGEST_LOOK)
        return max(0.01, min(wait, until - self.clock.now()))

    def collect(self, run_id: str, name: str, job_id: str) -> list[str]:
        """Finish a quantum stage with its job's result, or with the fallback's answer."""
        found = self._ready(run_id, name)
        if isinstance(found, list):
            return found
        run, given, key = found
        settings, quantum = settings_of(given.stage), Quantum()
        job = self.ledger.job(job_id)
        try:
            result = self.ledger.result(job_id)
            if result is None:
                late = f"job {job_id} was not done within {settings.deadline_seconds:g} s"
                ended = f"job {job_id} is {job.state}: {job.why or 'it has no result'}"
                raise RunError(ended if job.state.still else late)
            made = quantum.finish(given, settings, result)
        except (QupelError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            self.say("stage falls back", level="warning", run=run_id, stage=name, why=_line(error))
            return self._fall_back(run, given, key, _line(error))
        return self._conclude(run, name, key, lambda: made, keep=True)

    def advance(self, job_id: str) -> float | None:
        """Do what a paid job needs next; seconds until it needs something again, None for never.

        Actions that follow each other at once are done at once: each is committed by the ledger
        by itself.
        """
        ledger = self.ledger
        try:
            backend = self.backend(ledger.job(job_id).backend)
            while True:
                progress = ledger.advance(job_id, backend)
                if progress.wait is None:
                    self.say("job ended", job=job_id, state=str(progress.job.state))
                    return None
                if progress.wait > 0:
                    return progress.wait
        except QupelError as error:  # the database or the backend is not there; it may come back
            self.say("job waits", job=job_id, why=_line(error))
            return LONGEST_LOOK

    def open_jobs(self) -> dict[str, int]:
        """Ids of paid jobs that need something, each with its lease's token."""
        chosen = sa.select(jobs.c.id, jobs.c.token).where(jobs.c.due < NEVER)
        with self.database.reading() as connection:
            return {row.id: row.token for row in connection.execute(chosen)}

    def _ready(self, run_id: str, name: str) -> list[str] | tuple[Run, Given, str]:
        """What a stage is run with and its key; or, if there is nothing to do, what comes next."""
        run, row = self.log.run(run_id), self.log.stage(run_id, name)
        if row.state not in OPEN:
            self._trace(run_id, name)
            return self.log.release(run_id)
        stage = run.pipeline.stage(name)
        try:
            hashes = self._inputs(run, stage)
            kind, settings = _prepared(run, stage)
            key = key_of(run.pipeline.seed, stage, kind.code(settings), hashes)
            given = Given(
                stage,
                {port: self.log.value(hashed) for port, hashed in hashes.items()},
                run.pipeline.seed,
                run.folder,
                self.hands,
            )
            for port, promised in (kind.inputs(settings) or {}).items():
                promised.check(given.inputs[port], f"input {port!r}")
        except (QupelError, ValueError, TypeError, LookupError) as error:
            return self._failed(run_id, name, error)
        self.log.begin(run_id, name, key, hashes, self.executor)
        if kind.keeps and (known := self.log.known(key)) is not None:
            following = self.log.reuse(run_id, name, known)
            self.say("stage reused", run=run_id, stage=name)
            self._trace(run_id, name)
            return following
        self.say("stage begins", run=run_id, stage=name)
        return run, given, key

    def _inputs(self, run: Run, stage: Stage) -> dict[str, str]:
        """Hash of each input's value."""
        rows = {row.stage: row for row in self.log.stages(run.id)}
        found = {}
        for port, (source, output) in stage.sources().items():
            outputs = rows[source].outputs
            found[port] = outputs[output] if output else next(iter(outputs.values()))
        return found

    def _conclude(
        self, run: Run, name: str, key: str, make: Callable[[], Made], *, keep: bool
    ) -> list[str]:
        """Make a stage's outputs and take them down, or why there are none."""
        stage = run.pipeline.stage(name)
        try:
            made = make()
            for port, promised in kind_named(stage.kind).outputs(settings_of(stage)).items():
                promised.check(made.outputs[port], f"output {port!r}")
            following = self.log.finish(run.id, name, key, made, keep=keep)
        except Exception as error:  # noqa: BLE001  functions of users raise anything; it is told
            return self._failed(run.id, name, error)
        about = {"by": made.answered_by, "why": made.why, "seconds": self._seconds(run.id, name)}
        self.say("stage done", run=run.id, stage=name, **about)
        self._trace(run.id, name)
        return following

    def _failed(self, run_id: str, name: str, error: Exception) -> list[str]:
        """Take down why a stage has no result; return the stages that may begin all the same."""
        why, cause = _line(error), type(error).__name__
        following = self.log.fail(run_id, name, why)
        seconds = self._seconds(run_id, name)
        about = {"cause": cause, "why": why, "seconds": seconds}
        self.say("stage failed", run=run_id, stage=name, level="error", **about)
        self._trace(run_id, name)
        return following

    def _seconds(self, run_id: str, name: str) -> float | None:
        """Seconds that a stage took from its first beginning, where it began and ended."""
        row = self.log.stage(run_id, name)
        return None if row.started is None or row.ended is None else row.ended - row.started

    def _trace(self, run_id: str, name: str) -> None:
        """Write the span of a stage that has ended, and that of its run after the last of them."""
        if not traces.are_kept():
            return
        run, rows = self.log.run(run_id), self.log.stages(run_id)
        traces.tell_stage(run, next(row for row in rows if row.stage == name))
        ended = [row for row in rows if row.state not in (*OPEN, "skipped")]
        last = max(ended, key=lambda row: row.ended or 0.0, default=None)
        if run.state not in RUN_OPEN and last is not None and last.stage == name:
            traces.tell_run(run)

    def _fall_back(self, run: Run, given: Given, key: str, why: str) -> list[str]:
        quantum, settings = Quantum(), settings_of(given.stage)
        return self._conclude(
            run, given.stage.name, key, lambda: quantum.fall_back(given, settings, why), keep=False
        )


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


def _prepared(run: Run, stage: Stage) -> tuple[Kind, Any]:
    for place in reversed(run.path):
        if place not in sys.path:
            sys.path.insert(0, place)
    return kind_named(stage.kind), settings_of(stage)


def _line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    named = isinstance(error, QupelError) and said
    return said if named else f"{type(error).__name__}: {said}"
