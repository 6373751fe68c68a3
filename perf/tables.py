"""Where measurements go: a page and a JSON document in ``docs/performance``."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qupel.runs.provenance import machine, revision, versions

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "performance"
DATA = Path(os.environ.get("QUPEL_DATA", ROOT.parent / "shared" / "data"))


def instance(family: str, name: str) -> Path:
    """File of a public instance."""
    folder = DATA / family / "instances"
    found = [p for p in sorted(folder.iterdir()) if p.name.split(".")[0] == name or p.stem == name]
    files = [p for p in found if p.suffix != ".sol"]
    if not files:
        raise SystemExit(f"{name} is not in {folder}; set QUPEL_DATA to the folder of instances")
    return files[0]


def best_known(family: str) -> dict[str, float]:
    """Best known values of a family, where they are plain numbers."""
    with (DATA / family / "best_known.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["instance"], row["best_known"]) for row in csv.DictReader(lines)]
    return {name: float(value) for name, value in rows if "/" not in value}


def publish(
    name: str, title: str, text: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Write a table as ``name.md`` and ``name.json``, with the machine it was measured on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    where = ", ".join(f"{key} {value}" for key, value in sorted(machine().items()))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [f"# {title}", "", text, "", f"Measured on {when} by `python -m perf {name}`; {where}."]
    lines += ["", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    (FOLDER / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = {
        "measured": when,
        "machine": dict(machine()),
        "revision": revision(),
        "versions": dict(versions()),
        "columns": list(columns),
        "rows": [list(row) for row in rows],
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines[6:]), flush=True)


def _cell(value: Any) -> str:
    return (
        f"{value:.4g}"
        if isinstance(value, float) and value != int(value)
        else str(int(value) if isinstance(value, float) else value)
    )
