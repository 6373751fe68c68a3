"""Results of an unfinished run, and the page that a finished one becomes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.finding import Finding
from chaos.options import Options
from qupel.runs.provenance import machine, revision, versions

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "chaos"
PUBLISHED = ROOT / "docs" / "reliability"

TEXT = """\
Each row is a promise, how often it was tried, and what came out. `make chaos` tries all of them
anew; [what is done and how](index.md) is told beside. Orders go to the provider emulator, a
process of its own, and its books alone say what was paid.
"""


def keep(name: str, options: Options, findings: Sequence[Finding], folder: Path = BUILT) -> None:
    """Keep a section's findings, so that a run that is interrupted goes on after it."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"of": _of(options), "findings": [finding.document() for finding in findings]}
    place = _place(name, options, folder)
    place.with_suffix(".new").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    place.with_suffix(".new").replace(place)


def kept(name: str, options: Options, folder: Path = BUILT) -> list[Finding] | None:
    """Findings that the same run kept before it was interrupted; None if there are none."""
    try:
        document = json.loads(_place(name, options, folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if document["of"] != _of(options):
        return None
    return [Finding.of(found) for found in document["findings"]]


def forget(names: Sequence[str], options: Options, folder: Path = BUILT) -> None:
    """Let the next run begin anew."""
    for name in names:
        _place(name, options, folder).unlink(missing_ok=True)


def publish(sections: Mapping[str, Sequence[Finding]], folder: Path, load: float) -> Path:
    """Write ``promises.md`` and ``promises.json``; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    where = ", ".join(f"{key} {value}" for key, value in sorted(machine().items()))
    loads = (load, os.getloadavg()[0])
    told = (
        f"Tried on {when} by `python -m chaos`; {where}; load average "
        f"{loads[0]:.1f} before and {loads[1]:.1f} after."
    )
    rows = [finding for found in sections.values() for finding in found]
    lines = ["# Promises and figures", "", TEXT.strip(), "", told, "", *table(rows)]
    page = folder / "promises.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    document: dict[str, Any] = {
        "tried": when,
        "machine": dict(machine()),
        "load": loads,
        "revision": revision(),
        "versions": dict(versions()),
        "sections": {
            name: [finding.document() for finding in found] for name, found in sections.items()
        },
    }
    page.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return page


def table(findings: Sequence[Finding]) -> list[str]:
    """Markdown."""
    lines = ["| promise | target | figure | n | seconds | |", "|---|---|---|---|---|---|"]
    for found in findings:
        cells = (found.promise, found.target, found.figure, found.n, f"{found.seconds:.1f}")
        told = (cell.replace("|", "/").replace("\n", " ") for cell in cells)
        lines.append("| " + " | ".join(told) + f" | {found.verdict} |")
    return lines


def _of(options: Options) -> list[Any]:
    """What two runs must share so that one goes on with the other's findings."""
    return [options.quick, options.seed, options.database, revision()]


def _place(name: str, options: Options, folder: Path) -> Path:
    return folder / f"{name}{'.quick' if options.quick else ''}.json"
