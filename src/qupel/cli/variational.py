"""`qupel variational`: loops that find angles by measuring, paid once and repeatable."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from qupel.cli.exits import Exit
from qupel.cli.logs import talker
from qupel.cli.output import print_document, print_text, say
from qupel.cli.replaying import naming
from qupel.errors import InputError

app = typer.Typer(
    help="Loops that find a circuit's angles by measuring: run them, repeat them from the log.",
    no_args_is_help=True,
)

LoopFile = Annotated[Path, typer.Argument(help="The loop's file, YAML.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."),
]


@app.command()
def run(
    path: LoopFile,
    log: Annotated[
        Path | None, typer.Option(help="Log to write; the loop's name with .jsonl by default.")
    ] = None,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Run a loop: the classical baseline, a simulator, then the backend, each evaluation paid once.

    Killed at any moment, it goes on when it is run again. It ends when it has converged, or when
    its evaluations, its shots or an account's cap are used up.
    """
    from qupel.backends.checks.locks import FileCanaries, Lock, canary_file
    from qupel.backends.registry import backend_named
    from qupel.problems.registry import read_problem
    from qupel.runs.database import Database
    from qupel.runs.ledger import Ledger
    from qupel.runs.variational.loop import read_loop
    from qupel.runs.variational.running import Runner

    talker(usual="off")
    loop = read_loop(path)
    instance = path.parent / loop.problem
    problem = read_problem(instance, loop.family)
    sha256 = hashlib.sha256(instance.read_bytes()).hexdigest()
    written = log or Path(f"{loop.name}.jsonl")
    with Database.open(database) as opened:
        lock = Lock(FileCanaries(canary_file()))
        runner = Runner(Ledger(opened), backend_named, lock, _told)
        text = runner.run(loop, problem, written, f"{instance.absolute()} (SHA-256 {sha256})")
    _print(_lines(text), as_json, written)


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(help="A log that `run` wrote.")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Relative difference of numbers that is accepted.")
    ] = 0.0,
    out: Annotated[Path | None, typer.Option(help="File for the log as it was computed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Do a loop again from its log alone, and compare the trajectory byte for byte.

    Ends with 4 if anything differs by more than the tolerance.
    """
    from qupel.runs.variational.log import replay as replayed

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no log: {error}") from error
    with naming(path):
        found = replayed(text)
    if out is not None:
        out.write_text(found.text, encoding="utf-8")
    document = {
        "same": found.same,
        "within_tolerance": found.largest <= tolerance,
        "largest_difference": found.largest if math.isfinite(found.largest) else None,
        "difference": found.difference,
        "end": dict(found.end),
    }
    if as_json:
        print_document(document)
    else:
        print_text("the same, byte for byte" if found.same else f"differs: {found.difference}")
        print_text(f"objective {found.end['objective']}, {found.end['ended']}")
    if not document["within_tolerance"]:
        raise typer.Exit(Exit.RUN)


@app.command()
def approve(
    path: LoopFile,
    who: Annotated[str, typer.Option("--by", help="Who approves; not the loop's owner.")],
    why: Annotated[str, typer.Option("--why", help="The reason, written down too.")],
    database: DatabaseOption = None,
) -> None:
    """Approve of a loop with its data as they are, for tiers that ask for it."""
    import time

    from qupel.problems.registry import read_problem
    from qupel.runs.approvals import approve as approved
    from qupel.runs.database import Database
    from qupel.runs.identity import digest, document_of
    from qupel.runs.variational.loop import read_loop

    loop = read_loop(path)
    if not loop.owner:
        raise InputError(f"{path}: owner: is missing; somebody else than the owner can approve")
    problem = read_problem(path.parent / loop.problem, loop.family)
    version = loop.version(digest(document_of(problem)))
    with Database.open(database) as opened, opened.writing() as connection:
        approved(connection, version, owner=loop.owner, who=who, why=why, at=time.time())
    print_text(f"{loop.name} {version[:12]} is approved by {who}")


def _told(line: Mapping[str, Any]) -> None:
    if "evaluation" in line:
        say(f"{line['run']} {line['evaluation']}: cost {line['cost']:.6g}, {line['shots']} shots")
    elif "ended" in line:
        say(f"{line['run']}: {line['ended']}")


def _lines(text: str) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in text.splitlines()]


def _print(lines: list[dict[str, Any]], as_json: bool, log: Path) -> None:
    [end] = [line for line in lines if line.get("run") == "backend" and "ended" in line]
    comparison = lines[-1]["comparison"]
    if as_json:
        print_document({"log": str(log), "end": end, "comparison": comparison})
        return
    print_text(f"ended       {end['ended']}")
    print_text(f"evaluations {end['evaluations']}, {end['shots']} shots")
    print_text(f"cost        {end['first_cost']:.6g} at first, {end['cost']:.6g} at the end")
    for name, objective in comparison["objectives"].items():
        print_text(f"{name:<11} {'no answer' if objective is None else f'{objective:.10g}'}")
    print_text(f"the loop is {comparison['loop_is'] or 'without comparison'}")
    print_text(f"log         {log}")
