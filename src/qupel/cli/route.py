"""`qupel route`: decisions that recur, deployed, made, switched, watched and drilled."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.exits import Exit
from qupel.cli.logs import talker
from qupel.cli.output import flush, print_document, print_text, say
from qupel.cli.replaying import replayed
from qupel.cli.route_options import AsJson, DatabaseOption, Name, Who, Why, opened, print_change
from qupel.cli.route_switches import add_to
from qupel.cli.table import moment_text, text_table

if TYPE_CHECKING:
    from qupel.runs.routes.decision import Decision

app = typer.Typer(
    help="Decisions that recur: deploy them, make them, switch and watch them.",
    no_args_is_help=True,
)


@app.command()
def deploy(
    file: Annotated[Path, typer.Argument(help="Route file, YAML.")],
    who: Who,
    why: Why = "",
    sample: Annotated[
        Path | None, typer.Option(help="Instance to try it on, in place of the file's own.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="Mode to begin in: classical, approximate or quantum.")
    ] = None,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Try a route on a sample and put it in force.

    Refused without an owner, an SLO, a budget, a fallback that answers the sample twice the same
    in its time, and, where it orders from a provider, a simulator run of the quantum step.
    """
    from qupel.runs.routes.route_file import read_route, read_sample

    route = read_route(file)
    with opened(database) as routes:
        change = routes.deploy(route, read_sample(route, file, sample), who=who, why=why, mode=mode)
    print_change(change, f"{route.name} {change.version[:12]} is in force", as_json=as_json)


@app.command()
def decide(
    name: Name,
    instance: Annotated[Path, typer.Argument(help="Instance file, plain or gzipped.")],
    key: Annotated[str, typer.Option(help="Your name of the decision; splits trials.")] = "",
    out: Annotated[Path | None, typer.Option(help="Solution file to write.")] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="End with code 23 if somebody stood in for who was to answer. Where mode or "
            "profile want a classical answer, that is who was to.",
        ),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Decide here alone, and spool the decision.")
    ] = False,
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="Log in JSON on stderr, a line an event.")
    ] = False,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Answer one instance of the route's family by its deadline.

    The deadline runs from when the workers are ready.
    """
    talker(as_json=json_logs, usual="off")
    with opened(database, offline=offline) as routes:
        problem = routes[name].read(instance)  # before workers are started for nothing
        sha256 = hashlib.sha256(instance.read_bytes()).hexdigest()
        source = f"{instance.absolute()} (SHA-256 {sha256})"
        with routes:
            decision = routes[name].decide(problem, key=key, source=source)
        # The answer goes out now: closing waits for what runs beside it.
        if out is not None and decision.feasible:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(decision.solution, encoding="utf-8")
        if as_json:
            print_document(decision.to_json())
        else:
            _print_decision(decision)
        flush()
    if not decision.feasible:
        raise typer.Exit(Exit.RUN)
    if strict and decision.stood_in:
        raise typer.Exit(Exit.FALLBACK)


@app.command()
def status(name: Name, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show how a route stands and how it is doing."""
    with opened(database) as routes:
        found = routes[name].status()
    if as_json:
        print_document(found.document())
    else:
        rows = [[key, _shown(value)] for key, value in found.summary().items()]
        print_text(text_table(["", name], rows))


@app.command()
def history(name: Name, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show what happened to a route: deployments, switches, alarms."""
    with opened(database) as routes:
        events = routes[name].history()
    if as_json:
        print_document({"events": [event.document() for event in events]})
        return
    rows = [
        [moment_text(event.at), event.kind, event.version[:12], event.who, event.why]
        for event in events
    ]
    print_text(text_table(["when", "what", "version", "who", "why"], rows))


@app.command("catch-up")
def catch_up(database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Take over what was decided offline, order what was wished for, judge what came late."""
    talker(usual="off")
    with opened(database) as routes:
        found = routes.catch_up()
    if as_json:
        print_document(found.document())
    else:
        said = ", ".join(f"{count} {what}" for what, count in found.document().items())
        print_text(said.replace("_", " "))


@app.command()
def trim(
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be deleted.")
    ] = False,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Delete data of problems that were kept for longer than their routes say (`keep_days`).

    What is still waited for stays, and so do all decisions. Deciding processes do it by
    themselves, once an hour.
    """
    with opened(database) as routes:
        found = routes.trim(dry=dry)
    if as_json:
        print_document({**found.document(), "dry_run": dry})
    else:
        done = "would be deleted" if dry else "deleted"
        print_text(f"{found.deleted} {done}, {found.kept} kept")


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(help="A log that `qupel lineage --log` wrote.")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Relative difference of numbers that is accepted.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Judge and make a decision again from its log alone, and compare.

    Ends with 4 if anything differs by more than the tolerance.
    """
    from qupel.runs.routes.replaying import replay as again

    document, steps = replayed(path, "qupel lineage DECISION --log FILE", again)
    if as_json:
        found = [
            {
                "step": step.name,
                "equal": step.equal,
                "within_tolerance": step.within(tolerance),
                "largest_difference": step.largest,
                "why": step.why,
            }
            for step in steps
        ]
        print_document({"decision": document["decision"]["id"], "steps": found})
    else:
        for step in steps:
            word = {True: "the same", False: "differs", None: "not done again"}[step.equal]
            print_text(f"{step.name}: {word}" + (f"; {step.why}" if step.why else ""))
    if not all(step.within(tolerance) for step in steps):
        raise typer.Exit(Exit.RUN)


@app.command()
def drill(
    name: Name,
    instance: Annotated[Path, typer.Argument(help="Instance to decide in the drill.")],
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Lose the network, the provider and its region in turn, on a copy, and report.

    Nothing of the route or its budget is touched: the drill has a database of its own.
    """
    from qupel.runs.routes.drill import drill as drilled

    with opened(database) as routes:
        route = routes[name].status().standing.route
        problem = routes[name].read(instance)
    report = drilled(route, problem)
    if as_json:
        print_document(report.document())
    else:
        rows = [
            [loss.what, "passed" if loss.passed else "FAILED", str(loss.answered_by),
             f"{loss.seconds:.2f} s", loss.detected]
            for loss in report.losses
        ]  # fmt: skip
        print_text(text_table(["loss", "", "answered by", "in", "detected"], rows))
    if not report.passed:
        raise typer.Exit(Exit.RUN)


add_to(app)


def _print_decision(decision: Decision) -> None:
    if decision.feasible:
        print_text(f"objective   {decision.objective:.10g}")
    print_text(f"answered by {decision.answered_by}")
    print_text(f"seconds     {decision.seconds:.3f} of {decision.deadline_seconds:g}")
    print_text(f"decision    {decision.id}")
    if decision.stood_in:
        say(f"not by the {decision.wanted}: {decision.why}")
    elif str(decision.wanted) != "primary":
        say(f"routed to classical: {decision.quantum}")
    say(f"quantum step: {decision.quantum or 'none'}; kept in: {decision.kept}")


def _shown(value: Any) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, float)
        else "–"
        if value is None or value == ""
        else str(value)
    )
