"""Leases: who is alive, told by a number that grows, and never by comparing clocks.

A process writes its beats; a peer takes it for dead when they have not grown for the lease's
length on the peer's own monotonic clock, or at once if it ran on the same machine and is not
there any more. One that was only asleep learns from its own row that it was taken for dead, and
stops.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.tables import executors

#: Seconds between two beats, and without one until a process is taken for dead.
BEAT, LEASE = 2.0, 15.0


@dataclass(slots=True)
class Lease:
    """The lease of this process, and its watch over the others.

    Attributes
    ----------
    database
        Holds the table of executors.
    executor
        Name of this process.
    seconds
        Without a beat until another is taken for dead.
    clock
        Only its monotonic time decides.
    """

    database: Database
    executor: str
    seconds: float = LEASE
    clock: Clock = field(default_factory=SystemClock)
    token: int = field(default=0, init=False)
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict, init=False, repr=False)

    def take(self) -> None:
        """Begin to live under this name.

        Raises
        ------
        InputError
            If a process of this name seems to be alive.
        """
        place, born = here(), birth(os.getpid())
        with self.database.writing() as connection:
            row = connection.execute(self._mine().with_for_update()).first()
            if row is not None and row.state == "alive" and not gone(row):
                raise InputError(
                    f"a worker of the name {self.executor!r} is alive (process {row.pid} on "
                    f"{row.place.partition('/')[0]}); give another --name, or wait for its end"
                )
            self.token = 1 if row is None else row.token + 1
            values = {
                "place": place,
                "pid": os.getpid(),
                "born": born,
                "beats": 0,
                "token": self.token,
                "state": "alive",
                "started": self.clock.now(),
                "ended": None,
                "adopted_by": "",
            }
            if row is None:
                connection.execute(sa.insert(executors).values(id=self.executor, **values))
            else:
                connection.execute(
                    sa.update(executors).where(executors.c.id == self.executor).values(**values)
                )

    def beat(self) -> bool:
        """Write a beat; False if this process was taken for dead and must stop."""
        with self.database.writing(durable=False) as connection:
            done = connection.execute(
                sa.update(executors)
                .where(
                    executors.c.id == self.executor,
                    executors.c.token == self.token,
                    executors.c.state == "alive",
                )
                .values(beats=executors.c.beats + 1)
            )
            return bool(done.rowcount)

    def leave(self) -> None:
        """End in good order: peers take over at once what is unfinished."""
        with self.database.writing() as connection:
            connection.execute(
                sa.update(executors)
                .where(executors.c.id == self.executor, executors.c.token == self.token)
                .values(state="left", ended=self.clock.now())
            )

    def bury(self, adopt: Callable[[str], object]) -> list[str]:
        """Have the work of processes that ended adopted; return the names of those that died.

        One that left in good order is no dead one. The row stays locked meanwhile, so that
        nobody begins to live under the name; and a process that dies in the midst of it leaves
        the ended one to the next.
        """
        found = []
        for name in self._ended():
            with self.database.writing() as connection:
                row = connection.execute(
                    sa.select(executors).where(executors.c.id == name).with_for_update()
                ).first()
                if row is None or row.adopted_by:
                    continue
                alive = row.state == "alive"
                if alive and not gone(row) and row.beats != self._seen.get(name, (-1, 0.0))[0]:
                    continue
                adopt(name)
                ended = {"state": "dead", "ended": self.clock.now()} if alive else {}
                connection.execute(
                    sa.update(executors)
                    .where(executors.c.id == name)
                    .values(adopted_by=self.executor, **ended)
                )
            if alive:
                found.append(name)
        return found

    def _ended(self) -> list[str]:
        """Names of others that left, are gone, or have been silent for the lease's length."""
        now = self.clock.monotonic()
        chosen = sa.select(executors).where(executors.c.adopted_by == "")
        with self.database.reading() as connection:
            rows = connection.execute(chosen).all()
        others = [row for row in rows if row.id != self.executor]
        for row in others:
            if self._seen.get(row.id, (-1, 0.0))[0] != row.beats:
                self._seen[row.id] = (row.beats, now)
        return [
            row.id
            for row in others
            if row.state != "alive" or gone(row) or now - self._seen[row.id][1] > self.seconds
        ]

    def _mine(self) -> sa.Select[tuple[object, ...]]:
        return sa.select(executors).where(executors.c.id == self.executor)


def fresh_name() -> str:
    """Name of a process that nobody had before."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def here() -> str:
    """Name of this machine since it was started, and of this container in it."""
    boot = namespace = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()}/{boot}/{namespace}"


def birth(pid: int) -> str:
    """When a process of this machine was started, in ticks since boot; empty if it is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else rest[18]


def gone(row: sa.Row[tuple[object, ...]]) -> bool:
    """Whether a process is known to have ended: it ran here, and is not here any more."""
    if row.place != here() or not Path("/proc/self/stat").exists():
        return False
    return birth(int(row.pid)) != row.born
