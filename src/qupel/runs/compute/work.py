"""The cells of one map: what is to be done yet, how it is sent, and what became of it.

Cells and values are pickled one by one, so that one that cannot be sent or read harms no other.
"""

from __future__ import annotations

import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from qupel.errors import InputError, RunError
from qupel.runs.compute.contract import Cell, Options, cancelled_cell
from qupel.runs.compute.journal import Journal

#: What became of a cell, on its way: whether it has a value, and that or its error, pickled.
Outcome = tuple[bool, bytes]


@dataclass(slots=True, eq=False)
class Chunk:
    """Cells that are sent together.

    Attributes
    ----------
    cells
        Their numbers.
    attempts
        How often the chunk was begun.
    """

    cells: Sequence[int]
    attempts: int = 0


class Work:
    """The cells of one map, and what is known of them.

    Attributes
    ----------
    function
        What is called for each, pickled.
    cells
        The cells.
    found
        What became of those that are done, by their numbers.
    waiting
        What is still to be sent.
    """

    def __init__(
        self, function: Callable[..., Any], cells: Iterable[Any], options: Options, size: int
    ) -> None:
        self.options = options
        self.found: dict[int, Cell[Any]] = {}
        self.marks: dict[int, bytes] = {}
        try:
            self.cells = list(cells)
        except TypeError as error:
            raise InputError(f"cells are a sequence, got {type(cells).__name__}") from error
        try:
            self.function = pickle.dumps(function)
        except Exception as error:
            raise InputError(
                f"{function!r} cannot be sent to other processes ({error}); "
                f"use a function of a module that they can import"
            ) from error
        if options.journal is not None:
            self._find(options.journal, function)
        left = [number for number in range(len(self.cells)) if number not in self.found]
        self.waiting = deque(Chunk(part) for part in options.chunks(left, size))

    @property
    def is_done(self) -> bool:
        """Whether every cell has a result."""
        return len(self.found) == len(self.cells)

    def begin(self) -> tuple[Chunk, list[bytes]]:
        """Take the next chunk, and its cells as they are sent: those that can be pickled."""
        chunk = self.waiting.popleft()
        chunk.attempts += 1
        sent = {number: packed for number in chunk.cells if (packed := self._packed(number))}
        chunk.cells = list(sent)
        if not sent:
            self._tell()
        return chunk, list(sent.values())

    def take(self, chunk: Chunk, made: Sequence[Outcome]) -> None:
        """Take what `run_chunk` made of a chunk."""
        kept: dict[bytes, bytes] = {}
        for number, (has_value, packed) in zip(chunk.cells, made, strict=True):
            cell = _opened(has_value, packed, chunk.attempts)
            self.found[number] = cell
            if cell.error is None and number in self.marks:
                kept[self.marks[number]] = packed
        if self.options.journal is not None:
            self.options.journal.keep(kept)
        self._tell()

    def again(self, chunk: Chunk, status: int | None) -> None:
        """Begin a chunk again, cell by cell, unless that was tried often enough."""
        if chunk.attempts >= self.options.attempts:
            how = "" if status is None else f" ({_manner(status)})"
            died = RunError(f"its process died{how}, {chunk.attempts} times")
            self.fail(chunk, died)
            return
        for number in reversed(chunk.cells):
            self.waiting.appendleft(Chunk((number,), chunk.attempts))

    def fail(self, chunk: Chunk, error: Exception) -> None:
        """Give every cell of a chunk an error for its result."""
        for number in chunk.cells:
            self.found[number] = Cell(None, error, chunk.attempts)
        self._tell()

    def results(self) -> list[Cell[Any]]:
        """Return the results in the order of the cells."""
        return [self.found.get(i) or cancelled_cell() for i in range(len(self.cells))]

    def _packed(self, number: int) -> bytes | None:
        """A cell as it is sent; None, and its error for its result, if it cannot be."""
        try:
            return pickle.dumps(self.cells[number])
        except Exception as error:  # noqa: BLE001  pickling runs what the cell's class says
            said = f"cell {number} cannot be sent to other processes: {error}"
            self.found[number] = Cell(None, InputError(said), 0)
            return None

    def _find(self, journal: Journal, function: Callable[..., Any]) -> None:
        """Take what was done before."""
        mark = journal.marker(function)
        for number in range(len(self.cells)):
            if (packed := self._packed(number)) is None:
                continue
            self.marks[number] = mark(packed)
            with suppress(KeyError):
                self.found[number] = Cell(journal.value(self.marks[number]), None, 0)

    def _tell(self) -> None:
        if self.options.progress is not None:
            self.options.progress(len(self.found), len(self.cells))


def run_chunk(function: bytes, cells: Sequence[bytes]) -> list[Outcome]:
    """Call a function for each cell, all of them pickled; what it raises is its result."""
    try:
        known = pickle.loads(function)  # noqa: S301  from the process that asks
    except Exception as error:  # noqa: BLE001  its module may raise anything
        return [_failed(error)] * len(cells)
    return [_called(known, cell) for cell in cells]


def _called(function: Callable[[Any], Any], cell: bytes) -> Outcome:
    try:
        return True, pickle.dumps(function(pickle.loads(cell)))  # noqa: S301  as above
    except SystemExit as ended:
        return _failed(RunError(f"it ended its process: SystemExit {ended.code}"))
    except Exception as error:  # noqa: BLE001  a cell may raise anything; it is told to the asker
        return _failed(error)


def _failed(error: Exception) -> Outcome:
    return False, pickle.dumps(sendable(error))


def _opened(has_value: bool, packed: bytes, attempts: int) -> Cell[Any]:
    try:
        found = pickle.loads(packed)  # noqa: S301  made by our own process
    except Exception as error:  # noqa: BLE001  unpickling runs what the value's class says
        said = f"its value cannot be read here: {type(error).__name__}: {error}"
        return Cell(None, RunError(said), attempts)
    return Cell(found, None, attempts) if has_value else Cell(None, found, attempts)


def sendable(error: Exception) -> Exception:
    """Return the error, or one that says the same where it cannot be pickled."""
    said = "".join(traceback.format_exception(error))
    with suppress(Exception):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  made a line above
        again.add_note(said)
        return again
    return RunError(f"{type(error).__name__}: {error}\n{said}")


def _manner(status: int) -> str:
    if status >= 0:
        return f"exit code {status}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-status).name}"
    return f"signal {-status}"
