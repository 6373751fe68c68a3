"""The log of pipeline runs: what was to be done, what each stage was given and gave.

Values are kept once, under the hash of what they are; a stage's result is found again under the
hash of its code, settings, inputs and seed, so nothing is computed twice by a re-run or a resume.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.errors import InputError
from qupel.governance.identity import own_name
from qupel.runs.database import Database, insert_into
from qupel.runs.durable.kinds import Made
from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.identity import canonical, digest
from qupel.runs.provenance import revision, versions
from qupel.runs.tables import artifacts, pipeline_runs, pipeline_stages, stage_results

#: States of a stage. The first three go on; ``skipped`` means that one it needs failed.
OPEN = ("waiting", "queued", "running")
ENDED = ("done", "fallback", "failed", "skipped", "cancelled")
#: States of a run.
RUN_OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a pipeline.

    Attributes
    ----------
    id, name
        Its own id, and the pipeline's name.
    state
        queued, running, done, failed or cancelled.
    created, ended
        UTC seconds since 1970; ``ended`` is None while it goes on.
    folder, path
        What relative paths start from, and where Python finds functions.
    hash
        Of the definition.
    versions, revision
        What it was submitted with.
    """

    id: str
    name: str
    state: str
    created: float
    ended: float | None
    definition: Mapping[str, Any] = field(repr=False)
    hash: str
    folder: Path
    path: tuple[str, ...]
    versions: Mapping[str, str]
    revision: str

    @property
    def pipeline(self) -> Pipeline:
        """What is run."""
        return Pipeline.from_document(self.definition)


@dataclass(frozen=True, slots=True)
class StageRow:
    """What the log says of a stage.

    Attributes
    ----------
    state
        waiting, queued, running; done, fallback (the fallback answered), failed, skipped (one
        it needs failed) or cancelled.
    key
        Hash of its code, settings, inputs and seed; empty before it began.
    inputs, outputs
        Hash of each port's value.
    facts
        Clocks, seeds, bills: what differs from run to run.
    why
        Why it failed, or why the fallback answered.
    reused
        Whether its result was there already.
    attempts
        How often it was begun.
    executor
        Who began it last.
    job
        Id of its paid job in the ledger.
    """

    stage: str
    state: str
    key: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    facts: Mapping[str, Any] = field(repr=False)
    why: str
    reused: bool
    attempts: int
    executor: str
    started: float | None
    ended: float | None
    job: str


@dataclass(frozen=True, slots=True, eq=False)
class RunLog:
    """Runs and their stages in a database."""

    database: Database
    clock: Clock = field(default_factory=SystemClock)

    def submit(self, pipeline: Pipeline, folder: Path, path: Iterable[str] = ()) -> str:
        """Take a run down; a worker takes it from here. Return its id.

        A pipeline without an owner belongs to whoever submits it.
        """
        pipeline = replace(pipeline, owner=pipeline.owner or own_name())
        run_id = f"{pipeline.name}-{secrets.token_hex(4)}"
        stages = [
            {
                "run_id": run_id,
                "stage": stage.name,
                "place": place,
                "state": "waiting",
                "key": "",
                "inputs": "{}",
                "outputs": "{}",
                "facts": "{}",
                "why": "",
                "reused": False,
                "attempts": 0,
                "executor": "",
                "job_id": "",
            }
            for place, stage in enumerate(pipeline.in_order())
        ]
        with self.database.writing() as connection:
            connection.execute(
                sa.insert(pipeline_runs).values(
                    id=run_id,
                    name=pipeline.name,
                    state="queued",
                    created=self.clock.now(),
                    definition=json.dumps(pipeline.document()),
                    hash=pipeline.hash(),
                    folder=str(folder.absolute()),
                    path=json.dumps(list(path)),
                    versions=json.dumps(versions()),
                    revision=revision(),
                )
            )
            connection.execute(sa.insert(pipeline_stages), stages)
        return run_id

    def run(self, run_id: str) -> Run:
        """Return a run by its id or the beginning of it; `InputError` if it is not one."""
        chosen = sa.select(pipeline_runs).where(
            pipeline_runs.c.id.startswith(run_id, autoescape=True)
        )
        with self.database.reading() as connection:
            rows = connection.execute(chosen.limit(2)).all()
        exact = [row for row in rows if row.id == run_id]
        if len(rows) != 1 and not exact:
            what = "several runs have" if rows else "no run has"
            raise InputError(
                f"{what} an id that begins with {run_id!r}; see: qupel pipeline status"
            )
        return _run(exact[0] if exact else rows[0])

    def runs(self, state: Iterable[str] = (), limit: int = 100) -> list[Run]:
        """Return the latest runs, the newest first."""
        chosen = sa.select(pipeline_runs).order_by(pipeline_runs.c.created.desc()).limit(limit)
        if states := list(state):
            chosen = chosen.where(pipeline_runs.c.state.in_(states))
        with self.database.reading() as connection:
            return [_run(row) for row in connection.execute(chosen)]

    def ids(self, states: Iterable[str], after: float = 0.0) -> list[str]:
        """Return ids of runs in these states, the oldest first."""
        chosen = (
            sa.select(pipeline_runs.c.id)
            .where(pipeline_runs.c.state.in_(list(states)), pipeline_runs.c.created > after)
            .order_by(pipeline_runs.c.created)
        )
        with self.database.reading() as connection:
            return list(connection.execute(chosen).scalars())

    def stages(self, run_id: str) -> list[StageRow]:
        """Return what is known of a run's stages, in order."""
        with self.database.reading() as connection:
            return [_stage(row) for row in self._rows(connection, run_id)]

    def stage(self, run_id: str, name: str) -> StageRow:
        """Return what is known of one stage."""
        for row in self.stages(run_id):
            if row.stage == name:
                return row
        raise InputError(f"run {run_id!r} has no stage {name!r}")

    def value(self, hashed: str) -> Any:
        """Return the value of a hash; `InputError` if it is not there."""
        chosen = sa.select(artifacts.c.document).where(artifacts.c.hash == hashed)
        with self.database.reading() as connection:
            found = connection.execute(chosen).scalar()
        if found is None:
            raise InputError(f"no value of hash {hashed}")
        return json.loads(found)

    def begin(
        self, run_id: str, name: str, key: str, inputs: Mapping[str, str], executor: str
    ) -> None:
        """Take down that a stage is begun, or begun again."""
        with self.database.writing(durable=False) as connection:
            connection.execute(
                sa.update(pipeline_stages)
                .where(*_this(run_id, name), pipeline_stages.c.state.in_(OPEN))
                .values(
                    state="running",
                    key=key,
                    inputs=json.dumps(dict(inputs)),
                    executor=executor,
                    attempts=pipeline_stages.c.attempts + 1,
                    started=sa.func.coalesce(pipeline_stages.c.started, self.clock.now()),
                )
            )

    def known(self, key: str) -> tuple[Mapping[str, str], Mapping[str, Any]] | None:
        """Hashes of outputs, and facts, of an earlier run of the same; None if there is none."""
        chosen = sa.select(stage_results).where(stage_results.c.key == key)
        with self.database.reading() as connection:
            row = connection.execute(chosen).first()
        return None if row is None else (json.loads(row.outputs), json.loads(row.facts))

    def order(self, run_id: str, name: str, job: str) -> None:
        """Take down which paid job a stage waits for."""
        with self.database.writing() as connection:
            connection.execute(
                sa.update(pipeline_stages).where(*_this(run_id, name)).values(job_id=job)
            )

    def reuse(
        self, run_id: str, name: str, found: tuple[Mapping[str, str], Mapping[str, Any]]
    ) -> list[str]:
        """End a stage with the result of an earlier one; return the stages that may begin."""
        outputs, facts = found
        ended = {"state": "done", "outputs": json.dumps(dict(outputs)), "reused": True}
        return self._end(run_id, name, {**ended, "facts": json.dumps(dict(facts))})

    def finish(self, run_id: str, name: str, key: str, made: Made, *, keep: bool) -> list[str]:
        """End a stage with what it gave; return the stages that may begin now.

        If ``keep`` says so, what the primary gave is found again by later runs.
        """
        documents = {port: canonical(value).decode() for port, value in made.outputs.items()}
        hashes = {port: digest(value) for port, value in made.outputs.items()}
        facts = json.dumps(dict(made.facts), allow_nan=False)
        primary = made.answered_by == "primary"
        with self.database.writing() as connection:
            now = self.clock.now()
            for port, text in documents.items():
                row = {"hash": hashes[port], "size": len(text), "document": text, "created": now}
                connection.execute(
                    insert_into(artifacts, connection).values(**row).on_conflict_do_nothing()
                )
            if primary and keep:
                kept = {"key": key, "outputs": json.dumps(hashes), "facts": facts, "created": now}
                connection.execute(
                    insert_into(stage_results, connection).values(**kept).on_conflict_do_nothing()
                )
            ended = {
                "state": "done" if primary else "fallback",
                "outputs": json.dumps(hashes),
                "facts": facts,
                "why": made.why,
            }
            return self._ended(connection, run_id, name, ended)

    def fail(self, run_id: str, name: str, why: str) -> list[str]:
        """End a stage without a result; return the stages that may begin all the same."""
        return self._end(run_id, name, {"state": "failed", "why": why})

    def release(self, run_id: str) -> list[str]:
        """Return the stages of a run that may begin, or have been told so and have not ended."""
        with self.database.writing(durable=False) as connection:
            return self._released(connection, run_id)

    def cancel(self, run_id: str) -> list[str]:
        """Cancel a run; return the ids of its paid jobs. What is under way is not used."""
        with self.database.writing() as connection:
            now = self.clock.now()
            done = connection.execute(
                sa.update(pipeline_runs)
                .where(pipeline_runs.c.id == run_id, pipeline_runs.c.state.in_(RUN_OPEN))
                .values(state="cancelled", ended=now)
            )
            if not done.rowcount:
                return []
            still = (pipeline_stages.c.run_id == run_id, pipeline_stages.c.state.in_(OPEN))
            jobs = connection.execute(sa.select(pipeline_stages.c.job_id).where(*still)).scalars()
            found = [job for job in jobs if job]
            connection.execute(
                sa.update(pipeline_stages).where(*still).values(state="cancelled", ended=now)
            )
            return found

    def _end(self, run_id: str, name: str, ended: Mapping[str, Any]) -> list[str]:
        with self.database.writing() as connection:
            return self._ended(connection, run_id, name, ended)

    def _ended(
        self, connection: sa.Connection, run_id: str, name: str, ended: Mapping[str, Any]
    ) -> list[str]:
        # The first end stands: a stage that ran twice gave the same twice, or did not.
        connection.execute(
            sa.update(pipeline_stages)
            .where(*_this(run_id, name), pipeline_stages.c.state.in_(OPEN))
            .values(ended=self.clock.now(), **ended)
        )
        return self._released(connection, run_id)

    def _released(self, connection: sa.Connection, run_id: str) -> list[str]:
        """Queue stages whose needs are met, skip those whose cannot be, end the run after all."""
        chosen = sa.select(pipeline_runs).where(pipeline_runs.c.id == run_id).with_for_update()
        run = connection.execute(chosen).first()
        if run is None or run.state not in RUN_OPEN:
            return []
        pipeline = Pipeline.from_document(json.loads(run.definition))
        states = {row.stage: row.state for row in self._rows(connection, run_id)}
        now = self.clock.now()
        for stage in pipeline.in_order():
            if states[stage.name] != "waiting":
                continue
            needed = [states[source] for source, _ in stage.sources().values()]
            if any(state in ("failed", "skipped", "cancelled") for state in needed):
                states[stage.name] = "skipped"
                update = {"state": "skipped", "ended": now}
            elif all(state in ("done", "fallback") for state in needed):
                states[stage.name] = "queued"
                update = {"state": "queued"}
            else:
                continue
            connection.execute(
                sa.update(pipeline_stages).where(*_this(run_id, stage.name)).values(**update)
            )
        going = [name for name, state in states.items() if state in OPEN]
        if not going:
            failed = any(state in ("failed", "skipped") for state in states.values())
            update = {"state": "failed" if failed else "done", "ended": now}
        else:
            update = {"state": "running"}
        if update["state"] != run.state:
            connection.execute(
                sa.update(pipeline_runs).where(pipeline_runs.c.id == run_id).values(**update)
            )
        return [name for name in going if states[name] != "waiting"]

    def _rows(self, connection: sa.Connection, run_id: str) -> list[sa.Row[Any]]:
        chosen = sa.select(pipeline_stages).where(pipeline_stages.c.run_id == run_id)
        return list(connection.execute(chosen.order_by(pipeline_stages.c.place)))


def _this(run_id: str, name: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return pipeline_stages.c.run_id == run_id, pipeline_stages.c.stage == name


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        state=row.state,
        created=row.created,
        ended=row.ended,
        definition=json.loads(row.definition),
        hash=row.hash,
        folder=Path(row.folder),
        path=tuple(json.loads(row.path)),
        versions=json.loads(row.versions),
        revision=row.revision,
    )


def _stage(row: sa.Row[Any]) -> StageRow:
    return StageRow(
        stage=row.stage,
        state=row.state,
        key=row.key,
        inputs=json.loads(row.inputs),
        outputs=json.loads(row.outputs),
        facts=json.loads(row.facts),
        why=row.why,
        reused=row.reused,
        attempts=row.attempts,
        executor=row.executor,
        started=row.started,
        ended=row.ended,
        job=row.job_id,
    )
