"""What commands of routes share: their options, routes opened, and how a change is told."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from qupel.cli.output import print_document, print_text

if TYPE_CHECKING:
    from qupel.runs.routes.change import Change
    from qupel.runs.routes.service import Routes

Name = Annotated[str, typer.Argument(help="Name of a deployed route.")]
Who = Annotated[str, typer.Option("--by", help="Who does this; it is written down.")]
Why = Annotated[str, typer.Option("--why", help="The reason, written down too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."),
]


def opened(database: str | None, *, offline: bool = False) -> contextlib.closing[Routes]:
    """Routes without workers, which only decisions need."""
    from qupel.runs.routes.service import Routes

    return contextlib.closing(Routes(database, offline=offline))


def print_change(change: Change, text: str, *, as_json: bool) -> None:
    """Print what changed: before and after, version, who and when; or a line for people."""
    if as_json:
        print_document(change.document())
    else:
        print_text(text)
