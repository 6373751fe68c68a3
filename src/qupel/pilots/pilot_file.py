"""Reading pilot files: YAML in, a charter out, or every error with its line and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from qupel.errors import InputError
from qupel.model.formats import checked_yaml
from qupel.model.formats.checked_yaml import YamlError
from qupel.pilots.charter import Charter

#: Why a pilot without this part is refused.
_WHY_REQUIRED = {
    "arms": "without a baseline to beat, a result means nothing",
    "kpi": "without one number with unit and threshold, nobody can say who won",
    "fallback": "without a fallback, a failed run leaves the decision unmade",
    "stop_rule": "without a stop rule, a pilot never ends",
    "approved_by": "thresholds must be accepted by a named person before results are seen",
    "hypothesis": "an experiment states what it expects before it looks",
    "margin": "the smallest improvement worth acting on is fixed before results are seen",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a pilot file."""

    line: int
    field: str
    message: str

    def located(self, path: Path) -> str:
        """The fault as one line of text."""
        return f"{path}:{self.line}: {self.field}: {self.message}"


class PilotFileError(InputError):
    """A pilot file that cannot be used, with every fault in it."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(fault.located(path) for fault in faults))
        self.path = path
        self.faults = tuple(faults)


def read_charter(path: Path) -> Charter:
    """Read a pilot file.

    Raises
    ------
    PilotFileError
        With file, line, field, value and the nearest valid name of every fault.
    """
    tree = _parse(path)
    if not isinstance(tree, dict):
        raise PilotFileError(path, [Fault(1, "file", "must be a mapping; see `qupel init`")])
    try:
        return Charter.model_validate(checked_yaml.plain(tree))
    except ValidationError as error:
        faults = sorted(
            (_fault(tree, problem) for problem in error.errors()), key=lambda fault: fault.line
        )
        raise PilotFileError(path, faults) from None


def line_of(path: Path, where: Iterable[str | int]) -> int:
    """Line of a field in a pilot file, for checks made after reading."""
    return checked_yaml.line_of(_parse(path), tuple(where))


def _parse(path: Path) -> Any:
    try:
        return checked_yaml.parsed(path)
    except YamlError as error:
        raise PilotFileError(path, [Fault(error.line, "YAML", error.what)]) from None


def _fault(tree: Any, problem: Any) -> Fault:
    where = tuple(problem["loc"])
    name = ".".join(str(part) for part in where) or "file"
    kind, value = problem["type"], problem["input"]
    if kind == "missing":
        why = _WHY_REQUIRED.get(str(where[-1]))
        message = "is missing" + (f"; {why}" if why else "")
    elif kind == "extra_forbidden":
        known = _fields_at(where[:-1])
        near = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        message = f"is not a field; {hint}"
    elif kind == "value_error":
        message = str(problem["ctx"]["error"])
    elif kind == "literal_error":
        known = [
            part.strip("' ") for part in problem["ctx"]["expected"].replace(" or ", ",").split(",")
        ]
        near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
        message = f"got {value!r}; {hint}"
    else:
        message = f"got {value!r}; {problem['msg'][0].lower()}{problem['msg'][1:]}"
    return Fault(checked_yaml.line_of(tree, where), name, message)


def _fields_at(where: Sequence[str | int]) -> list[str]:
    """Names of the fields that a place in a charter may have."""
    model: Any = Charter
    for part in where:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        found = [a for a in (annotation, *getattr(annotation, "__args__", ())) if _is_part(a)]
        if not found:
            return []
        model = found[0]
    return list(model.model_fields)


def _is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
