"""Families by name, and the family of a file."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from qupel.errors import InputError, unknown_name
from qupel.model.formats import read_text
from qupel.model.formats.text import json_value
from qupel.problems.contract import Problem


def families() -> dict[str, type[Problem[Any]]]:
    """Every registered family, ours and those of other packages, by name."""
    return {name: family(name) for name in sorted(_points())}


@cache
def family(name: str) -> type[Problem[Any]]:
    """Return the family registered under ``name``; no other is imported."""
    try:
        point = _points()[name]
    except KeyError:
        raise unknown_name("family", name, _points()) from None
    found: type[Problem[Any]] = point.load()
    return found


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="qupel.families")}


#: Ending of files that hold any family's problem as a JSON document.
DOCUMENT = ".qupel.json"


def read_problem(path: Path, family_name: str | None = None) -> Problem[Any]:
    """Read an instance; its family is recognised from the file unless it is named.

    Beside the families' own formats this reads what `write_problem` wrote.
    """
    if path.name.endswith(DOCUMENT):
        return _from_document(path, family_name)
    if family_name is not None:
        return family(family_name).from_file(path)
    head = read_text(path)[:4000]
    fitting = [known for known in families().values() if known.recognises(path, head)]
    if len(fitting) == 1:
        return fitting[0].from_file(path)
    what = "fits no family" if not fitting else f"fits {', '.join(k.family for k in fitting)}"
    raise InputError(f"{path}: {what}; name one with --family ({', '.join(families())})")


def write_problem(problem: Problem[Any], path: Path) -> None:
    """Write a problem as a JSON document; the file's name ends with `DOCUMENT`."""
    text = json.dumps({"family": problem.family, "problem": problem.document()}, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _from_document(path: Path, family_name: str | None) -> Problem[Any]:
    held = json_value(read_text(path), str(path))
    try:
        name, document = held["family"], held["problem"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: needs the keys 'family' and 'problem'") from error
    if family_name not in (None, name):
        raise InputError(f"{path}: holds a {name!r} problem, not {family_name!r}")
    known = family(str(name))
    try:
        return known.from_document(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # What is no document of the family fails wherever its first odd part is used.
        what = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{path}: holds no document of a {name} problem ({' '.join(what.split())}); "
            f"write one with `write_problem`"
        ) from error
