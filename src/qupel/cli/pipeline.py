"""`qupel pipeline`: check, run, follow, explain and repeat pipelines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.exits import Exit
from qupel.cli.leaving import leave
from qupel.cli.logs import talker
from qupel.cli.output import print_document, print_text, say
from qupel.cli.replaying import replayed
from qupel.cli.table import moment_text, text_table
from qupel.cli.worker import Where

if TYPE_CHECKING:
    from qupel.runs.durable.run import Run, StageRow

app = typer.Typer(name="pipeline", help="Stages with typed ports, run durably.")

PipelineFile = Annotated[Path, typer.Argument(help="The pipeline file.")]
RunId = Annotated[str, typer.Argument(help="A run, or the beginning of its id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def validate(path: PipelineFile, as_json: AsJson = False) -> None:
    """Check a pipeline file: cycles, types, settings, and where quantum stages stand."""
    from qupel.runs.durable.checking import role_of
    from qupel.runs.durable.reading import read_pipeline

    pipeline = read_pipeline(path)
    stages = [
        {"stage": s.name, "kind": s.kind, "role": role_of(s), "quantum": s.quantum}
        for s in pipeline.in_order()
    ]
    if as_json:
        print_document({"pipeline": pipeline.name, "hash": pipeline.hash(), "stages": stages})
        return
    for stage in stages:
        mark = ", quantum" if stage["quantum"] else ""
        print_text(f"{stage['stage']}: {stage['kind']}, for {stage['role']}{mark}")


@app.command()
def approve(
    path: PipelineFile,
    who: Annotated[str, typer.Option("--by", help="Who approves; it is written down.")],
    why: Annotated[str, typer.Option("--why", help="The reason, written down too.")],
    database: Where = None,
) -> None:
    """Approve a file's quantum stages, as they are written, for hardware; its owner cannot."""
    from qupel.runs.database import Database
    from qupel.runs.durable.approving import approve_stages
    from qupel.runs.durable.reading import read_pipeline

    pipeline = read_pipeline(path)
    with Database.open(database) as opened:
        at = datetime.now(UTC).timestamp()
        stages = approve_stages(opened, pipeline, who=who, why=why, at=at)
    for stage in stages:
        print_text(f"{pipeline.name}, stage {stage}: approved by {who}")


@app.command()
def run(
    path: PipelineFile,
    database: Where = None,
    stage: Annotated[
        str | None, typer.Option(help="Run only this stage and those it needs.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Queue it for workers, and return at once.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Stages at a time.")] = 2,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Wait no longer; the run goes on with workers.")
    ] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Talk in JSON on stderr.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline; killed at any moment, it goes on with `qupel worker` or the next run.

    Ends with 0 if every stage was answered by its primary, and with 23 if a fallback answered.
    """
    from qupel.runs.database import Database
    from qupel.runs.durable.log import RunLog
    from qupel.runs.durable.reading import read_pipeline
    from qupel.runs.durable.worker import Worker

    pipeline = read_pipeline(path)
    if stage is not None:
        pipeline = pipeline.until(stage)
    folder = path.parent.absolute()
    busy = False
    with Database.open(database) as opened:
        log = RunLog(opened)
        run_id = log.submit(pipeline, folder, (str(folder),))
        if detach:
            say(f"queued {run_id}; it runs as soon as there is a worker: qupel worker")
        else:
            with Worker(opened, concurrency, say=talker(as_json=json_logs)) as working:
                working.wait_for(run_id, seconds)
            busy = working.is_busy  # with what others left, or with what was not waited for
        code = _print_run(log.run(run_id), log.stages(run_id), as_json=as_json)
    if busy:
        leave(code)
    if code:
        raise typer.Exit(code)


@app.command()
def status(
    run_id: Annotated[
        str | None, typer.Argument(help="A run, or the beginning of its id; all if left out.")
    ] = None,
    database: Where = None,
    as_json: AsJson = False,
) -> None:
    """Show how runs stand; or one run stage by stage, to who may read it: others get 8."""
    from qupel.runs.database import Database
    from qupel.runs.durable.log import RunLog
    from qupel.runs.reader import Reader

    with Database.open(database) as opened:
        log = RunLog(opened)
        if run_id is not None:
            code = _print_run(*Reader.here(opened).stages(run_id), as_json=as_json)
            if code:
                raise typer.Exit(code)
            return
        runs: list[dict[str, Any]] = [
            {
                "run": known.id,
                "pipeline": known.name,
                "state": known.state,
                "created": known.created,
                "ended": known.ended,
            }
            for known in log.runs()
        ]
    if as_json:
        print_document({"runs": runs})
        return
    if not runs:
        say("no pipeline has been run yet")
        return
    rows = [
        [held["run"], held["state"], *(moment_text(held[name]) for name in ("created", "ended"))]
        for held in runs
    ]
    print_text(text_table(["run", "state", "begun", "ended"], rows))


@app.command()
def show(
    run_id: RunId,
    stage: Annotated[str | None, typer.Option(help="Only what this stage was made from.")] = None,
    value: Annotated[
        str | None, typer.Option(help="Print the value that a stage gave, as stage or stage.port.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="File for all that a replay needs; see `replay`.")
    ] = None,
    database: Where = None,
    as_json: AsJson = False,
) -> None:
    """Show where results come from: inputs, versions, code revision and seeds."""
    from qupel.runs.database import Database
    from qupel.runs.reader import Reader

    with Database.open(database) as opened:
        reader = Reader.here(opened)
        if log is not None:
            document = reader.log(run_id)
            log.write_text(json.dumps(document, allow_nan=False) + "\n", encoding="utf-8")
            say(f"wrote {log}; repeat the run from it alone with: qupel pipeline replay {log}")
        if value is not None:
            print_text(json.dumps(reader.value(run_id, value), indent=1))
            return
        found = reader.run(run_id, stage)
    if as_json:
        print_document(found)
        return
    print_text(f"{found['run']}: {found['state']}, seed {found['seed']}")
    print_text(f"code {found['revision'] or 'not from a repository'}")
    print_text(", ".join(f"{name} {held}" for name, held in found["versions"].items()))
    for name, held in found["stages"].items():
        print_text(f"{name}: {held['kind']}, {held['state']}, seed {held['seed']}")
        for port, source in held["inputs"].items():
            print_text(f"  {port} <- {source['stage']}  {source['hash'][:16]}")
        for port, hashed in held["outputs"].items():
            print_text(f"  {port} -> {hashed[:16]}")


@app.command()
def cancel(run_id: RunId, database: Where = None, as_json: AsJson = False) -> None:
    """Cancel a run and its paid jobs; what is under way is not used."""
    from qupel.runs.database import Database
    from qupel.runs.durable.log import RunLog
    from qupel.runs.ledger import Ledger
    from qupel.runs.telemetry.listening import Listening, tell_cancelled

    talker(usual="off")
    with Database.open(database) as opened:
        log = RunLog(opened)
        known = log.run(run_id)
        was, jobs = known.state, log.cancel(known.id)
        for job in jobs:
            Ledger(opened, listener=Listening(opened)).cancel(job)
        state = log.run(known.id).state
        if state != was:
            tell_cancelled(log, known.id)
    if as_json:
        print_document({"run": known.id, "state": state, "jobs": jobs})
    else:
        print_text(f"{known.id}: {state}")


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(help="A log that `show --log` wrote.")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Relative difference of numbers that is accepted.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Do a run again from its log alone, and compare what every stage gives, hash by hash.

    Ends with 4 if anything differs by more than the tolerance.
    """
    from qupel.runs.durable.lineage import environment_changes
    from qupel.runs.durable.lineage import replay as again

    document, found = replayed(path, "qupel pipeline show RUN --log FILE", again)
    changed = environment_changes(document)
    if as_json:
        stages = [
            {
                "stage": s.stage,
                "equal": s.equal,
                "within_tolerance": s.within(tolerance),
                "largest_difference": s.largest,
                "logged": s.logged,
                "found": s.found,
                "why": s.why,
            }
            for s in found
        ]
        print_document({"run": document["run"], "environment_changes": changed, "stages": stages})
    else:
        for stage in found:
            word = {True: "the same", False: "differs", None: "not done again"}[stage.equal]
            much = f" by {stage.largest:.3g}" if stage.equal is False else ""
            print_text(f"{stage.stage}: {word}{much}" + (f"; {stage.why}" if stage.why else ""))
        for change in changed:
            say(f"other than where it ran: {change}")
    if not all(stage.within(tolerance) for stage in found):
        raise typer.Exit(Exit.RUN)


def _print_run(known: Run, rows: Sequence[StageRow], *, as_json: bool) -> int:
    """Print how a run stands; return the exit code that says it."""
    stages: list[dict[str, Any]] = [
        {
            "stage": row.stage,
            "state": row.state,
            "why": row.why,
            "reused": row.reused,
            "attempts": row.attempts,
            "outputs": dict(row.outputs),
            "job": row.job,
            "seconds": row.seconds,
        }
        for row in rows
    ]
    fell_back = any(row.state == "fallback" for row in rows)
    outcome = {"done": "fallback" if fell_back else "success", "failed": "failure"}
    if as_json:
        print_document(
            {
                "run": known.id,
                "pipeline": known.name,
                "state": known.state,
                "outcome": outcome.get(known.state, known.state),
                "stages": stages,
            }
        )
    else:
        print_text(f"{known.id}: {known.state}")
        for held in stages:
            again = ", reused" if held["reused"] else ""
            why = f": {held['why']}" if held["why"] else ""
            print_text(f"  {held['stage']}: {held['state']}{again}{why}")
    if known.state == "failed":
        return Exit.RUN
    if known.state == "cancelled":
        return Exit.INTERRUPTED
    return Exit.FALLBACK if known.state == "done" and fell_back else Exit.OK
