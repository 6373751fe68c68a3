"""A worker: makes one attempt after the other, and is killed if one takes too long."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from qupel.errors import QupelError
from qupel.model.samples import Samples
from qupel.problems.contract import Problem
from qupel.runs.archive import save_samples
from qupel.runs.attempt import attempt
from qupel.runs.description import family_from, solver_from, solvers_in
from qupel.runs.record import Record
from qupel.runs.reserve import Reserve
from qupel.runs.task import Task
from qupel.runs.usage import cpu_seconds, tidy


@dataclass(frozen=True, slots=True)
class Prepare:
    """Get ready for attempts on a problem, outside their clocks.

    Attributes
    ----------
    task
        A task with the problem's document.
    forget
        Marks of problems that will not be asked for again.
    """

    task: Task
    forget: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Go:
    """Make an attempt.

    Attributes
    ----------
    task
        Without its document: the problem was prepared.
    requested
        Reading of ``time.monotonic`` at the request.
    dies_after
        Seconds after which the system ends the worker, should nobody else have done so.
    samples
        Folder for the samples.
    """

    task: Task
    requested: float
    dies_after: float
    samples: Path | None


@dataclass(frozen=True, slots=True)
class Ready:
    """Prepared."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt's record, and when it was complete on the clock of the machine."""

    record: Record
    at: float


@dataclass(frozen=True, slots=True)
class Idle:
    """Samples are stored, memory is given back: ready for the next attempt.

    Attributes
    ----------
    samples
        Hash of what was stored, empty for nothing.
    cpu
        Processor seconds of the worker's life so far.
    """

    samples: str
    cpu: float


@dataclass(frozen=True, slots=True)
class Held:
    """A problem's document, and the problem if it could be rebuilt from it."""

    document: Mapping[str, Any]
    problem: Problem[Any] | None


@dataclass(slots=True)
class Worker:
    """Serves one connection.

    Attributes
    ----------
    pipe
        Where tasks come from and records go.
    shelf
        Problems that were prepared, by `shelf_mark`.
    reserve
        What attempts taught of the time needed after a search.
    """

    pipe: Connection
    shelf: dict[str, Held] = field(default_factory=dict)
    reserve: Reserve = field(default_factory=Reserve)

    def prepare(self, order: Prepare) -> None:
        """Rebuild the problem and import what its solvers will import.

        What goes wrong here goes wrong in the attempt again, which reports it.
        """
        for known in order.forget:
            self.shelf.pop(known, None)
        task = order.task
        mark = shelf_mark(task)
        if mark not in self.shelf:
            self.shelf[mark] = Held(task.problem, None)
            with contextlib.suppress(Exception):
                made = family_from(task.family).from_document(task.problem)
                self.shelf[mark] = Held(task.problem, made)
        problem = self.shelf[mark].problem
        if problem is None:
            return
        for description in (task.solver, task.fallback):
            if description is not None:
                with contextlib.suppress(Exception):
                    import_engines(problem, solver_from(description, type(problem)))

    def go(self, order: Go) -> None:
        """Make an attempt and send its record, then store samples and tidy up."""
        signal.setitimer(signal.ITIMER_REAL, order.dies_after)
        kept: list[Samples] = []
        held = self.shelf[shelf_mark(order.task)]
        with _threads(order.task.threads):
            record = attempt(
                replace(order.task, problem=held.document),
                requested=order.requested,
                problem=held.problem,
                reserve=self.reserve,
                on_samples=kept.append,
            )
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.pipe.send(Answered(record, order.requested + record.end_to_end))
        stored = ""
        if order.samples is not None and order.task.store_samples and kept:
            with contextlib.suppress(OSError):
                stored = save_samples(order.samples, kept[0])
        kept.clear()
        tidy()
        self.pipe.send(Idle(stored, cpu_seconds()))


def serve(pipe: Connection, output: int) -> None:
    """Serve until the other end closes.

    Parameters
    ----------
    output
        Descriptor of the file that takes what is printed; emptied before each attempt.
    """
    worker = Worker(pipe)
    while True:
        try:
            order = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if isinstance(order, Prepare):
            worker.prepare(order)
            pipe.send(Ready())
        else:
            os.ftruncate(output, 0)
            worker.go(order)


def shelf_mark(task: Task) -> str:
    """Name of a task's problem among those that a worker holds."""
    return f"{task.family} {task.problem_hash}"


def import_engines(problem: Problem[Any], solver: Any) -> None:
    """Import what a family and its solver import on first use, so that no attempt pays for it.

    It is found in the source of the modules that define them and the solvers nested in it:
    imports inside functions.
    """
    for made in (problem, *solvers_in(solver)):
        _import_late(type(made).__module__)


@functools.cache
def _import_late(module: str) -> None:
    """Import, once, what functions of a module import."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, SyntaxError):
        return
    for name in _names_in_functions(tree):
        with contextlib.suppress(ImportError, QupelError):
            importlib.import_module(name)


def _names_in_functions(tree: ast.Module) -> Iterator[str]:
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            # `from ortools.sat.python import cp_model` names a module, not a value.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let numerical libraries use ``count`` threads; workers start with one."""
    if count == 1:
        yield
        return
    # It comes with scikit-learn.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count):
        yield
