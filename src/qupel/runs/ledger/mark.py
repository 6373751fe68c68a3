"""The mark: how far the books had come when the last request left, kept beside the database.

A restored backup has fewer events than were written before the last request went out. A number in
a small file tells so without a person: it is raised to the number of each intent after the intent
was committed and before the request leaves. Until something older takes the database's place, no
death of a process makes the mark the higher one; when a ledger opens and finds it higher, the
ledger is put in quarantine, as after ``qupel jobs reconcile --restored``.

Chosen over looking at the provider before each first submission after a start: that costs a
listing a job, tells nothing where jobs cannot be listed, and misses orders that are planned anew.

What it does not see: a mark that was restored together with its database (a snapshot of a whole
machine), a folder where it cannot be written, which does not stop payments, and requests of the
last seconds before a power failure, since it is written without waiting for the disk. A mark that
is missing or unreadable counts as none and is made anew by the next intent. Copied together with
its database to another machine it raises no alarm there. A database of another name in the same
folder shares it where it is a copy: opening such a copy puts the copy in quarantine, rightly.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from qupel.runs.ledger.facts import set_quarantine
from qupel.runs.ledger.hands import writing
from qupel.runs.tables import events, ledger_facts

if TYPE_CHECKING:
    from qupel.runs.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Mark:
    """A number in a file that several processes raise, and none lowers.

    Attributes
    ----------
    path
        The file; it need not be there yet.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, installation: str) -> Mark:
        """Return the mark of a ledger, in the folder of its database."""
        return cls(folder / f"intents-{installation}.mark")

    def read(self) -> int:
        """The number; 0 if there is none that can be read."""
        try:
            return _number(self.path.read_bytes())
        except OSError:
            return 0

    def raise_to(self, number: int) -> None:
        """Write a number down, unless a higher one stands there already."""
        # Who pays is not stopped by a folder that cannot be written.
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if number > _number(os.pread(file, 64, 0)):
                    os.pwrite(file, b"%020d\n" % number, 0)
            finally:
                os.close(file)


def notice_restored(ledger: Ledger) -> None:
    """Put a ledger in quarantine whose database is older than the last request it sent.

    Its log goes on above the mark, so that this backup is noticed once, and the next one again.
    """
    stood = ledger.mark.read()  # before the database: both only grow, and the mark comes second
    if not stood:
        return
    with ledger.database.reading() as connection:
        if _highest(connection) >= stood:
            return
    with writing(ledger) as tx:
        named = sa.select(ledger_facts).where(ledger_facts.c.name == "installation")
        tx.connection.execute(named.with_for_update())
        highest = _highest(tx.connection)
        if highest >= stood:  # another process was first
            return
        set_quarantine(tx.connection, tx.now)
        why = (
            f"the books end with event {highest}, and requests were sent until event {stood}: "
            "this is a restored backup; reconcile every backend before it is paid again"
        )
        tx.log("quarantine", None, alarm=True, why=why)
        told = tx.told[-1]
        moved = sa.update(events).where(events.c.number == told.number)
        tx.connection.execute(moved.values(number=stood + 1))
        if tx.connection.dialect.name == "postgresql":
            sequence = sa.func.pg_get_serial_sequence("events", "number")
            tx.connection.execute(sa.select(sa.func.setval(sequence, stood + 1)))
        tx.told[-1] = replace(told, number=stood + 1)


def _number(text: bytes) -> int:
    """The number in a mark; 0 for anything else."""
    digits = text.strip()
    return int(digits) if len(digits) == 20 and digits.isdigit() else 0


def _highest(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(events.c.number))).scalar() or 0
