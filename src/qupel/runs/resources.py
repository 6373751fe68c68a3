"""What somebody must be a reader of, for everything that is kept: routes, runs, pilots and jobs."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from qupel.governance.readers import Resource
from qupel.runs.database import Database
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.run import Run
from qupel.runs.ledger.jobs import Job
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.tables import decisions
from qupel.runs.tables import pipeline_runs, pipeline_stages


@dataclass(frozen=True, slots=True)
class Origin:
    """What a job was ordered for: a route, a stage of a run, or neither.

    Attributes
    ----------
    route
        Name of the route; empty for none.
    run, stage
        Id of the run and name of its stage; empty for none.
    """

    route: str = ""
    run: str = ""
    stage: str = ""


def route_resource(database: Database, name: str) -> Resource:
    """Return a route, with the readers of the version in force: they change for all at once.

    Raises
    ------
    InputError
        If there is no such route.
    """
    route = Roster(database).standing(name).route
    return Resource(f"route:{name}", route.owner, route.readers)


def run_resource(run: Run, stage: str = "") -> Resource:
    """Return a run, or the part of it that is one of its stages where that names fewer readers."""
    pipeline = run.pipeline
    whole = Resource(f"run:{run.id}", pipeline.owner, pipeline.readers)
    return whole.only_for(pipeline.stage(stage).readers) if stage else whole


def origin_of(database: Database, job: Job) -> Origin:
    """Return what a job was ordered for, as its purpose says.

    A job that was found at its provider before it was planned has none; then the decision or the
    stage that waits for it tells.
    """
    told = {name: str(job.purpose.get(name) or "") for name in ("route", "run", "stage")}
    if job.purpose:
        return Origin(**told)
    route = sa.select(decisions.c.route).where(decisions.c.job == job.id)
    held = pipeline_stages.c
    stage = sa.select(held.run_id, held.stage).where(held.job_id == job.id)
    with database.reading() as connection:
        name = connection.execute(route.limit(1)).scalar()
        row = connection.execute(stage.limit(1)).first()
    return Origin(name or "", *(("", "") if row is None else (row.run_id, row.stage)))


def job_resource(database: Database, origin: Origin) -> Resource | None:
    """Return what somebody must be a reader of for a job; None if it is open.

    Open is what belongs to no route that was deployed and to no run that is known.
    """
    if origin.route in Roster(database).names():
        return route_resource(database, origin.route)
    known = sa.select(pipeline_runs.c.id).where(pipeline_runs.c.id == origin.run)
    with database.reading() as connection:
        if connection.execute(known).first() is None:
            return None
    return run_resource(RunLog(database).run(origin.run), origin.stage)
