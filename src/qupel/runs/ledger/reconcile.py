"""Reconciling the books with a provider, and decisions that only a person can make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities, Lookup
from qupel.errors import InputError, RefusedError, UnreadableReplyError
from qupel.runs.database import insert_into
from qupel.runs.ledger.conclusions import adopt, conclude, doubt, owner_of
from qupel.runs.ledger.facts import quarantined_since, set_quarantine
from qupel.runs.ledger.hands import writing
from qupel.runs.ledger.jobs import FINAL, Job, JobState, job_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.naming import read_tag
from qupel.runs.ledger.strays import file_orphan, file_second
from qupel.runs.ledger.submission import submission
from qupel.runs.tables import attempts, breakers, jobs


@runtime_checkable
class Listing(Protocol):
    """A backend whose provider may list jobs by the beginning of their tag."""

    def listed(self, prefix: str) -> Iterable[tuple[str, str]]:
        """Provider's name and tag of the device's accepted jobs whose tag begins so.

        Raises
        ------
        TransientError
            If the provider cannot be asked now.
        RefusedError
            If it lists no jobs.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a reconciliation found.

    Attributes
    ----------
    adopted
        Our jobs that turned out to be accepted.
    orphans, seconds
        Provider jobs that no job, or no attempt, of ours accounted for.
    ambiguous
        Our jobs whose fate is still not known.
    lists
        Whether the provider could list jobs by tag; without that, orphans are not found.
    lifted
        Whether this backend may be paid again, or was never held back.
    wait
        Seconds after which to reconcile again, where that is needed; else None.
    """

    adopted: tuple[str, ...]
    orphans: tuple[str, ...]
    seconds: tuple[str, ...]
    ambiguous: tuple[str, ...]
    lists: bool
    lifted: bool
    wait: float | None

    def document(self) -> dict[str, Any]:
        """The findings as plain data."""
        return {
            "adopted": list(self.adopted),
            "orphans": list(self.orphans),
            "seconds": list(self.seconds),
            "ambiguous": list(self.ambiguous),
            "lists": self.lists,
            "lifted": self.lifted,
            "wait": self.wait,
        }


def reconcile(ledger: Ledger, backend: Backend) -> Reconciliation:
    """Compare our books with what a provider has, and adopt what is ours.

    Nothing is submitted, and no ambiguous job is given up: it is adopted, or stays as it is.

    Raises
    ------
    TransientError, UnknownOutcomeError
        If the provider cannot be asked now; what was learned until then is kept.
    """
    able, name = backend.capabilities(), f"{backend.provider}:{backend.device}"
    adopted: list[str] = []
    orphans: list[str] = []
    seconds: list[str] = []
    listed = _listed(backend, ledger.prefix)
    _take_in(ledger, listed or (), name, adopted, orphans, seconds)
    with ledger.database.reading() as connection:
        since = quarantined_since(connection)
        here = jobs.c.backend == name
        standing = [JobState.AMBIGUOUS.value]
        if since is not None:
            standing += [JobState.PLANNED.value, JobState.INTENDED.value]
        rows = connection.execute(sa.select(jobs).where(here, jobs.c.state.in_(standing))).all()
    for row in rows:
        _look_again(ledger, backend, able, row, since, adopted, seconds)
    wait = _rest_of_settling(able, since, ledger.clock.now())
    with writing(ledger) as tx:
        if wait is None:  # last, since whoever ends a job holds its row and then the breaker's
            tx.last.append(lambda: _mark_reconciled(tx.connection, backend, tx.now))
        left = tx.connection.execute(
            sa.select(jobs.c.id).where(here, jobs.c.state == JobState.AMBIGUOUS.value)
        )
        ambiguous = tuple(left.scalars())
        # Bills and orders that were put off are asked about again.
        unsettled = (here, jobs.c.state.in_([*FINAL]), jobs.c.settled.is_(False))
        tx.connection.execute(sa.update(jobs).where(*unsettled).values(due=tx.now))
        tx.log("reconciled", None, backend=name, adopted=adopted, orphans=orphans, second=seconds)
    found = (tuple(adopted), tuple(orphans), tuple(seconds))
    return Reconciliation(*found, ambiguous, listed is not None, wait is None, wait)


def quarantine(ledger: Ledger, why: str) -> None:
    """Pay nothing at any backend before it has been reconciled: after restoring a backup."""
    with writing(ledger) as tx:
        set_quarantine(tx.connection, tx.now)
        tx.log("quarantine", None, alarm=True, why=why)


def resolve(
    ledger: Ledger,
    job_id: str,
    *,
    adopt_job: str = "",
    not_accepted: bool = False,
    again: bool = False,
    who: str = "",
) -> Job:
    """Decide, as a person who has asked the provider, what became of an ambiguous job.

    Parameters
    ----------
    ledger, job_id
        Which job; it must be ambiguous.
    adopt_job
        The provider's name of the job that was accepted.
    not_accepted
        Nothing was accepted, or nothing is owed: its money is released.
    again
        With ``not_accepted``: submit it once more, instead of ending it.
    who
        Who decided; it is written down.

    Raises
    ------
    InputError
        If the job is not ambiguous, or not exactly one decision is given.
    """
    if bool(adopt_job) == not_accepted or (again and not not_accepted):
        raise InputError("decide one thing: the provider's job to adopt, or that none was accepted")
    with writing(ledger) as tx:
        row = tx.job(job_id)
        if row.state != JobState.AMBIGUOUS:
            raise InputError(f"job {job_id} is {row.state}; only an ambiguous job is resolved")
        tx.log("resolved", row, who=who, adopt=adopt_job, not_accepted=not_accepted, again=again)
        if adopt_job and (owner := owner_of(tx, row, adopt_job)):
            raise InputError(f"{adopt_job} is the provider's name of job {owner} already")
        if adopt_job and row.provider_job in {"", adopt_job}:
            tx.update(row, provider_job="", odd_since=None, cancel_sent=None)
            adopt(tx, tx.job(job_id), adopt_job, row.attempts, f"resolved by {who or 'a person'}")
        elif adopt_job:
            raise InputError(f"job {job_id} is {row.provider_job} at its provider, not {adopt_job}")
        elif again:
            values = {"state": JobState.PLANNED.value, "series": row.series + 1}
            values |= {"token": row.token + 1, "tries": 0, "provider_job": "", "reported": ""}
            tx.update(row, due=tx.now, why="", cause="", **values)
        else:
            why = f"not accepted, as {who or 'a person'} found out"
            tx.update(row, token=row.token + 1)
            conclude(tx, tx.job(job_id), JobState.CANCELLED, why=why, free=True)
        return job_of(tx.job(job_id))


def thaw(ledger: Ledger, provider: str, who: str = "") -> None:
    """Pay new jobs at a frozen provider again."""
    with writing(ledger) as tx:
        tx.connection.execute(
            sa.update(breakers).where(breakers.c.provider == provider).values(frozen="")
        )
        tx.log("thawed", None, provider=provider, who=who)


def _listed(backend: Backend, prefix: str) -> list[tuple[str, str]] | None:
    """Jobs that the provider lists under our tags; None if it lists none."""
    if not isinstance(backend, Listing):
        return None
    try:
        return list(backend.listed(prefix))
    except RefusedError:
        return None


def _take_in(
    ledger: Ledger,
    listed: Iterable[tuple[str, str]],
    backend: str,
    adopted: list[str],
    orphans: list[str],
    seconds: list[str],
) -> None:
    """Take in what the provider lists under our tags."""
    for provider_job, tag in sorted(listed):
        told = read_tag(tag)
        if told is None or told[0] != ledger.prefix:
            continue
        with writing(ledger) as tx:
            known = sa.select(jobs.c.id).where(
                jobs.c.backend == backend, jobs.c.provider_job == provider_job
            )
            if tx.connection.execute(known).first() is not None:
                continue
            row = tx.connection.execute(sa.select(jobs).where(jobs.c.id == told[1])).first()
            if row is None:
                if file_orphan(tx, told[1], backend, provider_job):
                    orphans.append(provider_job)
            elif row.backend != backend:
                continue
            elif adopt(tx, tx.job(row.id), provider_job, _number(tx.connection, tag), "listed"):
                adopted.append(row.id)
            elif file_second(tx, row, provider_job):
                seconds.append(provider_job)


def _number(connection: sa.Connection, tag: str) -> int:
    """Number of the newest attempt under a tag; 0 if there is none."""
    chosen = sa.select(sa.func.max(attempts.c.number)).where(attempts.c.tag == tag)
    return connection.execute(chosen).scalar() or 0


def _look_again(
    ledger: Ledger,
    backend: Backend,
    able: Capabilities,
    row: sa.Row[Any],
    since: float | None,
    adopted: list[str],
    seconds: list[str],
) -> None:
    """Ask about one job whose fate is not known, or may not be what a restored backup says."""
    if row.provider_job:
        if _is_over(ledger, backend, row):
            adopted.append(row.id)
        return
    found, asked = [], able.lookup is not Lookup.NONE
    if asked:
        # A restored backup may not know of the latest series.
        more = ledger.retry.attempts if since is not None else 0
        try:
            found = _found(ledger, backend, row, row.series + more)
        except RefusedError:
            asked = False  # as good as a provider without a look-up
    with writing(ledger) as tx:
        fresh = tx.job(row.id)
        if found and adopt(tx, fresh, found[0], fresh.attempts, "found by reconciliation"):
            adopted.append(row.id)
        seconds += [name for name in found[1:] if file_second(tx, fresh, name)]
        blind = not asked or (able.lookup is Lookup.TAG and able.settle_seconds is None)
        planned = fresh.state == JobState.PLANNED and since is not None and fresh.planned <= since
        if not found and planned and blind:
            doubt(
                tx, fresh, "it was planned in a restored backup and may have been submitted since"
            )


def _is_over(ledger: Ledger, backend: Backend, row: sa.Row[Any]) -> bool:
    """Take an ambiguous job up again whose provider says how it ended."""
    try:
        status = backend.status(row.provider_job)
    except (RefusedError, UnreadableReplyError):
        return False  # it stays ambiguous: a person decides
    if not status.state.final:
        return False
    with writing(ledger) as tx:
        fresh = tx.job(row.id)
        if (fresh.state, fresh.token) != (row.state, row.token):
            return False  # somebody else was first
        values = {"state": JobState.SUBMITTED.value, "odd_since": None}
        tx.update(fresh, due=tx.now, cancel_sent=tx.now, token=fresh.token + 1, **values)
        tx.log("found over", fresh, word=status.word)
    return True


def _found(ledger: Ledger, backend: Backend, row: sa.Row[Any], newest: int) -> list[str]:
    with ledger.database.reading() as connection:
        orders = [
            submission(connection, row, series, ledger.prefix) for series in range(newest, 0, -1)
        ]
    found: list[str] = []
    for order in orders:
        found += [name for name in backend.find(order) if name not in found]
    return found


def _rest_of_settling(able: Capabilities, since: float | None, now: float) -> float | None:
    """Seconds until what was sent before a quarantine can be seen; None if it can be."""
    if since is None or able.lookup is not Lookup.TAG or able.settle_seconds is None:
        return None
    left = since + able.settle_seconds - now
    return left if left > 0 else None


def _mark_reconciled(connection: sa.Connection, backend: Backend, now: float) -> None:
    key = {"provider": backend.provider, "device": backend.device}
    connection.execute(insert_into(breakers, connection).values(**key).on_conflict_do_nothing())
    connection.execute(
        sa.update(breakers)
        .where(breakers.c.provider == backend.provider, breakers.c.device == backend.device)
        .values(reconciled=now)
    )
