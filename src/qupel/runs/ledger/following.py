"""Following an accepted job to its end: status, result, cancellation, bill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Bills, JobStatus, State
from qupel.errors import RefusedError, UnreadableReplyError
from qupel.model.money import Money
from qupel.runs.ledger.causes import Cause, cause_of
from qupel.runs.ledger.checks import checked_result
from qupel.runs.ledger.conclusions import (
    BILL_ALARM,
    BILL_SECONDS,
    conclude,
    settle,
    stamps,
    told,
)
from qupel.runs.ledger.decisions import Action, Do, overdue
from qupel.runs.ledger.hands import BOUND, PASSING, Hands, one_line
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.payloads import result_bytes
from qupel.runs.ledger.strays import is_second
from qupel.runs.ledger.transaction import FencedError, Transaction
from qupel.runs.tables import events


def poll(hands: Hands, _: Action) -> None:
    """Ask where the job stands; when it is done, fetch its result at once."""
    ledger, row = hands.ledger, hands.row
    try:
        status = hands.backend.status(row.provider_job)
    except (RefusedError, UnreadableReplyError) as error:
        said = "refused" if isinstance(error, RefusedError) else "unreadable"
        _odd(hands, f"{said}: {one_line(error)}")
        return
    except Exception as error:  # noqa: BLE001  an adapter's fault must not end the job
        hands.failed("poll failed", error)
        return
    ledger.reached("poll: after status")
    with hands.writing() as tx:
        hands.answered(tx)
        values = told(status, row, tx.now)
        if status.state in {State.FAILED, State.CANCELLED}:
            _over(hands, tx, status, values)
            return
        if status.state is State.DONE:
            values |= {"state": JobState.RUNNING.value, "reported": State.DONE.value}
            values |= {"reported_at": tx.now, "due": tx.now}
            if (bill := hands.bill(status.billed)) is not None:
                values["billed"] = bill.micros
                values["bill_currency"] = bill.currency
        else:
            if status.state is State.UNKNOWN and values["word"] != row.word:
                tx.log("unknown word", row, alarm=True, word=values["word"], why=status.why)
            elif values["word"] != row.word:
                tx.log("status", row, word=values["word"])
            running = status.state is State.RUNNING
            values |= {"leased": 0.0, "due": hands.pace(tx.now)}
            values |= {"state": JobState.RUNNING.value} if running else {}
        tx.update(row, **values)
        fresh = tx.job(row.id)
    if status.state is State.DONE:
        fetch(replace(hands, row=fresh), Action(Do.FETCH))


def _over(hands: Hands, tx: Transaction, status: JobStatus, columns: dict[str, Any]) -> None:
    """The provider says that there will be no result."""
    row, bill = hands.row, hands.bill(status.billed)
    why = status.why or status.word
    if status.state is State.FAILED:
        state: JobState = JobState.FAILED
        cause: Cause | None = cause_of(why)
    elif asked := overdue(row, tx.now):
        state, cause, why = JobState.CANCELLED, None, asked
    else:
        state, cause = JobState.CANCELLED, Cause.SERVICE
    conclude(tx, row, state, why=why, cause=cause, bill=bill, source=hands.source, columns=columns)


def _odd(hands: Hands, word: str) -> None:
    """The provider will not say where the job stands: as good as a word we do not know."""
    row = hands.row
    with hands.writing() as tx:
        hands.answered(tx)
        odd = tx.now if row.odd_since is None else row.odd_since
        tx.update(row, word=word[:200], odd_since=odd, leased=0.0, due=hands.pace(tx.now))
        if word[:200] != row.word:
            tx.log("unknown word", row, alarm=True, word=word[:200])


def fetch(hands: Hands, _: Action) -> None:
    """Fetch and check the result of a job that is done, and settle its bill."""
    ledger, row = hands.ledger, hands.row
    if not row.order_hash:
        _without_order(hands)
        return
    order = hands.order()
    began = ledger.clock.monotonic()
    try:
        result, remarks = checked_result(
            hands.backend.result(row.provider_job, order), order, row.provider_job
        )
        body = result_bytes(result)
    except PASSING as error:
        with hands.writing() as tx:
            since = row.reported_at if row.reported_at is not None else tx.now
            if tx.now >= since + ledger.patience.fetching:
                _lost(hands, tx, error)
                return
        hands.failed("fetch failed", error)
        return
    except Exception as error:  # noqa: BLE001  whatever it is, it is no result
        with hands.writing() as tx:
            hands.answered(tx)
            tx.log("result unusable", row, why=one_line(error), fetch=row.fetches + 1)
            if row.fetches + 1 >= ledger.patience.fetches:
                _lost(hands, tx, error)
            else:
                wait = ledger.retry.backoff(row.fetches + 1, float(ledger.rng.random()))
                tx.update(row, fetches=row.fetches + 1, leased=0.0, due=tx.now + wait)
        return
    seconds = ledger.clock.monotonic() - began
    ledger.reached("fetch: after result")
    try:
        with hands.writing(durable=True) as tx:
            name = tx.keep(body)
            hands.answered(tx)
            for remark in remarks:
                tx.log("odd result", row, remark=remark)
            tx.log("fetched", row, seconds=seconds, result=name)
            conclude(
                tx,
                row,
                JobState.DONE,
                bill=hands.bill(result.billed or _told_bill(row)),
                source=hands.source,
                columns={
                    "result_hash": name,
                    "evidence": result.evidence.value,
                    **stamps(result.times),
                },
            )
            ledger.reached("fetch: before save")
    except FencedError:
        with hands.writing(durable=True) as tx:
            tx.log("late result", row, result=tx.keep(body), job=row.provider_job)


def _without_order(hands: Hands) -> None:
    """A job of ours is done whose order nobody has planned here: wait for it, or give it up."""
    ledger, row = hands.ledger, hands.row
    with hands.writing() as tx:
        until = (tx.now if row.reported_at is None else row.reported_at) + ledger.patience.fetching
        if is_second(row) or tx.now >= until:
            why = f"{row.provider_job} was paid for nothing: claim a refund"
            _owe(hands, tx, why, Cause.SERVICE)
        else:
            tx.update(row, leased=0.0, due=until)
            tx.log("orphan done", row, alarm=True, why="its order has not been planned here")


def _lost(hands: Hands, tx: Transaction, error: Exception) -> None:
    """The job is owed, and its result cannot be had."""
    row = hands.row
    why = f"claim a refund for job {row.provider_job}: {one_line(error)}"
    _owe(hands, tx, why, cause_of(error))


def _owe(hands: Hands, tx: Transaction, why: str, cause: Cause) -> None:
    """End a job that was paid for nothing."""
    row = hands.row
    bill, source = hands.bill(_told_bill(row)), hands.source
    state = JobState.PAID_NO_RESULT
    conclude(tx, row, state, why=why, cause=cause, bill=bill, source=source, alarm=True)


def cancel(hands: Hands, _: Action) -> None:
    """Ask the provider not to run the job."""
    ledger, row = hands.ledger, hands.row
    why = ""
    try:
        hands.backend.cancel(row.provider_job)
    except PASSING as error:
        if row.tries + 1 < ledger.patience.fetches:
            with hands.writing() as tx:
                tx.update(row, tries=row.tries + 1)
            hands.failed("cancel failed", error)
            return
        why = one_line(error)
    except Exception as error:  # noqa: BLE001  what became of the job is asked next
        why = one_line(error)
    with hands.writing() as tx:
        if not why:
            hands.answered(tx)
        tx.update(row, cancel_sent=tx.now, leased=0.0, due=tx.now + ledger.patience.first)
        tx.log("cancel sent", row, why=why or overdue(row, tx.now) or "unknown word")


def ask_bill(hands: Hands, _: Action) -> None:
    """Ask for the final bill of a job that is over."""
    row = hands.row
    try:
        status = hands.backend.status(row.provider_job)
    except Exception as error:  # noqa: BLE001  the bill is asked for again
        hands.failed("bill not told", error)
        return
    with hands.writing() as tx:
        hands.answered(tx)
        tx.update(row, leased=0.0)
        if (status.word or status.state.value) != row.word and status.state.value != row.reported:
            tx.log("late word", row, word=status.word, state=status.state.value)
            tx.update(row, word=(status.word or status.state.value)[:200])
        if (bill := hands.bill(status.billed)) is not None:
            settle(tx, row, JobState(row.state), bill, hands.source)
            return
        age = tx.now - (row.concluded or tx.now)
        if age >= BILL_ALARM and hands.able.bills is not Bills.TOLD:
            # What the job used was not told in time, and the provider will never name a bill.
            settle(tx, row, JobState(row.state), hands.bound, BOUND)
            return
        if age >= BILL_ALARM and not _has_event(tx, row, "bill missing"):
            tx.log("bill missing", row, alarm=True, held=row.bound)
        tx.update(row, due=tx.now + min(3_600.0, max(BILL_SECONDS, age)))


def _told_bill(row: sa.Row[Any]) -> Money | None:
    return None if row.billed is None else Money(row.billed, row.bill_currency or row.currency)


def _has_event(tx: Transaction, row: sa.Row[Any], kind: str) -> bool:
    chosen = sa.select(events.c.number).where(events.c.job_id == row.id, events.c.kind == kind)
    return tx.connection.execute(chosen.limit(1)).first() is not None
