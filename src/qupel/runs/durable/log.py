"""The log of pipeline runs: what was to be done, what each stage was given and gave."""

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
from qupel.runs.database import Database
from qupel.runs.durable.kinds import Made
from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.durable.progress import begun, moves, run_state
from qupel.runs.durable.run import OPEN, RUN_OPEN, Run, StageRow
from qupel.runs.durable.values import (
    Known,
    hashes_of,
    keep_result,
    keep_values,
    result_of,
    value_of,
)
from qupel.runs.provenance import machine, revision, versions
from qupel.runs.tables import pipeline_runs, pipeline_stages

#: A stage of which nothing is known yet.
_BLANK = {
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
        run = {
            "id": run_id,
            "name": pipeline.name,
            "state": "queued",
            "created": self.clock.now(),
            "definition": json.dumps(pipeline.document()),
            "hash": pipeline.hash(),
            "folder": str(folder.absolute()),
            "path": json.dumps(list(path)),
            "versions": json.dumps(versions()),
            "revision": revision(),
        }
        stages = [
            {"run_id": run_id, "stage": stage.name, "place": place, **_BLANK}
            for place, stage in enumerate(pipeline.in_order())
        ]
        with self.database.writing() as connection:
            connection.execute(sa.insert(pipeline_runs).values(**run))
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
        return Run.of(exact[0] if exact else rows[0])

    def runs(self, state: Iterable[str] = (), limit: int = 100) -> list[Run]:
        """Return the latest runs, the newest first."""
        chosen = sa.select(pipeline_runs).order_by(pipeline_runs.c.created.desc()).limit(limit)
        if states := list(state):
            chosen = chosen.where(pipeline_runs.c.state.in_(states))
        with self.database.reading() as connection:
            return [Run.of(row) for row in connection.execute(chosen)]

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
            return [StageRow.of(row) for row in _rows(connection, run_id)]

    def stage(self, run_id: str, name: str) -> StageRow:
        """Return what is known of one stage."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(pipeline_stages).where(*_at(run_id, name))).first()
        if row is None:
            raise InputError(f"run {run_id!r} has no stage {name!r}")
        return StageRow.of(row)

    def orders(self, pipeline: str, stage: str) -> int:
        """How often a stage of this name has ordered something, over all runs of a pipeline."""
        chosen = (
            sa.select(sa.func.count())
            .select_from(pipeline_stages)
            .join(pipeline_runs, pipeline_runs.c.id == pipeline_stages.c.run_id)
            .where(
                pipeline_runs.c.name == pipeline,
                pipeline_stages.c.stage == stage,
                pipeline_stages.c.job_id != "",
            )
        )
        with self.database.reading() as connection:
            return int(connection.execute(chosen).scalar_one())

    def value(self, hashed: str) -> Any:
        """Return the value of a hash; `InputError` if it is not there."""
        with self.database.reading() as connection:
            return value_of(connection, hashed)

    def known(self, key: str) -> Known | None:
        """Hashes of outputs, and facts, of an earlier run of the same; None if there is none."""
        with self.database.reading() as connection:
            return result_of(connection, key)

    def begin(
        self, run_id: str, name: str, key: str, inputs: Mapping[str, str], executor: str
    ) -> None:
        """Take down that a stage is begun, or begun again."""
        with self.database.writing(durable=False) as connection:
            connection.execute(
                sa.update(pipeline_stages)
                .where(*_at(run_id, name), pipeline_stages.c.state.in_(OPEN))
                .values(
                    state="running",
                    key=key,
                    inputs=json.dumps(dict(inputs)),
                    executor=executor,
                    attempts=pipeline_stages.c.attempts + 1,
                    started=sa.func.coalesce(pipeline_stages.c.started, self.clock.now()),
                )
            )

    def order(self, run_id: str, name: str, job: str) -> None:
        """Take down which paid job a stage waits for."""
        with self.database.writing() as connection:
            connection.execute(
                sa.update(pipeline_stages).where(*_at(run_id, name)).values(job_id=job)
            )

    def finish(self, run_id: str, name: str, key: str, made: Made, *, keep: bool) -> list[str]:
        """End a stage with what it gave; return the stages that may begin now.

        If ``keep`` says so, what the primary gave is found again by later runs.
        """
        made = replace(made, facts={**made.facts, "machine": machine()})
        primary, outputs = made.answered_by == "primary", hashes_of(made.outputs)
        ended = {
            "state": "done" if primary else "fallback",
            "outputs": json.dumps(outputs),
            "facts": json.dumps(dict(made.facts), allow_nan=False),
            "why": made.why,
        }
        with self.database.writing() as connection:
            keep_values(connection, made.outputs, self.clock.now())
            if primary and keep:
                keep_result(connection, key, (outputs, made.facts), self.clock.now())
            return self._end(connection, run_id, name, ended)

    def reuse(self, run_id: str, name: str, found: Known) -> list[str]:
        """End a stage with the result of an earlier one; return the stages that may begin."""
        outputs, facts = json.dumps(dict(found[0])), json.dumps(dict(found[1]))
        ended = {"state": "done", "outputs": outputs, "facts": facts, "reused": True}
        with self.database.writing() as connection:
            return self._end(connection, run_id, name, ended)

    def fail(self, run_id: str, name: str, why: str) -> list[str]:
        """End a stage without a result; return the stages that may begin all the same."""
        with self.database.writing() as connection:
            return self._end(connection, run_id, name, {"state": "failed", "why": why})

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

    def _end(
        self, connection: sa.Connection, run_id: str, name: str, ended: Mapping[str, Any]
    ) -> list[str]:
        # The run is locked before its stages, as where it is cancelled: else each waits for the
        # other.
        locked = sa.select(pipeline_runs.c.id).where(pipeline_runs.c.id == run_id)
        connection.execute(locked.with_for_update())
        # The first end stands: a stage that ran twice gave the same twice, or did not.
        connection.execute(
            sa.update(pipeline_stages)
            .where(*_at(run_id, name), pipeline_stages.c.state.in_(OPEN))
            .values(ended=self.clock.now(), **ended)
        )
        return self._released(connection, run_id)

    def _released(self, connection: sa.Connection, run_id: str) -> list[str]:
        """Write down what follows from how the stages stand; return those that may begin."""
        chosen = sa.select(pipeline_runs).where(pipeline_runs.c.id == run_id).with_for_update()
        run = connection.execute(chosen).first()
        if run is None or run.state not in RUN_OPEN:
            return []
        pipeline, now = Pipeline.from_document(json.loads(run.definition)), self.clock.now()
        states = {row.stage: row.state for row in _rows(connection, run_id)}
        moved = moves(pipeline, states)
        for name, state in moved.items():
            update = {"state": state, **({"ended": now} if state == "skipped" else {})}
            connection.execute(
                sa.update(pipeline_stages).where(*_at(run_id, name)).values(**update)
            )
        states |= moved
        if (state := run_state(states)) != run.state:
            update = {"state": state, **({} if state == "running" else {"ended": now})}
            connection.execute(
                sa.update(pipeline_runs).where(pipeline_runs.c.id == run_id).values(**update)
            )
        return begun(states)


def _rows(connection: sa.Connection, run_id: str) -> list[sa.Row[Any]]:
    chosen = sa.select(pipeline_stages).where(pipeline_stages.c.run_id == run_id)
    return list(connection.execute(chosen.order_by(pipeline_stages.c.place)))


def _at(run_id: str, name: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return pipeline_stages.c.run_id == run_id, pipeline_stages.c.stage == name
