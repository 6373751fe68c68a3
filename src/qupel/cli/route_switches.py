"""`qupel route off | on | mode | shadow | rollback | approve`: routes switched at run time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qupel.cli.route_options import AsJson, DatabaseOption, Name, Who, Why, opened, print_change


def off(
    name: Name, who: Who, why: Why, database: DatabaseOption = None, as_json: AsJson = False
) -> None:
    """Switch the quantum step off, from the next decision on, in all processes."""
    with opened(database) as routes:
        change = routes[name].off(who=who, why=why)
    print_change(change, f"{name}: the quantum step is off", as_json=as_json)


def on(
    name: Name, who: Who, why: Why = "", database: DatabaseOption = None, as_json: AsJson = False
) -> None:
    """Switch the quantum step on again."""
    with opened(database) as routes:
        change = routes[name].on(who=who, why=why)
    print_change(change, f"{name}: the quantum step is on", as_json=as_json)


def set_mode(
    name: Name,
    mode: Annotated[str, typer.Argument(help="classical, approximate or quantum.")],
    who: Who,
    why: Why = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Answer in another mode, from the next decision on."""
    from qupel.errors import unknown_name
    from qupel.runs.routes.route import Mode

    if mode not in set(Mode):
        raise unknown_name("mode", mode, map(str, Mode))
    with opened(database) as routes:
        change = routes[name].set_mode(mode, who=who, why=why)
    print_change(change, f"{name}: mode {mode}", as_json=as_json)


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
    as_json: AsJson = False,
) -> None:
    """Run a candidate beside the route; both answers are kept for comparison."""
    from qupel.runs.routes.route_file import read_route

    with opened(database) as routes:
        if candidate == "none":
            change = routes[name].end_trial(who=who, why="ended")
            print_change(change, f"{name}: nothing runs beside", as_json=as_json)
            return
        path = Path(candidate)
        chosen = read_route(path) if path.suffix in {".yaml", ".yml"} else candidate
        change = routes[name].shadow(chosen, who=who, share=share)
    text = f"{name}: {candidate} runs beside and answers a share of {share:g}"
    print_change(change, text, as_json=as_json)


def rollback(
    name: Name, who: Who, why: Why, database: DatabaseOption = None, as_json: AsJson = False
) -> None:
    """Put the version before the one in force in force again."""
    with opened(database) as routes:
        change = routes[name].rollback(who=who, why=why)
    print_change(change, f"{name} {change.version[:12]} is in force", as_json=as_json)


def approve(
    name: Name, who: Who, why: Why, database: DatabaseOption = None, as_json: AsJson = False
) -> None:
    """Approve the version in force for hardware; its owner cannot.

    It holds until another version is put in force in its place.
    """
    with opened(database) as routes:
        change = routes[name].approve(who=who, why=why)
    print_change(change, f"{name} {change.version[:12]} is approved by {who}", as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of routes."""
    for command in (off, on, shadow, rollback, approve):
        app.command()(command)
    app.command("mode")(set_mode)
