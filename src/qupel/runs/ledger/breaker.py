"""Circuit breakers in the database: one for each device of a provider, shared by all processes.

Consecutive failures open one. While it is open, one call in each interval is let through over
all processes, by a conditional update; the first call that succeeds closes it. A device that has
not answered lately, or whose last call failed, is unproven: calls to it go one at a time, so
that many who meet a dead provider together make no more calls than one would. A frozen breaker
lets no new job through until a person thaws it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from qupel.runs.database import insert_into
from qupel.runs.ledger.retry import Patience
from qupel.runs.tables import breakers

#: In place of a device: all of a provider's.
ALL = "*"
#: Seconds until a call is asked for again that waits for another one's outcome.
TURN = 0.2


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a device has answered lately.

    Attributes
    ----------
    provider, device
        Which one.
    failures
        Consecutive ones, as of now.
    opened
        UTC seconds since when calls are held back; None if they are not.
    probe
        UTC seconds of the next call that is let through while it is open or unproven.
    frozen
        Why no new job is paid there until a person agrees; empty if nothing is amiss.
    reconciled
        UTC seconds of the last reconciliation with the provider, None for never.
    answered
        UTC seconds of an answer, renewed in each half interval with one; None for never.
    """

    provider: str
    device: str
    failures: int = 0
    opened: float | None = None
    probe: float = 0.0
    frozen: str = ""
    reconciled: float | None = None
    answered: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self.opened is not None

    def is_proven(self, now: float, patience: Patience) -> bool:
        """Whether it answered within an interval, and nothing has failed since."""
        if self.is_open or self.failures or self.answered is None:
            return False
        return abs(now - self.answered) <= patience.probe


def breaker_of(connection: sa.Connection, provider: str, device: str) -> Breaker:
    """The breaker of a device; one that never saw a failure if there is none."""
    rows = {row.device: row for row in connection.execute(_FIND, {"p": provider, "d": device})}
    found = Breaker(*rows[device]) if device in rows else Breaker(provider, device)
    if ALL in rows and rows[ALL].frozen:
        found = replace(found, frozen=rows[ALL].frozen)
    return found


def admit(connection: sa.Connection, breaker: Breaker, now: float, patience: Patience) -> float:
    """Seconds until a call may be made: 0 for now, which takes the one turn there is.

    The turn of an unproven device ends with the call's outcome; if its process is killed before,
    after an interval.
    """
    if breaker.is_proven(now, patience):
        return 0.0
    here = _at(connection, breaker.provider, breaker.device)
    taken = connection.execute(
        sa.update(breakers)
        .where(
            *here,
            # A probe further away than its interval was set by a clock that was wrong.
            sa.or_(breakers.c.probe <= now, breakers.c.probe > now + 2 * patience.probe),
        )
        .values(probe=now + patience.probe)
    )
    if taken.rowcount:
        return 0.0
    if not breaker.is_open:
        return TURN
    return max(0.05, breaker.probe - now if breaker.probe > now else patience.probe)


def failed(
    connection: sa.Connection, provider: str, device: str, now: float, patience: Patience
) -> bool:
    """Count a failure, which ends a turn; True if it opened the breaker."""
    here = _at(connection, provider, device)
    connection.execute(sa.update(breakers).where(*here).values(failures=breakers.c.failures + 1))
    opened = connection.execute(
        sa.update(breakers)
        .where(*here, breakers.c.opened.is_(None), breakers.c.failures >= patience.failures)
        .values(opened=now, probe=now + patience.probe)
    )
    closed = breakers.c.opened.is_(None)
    connection.execute(sa.update(breakers).where(*here, closed).values(probe=0.0))
    return bool(opened.rowcount)


def pass_on(connection: sa.Connection, provider: str, device: str) -> None:
    """End a turn in which nothing was learnt about the provider: the next may call."""
    here = (breakers.c.provider == provider, breakers.c.device == device)
    connection.execute(sa.update(breakers).where(*here).values(probe=0.0))


def give_back(connection: sa.Connection, breaker: Breaker, turn: float) -> None:
    """End a turn that neither an answer nor a failure has ended; an open breaker keeps its."""
    connection.execute(
        sa.update(breakers)
        .where(
            breakers.c.provider == breaker.provider,
            breakers.c.device == breaker.device,
            breakers.c.opened.is_(None),
            breakers.c.probe == turn,
        )
        .values(probe=0.0)
    )


def succeeded(connection: sa.Connection, breaker: Breaker, now: float, patience: Patience) -> bool:
    """Note that the provider answered; True if that closed the breaker."""
    here = _at(connection, breaker.provider, breaker.device)
    stale = sa.or_(
        breakers.c.failures > 0,
        breakers.c.opened.is_not(None),
        breakers.c.answered.is_(None),
        sa.not_(breakers.c.answered.between(now - patience.probe / 2, now)),
    )
    noted = connection.execute(
        sa.update(breakers)
        .where(*here, stale)
        .values(failures=0, opened=None, probe=0.0, answered=now)
    )
    return breaker.is_open and bool(noted.rowcount)


def freeze(connection: sa.Connection, provider: str, why: str, device: str = ALL) -> None:
    """Pay no new job at a provider; an empty reason thaws it."""
    here = _at(connection, provider, device)
    connection.execute(sa.update(breakers).where(*here).values(frozen=why))


def _at(
    connection: sa.Connection, provider: str, device: str
) -> tuple[sa.ColumnElement[bool], ...]:
    """Where the row of a device is, which from now on is there."""
    key = {"provider": provider, "device": device}
    connection.execute(insert_into(breakers, connection).values(**key).on_conflict_do_nothing())
    return breakers.c.provider == provider, breakers.c.device == device


_FIND = sa.select(breakers).where(
    breakers.c.provider == sa.bindparam("p"), breakers.c.device.in_([sa.bindparam("d"), ALL])
)
