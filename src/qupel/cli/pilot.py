"""`qupel init`, `validate`, `run` and `resume`: a pilot from its file to its memo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qupel.cli.output import print_document, print_text, say
from qupel.errors import InputError

if TYPE_CHECKING:
    from qupel.pilots.pilot import Finished, Prepared

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the store; QUPEL_HOME or ~/.local/share/qupel."),
]
PilotFile = Annotated[Path, typer.Argument(help="The pilot file.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; one for each core unless given.")
]
Style = Annotated[str, typer.Option("--progress", help="auto, lines, jsonl or none; on stderr.")]


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("pilot.yaml"),
    family: Annotated[str, typer.Option(help="Problem family.")] = "subset",
) -> None:
    """Write a pilot file that runs as it is, on generated cases."""
    from qupel.pilots.template import pilot_text

    if path.exists():
        raise InputError(f"{path} exists; give another name, or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pilot_text(family), encoding="utf-8")
    say(f"wrote {path}; check it with: qupel validate {path}")


def validate(
    path: Annotated[Path | None, typer.Argument(help="The pilot file.")] = None,
    schema: Annotated[bool, typer.Option(help="Print the JSON Schema instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a pilot file and its data; say what would run, and with what power."""
    from qupel.pilots.outlook import outlook
    from qupel.pilots.pilot import prepare
    from qupel.pilots.schema import schema_text

    if schema:
        print_text(schema_text())
        return
    if path is None:
        raise typer.BadParameter("a pilot file is needed", param_hint="PATH")
    view = outlook(prepare(path))
    if as_json:
        print_document(view.to_json())
    else:
        print_text(view.text())


def run(
    path: PilotFile,
    home: Home = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the memo.")] = None,
    workers: Workers = None,
    amend: Annotated[
        str, typer.Option(help="Reason for a change of the charter since its first run.")
    ] = "",
    style: Style = "auto",
    as_json: AsJson = False,
) -> None:
    """Run a pilot to its verdict and write its memo; goes on where an earlier run ended."""
    from qupel.pilots.outlook import outlook
    from qupel.pilots.pilot import prepare

    prepared = prepare(path)
    say(outlook(prepared).text())
    _run(prepared, home, out, workers, amend, style, as_json)


def resume(
    name: Annotated[str, typer.Argument(help="Name of the pilot; `qupel list` shows them.")],
    home: Home = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the memo.")] = None,
    workers: Workers = None,
    style: Style = "auto",
    as_json: AsJson = False,
) -> None:
    """Go on with a pilot that was interrupted, if you may read it; no finished cell runs again."""
    from qupel.pilots.dossier import folder_of
    from qupel.pilots.pilot import prepare
    from qupel.runs.store import Store
    from qupel.runs.trial_lineage import check_readers

    with Store.open(home) as store:
        store.run(name)
        check_readers(store, name, "results")
        origin = folder_of(store, name) / "origin.json"
    if not origin.is_file():
        raise InputError(f"{origin} is missing; use `qupel run` with the pilot file")
    path = Path(json.loads(origin.read_text())["path"])
    _run(prepare(path), home, out, workers, "", style, as_json)


def _run(
    prepared: Prepared,
    home: Path | None,
    out: Path | None,
    workers: int | None,
    amend: str,
    style: str,
    as_json: bool,
) -> None:
    from qupel.cli.progress import shown
    from qupel.pilots.dossier import Dossier, folder_of
    from qupel.pilots.pilot import run_pilot
    from qupel.runs.store import Store

    name = prepared.charter.name
    with Store.open(home) as store:
        folder = folder_of(store, name)
        folder.mkdir(parents=True, exist_ok=True)
        origin = json.dumps({"path": str(prepared.path.resolve())})
        (folder / "origin.json").write_text(origin, encoding="utf-8")
        with shown(style) as tell:
            finished = run_pilot(prepared, store, workers=workers, amend=amend, on_progress=tell)
        dossier = Dossier.of(finished)
        dossier.write(folder)
    page = (out or Path("out") / name) / "memo.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(dossier.html(), encoding="utf-8")
    if as_json:
        print_document(_verdict_document(finished, page))
    else:
        verdict = finished.comparison.verdict
        print_text(f"{verdict.decision}: {verdict.sentence}")
        print_text(f"memo: {page}")


def _verdict_document(finished: Finished, page: Path) -> dict[str, object]:
    verdict = finished.comparison.verdict
    return {
        "pilot": finished.lock.pilot,
        "decision": str(verdict.decision),
        "sentence": verdict.sentence,
        "run_now": verdict.run_now,
        "candidate": verdict.candidate,
        "comparator": verdict.comparator,
        "cells": len(finished.records),
        "complete": finished.complete,
        "charter_hash": finished.lock.charter_hash,
        "memo": str(page),
        "reproduce": f"qupel run {finished.prepared.path}",
    }
