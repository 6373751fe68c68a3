"""Logs that commands are given to do again what they tell of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from qupel.errors import InputError

Found = TypeVar("Found")


def replayed(
    path: Path, made_by: str, again: Callable[[Mapping[str, Any]], Found]
) -> tuple[Mapping[str, Any], Found]:
    """The document of a log, and what came of doing it again.

    Parameters
    ----------
    made_by
        The command that writes such logs.
    again
        Does it again; `InputError` if it is a log of something else or of another version.

    Raises
    ------
    InputError
        If the file holds no such log.
    """
    document = _document(path, made_by)
    with naming(path):
        return document, again(document)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have what is wrong with a log name its file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _document(path: Path, made_by: str) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no log: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: is no log; make one with: {made_by}")
    return document
