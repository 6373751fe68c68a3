"""Results go to stdout, everything for people on the way goes to stderr.

Whoever reads may stop early, as ``head`` does: what is printed after that goes nowhere, and the
command goes on to its own end and exit code.
"""

from __future__ import annotations

import io
import json
import math
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

#: Version of every JSON document that a command prints.
SCHEMA = 1


def print_document(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout; numbers JSON cannot hold become null."""
    _write(sys.stdout, json.dumps({"schema": SCHEMA, **_plain(document)}, allow_nan=False) + "\n")


def print_text(text: str) -> None:
    """Print a result for people on stdout."""
    _write(sys.stdout, text.rstrip("\n") + "\n")


def say(text: str) -> None:
    """Tell whoever watches something, on stderr."""
    _write(sys.stderr, text.rstrip("\n") + "\n")


def prepare() -> None:
    """Have characters that the terminal's encoding lacks printed as question marks."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def flush() -> None:
    """Hand on what was printed, to whoever still reads.

    Raises
    ------
    OSError
        If it cannot be written: a full disk, say.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
        except OSError:
            _silence(stream)
            raise


def is_unread(stream: TextIO) -> bool:
    """Whether nobody reads a stream any more: a pipe without a reader, or led nowhere since."""
    try:
        if os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat()):
            return True
        waiting = select.poll()
        waiting.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in waiting.poll(0))
    except (OSError, ValueError):
        return False


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except BrokenPipeError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Have a stream that nobody reads lead nowhere, so that it fails no more."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()  # what was kept back


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
