"""Results go to stdout, everything for people on the way goes to stderr."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

#: Version of every JSON document that a command prints.
SCHEMA = 1


def print_document(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout; numbers JSON cannot hold become null."""
    sys.stdout.write(json.dumps({"schema": SCHEMA, **_plain(document)}, allow_nan=False) + "\n")


def print_text(text: str) -> None:
    """Print a result for people on stdout."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def say(text: str) -> None:
    """Tell whoever watches something, on stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    elif hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
