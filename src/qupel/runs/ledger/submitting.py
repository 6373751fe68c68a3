"""Sending an order once, and clearing up what became of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Lookup
from qupel.errors import RefusedError, TransientError, UnknownOutcomeError
from qupel.runs.ledger.causes import Cause, cause_of
from qupel.runs.ledger.conclusions import adopt, conclude, doubt, fate_unknown, owner_of
from qupel.runs.ledger.decisions import LOOKED, Action
from qupel.runs.ledger.hands import Hands, one_line
from qupel.runs.ledger.jobs import AttemptState, JobState
from qupel.runs.ledger.strays import file_second
from qupel.runs.ledger.transaction import FencedError, Transaction
from qupel.runs.tables import jobs


def submit(hands: Hands, _: Action) -> None:
    """Send one request, under an attempt that is committed already."""
    ledger, row = hands.ledger, hands.row
    order = hands.order()
    _check_lease(hands)
    ledger.reached("submit: before post")
    began = ledger.clock.monotonic()
    try:
        name = hands.backend.submit(order)
        if not (isinstance(name, str) and name):
            raise UnknownOutcomeError(f"the backend named the job {name!r}")
    except (TransientError, RefusedError) as error:
        ledger.reached("submit: after post")
        _not_accepted(hands, error, ledger.clock.monotonic() - began)
        return
    except Exception as error:  # noqa: BLE001  whatever broke, the request may have been sent
        ledger.reached("submit: after post")
        _unknown(hands, error, ledger.clock.monotonic() - began)
        return
    seconds = ledger.clock.monotonic() - began
    ledger.reached("submit: after post")
    try:
        with hands.writing(durable=True) as tx:
            if owner := owner_of(tx, row, name):
                hands.answered(tx)
                _undecided(hands, tx, f"it was named {name!r}, as job {owner} is", seconds)
                return
            tx.update(
                row,
                state=JobState.SUBMITTED.value,
                provider_job=name,
                submitted=tx.now,
                tries=0,
                leased=0.0,
                due=hands.due(tx.now, ledger.patience.first),
            )
            _mark(tx, row, AttemptState.ACCEPTED, seconds, provider_job=name)
            tx.log("submitted", row, attempt=row.attempts, seconds=seconds, job=name)
            hands.answered(tx)
            ledger.reached("submit: before save")
    except FencedError:
        with hands.writing(durable=True) as tx:
            fresh = tx.job(row.id)
            _mark(tx, row, AttemptState.ACCEPTED, seconds, provider_job=name)
            if not adopt(tx, fresh, name, row.attempts, "its acceptance came late"):
                file_second(tx, fresh, name)


def _check_lease(hands: Hands) -> None:
    """Refuse to send on a lease that has run out or passed on.

    That nothing was sent is certain then, and written down, whoever has the job now.
    """
    row = hands.row
    with hands.ledger.database.reading() as connection:
        token = connection.execute(sa.select(jobs.c.token).where(jobs.c.id == row.id)).scalar()
    if token == row.token and hands.ledger.clock.now() < row.leased:
        return
    with hands.writing(durable=True) as tx:
        fresh = tx.job(row.id)
        _mark(tx, row, AttemptState.NOTHING_DONE, None, why="its lease ran out before it was sent")
        unsure = fate_unknown(tx, row, row.attempts)
        ours = fresh.token == row.token
        if not unsure and (ours or fresh.state == JobState.AMBIGUOUS):
            values = {"state": JobState.PLANNED.value, "token": fresh.token + 1}
            tx.update(fresh, leased=0.0, due=tx.now, why="", **values)
    raise FencedError(row.id)


def _mark(
    tx: Transaction, row: sa.Row[Any], state: AttemptState, seconds: float | None, **values: Any
) -> None:
    values |= {"state": state.value, "answered": tx.now, "seconds": seconds}
    tx.update_attempt(row.id, row.attempts, **values)


def _not_accepted(hands: Hands, error: Exception, seconds: float) -> None:
    """Nothing was accepted: try again later, or end the job."""
    ledger, row = hands.ledger, hands.row
    refused = isinstance(error, RefusedError)
    cause, why = cause_of(error, usual=Cause.CIRCUIT if refused else None), one_line(error)
    wait = ledger.retry.wait(error, row.tries + 1, float(ledger.rng.random()))
    with hands.writing(durable=True) as tx:
        state = AttemptState.REFUSED if refused else AttemptState.NOTHING_DONE
        _mark(tx, row, state, seconds, cause=cause.value, why=why)
        kind = "submission refused" if refused else "submission failed"
        tx.log(
            kind, row, attempt=row.attempts, seconds=seconds, why=why, cause=cause.value, retry=wait
        )
        earlier = fate_unknown(tx, row, row.attempts)
        if refused:
            if earlier:
                doubt(tx, row, f"an earlier request may have been accepted; now: {why}")
            else:
                conclude(tx, row, JobState.REFUSED, why=why, cause=cause, free=True)
            hands.answered(tx)
            return
        if wait is None and not earlier:
            why = f"{row.tries + 1} attempts failed, the last with: {why}"
            conclude(tx, row, JobState.FAILED, why=why, cause=cause, free=True)
            hands.unanswered(tx)
            return
        hands.unanswered(tx)
        # An earlier attempt of this series may still have been accepted: it stays intended.
        tx.update(
            row,
            state=(JobState.INTENDED if earlier else JobState.PLANNED).value,
            tries=row.tries + 1,
            leased=0.0,
            due=hands.due(tx.now, ledger.patience.longest if wait is None else wait),
            why=why,
            cause=cause.value,
        )
        if row.tries + 1 >= ledger.patience.unknown:
            doubt(tx, tx.job(row.id), f"{row.tries + 1} requests brought no certainty")


def _unknown(hands: Hands, error: Exception, seconds: float) -> None:
    """No reply, or none that tells what was done."""
    with hands.writing(durable=True) as tx:
        hands.unanswered(tx)
        _undecided(hands, tx, one_line(error), seconds)


def _undecided(hands: Hands, tx: Transaction, why: str, seconds: float) -> None:
    """The request may have been accepted: write that down; the next action clears it up."""
    ledger, row = hands.ledger, hands.row
    _mark(tx, row, AttemptState.UNKNOWN, seconds, cause=Cause.SERVICE.value, why=why)
    tx.log("outcome unknown", row, attempt=row.attempts, seconds=seconds, why=why)
    keyed = hands.able.lookup is Lookup.KEY
    wait = ledger.retry.backoff(row.tries + 1, float(ledger.rng.random())) if keyed else 0.0
    due = hands.due(tx.now, wait)
    tx.update(row, tries=row.tries + 1, leased=0.0, due=due, why=why, cause=Cause.SERVICE.value)
    if row.tries + 1 >= ledger.patience.unknown:
        doubt(tx, tx.job(row.id), f"{row.tries + 1} requests brought no certainty")


def look(hands: Hands, action: Action) -> None:
    """Ask whether the provider has the job already, under any of its tags."""
    ledger, row = hands.ledger, hands.row
    began = ledger.clock.monotonic()
    found: list[str] = []
    try:
        for series in range(row.series, 0, -1):
            found += [name for name in hands.backend.find(hands.order(series)) if name not in found]
    except RefusedError as error:
        with hands.writing() as tx:
            hands.answered(tx)
            doubt(tx, row, f"a request may have been accepted; the look-up was refused: {error}")
        return
    except Exception as error:  # noqa: BLE001  an adapter's fault must not end the look-up
        hands.failed("look-up failed", error)
        return
    seconds = ledger.clock.monotonic() - began
    ledger.reached("look: after find")
    with hands.writing(durable=True) as tx:
        hands.answered(tx)
        tx.log("looked up", row, attempt=row.attempts, seconds=seconds, found=found)
        ours = [name for name in found if not owner_of(tx, row, name)]
        if ours:
            adopt(tx, row, ours[0], row.attempts, "found by look-up")
            for name in ours[1:]:
                file_second(tx, row, name)
        elif found:
            doubt(tx, row, f"the provider names {', '.join(found)}, which other jobs have")
        else:
            _absent(hands, tx, action)


def _absent(hands: Hands, tx: Transaction, action: Action) -> None:
    """Nothing was found, and the look-up came late enough to mean that there is nothing."""
    row, able, ledger = hands.row, hands.able, hands.ledger
    sure = able.settle_seconds is not None and hands.since >= able.settle_seconds
    if able.lookup is Lookup.KEY and not action.why:
        # Whatever the look-up missed, the same key gives the same job.
        tx.update(row, reported=LOOKED, leased=0.0, due=tx.now)
        return
    if not sure and able.settle_seconds is not None:  # asked early, because it is wanted no more
        tx.update(row, leased=0.0, due=tx.now + able.settle_seconds - hands.since)
        return
    if not sure:
        doubt(tx, row, "it was not found, and nobody knows how late it may still turn up")
        return
    _mark(tx, row, AttemptState.ABSENT, None)
    if action.why:
        why = f"{action.why}; the provider has no such job"
        conclude(tx, row, JobState.CANCELLED, why=why, free=True)
    elif row.series >= ledger.retry.attempts:
        why = f"{row.series} submissions were lost on the way"
        conclude(tx, row, JobState.FAILED, why=why, cause=Cause.SERVICE, free=True)
    else:
        values = {"state": JobState.PLANNED.value, "series": row.series + 1}
        tx.update(row, leased=0.0, due=tx.now, **values)
