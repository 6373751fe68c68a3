"""Logs that commands are given to do again what they tell of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qupel.errors import InputError


def read_log(path: Path, made_by: str) -> dict[str, Any]:
    """The document of a log.

    Parameters
    ----------
    made_by
        The command that writes such logs.

    Raises
    ------
    InputError
        If the file holds none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: is no log: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: is no log; make one with: {made_by}")
    return document
