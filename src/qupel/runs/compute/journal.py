"""A journal of cells that are done: a map that was stopped goes on where it was."""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qupel.errors import InputError

#: Bytes of a mark, and of a record's length.
MARK, LENGTH = 32, 8
#: What a journal begins with, so that no other file is taken for one.
HEAD = b"qupel cells 1\n"


@dataclass(slots=True)
class Journal:
    """Values of cells, in a file to which each is added as it is done.

    A cell is known by function, its module's source and the cell itself. Errors are not kept:
    such a cell is done again. What a kill cut off at the end is left out, and written over.

    Attributes
    ----------
    path
        The file; only one map at a time uses it. Like every pickle it can run code when it is
        read: use no journal of somebody else.
    """

    path: Path
    _known: dict[bytes, bytes] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            raw = self.path.read_bytes() if self.path.exists() else b""
            if not HEAD.startswith(raw[: len(HEAD)]):
                raise InputError(f"{self.path} is no journal of cells; name another file")
            whole = self._read(raw)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.truncate(whole)
                if not whole:
                    file.write(HEAD)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be used as a journal: {error.strerror}"
            ) from error

    def marker(self, function: Callable[..., Any]) -> Callable[[bytes], bytes]:
        """What a function's cell, pickled, is known by."""
        work = hashlib.sha256(pickle.dumps(function) + _source(function)).digest()
        return lambda cell: hashlib.sha256(work + cell).digest()

    def value(self, mark: bytes) -> Any:
        """The value that was kept; `KeyError` if there is none."""
        return pickle.loads(self._known[mark])  # noqa: S301  written by the user's own run

    def keep(self, values: Mapping[bytes, bytes]) -> None:
        """Add values, pickled, by their marks, in one write."""
        with self.path.open("ab") as file:
            file.write(b"".join(map(_record, values.keys(), values.values())))
        self._known.update(values)

    def _read(self, raw: bytes) -> int:
        """Read the records that are whole; return where they end."""
        place = len(HEAD) if raw.startswith(HEAD) else 0
        while place and place + 2 * MARK + LENGTH <= len(raw):
            start = place + 2 * MARK + LENGTH
            mark, check = raw[place : place + MARK], raw[place + MARK : place + 2 * MARK]
            end = start + int.from_bytes(raw[start - LENGTH : start], "big")
            body = raw[start:end]
            if hashlib.sha256(mark + body).digest() != check:
                break
            self._known[mark] = body
            place = end
        return place


def _record(mark: bytes, body: bytes) -> bytes:
    check = hashlib.sha256(mark + body).digest()
    return mark + check + len(body).to_bytes(LENGTH, "big") + body


def _source(function: Callable[..., Any]) -> bytes:
    """Source of the module that a function stands in: its values are those of this code."""
    if isinstance(function, functools.partial):
        function = function.func
    with suppress(OSError, TypeError):
        return Path(inspect.getsourcefile(function) or "").read_bytes()
    return b""
