"""The `qupel` command: every command parses, calls one public function, and prints."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from qupel import __version__
from qupel.cli import (
    access,
    backend_checks,
    budget,
    catalogue,
    check,
    devices,
    emulator,
    estimate,
    job_queue,
    jobs,
    metrics,
    pilot,
    pipeline,
    results,
    route,
    solve,
    variational,
    worker,
)
from qupel.cli.exits import Exit, code_of
from qupel.cli.output import flush, is_unread, prepare, print_text, say
from qupel.errors import QupelError

app = typer.Typer(
    name="qupel",
    help="A fair trial for a quantum step inside a classical pipeline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(pilot.init)
app.command()(pilot.validate)
app.command()(pilot.run)
app.command()(pilot.resume)
app.command()(results.report)
app.command("list")(results.list_runs)
app.command()(results.show)
app.command()(results.compare)
app.command()(results.export)
app.command()(solve.solve)
app.command()(check.check)
app.command()(catalogue.solvers)
app.command()(catalogue.families)
app.command()(emulator.emulator)
app.command()(estimate.estimate)
app.command()(backend_checks.canary)
app.command()(backend_checks.parity)
app.command()(backend_checks.diagnose)
app.command()(backend_checks.drift)
app.command("testline")(backend_checks.line)
app.add_typer(devices.app, name="devices")
app.add_typer(pipeline.app, name="pipeline")
app.command()(worker.worker)
app.command()(metrics.metrics)
app.add_typer(route.app, name="route")
for command in (job_queue.submit, job_queue.approve, job_queue.result):
    jobs.app.command()(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(budget.app, name="budget")
app.command()(access.lineage)
app.add_typer(access.app, name="access")
app.add_typer(variational.app, name="variational")


def _print_version(asked: bool) -> None:
    if asked:
        print_text(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; every error ends in one message and a true exit code."""
    prepare()
    try:
        outcome = app(standalone_mode=False)
    except TyperException as error:
        if said := _usage(error):
            say(f"error: {said}; see: qupel --help")
        code: int = Exit.USAGE
    except (typer.Abort, KeyboardInterrupt):
        code = Exit.INTERRUPTED
    except SystemExit as error:
        # How the framework ends where nobody reads its help any more; else somebody's own end.
        if isinstance(error.__context__, BrokenPipeError) and is_unread(sys.stdout):
            code = Exit.OK
        else:
            said = error.code if isinstance(error.code, str) else f"it ended with {error.code}"
            say(f"error: a command was ended from within: {said}")
            code = Exit.INTERNAL
    except QupelError as error:
        say(f"error: {error}")
        code = code_of(error)
    except OSError as error:
        if error.filename is None:
            say(f"error: {error.strerror or error}; details in {_crash_report()}")
            code = Exit.RUN
        else:
            say(f"error: {error.filename}: {error.strerror}; give another path, or mend this one")
            code = Exit.INPUT
    except Exception as error:  # noqa: BLE001  # no traceback reaches a user; it goes to a file
        say(f"error: unexpected {type(error).__name__}: {error}; details in {_crash_report()}")
        code = Exit.INTERNAL
    else:
        code = outcome if isinstance(outcome, int) else Exit.OK
    if code == Exit.INTERRUPTED:  # also as the framework tells it
        say("stopped; what was finished is kept")
    try:
        flush()
    except OSError as error:  # a full disk, say
        say(f"error: the output could not be written: {error.strerror}")
        code = Exit.RUN
    sys.exit(int(code))


def _usage(error: TyperException) -> str:
    """What is wrong with a command line, as one line."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    return " ".join(said.split()).rstrip(".")


def _crash_report() -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="qupel-crash-", suffix=".txt", delete=False
    ) as file:
        traceback.print_exc(file=file)
    return Path(file.name)
