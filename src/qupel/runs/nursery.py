"""The process that workers are forked from: everything heavy is imported once, before.

Started as ``python -m qupel.runs.nursery FD`` with one end of a stream socket. It forks a worker
for every request, so that a killed one is replaced in milliseconds, and it is the only one that
kills and reaps workers: a process id cannot belong to somebody else while its parent has not
reaped it. When the other end closes, even because its process was killed, all workers end.

Requests are ``F`` (fork; the worker's socket comes along), ``K`` (kill) and a number; replies are
`Reply` records.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import os
import pickle
import selectors
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar, Self

from qupel.runs.usage import peak_of

REQUEST = struct.Struct("<ci")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the nursery says of a worker.

    Attributes
    ----------
    born
        True when it was forked, False when it has ended.
    number
        The worker's number.
    pid
        Its process id.
    status
        Its exit code; minus the signal that ended it.
    peak
        Its peak resident bytes; of the attempt, if it was killed, else of its whole life.
    cpu
        Processor seconds of its whole life, its children included.
    """

    layout: ClassVar[struct.Struct] = struct.Struct("<?iiiqd")

    born: bool
    number: int
    pid: int
    status: int = 0
    peak: int = 0
    cpu: float = 0.0

    def to_bytes(self) -> bytes:
        """Return the reply as sent."""
        return self.layout.pack(self.born, self.number, self.pid, self.status, self.peak, self.cpu)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a reply."""
        return cls(*cls.layout.unpack(raw))


@dataclass(slots=True)
class Nursery:
    """Forks, kills and reaps workers.

    Attributes
    ----------
    control
        Socket of requests and replies.
    logs
        Folder in which each worker's output goes to a file of its own, and temporary files go.
    workers
        Process id of each living worker by number.
    peaks
        Peak of those that were killed, read before.
    """

    control: socket.socket
    logs: Path
    workers: dict[int, int] = field(default_factory=dict)
    peaks: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Serve until the other end closes, then end all workers."""
        waking, woken = socket.socketpair()
        for end in (waking, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with selectors.DefaultSelector() as ready:
            ready.register(self.control, selectors.EVENT_READ)
            ready.register(waking, selectors.EVENT_READ)
            open_still = True
            while open_still:
                for key, _ in ready.select():
                    if key.fileobj is waking:
                        with contextlib.suppress(BlockingIOError):
                            waking.recv(4096)
                        self._reap()
                    else:
                        open_still = self._serve(waking, woken)
        for number in list(self.workers):
            self._kill(number)
        signal.set_wakeup_fd(-1)  # the last workers die after the sockets are closed
        shutil.rmtree(self.logs, ignore_errors=True)  # our owner may have been killed

    def _serve(self, *private: socket.socket) -> bool:
        """Serve one request; False if there will be no more."""
        try:
            raw, handles, _, _ = socket.recv_fds(self.control, REQUEST.size, 1)
        except ConnectionResetError:  # closed with replies unread
            return False
        if len(raw) < REQUEST.size:
            return False
        word, number = REQUEST.unpack(raw)
        if word == b"F":
            self._fork(number, handles[0], private)
        elif number in self.workers:
            self._kill(number)
        return True

    def _fork(self, number: int, handle: int, private: tuple[socket.socket, ...]) -> None:
        pid = os.fork()
        if pid == 0:
            for end in (self.control, *private):
                end.close()
            _live(handle, self.logs / f"worker-{number}.log")
        os.close(handle)
        self.workers[number] = pid
        self._reply(Reply(born=True, number=number, pid=pid))

    def _kill(self, number: int) -> None:
        pid = self.workers[number]
        self.peaks[number] = peak_of(pid)
        end_session(pid)

    def _reap(self) -> None:
        for number, pid in list(self.workers.items()):
            # Look without reaping: its id names the session until all it started is ended.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            end_session(pid)
            _, status, usage = os.wait4(pid, 0)
            del self.workers[number]
            scale = 1 if sys.platform == "darwin" else 1024
            self._reply(
                Reply(
                    born=False,
                    number=number,
                    pid=pid,
                    status=os.waitstatus_to_exitcode(status),
                    peak=self.peaks.pop(number, 0) or usage.ru_maxrss * scale,
                    cpu=usage.ru_utime + usage.ru_stime,
                )
            )

    def _reply(self, reply: Reply) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.control.sendall(reply.to_bytes())


def end_session(leader: int) -> None:
    """Kill a process that leads a session, and everything that it started in it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    for _ in range(5):  # what is killed may be starting a process just then
        members = _session_members(leader)
        if not members:
            return
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _session_members(leader: int) -> list[int]:
    """Processes of a session that still run, as Linux lists them; empty elsewhere."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(session) == leader and state not in "ZX":
            found.append(int(folder.name))
    return found


def _live(handle: int, log: Path) -> None:
    """Be a worker, in a session of its own, its output in a file; never returns."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _die_with_parent()
        # What a killed attempt leaves behind is swept away with the folder.
        tempfile.tempdir = os.environ["TMPDIR"] = str(log.parent)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        faulthandler.enable(file=2)
        from qupel.runs.worker import serve

        serve(Connection(handle), output)
        code = 0
    finally:
        os._exit(code)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main() -> None:
    """Import what all workers need, answer with an empty line (or what is wrong), and serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    with control.makefile("rb") as first:
        path, logs, modules = pickle.load(first)  # noqa: S301  from the process that started us
    sys.path[:] = path
    from qupel.runs import provenance

    try:
        for name in ("qupel.runs.worker", *modules):
            importlib.import_module(name)
    except ImportError as error:
        control.sendall(f"{error}\n".encode())
        return
    for learn in (provenance.versions, provenance.machine, provenance.revision):
        learn()
    gc.collect()
    gc.freeze()  # workers share these objects with us for as long as they leave them alone
    control.sendall(b"\n")
    Nursery(control, Path(logs)).run()


if __name__ == "__main__":
    main()
