"""Pipeline files: YAML in, a checked pipeline out, or every fault with its line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qupel.errors import InputError, unknown_name
from qupel.governance.readers import checked_readers
from qupel.model.formats.checked_yaml import YamlError, line_of, parsed, plain
from qupel.runs.durable.checking import at_lines, faults
from qupel.runs.durable.pipeline import Fault, Pipeline, Stage

#: Keys of a stage beside its kind's settings.
_STAGE_KEYS = ("kind", "needs", "role", "quantum", "readers")
_FILE_KEYS = ("pipeline", "seed", "owner", "readers", "stages")


class PipelineFileError(InputError):
    """A pipeline file that cannot be used, with every fault in it."""

    def __init__(self, path: Path, found: list[Fault]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for fault in found))
        self.faults = tuple(found)


def read_pipeline(path: Path) -> Pipeline:
    """Read and check a pipeline file.

    Modules of functions are looked for beside the file too.

    Raises
    ------
    PipelineFileError
        With line, stage, field, value and remedy of every fault.
    InputError
        If the file cannot be read.
    """
    folder = str(path.parent.absolute())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    tree = _parse(path)
    pipeline, found = _built(tree)
    if pipeline is not None and not found:
        found = faults(pipeline)
    if found or pipeline is None:
        lines = at_lines(found, lambda stage, field: _line(tree, stage, field))
        raise PipelineFileError(path, sorted(lines, key=lambda fault: fault.line))
    return pipeline


def _parse(path: Path) -> Any:
    try:
        return parsed(path)
    except YamlError as error:
        raise PipelineFileError(path, [Fault("", "YAML", error.what, error.line)]) from None


def _built(tree: Any) -> tuple[Pipeline | None, list[Fault]]:
    """The pipeline of a parsed file, or why there is none."""
    if not isinstance(tree, Mapping):
        return None, [Fault("", "", "must be a mapping with the keys pipeline and stages")]
    found = [
        Fault("", str(key), str(unknown_name("key", str(key), _FILE_KEYS)))
        for key in tree
        if key not in _FILE_KEYS
    ]
    name, stages = tree.get("pipeline"), tree.get("stages")
    owner, readers = plain(tree.get("owner", "")), _readers("", tree, found)
    if not isinstance(owner, str):
        found.append(Fault("", "owner", f"must be a person or a role, got {owner!r}"))
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "-_" for c in name):
        found.append(
            Fault("", "pipeline", f"must be a name of letters, digits, - and _, got {name!r}")
        )
    if not isinstance(stages, Mapping) or not stages:
        said = "must be a mapping of stages by name, such as graph: {kind: load, file: graph.json}"
        found.append(Fault("", "stages", said))
        return None, found
    seed = plain(tree.get("seed", 0))
    if type(seed) is not int or not 0 <= seed < 2**53:
        said = f"must be a whole number from 0 and below 2**53, got {seed!r}"
        found.append(Fault("", "seed", said))
    made = []
    for stage_name, held in stages.items():
        stage, wrong = _stage(str(stage_name), held)
        found += wrong
        if stage is not None:
            made.append(stage)
    if found:
        return None, found
    try:
        return Pipeline(str(name), tuple(made), seed, str(owner).strip(), readers), []
    except InputError as error:
        return None, [Fault("", "", str(error))]


def _stage(name: str, held: Any) -> tuple[Stage | None, list[Fault]]:
    if not isinstance(held, Mapping):
        return None, [Fault(name, "", "must be a mapping with the key kind")]
    found = []
    if not name or "." in name:
        said = f"a stage's name has no dot, which stands before an output's name; got {name!r}"
        found.append(Fault(name, "", said))
    if not isinstance(held.get("kind"), str):
        found.append(Fault(name, "kind", "is missing; say what the stage does"))
    needs = held.get("needs") or {}
    if not isinstance(needs, Mapping) or not all(isinstance(v, str) for v in needs.values()):
        said = f"must be a mapping from inputs to stages, such as problem: load, got {needs!r:.60}"
        found.append(Fault(name, "needs", said))
    if not isinstance(held.get("quantum", False), bool):
        found.append(Fault(name, "quantum", f"must be true or false, got {held['quantum']!r}"))
    if not isinstance(held.get("role", ""), str):
        found.append(Fault(name, "role", f"must be a word, got {held['role']!r}"))
    readers = _readers(name, held, found)
    if found:
        return None, found
    settings = {str(key): plain(value) for key, value in held.items() if key not in _STAGE_KEYS}
    return (
        Stage(
            name,
            str(held["kind"]),
            {str(key): str(value) for key, value in needs.items()},
            settings,
            role=str(held.get("role", "")),
            quantum=bool(held.get("quantum", False)),
            readers=readers,
        ),
        [],
    )


def _readers(stage: str, held: Mapping[str, Any], found: list[Fault]) -> tuple[str, ...]:
    """People and roles that a stage, or the pipeline, names; faults are added to ``found``."""
    named = plain(held.get("readers", []))
    if not isinstance(named, list) or not all(isinstance(word, str) for word in named):
        said = f"must be a list of people and roles, such as [planners], got {named!r:.60}"
        found.append(Fault(stage, "readers", said))
        return ()
    try:
        return checked_readers(named)
    except InputError as error:
        found.append(Fault(stage, "readers", str(error)))
        return ()


def _line(tree: Any, stage: str, field: str) -> int:
    """Line of the deepest part that the file has, counted from 1."""
    where = (["stages", stage] if stage else []) + (field.split(".") if field else [])
    return line_of(tree, where)
