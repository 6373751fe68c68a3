"""`qupel route`: decisions that recur, deployed, made, switched, watched and drilled."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.exits import Exit
from qupel.cli.logs import talker
from qupel.cli.output import print_document, print_text, say
from qupel.cli.table import moment_text, text_table

if TYPE_CHECKING:
    from qupel.runs.routes.decision import Decision
    from qupel.runs.routes.service import Routes

app = typer.Typer(
    help="Decisions that recur: deploy them, make them, switch and watch them.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of a deployed route.")]
Who = Annotated[str, typer.Option("--by", help="Who does this; it is written down.")]
Why = Annotated[str, typer.Option("--why", help="The reason, written down too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."),
]


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
    with _bare(database) as routes:
        version = routes.deploy(
            route, read_sample(route, file, sample), who=who, why=why, mode=mode
        )
    if as_json:
        print_document({"route": route.name, "version": version})
    else:
        print_text(f"{route.name} {version[:12]} is in force")


@app.command()
def decide(
    name: Name,
    instance: Annotated[Path, typer.Argument(help="Instance file, plain or gzipped.")],
    key: Annotated[str, typer.Option(help="Your name of the decision; splits trials.")] = "",
    out: Annotated[Path | None, typer.Option(help="Solution file to write.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with a code of its own if a fallback answered.")
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
    """Answer one instance by the route's deadline; it runs from when the workers are ready."""
    from qupel.problems.registry import read_problem

    talker(as_json=json_logs, usual="off")
    problem = read_problem(instance)
    sha256 = hashlib.sha256(instance.read_bytes()).hexdigest()
    source = f"{instance.absolute()} (SHA-256 {sha256})"
    with _routes(database, offline=offline) as routes:
        decision = routes[name].decide(problem, key=key, source=source)
        # The answer goes out now: closing waits for what runs beside it.
        if out is not None and decision.feasible:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(decision.solution, encoding="utf-8")
        if as_json:
            print_document(decision.to_json())
        else:
            _print_decision(decision)
        sys.stdout.flush()
    if not decision.feasible:
        raise typer.Exit(Exit.RUN)
    if strict and str(decision.answered_by) != "primary":
        raise typer.Exit(Exit.FALLBACK)


@app.command()
def off(name: Name, who: Who, why: Why, database: DatabaseOption = None) -> None:
    """Switch the quantum step off, from the next decision on, in all processes."""
    with _bare(database) as routes:
        routes[name].off(who=who, why=why)
    print_text(f"{name}: the quantum step is off")


@app.command()
def on(name: Name, who: Who, why: Why = "", database: DatabaseOption = None) -> None:
    """Switch the quantum step on again."""
    with _bare(database) as routes:
        routes[name].on(who=who, why=why)
    print_text(f"{name}: the quantum step is on")


@app.command("mode")
def set_mode(
    name: Name,
    mode: Annotated[str, typer.Argument(help="classical, approximate or quantum.")],
    who: Who,
    why: Why = "",
    database: DatabaseOption = None,
) -> None:
    """Answer in another mode, from the next decision on."""
    from qupel.errors import unknown_name
    from qupel.runs.routes.route import Mode

    if mode not in set(Mode):
        raise unknown_name("mode", mode, map(str, Mode))
    with _bare(database) as routes:
        routes[name].set_mode(mode, who=who, why=why)
    print_text(f"{name}: mode {mode}")


@app.command()
def shadow(
    name: Name,
    candidate: Annotated[
        str, typer.Argument(help="A mode, a version's hash, or a route file; `none` ends it.")
    ],
    who: Who,
    share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of decisions it answers; 0: none.")
    ] = 0.0,
    database: DatabaseOption = None,
) -> None:
    """Run a candidate beside the route; both answers are kept for comparison."""
    from qupel.runs.routes.route_file import read_route

    with _bare(database) as routes:
        if candidate == "none":
            routes[name].end_trial(who=who, why="ended")
            print_text(f"{name}: nothing runs beside")
            return
        path = Path(candidate)
        chosen = read_route(path) if path.suffix in {".yaml", ".yml"} else candidate
        routes[name].shadow(chosen, who=who, share=share)
    print_text(f"{name}: {candidate} runs beside and answers a share of {share:g}")


@app.command()
def rollback(name: Name, who: Who, why: Why, database: DatabaseOption = None) -> None:
    """Put the version before the one in force in force again."""
    with _bare(database) as routes:
        version = routes[name].rollback(who=who, why=why)
    print_text(f"{name} {version[:12]} is in force")


@app.command()
def approve(name: Name, who: Who, why: Why, database: DatabaseOption = None) -> None:
    """Approve the version in force for hardware; its owner cannot."""
    with _bare(database) as routes:
        version = routes[name].status().standing.route.version
        routes.approve(version, who=who, why=why)
    print_text(f"{name} {version[:12]} is approved by {who}")


@app.command()
def status(name: Name, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show how a route stands and how it is doing."""
    with _bare(database) as routes:
        found = routes[name].status()
    if as_json:
        print_document(found.document())
    else:
        rows = [[key, _shown(value)] for key, value in found.summary().items()]
        print_text(text_table(["", name], rows))


@app.command()
def history(name: Name, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show what happened to a route: deployments, switches, alarms."""
    with _bare(database) as routes:
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
    with _bare(database) as routes:
        found = routes.catch_up()
    if as_json:
        print_document(found.document())
    else:
        said = ", ".join(f"{count} {what}" for what, count in found.document().items())
        print_text(said.replace("_", " "))


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
    from qupel.problems.registry import read_problem
    from qupel.runs.routes.drill import drill as drilled

    problem = read_problem(instance)
    with _bare(database) as routes:
        route = routes[name].status().standing.route
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


def _routes(database: str | None, *, offline: bool = False) -> Routes:
    """Routes with workers, as a context manager."""
    from qupel.runs.routes.service import Routes

    return Routes(database, offline=offline)


def _bare(database: str | None) -> Any:
    """Routes without workers, which only decisions need."""
    import contextlib

    return contextlib.closing(_routes(database))


def _print_decision(decision: Decision) -> None:
    if decision.feasible:
        print_text(f"objective   {decision.objective:.10g}")
    print_text(f"answered by {decision.answered_by}")
    print_text(f"seconds     {decision.seconds:.3f} of {decision.deadline_seconds:g}")
    print_text(f"decision    {decision.id}")
    if decision.why:
        say(f"not by the primary: {decision.why}")
    say(f"quantum step: {decision.quantum or 'none'}; kept in: {decision.kept}")


def _shown(value: Any) -> str:
    return (
        f"{value:.3g}"
        if isinstance(value, float)
        else "–"
        if value is None or value == ""
        else str(value)
    )
