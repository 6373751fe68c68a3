"""Taking a job up: the lease, the breaker's leave, and the intent that is committed first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Backend, Capabilities
from qupel.runs.ledger import breaker as breaking
from qupel.runs.ledger.causes import Cause
from qupel.runs.ledger.conclusions import conclude, doubt, fate_unknown, last_attempt
from qupel.runs.ledger.decisions import Action, Do, given_up, next_action
from qupel.runs.ledger.hands import Hands, writing
from qupel.runs.ledger.jobs import AttemptState, JobState
from qupel.runs.ledger.lease import is_dead, origin_of
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.naming import key_of, tag_of
from qupel.runs.ledger.permission import forbidden, held_back
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import attempts


def take(
    ledger: Ledger, seen: sa.Row[Any], backend: Backend, able: Capabilities
) -> tuple[Hands, Action] | float:
    """Take the lease for the next action; if there is nothing to do, seconds to wait at least."""
    patience = ledger.patience
    ledger.reached("take: before")
    # What is about to be sent must be on the disk; whatever else is lost is asked for again.
    durable = seen.state in {JobState.PLANNED, JobState.INTENDED}
    with writing(ledger, durable=durable) as tx:
        row = tx.job(seen.id)
        since = _since(ledger, tx, row)
        action = next_action(row, able, tx.now, since, patience)
        if is_held(ledger, row, tx.now):
            return min(1.0, max(0.05, row.leased - tx.now))
        if action.do is Do.NOTHING or tx.now < row.due:
            return 0.0
        breaker = breaking.breaker_of(tx.connection, backend.provider, backend.device)
        hands = Hands(ledger, backend, able, row, breaker, since or 0.0)
        if _acted_without_a_call(hands, tx, action):
            return 0.0
        if action.do is Do.SUBMIT and (held := held_back(hands, tx)):
            tx.update(row, due=hands.due(tx.now, patience.longest), why=held)
            return 0.0
        if action.do is Do.SUBMIT and not durable:
            return 0.0  # it was planned anew this instant; the next call commits it fully
        if wait := breaking.admit(tx.connection, breaker, tx.now, patience):
            tx.update(row, due=hands.due(tx.now, wait))
            return 0.0
        turn = 0.0 if breaker.is_proven(tx.now, patience) else tx.now + patience.probe
        values: dict[str, Any] = {"owner": ledger.owner, "token": row.token + 1}
        values["leased"] = tx.now + patience.lease
        if action.do is Do.SUBMIT:
            values |= {"state": JobState.INTENDED.value, "attempts": row.attempts + 1, "why": ""}
            values |= {"reported": ""}
        tx.update(row, **values)
        row = tx.job(seen.id)
        if action.do is Do.SUBMIT:
            _write_attempt(ledger, tx, row)
    if action.do is Do.SUBMIT and able.currency:
        ledger.mark.raise_to(tx.told[-1].number)  # after the commit, and before the request
    ledger.reached(f"{action.do.value}: intent committed")
    return replace(hands, row=row, turn=turn), action


def is_held(ledger: Ledger, row: sa.Row[Any], now: float) -> bool:
    """Whether another worker has the job; leases longer than ours are of clocks set wrong."""
    if not now < row.leased <= now + ledger.patience.lease or row.owner == ledger.owner:
        return False
    return not is_dead(row.owner)


def drop(tx: Transaction, row: sa.Row[Any], why: str) -> None:
    """End a job that is wanted no more and was not submitted; in doubt people decide."""
    if fate_unknown(tx, row):
        doubt(tx, row, f"{why}, and a request may have been accepted")
    else:
        conclude(tx, row, JobState.CANCELLED, why=f"{why}; nothing was sent", free=True)


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


def _acted_without_a_call(hands: Hands, tx: Transaction, action: Action) -> bool:
    """Do what needs no call; False if the action needs one."""
    row, patience = hands.row, hands.ledger.patience
    if action.do is Do.WAIT:
        tx.update(row, due=tx.now + max(0.01, action.wait))
    elif action.do is Do.DROP:
        drop(tx, row, action.why)
    elif action.do is Do.DOUBT:
        doubt(tx, row, action.why)
    elif action.do is Do.POLL and given_up(row, tx.now, patience):
        doubt(tx, row, f"it did not end; the provider's last word is {row.word!r}")
    elif action.do is Do.SUBMIT and (why := forbidden(hands, tx)):
        if row.attempts:
            return False  # a request may be out already; what it does is no longer ours to forbid
        conclude(tx, row, JobState.REFUSED, why=why, cause=Cause.DATA, free=True, alarm=True)
    else:
        return False
    return True


def _write_attempt(ledger: Ledger, tx: Transaction, row: sa.Row[Any]) -> None:
    tag = tag_of(ledger.prefix, row.id, row.series)
    tx.connection.execute(
        _INTEND,
        {
            "job_id": row.id,
            "number": row.attempts,
            "key": key_of(row.id, row.series),
            "tag": tag,
            "state": AttemptState.INTENDED.value,
            "token": row.token,
            "intended": tx.now,
            "intended_mono": ledger.clock.monotonic(),
            "origin": origin_of(ledger.clock),
        },
    )
    tx.log("intended", row, attempt=row.attempts, key=key_of(row.id, row.series), tag=tag)


_INTEND = sa.insert(attempts)
