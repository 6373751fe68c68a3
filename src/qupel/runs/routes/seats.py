"""A seat: one warm worker process, and a thread of ours that waits for it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from qupel.errors import QupelError, RunError
from qupel.runs.pool import PREPARATION, Workers
from qupel.runs.record import Record, Status
from qupel.runs.task import Task

Tell = Callable[[Record], None]


@dataclass(frozen=True, slots=True)
class Request:
    """A task, who is told of its record, and how long its problem may take to be rebuilt."""

    task: Task
    tell: Tell
    preparation: float


class Seat:
    """One worker at a time behind a queue; a worker that is lost is replaced.

    Asking returns at once, and the record is told from the seat's own thread. Every task asked
    for is told about once, unless the seat is closed before.

    Parameters
    ----------
    preload
        Modules that workers import before they are forked.
    """

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        self._preload = preload
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self._workers: Workers | None = None
        self._warm = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="qupel-seat", daemon=True)
        self._thread.start()

    @property
    def free(self) -> bool:
        """Whether nothing is asked for that has not been told about."""
        return self._waiting == 0 and not self._closed

    def wait_until_warm(self, seconds: float) -> bool:
        """Wait until the worker stands; False if it does not within so many seconds."""
        return self._warm.wait(seconds)

    def ask(self, task: Task, tell: Tell, *, preparation: float = PREPARATION) -> None:
        """Have a task attempted; ``tell`` is given the record.

        Parameters
        ----------
        preparation
            Seconds in which the problem must be rebuilt, before the task's own seconds begin.
        """
        with self._lock:
            self._waiting += 1
        self._requests.put(Request(task, tell, preparation))

    def give_up(self) -> None:
        """End the worker at once, whatever it does; its task is told about as failed."""
        workers = self._workers
        if workers is not None:
            workers.kill()

    def close(self, seconds: float = 2.0) -> None:
        """End the worker and the thread, waiting so long at most."""
        self._closed = True
        self._requests.put(None)
        if self._waiting:
            self.give_up()
        self._thread.join(seconds)

    def _serve(self) -> None:
        with contextlib.suppress(QupelError, OSError):
            self._hire()
        while (request := self._requests.get()) is not None and not self._closed:
            record = self._attempt(request)
            with self._lock:
                self._waiting -= 1
            request.tell(record)
        if self._workers is not None:
            self._workers.close()

    def _attempt(self, request: Request) -> Record:
        task = request.task
        try:
            workers = self._workers or self._hire()
            workers.preparation = request.preparation
            return next(iter(workers.run([task])))
        except (QupelError, OSError) as error:
            self._dismiss()
            if not self._closed:
                with contextlib.suppress(QupelError, OSError):
                    self._hire()  # the next one who asks finds it warm
            return task.record(Status.FAILED, why=f"the worker was lost: {error}")

    def _hire(self) -> Workers:
        try:
            self._workers = Workers(1, preload=self._preload)
        except RunError:  # a module that one solver needs is not installed
            self._workers = Workers(1)
        self._warm.set()
        return self._workers

    def _dismiss(self) -> None:
        self._warm.clear()
        lost, self._workers = self._workers, None
        if lost is not None:
            with contextlib.suppress(QupelError, OSError):
                lost.close()
