"""`qupel worker`: does what is queued, until it is told to stop."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from qupel.cli.exits import Exit
from qupel.cli.leaving import leave
from qupel.cli.logs import talker
from qupel.cli.stopping import until_stopped

Where = Annotated[
    str | None,
    typer.Option(
        "--database", help="File, folder or URL; QUPEL_DATABASE or QUPEL_HOME unless given."
    ),
]


def worker(
    database: Where = None,
    once: Annotated[
        bool, typer.Option("--once", help="End as soon as nothing is left to do.")
    ] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Stages at a time, for every worker of the database.")
    ] = 2,
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Take only from this queue: stages, quantum or jobs; may be repeated."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of this worker; it takes up what one of its name left.")
    ] = None,
    lease: Annotated[
        float, typer.Option(min=1.0, help="Seconds without a sign until a worker counts as dead.")
    ] = 15.0,
    drain: Annotated[
        float, typer.Option(min=0.0, help="Seconds that stages under way get after SIGTERM.")
    ] = 30.0,
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="Talk in JSON, a line an event.")
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics for Prometheus on this loopback port."),
    ] = None,
) -> None:
    """Take pipeline stages and paid jobs from the queues, beside any number of other workers."""
    with until_stopped() as stop, ExitStack() as beside:  # before what takes seconds to import
        from qupel.runs.database import Database
        from qupel.runs.durable.leases import fresh_name
        from qupel.runs.durable.worker import QUEUES, Worker
        from qupel.runs.telemetry.exposing import exposed

        say = talker(as_json=json_logs)
        opened = beside.enter_context(Database.open(database))
        opened.check()  # nothing is paid on a damaged database
        if metrics_port is not None:
            bound = beside.enter_context(exposed(opened, metrics_port))
            say("metrics", url=f"http://127.0.0.1:{bound}/metrics")
        working = Worker(
            opened, concurrency, name or fresh_name(), tuple(queue or QUEUES), lease=lease, say=say
        ).start()
        idle = 0
        while not stop.wait(0.2) and not working.is_lost:
            idle = idle + 1 if once and not working.has_work() else 0
            if idle > 2:  # nothing, and nothing that became something in between
                break
        working.stop(drain)
    code = Exit.RUN if working.is_lost else Exit.OK
    if working.is_busy:
        leave(code)
    raise typer.Exit(code)
