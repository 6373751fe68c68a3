"""`qupel metrics`: what decisions, jobs, budgets and pipelines came to, for Prometheus."""

from __future__ import annotations

from typing import Annotated

import typer

from qupel.cli.output import print_document, print_text, say
from qupel.cli.stopping import until_stopped


def metrics(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve /metrics on this port until interrupted."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on with --port.")] = "127.0.0.1",
    database: Annotated[
        str | None,
        typer.Option(
            "--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print them as one JSON document instead.")
    ] = False,
) -> None:
    """Print all metrics in Prometheus' text format once, or serve them."""
    from qupel.errors import InputError
    from qupel.runs.database import Database
    from qupel.runs.telemetry.exposing import document, exposed, exposition

    if as_json and port is not None:
        raise InputError("--json prints the metrics once; leave out --port, or --json")
    with Database.open(database) as opened:
        if as_json:
            print_document(document(opened))
            return
        if port is None:
            print_text(exposition(opened))
            return
        with until_stopped() as stopped, exposed(opened, port, host) as bound:
            say(f"http://{host}:{bound}/metrics")
            stopped.wait()
