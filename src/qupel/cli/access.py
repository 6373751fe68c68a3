"""`qupel lineage` and `qupel access`: where decisions come from, and who may read that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.output import print_document, print_text, say
from qupel.cli.table import moment_text, text_table

if TYPE_CHECKING:
    from qupel.governance import Resource
    from qupel.runs.reader import Reader

app = typer.Typer(
    help="Who may read decisions, runs and their data; who did, and who was refused.",
    no_args_is_help=True,
)

What = Annotated[str, typer.Argument(help="A route, or a run or decision by its id.")]
ReaderName = Annotated[str, typer.Argument(metavar="reader", help="A person or a role.")]
Why = Annotated[str, typer.Option("--why", help="The reason; it is written down.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."),
]


def lineage(
    what: Annotated[
        str,
        typer.Argument(
            help="A decision of a route or a run of a pipeline, by the beginning of its id; or a "
            "file that a run has written."
        ),
    ],
    log: Annotated[
        Path | None,
        typer.Option(help="File for all that `route replay` or `pipeline replay` needs."),
    ] = None,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Show where a published decision comes from: data, code, environment, and its readers.

    Whoever asks is QUPEL_IDENTITY, else the user of the system. Somebody who may not read it is
    refused, with code 8; both readings and refusals are written down.
    """
    with _reader(database) as reader:
        if log is not None:
            text = json.dumps(reader.log(what), allow_nan=False) + "\n"
            log.write_text(text, encoding="utf-8")
            say(f"wrote {log}")
        found = reader.lineage(what)
    if as_json:
        print_document(found)
    else:
        for name, said in _lines(found):
            print_text(f"{name:<9} {said}")


@app.command()
def grant(
    what: What,
    reader: ReaderName,
    why: Why = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Let a person or a role read a route's decisions, or a run; its owner or an administrator."""
    with _reader(database) as asking:
        resource = asking.grant(what, reader, why)
    _print(resource, as_json)


@app.command()
def revoke(
    what: What,
    reader: ReaderName,
    why: Why = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Take back what `grant` gave."""
    with _reader(database) as asking:
        resource = asking.revoke(what, reader, why)
    _print(resource, as_json)


@app.command()
def log(what: What, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show who read, who was refused and who was let read; to its owner or an administrator."""
    with _reader(database) as reader:
        events = reader.events(what)
    if as_json:
        print_document({"events": [event.document() for event in events]})
        return
    if not events:
        say("nobody has asked for it yet")
        return
    rows = [[moment_text(e.at), e.kind, e.who, e.roles, e.reader or e.item, e.why] for e in events]
    print_text(text_table(["when", "what", "who", "as", "of", "why"], rows))


@app.command()
def whoami(database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show who you are to Qupel, and your roles."""
    with _reader(database) as reader:
        who = reader.who
    if as_json:
        print_document({"name": who.name, "roles": sorted(who.roles)})
    else:
        print_text(str(who))


@contextmanager
def _reader(database: str | None) -> Iterator[Reader]:
    from qupel.runs.database import Database
    from qupel.runs.reader import Reader

    with Database.open(database) as opened:
        yield Reader.here(opened)


def _print(resource: Resource, as_json: bool) -> None:
    if as_json:
        document = {"owner": resource.owner, "readers": list(resource.readers)}
        print_document({"resource": resource.name, **document})
        return
    print_text(f"{resource.name}: {', '.join((resource.owner, *resource.readers))}")


def _lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a lineage says, as lines of two columns for people."""
    environment, access = document["environment"], document["access"]
    versions = ", ".join(f"{name} {held}" for name, held in environment["versions"].items())
    machine = ", ".join(dict.fromkeys(environment["machine"].values()))
    lines = [
        (document["kind"], f"{document['id']} of {document['of']}: {document['state']}"),
        *(
            ("data", f"{held['what']} {held['hash'][:16]} from {held['source']}")
            for held in document["data"]
        ),
        ("code", document["code"]["revision"] or "not from a repository"),
        ("versions", versions or "not recorded"),
        ("machine", machine or "not recorded"),
        *(
            ("paid", f"{job['id'][:16]} at {job['backend']}: {job['state']}, {job['billed']}")
            for job in document["jobs"]
        ),
        ("owner", access["owner"] or "nobody known: all may read"),
        ("readers", ", ".join(access["readers"]) or "the owner alone"),
        ("read by", ", ".join(access["read_by"])),
    ]
    refused = [event for event in access["events"] if event["kind"] == "denied"]
    lines += [("refused", f"{event['who']}: {event['item']}") for event in refused]
    return lines
