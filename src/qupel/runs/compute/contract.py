"""Fan-out: one function over many cells, by processes of this machine or by a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, Protocol, TypeVar

from qupel.errors import InputError, RunError
from qupel.runs.compute.journal import Journal

Given = TypeVar("Given")
Made = TypeVar("Made")
#: Told after every chunk: cells that are done, and cells in all.
OnProgress = Callable[[int, int], None]
#: A chunk's cells are sent and come back together: that is what makes thousands cheap.
CHUNK = 100
#: How often a cell is begun again because its process died.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Cell(Generic[Made]):
    """What became of one cell.

    Attributes
    ----------
    value
        What the function returned; None if it raised.
    error
        What it raised, or why it was not called; None if it returned.
    attempts
        How often it was begun; more than once where its process died. 0 if it never was, or was
        found in the journal.
    """

    value: Made | None
    error: Exception | None = None
    attempts: int = 1

    def get(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True)
class Options:
    """How to map.

    Attributes
    ----------
    chunk
        Cells that are sent together; None for `CHUNK`, or fewer so that every process has four
        chunks or more.
    seconds
        For each cell; a process that overruns is killed and the cell fails. None for no limit.
    attempts
        How often a cell may be begun while its process dies.
    progress
        Is told as chunks are done.
    cancelled
        When it is set, what is under way is killed, and cells without a result fail.
    journal
        Where values are kept as they are made; cells that are in it are not done again.
    """

    chunk: int | None = None
    seconds: float | None = None
    attempts: int = ATTEMPTS
    progress: OnProgress | None = None
    cancelled: Event = field(default_factory=Event)
    journal: Journal | None = None

    def __post_init__(self) -> None:
        if (self.chunk is not None and self.chunk < 1) or self.attempts < 1:
            raise InputError(
                f"chunk and attempts are at least 1, got {self.chunk} and {self.attempts}"
            )
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds for a cell are above 0, got {self.seconds}")

    def chunks(self, cells: Sequence[int], processes: int) -> Iterator[Sequence[int]]:
        """Cut the numbers of cells in chunks."""
        even = max(1, min(CHUNK, -(-len(cells) // (4 * processes))))
        size = 1 if self.seconds is not None else (self.chunk or even)
        for start in range(0, len(cells), size):
            yield cells[start : start + size]


class Compute(Protocol):
    """Maps functions over cells. Results stand in the order of the cells, whoever made them.

    Equal functions, cells and versions give equal results, byte for byte, whatever the number
    of processes and wherever they run: randomness is in the cells, as seeds.
    """

    def map(
        self, function: Callable[[Given], Made], cells: Iterable[Given], options: Options = ...
    ) -> list[Cell[Made]]:
        """Call a function for every cell.

        Parameters
        ----------
        function
            Of a module that the processes can import; they get it by its name. A cell whose
            process dies is begun again, so what it does may be done twice.
        cells
            Values that can be pickled; one that cannot has an `InputError` for its result.
        """
        ...

    def close(self) -> None:
        """End what was started."""
        ...


def cancelled_cell() -> Cell[Any]:
    """Return what stands for a cell that was cancelled."""
    return Cell(None, RunError("cancelled before it was done"), attempts=0)
