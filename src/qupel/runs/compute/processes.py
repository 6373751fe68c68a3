"""Fan-out over processes of this machine, each killed if it overruns, replaced if it dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from qupel.errors import InputError, RunError
from qupel.runs.compute.contract import Cell, Given, Made, Options
from qupel.runs.compute.work import Chunk, Work, run_chunk

#: Seconds between two looks whether somebody cancelled.
LOOK = 0.2
#: Seconds that a process may take to start.
START = 60.0
READY = b"ready"


@dataclass(slots=True, eq=False)
class Slot:
    """A process, our end of its pipe, and what it works on until when."""

    process: BaseProcess
    pipe: Connection
    chunk: Chunk | None = None
    deadline: float | None = None


@dataclass(slots=True)
class Processes:
    """Processes that stay until `close`, so that they import what a function needs once.

    Attributes
    ----------
    count
        How many; one for each processor core we may use unless given.
    """

    count: int | None = None
    _slots: list[Slot] = field(default_factory=list, init=False, repr=False)
    _closed: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise InputError(f"processes must be at least 1, got {self.count}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How many processes there are at most."""
        return self.count or len(os.sched_getaffinity(0))

    def map(
        self,
        function: Callable[[Given], Made],
        cells: Iterable[Given],
        options: Options = Options(),  # noqa: B008  frozen
    ) -> list[Cell[Made]]:
        """Call a function for every cell; see `qupel.runs.compute.contract.Compute`."""
        if self._closed:
            raise RunError("these processes were closed; make new ones")
        work = Work(function, cells, options, self.size)
        try:
            while not work.is_done:
                if options.cancelled.is_set():
                    break
                self._dispatch(work)
                self._listen(work)
        finally:
            for slot in [slot for slot in self._slots if slot.chunk is not None]:
                self._end(slot)
        return work.results()

    def close(self) -> None:
        """End every process."""
        self._closed = True
        for slot in self._slots:
            with suppress(OSError):
                slot.pipe.send_bytes(b"")
            slot.pipe.close()
        for slot in self._slots:
            slot.process.join(1.0)
            if slot.process.is_alive():
                slot.process.kill()
                slot.process.join()
            slot.process.close()
        self._slots.clear()

    def _dispatch(self, work: Work) -> None:
        """Give every free process a chunk, as long as there is one."""
        while work.waiting:
            free = next((slot for slot in self._slots if slot.chunk is None), None)
            if free is None and len(self._slots) >= self.size:
                return
            chunk, cells = work.begin()
            if not cells:
                continue
            free = free or self._hire()
            free.chunk = chunk
            seconds = work.options.seconds
            free.deadline = None if seconds is None else time.monotonic() + seconds
            try:
                free.pipe.send_bytes(pickle.dumps((work.function, cells)))
            except (BrokenPipeError, ConnectionResetError):
                self._died(free, work)

    def _listen(self, work: Work) -> None:
        """Wait for results, deaths and deadlines."""
        busy = [slot for slot in self._slots if slot.chunk is not None]
        now = time.monotonic()
        limits = [slot.deadline - now for slot in busy if slot.deadline is not None]
        ready = wait([slot.pipe for slot in busy], timeout=max(0.0, min([LOOK, *limits])))
        for slot in busy:
            if slot.pipe in ready:
                self._hear(slot, work)
            elif slot.deadline is not None and time.monotonic() >= slot.deadline:
                chunk = slot.chunk
                self._end(slot)
                if chunk is not None:
                    seconds = work.options.seconds
                    work.fail(chunk, RunError(f"no result within {seconds:g} s; it was killed"))

    def _hear(self, slot: Slot, work: Work) -> None:
        try:
            raw = slot.pipe.recv_bytes()
        except (EOFError, OSError):
            self._died(slot, work)
            return
        chunk, slot.chunk = slot.chunk, None
        if chunk is not None:
            work.take(chunk, pickle.loads(raw))  # noqa: S301  our own process

    def _died(self, slot: Slot, work: Work) -> None:
        """Begin a chunk again whose process died, cell by cell: one of them may be the reason."""
        chunk = slot.chunk
        status = self._end(slot)
        if chunk is not None:
            work.again(chunk, status)

    def _hire(self) -> Slot:
        ours, theirs = multiprocessing.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        try:
            started = ours.poll(START) and ours.recv_bytes() == READY
        except (EOFError, OSError):
            started = False
        if not started:
            process.kill()
            process.join()
            raise RunError(f"a process could not be started within {START:g} s")
        slot = Slot(process, ours)
        self._slots.append(slot)
        return slot

    def _end(self, slot: Slot) -> int | None:
        """Kill a process; return how it ended."""
        slot.process.join(0.0)
        slot.process.kill()
        slot.process.join()
        slot.pipe.close()
        self._slots.remove(slot)
        return slot.process.exitcode


_SPAWN = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang


def _serve(pipe: Connection, asker: int) -> None:
    """Serve until the other end closes; the asker's death closes it too.

    What a cell prints goes to stderr: the asker's stdout is for results.
    """
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the asker, who ends us
    threading.Thread(target=_die_with, args=(asker,), daemon=True).start()
    pipe.send_bytes(READY)
    while True:
        try:
            raw = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if not raw:
            return
        function, cells = pickle.loads(raw)  # noqa: S301  from the process that started us
        made = run_chunk(function, cells)
        try:
            pipe.send_bytes(pickle.dumps(made))
        except OSError:
            return  # nobody waits for it any more


def _die_with(asker: int) -> None:
    """End this process, in the midst of a cell too, once the asker is gone."""
    while os.getppid() == asker:
        time.sleep(1.0)
    os._exit(1)
