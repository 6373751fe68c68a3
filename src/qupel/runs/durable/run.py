"""A run of a pipeline and its stages, as the log tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qupel.runs.durable.pipeline import Pipeline

#: States of a stage. The first three go on; ``skipped`` means that one it needs failed.
OPEN = ("waiting", "queued", "running")
ENDED = ("done", "fallback", "failed", "skipped", "cancelled")
#: What the reason of a stage says whose order was not placed, or had no result in time.
NOT_ORDERED, NOT_IN_TIME = "nothing was ordered", "was not done in time"
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

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Run:
        """Return the run of a row."""
        return cls(
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
    started, ended
        UTC seconds of its first beginning, and of its end.
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

    @property
    def seconds(self) -> float | None:
        """Seconds from its first beginning to its end; None where it has not begun and ended."""
        return None if self.started is None or self.ended is None else self.ended - self.started

    @classmethod
    def of(cls, row: sa.Row[Any]) -> StageRow:
        """Return the stage of a row."""
        return cls(
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
