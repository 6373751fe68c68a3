"""Stages that read and write files: load and export."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from qupel.errors import InputError
from qupel.runs.durable.kinds import Classical, Given, Made, Settings
from qupel.runs.durable.ports import Port


class LoadSettings(Settings):
    """Settings of ``load``.

    Attributes
    ----------
    file
        An instance, or a table as CSV with a header, or any JSON document; relative paths
        start at the pipeline's file.
    as_
        What it is: ``problem``, ``table`` or ``document``. Written ``as`` in a file.
    family
        The problem's family, where its file does not tell.
    """

    file: str
    as_: Literal["problem", "table", "document"] = Field("problem", alias="as")
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Load(Classical):
    """Reads data. What was read is kept, so that a run repeats after the file has changed."""

    role: ClassVar[str] = "ingest"
    settings: ClassVar[type[Settings]] = LoadSettings
    keeps: ClassVar[bool] = False

    def inputs(self, settings: LoadSettings) -> Mapping[str, Port]:
        """None."""
        return {}

    def outputs(self, settings: LoadSettings) -> Mapping[str, Port]:
        """One port, named for what is read."""
        return {settings.as_: Port.of(settings.as_)}

    def code(self, settings: LoadSettings) -> Any:
        """Its version; the bytes that are read are added as it runs."""
        return "load 1"

    def run(self, given: Given, settings: LoadSettings) -> Made:
        """Read the file."""
        path = given.folder / settings.file
        try:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        value = _READERS[settings.as_](path, settings)
        return Made({settings.as_: value}, facts={"path": str(path), "sha256": sha256})


def _problem(path: Path, settings: LoadSettings) -> Any:
    from qupel.problems.registry import read_problem
    from qupel.runs.description import family_name, plain

    problem = read_problem(path, settings.family)
    return {"family": family_name(problem), "document": plain(problem.document())}


def _table(path: Path, settings: LoadSettings) -> Any:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames is None:
            raise InputError(f"{path}: is empty; a table has a header line")
        found = []
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"{path}:{rows.line_num}: has not as many fields as the header")
            found.append({name: _number(text) for name, text in row.items()})
        return found


def _document(path: Path, settings: LoadSettings) -> Any:
    from qupel.model.formats.text import json_value

    return json_value(path.read_text(encoding="utf-8"), str(path))


_READERS = {"problem": _problem, "table": _table, "document": _document}


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if abs(value) < float("inf") else text
    return text


class ExportSettings(Settings):
    """Settings of ``export``.

    Attributes
    ----------
    file
        JSON file to write; relative paths start at the pipeline's file.
    """

    file: str


@dataclass(frozen=True, slots=True)
class Export(Classical):
    """Writes its inputs to a JSON file, whole or not at all; done twice it is done once."""

    role: ClassVar[str] = "publish"
    settings: ClassVar[type[Settings]] = ExportSettings
    keeps: ClassVar[bool] = False

    def inputs(self, settings: ExportSettings) -> None:
        """Any, by the names under which they are written."""
        return

    def outputs(self, settings: ExportSettings) -> Mapping[str, Port]:
        """The file with its hash."""
        return {"file": Port.of("file")}

    def code(self, settings: ExportSettings) -> Any:
        """Its version."""
        return "export 1"

    def run(self, given: Given, settings: ExportSettings) -> Made:
        """Write the file."""
        path = given.folder / settings.file
        text = json.dumps(dict(given.inputs), indent=1, allow_nan=False, sort_keys=True) + "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(part).chmod(0o644)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return Made({"file": {"path": settings.file, "sha256": sha256}})
