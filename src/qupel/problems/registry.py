"""Families by name, and the family of a file."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from qupel.errors import InputError, unknown_name
from qupel.problems.contract import Problem


@cache
def families() -> dict[str, type[Problem[Any]]]:
    """Every registered family, ours and those of other packages, by name."""
    found = sorted(entry_points(group="qupel.families"), key=lambda point: point.name)
    return {point.name: point.load() for point in found}


def family(name: str) -> type[Problem[Any]]:
    """Return the family registered under ``name``."""
    try:
        return families()[name]
    except KeyError:
        raise unknown_name("family", name, families()) from None


def read_text(path: Path) -> str:
    """Text of a file, plain or gzipped.

    Raises
    ------
    InputError
        If the file is missing, unreadable or not text.
    """
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file: {error}") from error


def read_problem(path: Path, family_name: str | None = None) -> Problem[Any]:
    """Read an instance; its family is recognised from the file unless it is named."""
    if family_name is not None:
        return family(family_name).from_file(path)
    head = read_text(path)[:4000]
    fitting = [known for known in families().values() if known.recognises(path, head)]
    if len(fitting) == 1:
        return fitting[0].from_file(path)
    what = "fits no family" if not fitting else f"fits {', '.join(k.family for k in fitting)}"
    raise InputError(f"{path}: {what}; name one with --family ({', '.join(families())})")
