"""The actions of the ledger: each takes a lease, makes its call, and writes what is certain."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities, Lookup, Order, State
from qupel.errors import (
    InputError,
    RefusedError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.causes import Cause, cause_of
from qupel.runs.ledger.checks import checked_result
from qupel.runs.ledger.conclusions import (
    BILL_ALARM,
    BILL_SECONDS,
    adopt,
    conclude,
    last_attempt,
    settle,
    stamps,
    told,
)
from qupel.runs.ledger.decisions import Action, Do, given_up, next_action, overdue
from qupel.runs.ledger.facts import prefix, quarantined_since
from qupel.runs.ledger.jobs import FINAL, AttemptState, JobState, Progress, job_of
from qupel.runs.ledger.lease import is_dead, origin_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.naming import key_of, tag_of
from qupel.runs.ledger.payloads import order_from, result_bytes
from qupel.runs.ledger.transaction import FencedError, Transaction, payload
from qupel.runs.tables import attempts, jobs

#: Actions that call the provider, and so need its breaker's leave.
_CALLS = {Do.SUBMIT, Do.LOOK, Do.POLL, Do.FETCH, Do.CANCEL, Do.ASK_BILL}
#: Failures of a service that may pass.
_PASSING = (TransientError, UnknownOutcomeError)


@dataclass(frozen=True, slots=True)
class _Hands:
    """A worker with a job under its lease.

    Attributes
    ----------
    ledger, backend, able
        What it works with.
    row
        The job as it was when the lease was taken.
    breaker
        The breaker of the device, likewise.
    since
        Seconds for certain since the last attempt before this call.
    """

    ledger: Ledger
    backend: Backend
    able: Capabilities
    row: sa.Row[Any]
    breaker: breaking.Breaker
    since: float

    def writing(self, *, durable: bool = False) -> Any:
        return self.ledger._transaction(durable=durable)  # noqa: SLF001  one class in two files

    def answered(self, tx: Transaction) -> None:
        """Note that the provider answered."""
        if breaking.succeeded(tx.connection, self.breaker):
            tx.log("breaker closed", None, provider=self.backend.provider)

    def unanswered(self, tx: Transaction) -> None:
        """Note that the provider failed."""
        provider, device = self.backend.provider, self.backend.device
        if breaking.failed(tx.connection, provider, device, tx.now, self.ledger.patience):
            tx.log("breaker opened", None, alarm=True, provider=provider, device=device)

    def due(self, now: float, wait: float) -> float:
        """When to look again, not long after the deadline."""
        deadline = self.row.deadline
        return now + wait if deadline is None or deadline <= now else min(now + wait, deadline)

    def pace(self, now: float) -> float:
        """When to ask again about an accepted job."""
        since = self.row.submitted if self.row.submitted is not None else now
        return self.due(now, self.ledger.patience.poll(max(0.0, now - since)))

    def order(self, series: int | None = None) -> Order:
        """The order under the key and the tag that the provider sees."""
        with self.ledger.database.reading() as connection:
            return submission(connection, self.row, series or self.row.series)


def advance(ledger: Ledger, job_id: str, backend: Backend) -> Progress:
    """Do the next single thing about a job; see `Ledger.advance`."""
    with ledger.database.reading() as connection:
        seen = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()
    if seen is None:
        raise InputError(f"no job {job_id!r}; `qupel jobs list` shows them")
    if seen.state == JobState.AMBIGUOUS or (seen.state in FINAL and seen.settled):
        return Progress(job_of(seen), None)
    try:
        able = backend.capabilities()
    except (*_PASSING, RefusedError):
        return Progress(job_of(seen), ledger.patience.longest)
    hands, action = _take(ledger, seen, backend, able)
    if hands is not None:
        try:
            _ACTIONS[action.do](hands, action)
        except FencedError:
            with hands.writing() as tx:
                tx.log("fenced", hands.row, action=action.do.value, token=hands.row.token)
        ledger.reached(f"{action.do.value}: over")
    return _progress(ledger, job_id)


def submission(connection: sa.Connection, row: sa.Row[Any], series: int) -> Order:
    """A job's order as it is sent."""
    order = order_from(payload(connection, row.order_hash))
    tag = tag_of(prefix(connection), row.id, series)
    return replace(order, key=key_of(row.id, series), tag=tag)


def _progress(ledger: Ledger, job_id: str) -> Progress:
    with ledger.database.reading() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()
    job = job_of(row)
    if job.state.still:
        return Progress(job, None)
    return Progress(job, max(0.0, row.due - ledger.clock.now()))


def _take(
    ledger: Ledger, seen: sa.Row[Any], backend: Backend, able: Capabilities
) -> tuple[_Hands | None, Action]:
    """Take the lease for the next action; no hands if there is nothing to do now."""
    patience = ledger.patience
    ledger.reached("take: before")
    # What is about to be sent must be on the disk; whatever else is lost is asked for again.
    durable = seen.state in {JobState.PLANNED, JobState.INTENDED}
    with ledger._transaction(durable=durable) as tx:  # noqa: SLF001  one class in two files
        row = tx.job(seen.id)
        since = _since(ledger, tx, row)
        action = next_action(row, able, tx.now, since, patience)
        if action.do is Do.NOTHING or tx.now < row.due or _is_held(ledger, row, tx.now):
            if _is_held(ledger, row, tx.now):
                tx.update(row, due=max(row.due, min(row.leased, tx.now + patience.lease)))
            return None, action
        breaker = breaking.breaker_of(tx.connection, backend.provider, backend.device)
        hands = _Hands(ledger, backend, able, row, breaker, since or 0.0)
        if _acted_without_a_call(hands, tx, action):
            return None, action
        if action.do is Do.SUBMIT and (held := _held_back(hands, tx)):
            tx.update(row, due=hands.due(tx.now, patience.longest), why=held)
            return None, action
        if wait := breaking.admit(tx.connection, breaker, tx.now, patience):
            tx.update(row, due=hands.due(tx.now, wait))
            return None, action
        values: dict[str, Any] = {"owner": ledger.owner, "token": row.token + 1}
        values["leased"] = tx.now + patience.lease
        if action.do is Do.SUBMIT:
            values |= {"state": JobState.INTENDED.value, "attempts": row.attempts + 1, "why": ""}
        if durable is False and action.do is Do.SUBMIT:
            return None, action  # it was planned anew this instant; the next call commits it fully
        tx.update(row, **values)
        row = tx.job(seen.id)
        if action.do is Do.SUBMIT:
            _write_attempt(ledger, tx, row)
    ledger.reached(f"{action.do.value}: intent committed")
    return replace(hands, row=row), action


def _is_held(ledger: Ledger, row: sa.Row[Any], now: float) -> bool:
    """Whether another worker has the job; leases longer than ours are of clocks set wrong."""
    if not now < row.leased <= now + ledger.patience.lease or row.owner == ledger.owner:
        return False
    return not is_dead(row.owner)


def _since(ledger: Ledger, tx: Transaction, row: sa.Row[Any]) -> float | None:
    """Seconds that have passed for certain since the last attempt of a job.

    The wall clock may be set; on the machine where the attempt was written, until it is started
    again, the monotonic clock tells. Elsewhere only what was observed here counts.
    """
    if row.state != JobState.INTENDED:
        return None
    attempt = last_attempt(tx.connection, row.id)
    if attempt is None:
        return None
    mono = ledger.clock.monotonic()
    if attempt.origin == origin_of(ledger.clock):
        return max(0.0, mono - attempt.intended_mono)
    first = ledger.first_seen.setdefault((row.id, attempt.number), mono)
    return max(0.0, min(mono - first, tx.now - attempt.intended))


def _acted_without_a_call(hands: _Hands, tx: Transaction, action: Action) -> bool:
    """Do what needs no call; False if the action needs one."""
    row, patience = hands.row, hands.ledger.patience
    if action.do is Do.WAIT:
        tx.update(row, due=tx.now + max(0.01, action.wait))
    elif action.do is Do.DROP:
        state = JobState.CANCELLED
        conclude(tx, row, state, why=f"{action.why}; nothing was sent", free=True)
    elif action.do is Do.DOUBT:
        doubt(tx, row, action.why)
    elif action.do is Do.POLL and given_up(row, tx.now, patience):
        doubt(tx, row, f"it did not end; the provider's last word is {row.word!r}")
    elif action.do is Do.SUBMIT and (why := _forbidden(hands, tx)):
        if row.attempts:
            return False  # a request may be out already; what it does is no longer ours to forbid
        conclude(tx, row, JobState.REFUSED, why=why, cause=Cause.DATA, free=True, alarm=True)
    else:
        return False
    return True


def doubt(tx: Transaction, row: sa.Row[Any], why: str) -> None:
    """Leave a job to a person or a later look-up; its money stays held."""
    tx.update(
        row, state=JobState.AMBIGUOUS.value, why=why, leased=0.0, token=row.token + 1, due=1e18
    )
    tx.log("ambiguous", row, alarm=True, why=why)


def _forbidden(hands: _Hands, tx: Transaction) -> str:
    """Why an order must not be sent to this backend at all; empty if it may."""
    row, able = hands.row, hands.able
    if able.currency and row.bound is None:
        return f"{row.backend} bills in {able.currency}, and no bound was reserved for the job"
    if able.currency and row.currency and able.currency != row.currency:
        return f"{row.backend} bills in {able.currency}, the job's money is in {row.currency}"
    if able.evidence is Evidence.HARDWARE and hands.ledger.simulate_first:
        return _not_simulated(tx, row)
    return ""


def _not_simulated(tx: Transaction, row: sa.Row[Any]) -> str:
    """Why hardware is not yet allowed; empty if a simulator has run the same version."""
    passed = sa.select(jobs.c.id).where(
        jobs.c.state == JobState.DONE.value,
        jobs.c.evidence.not_in(["", Evidence.HARDWARE.value]),
    )
    if tx.connection.execute(
        passed.where(jobs.c.programs_hash == row.programs_hash).limit(1)
    ).first():
        return ""
    version = str(json.loads(row.purpose).get("version", ""))
    if version and tx.connection.execute(passed.where(jobs.c.version == version).limit(1)).first():
        return ""
    what = f"version {version!r} of it" if version else "these programs"
    return f"no simulator has run {what} yet; run it on a simulator or an emulator first"


def _held_back(hands: _Hands, tx: Transaction) -> str:
    """Why nothing new may be paid at this provider for now; empty if it may."""
    if hands.breaker.frozen:
        return f"{hands.backend.provider} is frozen: {hands.breaker.frozen}"
    since = quarantined_since(tx.connection)
    if since is not None and (hands.breaker.reconciled or 0.0) < since:
        return "the ledger is in quarantine; reconcile this backend first"
    return ""


def _write_attempt(ledger: Ledger, tx: Transaction, row: sa.Row[Any]) -> None:
    tag = tag_of(prefix(tx.connection), row.id, row.series)
    tx.connection.execute(
        sa.insert(attempts).values(
            job_id=row.id,
            number=row.attempts,
            key=key_of(row.id, row.series),
            tag=tag,
            state=AttemptState.INTENDED.value,
            token=row.token,
            intended=tx.now,
            intended_mono=ledger.clock.monotonic(),
            origin=origin_of(ledger.clock),
        )
    )
    tx.log("intended", row, attempt=row.attempts, key=key_of(row.id, row.series), tag=tag)


def _submit(hands: _Hands, _: Action) -> None:
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
            adopt(tx, fresh, name, row.attempts, "its acceptance came late")


def _check_lease(hands: _Hands) -> None:
    """Refuse to send on a lease that has run out or passed on."""
    row = hands.row
    with hands.ledger.database.reading() as connection:
        token = connection.execute(sa.select(jobs.c.token).where(jobs.c.id == row.id)).scalar()
    if token != row.token or hands.ledger.clock.now() >= row.leased:
        raise FencedError(row.id)


def _mark(
    tx: Transaction, row: sa.Row[Any], state: AttemptState, seconds: float | None, **values: Any
) -> None:
    values |= {"state": state.value, "answered": tx.now, "seconds": seconds}
    tx.update_attempt(row.id, row.attempts, **values)


def _not_accepted(hands: _Hands, error: Exception, seconds: float) -> None:
    """Nothing was accepted: try again later, or end the job."""
    ledger, row = hands.ledger, hands.row
    refused = isinstance(error, RefusedError)
    cause, why = cause_of(error, usual=Cause.CIRCUIT if refused else None), _text(error)
    wait = ledger.retry.wait(error, row.tries + 1, float(ledger.rng.random()))
    with hands.writing(durable=True) as tx:
        state = AttemptState.REFUSED if refused else AttemptState.NOTHING_DONE
        _mark(tx, row, state, seconds, cause=cause.value, why=why)
        kind = "submission refused" if refused else "submission failed"
        tx.log(
            kind, row, attempt=row.attempts, seconds=seconds, why=why, cause=cause.value, retry=wait
        )
        earlier = _fate_unknown(tx, row)
        if refused:
            hands.answered(tx)
            if earlier:
                doubt(tx, row, f"an earlier request may have been accepted; now: {why}")
            else:
                conclude(tx, row, JobState.REFUSED, why=why, cause=cause, free=True)
            return
        hands.unanswered(tx)
        if wait is None and not earlier:
            why = f"{row.tries + 1} attempts failed, the last with: {why}"
            conclude(tx, row, JobState.FAILED, why=why, cause=cause, free=True)
            return
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


def _fate_unknown(tx: Transaction, row: sa.Row[Any]) -> bool:
    """Whether an earlier attempt of this series may have been accepted."""
    chosen = sa.select(attempts.c.number).where(
        attempts.c.job_id == row.id,
        attempts.c.number != row.attempts,
        attempts.c.key == key_of(row.id, row.series),
        attempts.c.state.in_([AttemptState.INTENDED.value, AttemptState.UNKNOWN.value]),
    )
    return tx.connection.execute(chosen.limit(1)).first() is not None


def _unknown(hands: _Hands, error: Exception, seconds: float) -> None:
    """The request may have been accepted: write that down; the next action clears it up."""
    ledger, row, why = hands.ledger, hands.row, _text(error)
    with hands.writing(durable=True) as tx:
        _mark(tx, row, AttemptState.UNKNOWN, seconds, cause=Cause.SERVICE.value, why=why)
        tx.log("outcome unknown", row, attempt=row.attempts, seconds=seconds, why=why)
        hands.unanswered(tx)
        keyed = hands.able.lookup is Lookup.KEY
        wait = ledger.retry.backoff(row.tries + 1, float(ledger.rng.random())) if keyed else 0.0
        due = hands.due(tx.now, wait)
        tx.update(row, tries=row.tries + 1, leased=0.0, due=due, why=why, cause=Cause.SERVICE.value)
        if row.tries + 1 >= ledger.patience.unknown:
            doubt(tx, tx.job(row.id), f"{row.tries + 1} requests brought no certainty")


def _look(hands: _Hands, action: Action) -> None:
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
        _failed_call(hands, "look-up failed", error)
        return
    seconds = ledger.clock.monotonic() - began
    ledger.reached("look: after find")
    with hands.writing(durable=True) as tx:
        hands.answered(tx)
        tx.log("looked up", row, attempt=row.attempts, seconds=seconds, found=found)
        if found:
            adopt(tx, row, found[0], row.attempts, "found by look-up")
            for name in found[1:]:
                tx.log("second job at the provider", row, alarm=True, job=name)
        else:
            _absent(hands, tx, action)
    for name in found[1:]:
        cancel_stray(hands.backend, name)


def _absent(hands: _Hands, tx: Transaction, action: Action) -> None:
    """Nothing was found, and the look-up came late enough to mean that there is nothing."""
    row, able, ledger = hands.row, hands.able, hands.ledger
    sure = able.settle_seconds is not None and hands.since >= able.settle_seconds
    if able.lookup is Lookup.KEY and not action.why:
        # Whatever the look-up missed, the same key gives the same job.
        tx.update(row, state=JobState.PLANNED.value, leased=0.0, due=tx.now)
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


def _poll(hands: _Hands, _: Action) -> None:
    """Ask where the job stands; when it is done, fetch its result at once."""
    ledger, row = hands.ledger, hands.row
    try:
        status = hands.backend.status(row.provider_job)
    except RefusedError as error:
        _odd(hands, f"refused: {error}")
        return
    except Exception as error:  # noqa: BLE001  an adapter's fault must not end the job
        _failed_call(hands, "poll failed", error)
        return
    ledger.reached("poll: after status")
    with hands.writing() as tx:
        hands.answered(tx)
        values = told(status, row, tx.now)
        if status.state is State.FAILED:
            why = status.why or status.word
            cause = cause_of(why)
            conclude(
                tx,
                row,
                JobState.FAILED,
                why=why,
                cause=cause,
                bill=_bill(hands, status.billed),
                **values,
            )
            return
        if status.state is State.CANCELLED:
            why = overdue(row, tx.now) or status.why or status.word
            cause = None if overdue(row, tx.now) else Cause.SERVICE
            conclude(
                tx,
                row,
                JobState.CANCELLED,
                why=why,
                cause=cause,
                bill=_bill(hands, status.billed),
                **values,
            )
            return
        if status.state is State.DONE:
            values |= {"state": JobState.RUNNING.value, "reported": State.DONE.value}
            values |= {"reported_at": tx.now, "due": tx.now}
            if (bill := _bill(hands, status.billed)) is not None:
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
        _fetch(replace(hands, row=fresh), Action(Do.FETCH))


def _odd(hands: _Hands, word: str) -> None:
    """The provider will not say where the job stands: as good as a word we do not know."""
    row = hands.row
    with hands.writing() as tx:
        hands.answered(tx)
        odd = tx.now if row.odd_since is None else row.odd_since
        tx.update(row, word=word[:200], odd_since=odd, leased=0.0, due=hands.pace(tx.now))
        if word[:200] != row.word:
            tx.log("unknown word", row, alarm=True, word=word[:200])


def _fetch(hands: _Hands, _: Action) -> None:
    """Fetch and check the result of a job that is done, and settle its bill."""
    ledger, row = hands.ledger, hands.row
    if not row.order_hash:
        with hands.writing() as tx:
            tx.update(row, leased=0.0, due=1e18)
            tx.log("orphan done", row, alarm=True, why="its order is not known here")
        return
    order = hands.order()
    began = ledger.clock.monotonic()
    try:
        result, remarks = checked_result(
            hands.backend.result(row.provider_job, order), order, row.provider_job
        )
        body = result_bytes(result)
    except _PASSING as error:
        with hands.writing() as tx:
            since = row.reported_at if row.reported_at is not None else tx.now
            if tx.now >= since + ledger.patience.fetching:
                _lost(hands, tx, error)
                return
        _failed_call(hands, "fetch failed", error)
        return
    except Exception as error:  # noqa: BLE001  whatever it is, it is no result
        with hands.writing() as tx:
            hands.answered(tx)
            tx.log("result unusable", row, why=_text(error), fetch=row.fetches + 1)
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
                bill=_bill(hands, result.billed or _told_bill(row)),
                result_hash=name,
                evidence=result.evidence.value,
                **stamps(result.times),
            )
            ledger.reached("fetch: before save")
    except FencedError:
        with hands.writing(durable=True) as tx:
            tx.log("late result", row, result=tx.keep(body), job=row.provider_job)


def _lost(hands: _Hands, tx: Transaction, error: Exception) -> None:
    """The job is owed, and its result cannot be had."""
    row = hands.row
    why = f"claim a refund for job {row.provider_job}: {_text(error)}"
    bill = _bill(hands, _told_bill(row))
    state = JobState.PAID_NO_RESULT
    conclude(tx, row, state, why=why, cause=cause_of(error), bill=bill, alarm=True)


def _cancel(hands: _Hands, _: Action) -> None:
    """Ask the provider not to run the job."""
    ledger, row = hands.ledger, hands.row
    why = ""
    try:
        hands.backend.cancel(row.provider_job)
    except _PASSING as error:
        if row.tries + 1 < ledger.patience.fetches:
            with hands.writing() as tx:
                tx.update(row, tries=row.tries + 1)
            _failed_call(hands, "cancel failed", error)
            return
        why = _text(error)
    except Exception as error:  # noqa: BLE001  what became of the job is asked next
        why = _text(error)
    with hands.writing() as tx:
        tx.update(row, cancel_sent=tx.now, leased=0.0, due=tx.now + ledger.patience.first)
        tx.log("cancel sent", row, why=why or overdue(row, tx.now) or "unknown word")


def _ask_bill(hands: _Hands, _: Action) -> None:
    """Ask for the final bill of a job that is over."""
    row = hands.row
    try:
        status = hands.backend.status(row.provider_job)
    except Exception as error:  # noqa: BLE001  the bill is asked for again
        _failed_call(hands, "bill not told", error)
        return
    with hands.writing() as tx:
        hands.answered(tx)
        tx.update(row, leased=0.0)
        if (status.word or status.state.value) != row.word and status.state.value != row.reported:
            tx.log("late word", row, word=status.word, state=status.state.value)
            tx.update(row, word=(status.word or status.state.value)[:200])
        if (bill := _bill(hands, status.billed)) is not None:
            settle(tx, row, JobState(row.state), bill)
            return
        age = tx.now - (row.concluded or tx.now)
        if age >= BILL_ALARM and not _has_event(tx, row, "bill missing"):
            tx.log("bill missing", row, alarm=True, held=row.bound)
        tx.update(row, due=tx.now + min(3_600.0, max(BILL_SECONDS, age)))


def _bill(hands: _Hands, billed: Money | None) -> Money | None:
    """The final bill; nothing where the backend never bills."""
    if billed is None and not hands.able.currency:
        return Money(0, hands.row.currency or "XXX")
    return billed


def _told_bill(row: sa.Row[Any]) -> Money | None:
    return None if row.billed is None else Money(row.billed, row.bill_currency or row.currency)


def _failed_call(hands: _Hands, kind: str, error: Exception) -> None:
    """A call that may be made again failed."""
    row, wait = hands.row, getattr(error, "wait", None) or 0.0
    with hands.writing() as tx:
        if isinstance(error, _PASSING):
            hands.unanswered(tx)
        tx.log(kind, row, why=_text(error), cause=cause_of(error).value)
        pace = (
            hands.ledger.patience.longest if row.submitted is None else hands.pace(tx.now) - tx.now
        )
        tx.update(row, leased=0.0, due=hands.due(tx.now, max(wait, pace)))


def cancel_stray(backend: Backend, name: str) -> None:
    """Ask the provider not to run a job that is one too many; its bill is booked either way."""
    with contextlib.suppress(Exception):  # the alarm has been raised; there is no more to do
        backend.cancel(name)


def _has_event(tx: Transaction, row: sa.Row[Any], kind: str) -> bool:
    from qupel.runs.tables import events

    chosen = sa.select(events.c.number).where(events.c.job_id == row.id, events.c.kind == kind)
    return tx.connection.execute(chosen.limit(1)).first() is not None


def _text(error: Exception) -> str:
    """An error in one line of limited length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


_ACTIONS: Mapping[Do, Callable[[_Hands, Action], None]] = {
    Do.SUBMIT: _submit,
    Do.LOOK: _look,
    Do.POLL: _poll,
    Do.FETCH: _fetch,
    Do.CANCEL: _cancel,
    Do.ASK_BILL: _ask_bill,
}
