"""The breaker: how often a dead provider is asked in an hour, by all processes together."""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chaos.crowd import SharedClock
from chaos.finding import Finding
from chaos.nursery import nursery
from chaos.options import Options, Say
from chaos.places import Place, places
from qupel.runs.database import Database

PROCESSES, JOBS, HOUR = 10, 3, 3600.0
#: Three failures open it; then one probe a minute is let through.
MOST = 63


@dataclass(slots=True, eq=False)
class Dead:
    """A port where connections are taken, counted and reset: the provider's own count of calls.

    Attributes
    ----------
    calls
        Connections so far.
    """

    socket: socket.socket
    calls: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        """Count until it is over."""
        self.socket.settimeout(0.1)
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self.socket.accept()
                self.calls += 1
                linger = struct.pack("ii", 1, 0)  # on, for no time: RST in place of FIN
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()


@contextlib.contextmanager
def dead_provider() -> Iterator[tuple[str, Dead]]:
    """Address of a provider that answers nothing, and its count."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dead = Dead(listening)
        thread = threading.Thread(target=dead.serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", dead
        finally:
            dead.over.set()
            thread.join()


def main(options: Options, say: Say) -> list[Finding]:
    """Let an hour pass for ten processes on every database there is."""
    return [
        one_hour(name, place, options, at_once=at_once)
        for name, place in places(options).items()
        for at_once in (False, True)
    ]


def one_hour(name: str, place: Place, options: Options, *, at_once: bool) -> Finding:
    """Let an hour pass on a clock that all processes share.

    Processes begin one after the other, or all at the same moment.
    """
    tick = options.size(20, 30)
    processes = options.size(PROCESSES, 4)
    ticks = int(HOUR / tick) + 1
    with (
        place() as database,
        tempfile.TemporaryDirectory() as folder,
        dead_provider() as (url, dead),
    ):
        Database.open(database).close()
        memory, ready = Path(folder) / "clock", Path(folder) / "ready"
        memory.write_bytes(bytes(8))
        ready.touch()
        clock = SharedClock.at(memory)
        began = time.monotonic()
        with nursery(Path(folder) / "said") as forked:
            alive = set()
            for number in range(processes):
                given = {
                    "database": database,
                    "url": url,
                    "clock": str(memory),
                    "ready": str(ready),
                    "process": number,
                    "jobs": JOBS,
                    "begins": 0 if at_once else number,
                    "ticks": ticks,
                    "tick": tick,
                }
                alive.add(forked.start("chaos.crowd:ask_the_dead", given))
            passed = 0
            while alive:
                ended = forked.over()
                alive -= set(ended)
                if any(ended.values()):
                    said = (Path(folder) / "said").read_text()[-2000:]
                    raise RuntimeError(f"a process of the breaker's section failed: {said}")
                if ready.stat().st_size >= processes * (passed + 1) and passed < ticks:
                    passed += 1
                    clock.move_to(passed * tick)
                time.sleep(0.001)
    words = "all begin at once" if at_once else "one begins after the other"
    return Finding(
        promise=f"breaker: a provider that is dead for an hour, {words}, {name}",
        target=f"at most {MOST} calls",
        figure=f"{dead.calls} calls",
        n=f"{processes} processes, {processes * JOBS} jobs, an hour on a shared clock",
        passed=3 <= dead.calls <= MOST,
        seconds=time.monotonic() - began,
    )
