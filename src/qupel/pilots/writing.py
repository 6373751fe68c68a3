"""Writing what a pilot found: reports, and an export that another machine can run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from qupel.errors import InputError
from qupel.pilots.cases import load_cases
from qupel.pilots.charter import Charter
from qupel.pilots.dossier import Dossier, folder_of
from qupel.pilots.locking import lock_of
from qupel.problems.registry import DOCUMENT, write_problem
from qupel.runs.store import Store


def write_report(dossier: Dossier, path: Path) -> None:
    """Write a memo; the file's ending decides the format: .html, .pdf or .json."""
    match path.suffix:
        case ".html":
            content = dossier.html().encode()
        case ".pdf":
            content = dossier.pdf()
        case ".json":
            content = json.dumps(dossier.comparison.to_json(), indent=1).encode()
        case _:
            raise InputError(f"{path}: the ending must be .html, .pdf or .json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def export_pilot(store: Store, name: str, folder: Path) -> list[Path]:
    """Write a pilot into a new folder: charter, cases, records, comparison, memo.

    ``pilot.yaml`` there names the exported cases, so that ``qupel run`` repeats the comparison
    from this folder alone; equal cases have equal content hashes.
    """
    if folder.exists():
        raise InputError(f"{folder} exists; name a folder that is not there yet")
    held = store.charter(name)
    if held is None:
        raise InputError(f"no pilot {name!r} has run; `qupel list` shows those that have")
    lock = lock_of(store, name)
    home = folder_of(store, name)
    dossier = Dossier.read(home)
    origin = Path(json.loads((home / "origin.json").read_text(encoding="utf-8"))["path"])
    charter = Charter.model_validate(held["charter"])
    cases = load_cases(charter, origin.parent)

    (folder / "cases").mkdir(parents=True)
    (folder / "tuning").mkdir()
    for case, problem in cases.compared.items():
        write_problem(problem, folder / "cases" / f"{case}{DOCUMENT}")
    for case, problem in cases.tuning.items():
        write_problem(problem, folder / "tuning" / f"{case}{DOCUMENT}")
    document: dict[str, Any] = charter.model_dump(mode="json", exclude_none=True)
    document["data"] = {
        "files": [f"cases/*{DOCUMENT}"],
        "tuning": [f"tuning/*{DOCUMENT}"],
        "best_known": dict(cases.best_known),
        "tags": charter.data.tags,
    }
    with (folder / "pilot.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(document, file)
    records = store.records(lock.run)
    lines = (json.dumps(record.to_json(), allow_nan=False) for record in records)
    (folder / "records.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "hashes.json").write_text(json.dumps(held["data"], indent=1), encoding="utf-8")
    write_report(dossier, folder / "comparison.json")
    write_report(dossier, folder / "memo.html")
    return sorted(path for path in folder.rglob("*") if path.is_file())
