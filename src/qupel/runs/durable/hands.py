"""Hands: processes that stages lend and give back, each killed if what it does overruns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from typing import Any, Generic, Protocol, Self, TypeVar

from qupel.errors import RunError
from qupel.runs.compute.contract import Cell, Options
from qupel.runs.compute.processes import Processes
from qupel.runs.pool import Workers
from qupel.runs.record import Record
from qupel.runs.task import Task


class _Closing(Protocol):
    def close(self) -> None: ...


Held = TypeVar("Held", bound=_Closing)


@dataclass(slots=True)
class Shelf(Generic[Held]):
    """Things that one thread uses at a time, made when none is free."""

    make: Callable[[], Held]
    free: LifoQueue[Held] = field(default_factory=LifoQueue)

    @contextmanager
    def lent(self) -> Iterator[Held]:
        """Lend one; it is closed instead of taken back if its use ends in an error."""
        try:
            held = self.free.get_nowait()
        except Empty:
            held = self.make()
        try:
            yield held
        except BaseException:
            with suppress(Exception):
                held.close()
            raise
        self.free.put(held)

    def close(self) -> None:
        """Close what is free."""
        with suppress(Empty):
            while True:
                self.free.get_nowait().close()


@dataclass(slots=True)
class Hands:
    """Runs solvers and functions of stages, in processes of their own.

    Several threads may use it at once; each gets a process of its own, which is kept warm.
    """

    _solvers: Shelf[Workers] = field(default_factory=lambda: Shelf(lambda: Workers(1)))
    _functions: Shelf[Processes] = field(default_factory=lambda: Shelf(lambda: Processes(1)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def attempt(self, task: Task) -> Record:
        """Make an attempt."""
        with self._solvers.lent() as workers:
            for record in workers.run([task]):
                return record
        raise RunError("an attempt ended without a record; this is a fault of Qupel")

    def call(self, function: Callable[[Any], Any], given: Any, seconds: float) -> Any:
        """Call a function in another process; what it raises is raised."""
        with self._functions.lent() as processes:
            cells: list[Cell[Any]] = processes.map(function, [given], Options(seconds=seconds))
        return cells[0].get()

    def warm(self) -> None:
        """Have a process ready for the next attempt."""
        if self._solvers.free.empty():
            with self._solvers.lent():
                pass

    def close(self) -> None:
        """End every process that is free."""
        self._solvers.close()
        self._functions.close()
