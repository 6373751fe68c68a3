"""Warm worker processes: many attempts, each killed if it overruns, each ending in a record."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qupel.errors import InputError, RunError
from qupel.runs.endings import late, manner, over, without_answer
from qupel.runs.fallback import fallback_task, reason_for_fallback, together
from qupel.runs.nursery import REQUEST, Reply
from qupel.runs.record import Record, Status
from qupel.runs.slot import Job, Slot
from qupel.runs.task import Task
from qupel.runs.worker import Answered, Go, Idle, Prepare, Ready, shelf_mark

#: Seconds in which a problem must be rebuilt and an engine imported, or samples be written.
PREPARATION = 120.0
#: Seconds beyond the deadline after which the system ends a worker that nobody killed.
LAST_RESORT = 1.0
#: What libraries look at to see how many threads they may use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(slots=True)
class Workers:
    """Processes kept warm, each making one attempt at a time.

    Use it as a context manager; leaving it ends every process::

        with Workers(2) as workers:
            for record in workers.run(tasks):
                store.save("my run", record)

    Numerical libraries get one thread in a worker unless a task asks for more. Printed output
    of solvers goes to a file, never to our own output.

    Attributes
    ----------
    count
        Processes.
    preload
        Modules imported once, before workers are forked.
    samples
        Folder for samples of tasks that ask for it.
    preparation
        Seconds in which a problem must be rebuilt and an engine imported, or samples be written.
    """

    count: int = 1
    preload: tuple[str, ...] = ()
    samples: Path | None = None
    preparation: float = PREPARATION
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)
    _control: socket.socket = field(init=False, repr=False)
    _folder: tempfile.TemporaryDirectory[str] = field(init=False, repr=False)
    _slots: list[Slot] = field(default_factory=list, init=False, repr=False)
    _exits: dict[int, Reply] = field(default_factory=dict, init=False, repr=False)
    _hired: int = field(default=0, init=False, repr=False)
    _closed: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"count must be at least 1, got {self.count}")
        self._folder = tempfile.TemporaryDirectory(prefix="qupel-workers-")
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "qupel.runs.nursery", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end the workers in good order
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
        )
        theirs.close()
        self._control.sendall(pickle.dumps((sys.path, self._folder.name, self.preload)))
        with self._control.makefile("rb", buffering=0) as reply:
            first = reply.readline().decode(errors="replace")
        if first != "\n":
            self.close()
            raise RunError(f"workers could not be started: {first.strip() or 'their parent died'}")
        self._slots = [self._hire() for _ in range(self.count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker, and everything a worker has started."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        for slot in self._slots:
            slot.pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def kill(self) -> None:
        """End every worker at once, from any thread; a `run` under way raises `RunError`."""
        self._process.kill()

    def run(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """Attempt every task; yield each record as it is complete.

        A task's budget begins when a worker is free for it. Tasks are taken from the iterable
        one by one, as workers become free.

        Ctrl-C kills the attempts under way and is raised again, after what was complete has
        been yielded. Ending the iteration early kills the attempts under way too.
        """
        if self._closed:
            raise RunError("these workers were closed; make new ones")
        waiting = iter(tasks)
        finished: list[Record] = []
        interrupted = None
        try:
            while True:
                try:
                    self._dispatch(waiting)
                    if not any(slot.job for slot in self._slots):
                        return
                    self._listen(finished)
                except KeyboardInterrupt as caught:
                    interrupted = caught
                    self._abandon(finished)
                while finished:
                    yield finished.pop(0)
                if interrupted is not None:
                    raise interrupted
        finally:
            self._abandon(finished)

    def _hire(self) -> Slot:
        """Have a worker forked."""
        self._hired += 1
        ours, theirs = socket.socketpair()
        socket.send_fds(self._control, [REQUEST.pack(b"F", self._hired)], [theirs.fileno()])
        theirs.close()
        log = Path(self._folder.name) / f"worker-{self._hired}.log"
        return Slot(self._hired, Connection(ours.detach()), log)

    def _dispatch(self, waiting: Iterator[Task]) -> None:
        """Give every free worker something to do, as long as there is."""
        for slot in list(self._slots):
            if slot.job is None:
                task = next(waiting, None)
                if task is None:
                    return
                self._assign(slot, Job(asked=task, task=task))

    def _assign(self, slot: Slot, job: Job) -> None:
        """Prepare a worker for a job if need be, and start it."""
        slot.job = job
        task = replace(job.task, price=None)  # what a record costs is our business
        problem = shelf_mark(task)
        kind = (problem, repr((task.solver, task.fallback)))
        try:
            if kind in slot.prepared and problem in slot.shelf:
                self._start(slot, job)
                return
            slot.patience = time.monotonic() + self.preparation
            if problem in slot.shelf:
                task = replace(task, problem={})
            slot.pipe.send(Prepare(task, slot.shelve(problem)))
            slot.prepared.add(kind)
        except (BrokenPipeError, ConnectionResetError):  # it died while it had nothing to do
            self._exit_of(slot.number)
            self._assign(self._replaced(slot), job)

    def _start(self, slot: Slot, job: Job) -> None:
        """Start the clock and the attempt."""
        slot.shelf.move_to_end(shelf_mark(job.task))
        bare = replace(job.task, problem={}, price=None)
        now = time.monotonic()
        job.requested = (job.requested[0] or now, now)
        dies_after = job.limit - now + LAST_RESORT
        slot.pipe.send(Go(bare, now, dies_after, self.samples))

    def _listen(self, finished: list[Record]) -> None:
        """Wait for the next message or deadline, and act on it."""
        busy = [(slot, slot.job) for slot in self._slots if slot.job is not None]
        soonest = min(slot.deadline for slot, _ in busy)
        pipes = [slot.pipe for slot, _ in busy]
        ready = wait(pipes, timeout=max(0.0, soonest - time.monotonic()))
        for slot, job in busy:
            if slot.pipe in ready:
                self._hear(slot, job, finished)
            elif time.monotonic() >= slot.deadline:
                self._overrun(slot, job, finished)

    def _hear(self, slot: Slot, job: Job, finished: list[Record]) -> None:
        """Act on a message from a worker, or on its end."""
        try:
            message = slot.pipe.recv()
            if isinstance(message, Ready):
                self._start(slot, job)
        except (EOFError, ConnectionResetError, BrokenPipeError):
            self._died(slot, job, finished)
            return
        if isinstance(message, Answered):
            too_late = message.at > job.limit
            job.record = late(job, message.at) if too_late else message.record
            job.ended = message.at
            slot.patience = time.monotonic() + self.preparation
        elif isinstance(message, Idle):
            slot.cpu, slot.job = message.cpu, None
            self._conclude(slot, job, message.samples, finished)

    def _conclude(self, slot: Slot, job: Job, samples: str, finished: list[Record]) -> None:
        """Take the record, or have the fallback answer in the same place."""
        record = replace(_made(job), samples=samples)
        why = reason_for_fallback(record)
        if job.first is not None:
            first, reason = job.first
            end_to_end = job.ended - job.requested[0]
            record = together(job.asked, first, record, reason, end_to_end)
        elif job.asked.fallback is not None and why is not None:
            again = fallback_task(job.asked)
            self._assign(slot, Job(job.asked, again, (job.requested[0], 0.0), (record, why)))
            return
        if job.asked.price is not None:
            record = replace(record, cost=job.asked.price(record))
        finished.append(record)

    def _overrun(self, slot: Slot, job: Job, finished: list[Record]) -> None:
        """Kill a worker whose time is up, and replace it."""
        end = self._kill(slot)
        if job.record is None:  # else it answered, but did not get its samples stored
            job.ended = time.monotonic()
            status, why = Status.KILLED, f"no answer within {over(job)}; the worker was killed"
            if not job.started:
                limit = f"{self.preparation:g} s"
                status, why = Status.FAILED, f"the worker was not ready within {limit}"
            job.record = without_answer(slot, job, end, status, why)
        self._conclude(self._replaced(slot), job, "", finished)

    def _died(self, slot: Slot, job: Job, finished: list[Record]) -> None:
        """Tell what became of a worker that ended by itself, and replace it."""
        end = self._exit_of(slot.number)
        if job.record is None:
            job.ended = time.monotonic()
            status, why = Status.FAILED, f"the worker process died: {manner(end.status)}"
            if end.status == -signal.SIGALRM:
                status, why = Status.KILLED, f"no answer within {over(job)}; the worker was ended"
            job.record = without_answer(slot, job, end, status, why)
        self._conclude(self._replaced(slot), job, "", finished)

    def _replaced(self, slot: Slot) -> Slot:
        slot.pipe.close()
        slot.log.unlink(missing_ok=True)
        fresh = self._hire()
        self._slots[self._slots.index(slot)] = fresh
        return fresh

    def _kill(self, slot: Slot) -> Reply:
        self._control.sendall(REQUEST.pack(b"K", slot.number))
        return self._exit_of(slot.number)

    def _exit_of(self, number: int) -> Reply:
        """Read the nursery's replies until one tells of a worker's end."""
        while number not in self._exits:
            raw = b""
            while len(raw) < Reply.layout.size:
                part = self._control.recv(Reply.layout.size - len(raw))
                if not part:
                    raise RunError("the workers' parent process has ended; make new workers")
                raw += part
            reply = Reply.from_bytes(raw)
            if not reply.born:
                self._exits[reply.number] = reply
        return self._exits.pop(number)

    def _abandon(self, finished: list[Record]) -> None:
        """Kill what is under way; take what is complete."""
        if self._closed:
            return
        for slot in list(self._slots):
            job = slot.job
            if job is None:
                continue
            with contextlib.suppress(EOFError, OSError):
                while job.record is None and slot.pipe.poll():
                    if isinstance(message := slot.pipe.recv(), Answered):
                        job.record, job.ended = message.record, message.at
            self._kill(slot)
            self._replaced(slot)
            if job.record is not None and job.first is None:
                unanswered = reason_for_fallback(job.record) is not None
                if job.asked.fallback is None or not unanswered:
                    finished.append(replace(job.record, samples=""))


def _made(job: Job) -> Record:
    if job.record is None:
        raise RunError("a worker ended an attempt without a record; this is a fault of Qupel")
    return job.record


def preloaded(*names: str) -> tuple[str, ...]:
    """Modules of registered solvers, to be imported before workers are forked."""
    from qupel.solvers.registry import implementations

    return tuple(sorted({made.__module__ for name in names for made in implementations(name)}))


def processes(count: int | None = None) -> int:
    """How many workers to use: ``count``, or one for each processor core we may use."""
    from qupel.runs.provenance import machine

    found: Any = count if count is not None else int(machine()["cores"])
    return max(1, int(found))
