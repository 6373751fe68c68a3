"""`qupel report`, `list`, `show`, `compare` and `export`: what has been found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.output import print_document, print_text, say
from qupel.cli.pilot import AsJson, Home

if TYPE_CHECKING:
    from qupel.runs.store import Store

Name = Annotated[str, typer.Argument(help="Name of the pilot; `qupel list` shows them.")]


def report(
    name: Name,
    home: Home = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; its ending decides: .html, .pdf or .json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the memo of a finished pilot as HTML or PDF, or its comparison as JSON."""
    from qupel.pilots.dossier import Dossier, folder_of
    from qupel.pilots.writing import write_report

    with _store(home, name) as store:
        store.run(name)
        dossier = Dossier.read(folder_of(store, name))
    path = out or Path("out") / name / "memo.html"
    write_report(dossier, path)
    if as_json:
        print_document({"pilot": name, "files": [str(path)]})
    else:
        print_text(str(path))


def list_runs(home: Home = None, as_json: AsJson = False) -> None:
    """List pilots: state, verdict, arm to run now, cells."""
    from qupel.pilots.listing import pilots

    with _store(home) as store:
        rows = pilots(store)
    if as_json:
        print_document({"pilots": rows})
        return
    if not rows:
        say("no pilot has run yet; begin with: qupel init")
    for row in rows:
        verdict = row["decision"] or row["status"]
        print_text(
            f"{row['pilot']:<24} {verdict:<14} {row['records']:>5} cells  {row['created'][:16]}  "
            f"{row['run_now']}"
        )


def show(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Show one pilot: its verdict, why, and a line for each arm; or one record by its id."""
    from qupel.pilots.listing import detail, detail_text

    with _store(home, name) as store:
        document = detail(store, name)
    if as_json:
        print_document(document)
    else:
        print_text(detail_text(document))


def compare(
    names: Annotated[list[str], typer.Argument(help="Two or more pilots.")],
    home: Home = None,
    every: Annotated[bool, typer.Option("--all", help="Show what is equal too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put pilots side by side; what is equal in all of them is left out."""
    from qupel.pilots.listing import side_by_side

    if len(names) < 2:
        raise typer.BadParameter("name at least two pilots", param_hint="NAMES")
    with _store(home, *names) as store:
        rows = side_by_side(store, names, every=every)
    if as_json:
        print_document({"pilots": names, "rows": rows})
        return
    width = max([5, *(len(row["field"]) for row in rows)])
    columns = (
        [
            max(len(name), *(len(_text(row["values"][i])) for row in rows), 1)
            for i, name in enumerate(names)
        ]
        if rows
        else [len(name) for name in names]
    )
    print_text(" ".join([" " * width, *(f"{n:>{w}}" for n, w in zip(names, columns, strict=True))]))
    for row in rows:
        cells = (f"{_text(v):>{w}}" for v, w in zip(row["values"], columns, strict=True))
        print_text(" ".join([f"{row['field']:<{width}}", *cells]))


def export(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Folder to write; must not exist yet.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Export a pilot as plain files that another machine can run again and check."""
    from qupel.pilots.writing import export_pilot

    with _store(home, name) as store:
        written = export_pilot(store, name, folder)
    if as_json:
        print_document({"pilot": name, "files": [str(path) for path in written]})
        return
    for path in written:
        print_text(str(path))


@contextmanager
def _store(home: Path | None, *names: str) -> Iterator[Store]:
    """Open the store for somebody who may read pilots of these names."""
    from qupel.runs.store import Store
    from qupel.runs.trial_lineage import check_readers

    with Store.open(home) as store:
        for name in names:
            check_readers(store, name, "results")
        yield store


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "–" if value is None else str(value)
