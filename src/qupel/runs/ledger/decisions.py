"""What to do next about a job, decided from its row alone: nothing here acts or waits.

The rules that keep a job from being paid twice all stand in `next_action`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from qupel.backends.contract import Capabilities, Lookup
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.retry import Patience

#: Seconds for which a provider is trusted to remember a key; after that we look before we send.
KEY_TRUST = 3_600.0
#: What a job that is not submitted reports once that look brought nothing.
LOOKED = "looked"


class Do(StrEnum):
    """One action."""

    NOTHING = "nothing"  # final and settled, or a person has to decide
    WAIT = "wait"
    SUBMIT = "submit"
    LOOK = "look"  # ask whether the provider has it already
    POLL = "poll"
    FETCH = "fetch"
    CANCEL = "cancel"
    ASK_BILL = "ask for the bill"
    DROP = "drop"  # end it; nothing was accepted
    DOUBT = "doubt"  # make it ambiguous


@dataclass(frozen=True, slots=True)
class Action:
    """What to do, after how many seconds, and why."""

    do: Do
    wait: float = 0.0
    why: str = ""


def next_action(
    row: sa.Row[Any], able: Capabilities, now: float, since: float | None, patience: Patience
) -> Action:
    """The next action for a job.

    Parameters
    ----------
    row
        Of the table of jobs.
    able
        What its backend can do.
    now
        UTC seconds.
    since
        Seconds for certain since its last attempt to submit; None if there was none.
    patience
        When to stop waiting.
    """
    state = JobState(row.state)
    if state.final:
        return Action(Do.NOTHING if row.settled else Do.ASK_BILL)
    if state is JobState.AMBIGUOUS:
        return Action(Do.NOTHING)
    if state is JobState.PLANNED:
        why = overdue(row, now)
        return Action(Do.DROP, why=why) if why else Action(Do.SUBMIT)
    if state is JobState.INTENDED:
        return _clear_up(row, able, now, since or 0.0)
    if row.reported:
        return Action(Do.FETCH)
    if must_stop(row, now, patience) and row.cancel_sent is None and able.cancels:
        return Action(Do.CANCEL)
    return Action(Do.POLL)


def overdue(row: sa.Row[Any], now: float) -> str:
    """Why a job is wanted no more; empty if it is."""
    if row.cancel_asked is not None:
        return "it was cancelled"
    if row.deadline is not None and now >= row.deadline:
        return "its deadline has passed"
    return ""


def must_stop(row: sa.Row[Any], now: float, patience: Patience) -> str:
    """Why an accepted job is to be cancelled at the provider; empty if it is not."""
    if why := overdue(row, now):
        return why
    if row.odd_since is not None and now >= row.odd_since + patience.odd:
        return f"the provider has said {row.word!r} for too long"
    return ""


def given_up(row: sa.Row[Any], now: float, patience: Patience) -> bool:
    """Whether a job that had to stop has not come to an end in time."""
    stops = [row.cancel_asked, row.deadline]
    stops.append(None if row.odd_since is None else row.odd_since + patience.odd)
    began = min((stop for stop in stops if stop is not None), default=None)
    if began is None or now < began:
        return False
    sent = row.cancel_sent if row.cancel_sent is not None else began + patience.cancelling
    return bool(now >= sent + patience.cancelling)


def _clear_up(row: sa.Row[Any], able: Capabilities, now: float, since: float) -> Action:
    """What to do about a request whose fate is unknown."""
    stale = overdue(row, now)
    if able.lookup is Lookup.KEY:
        if stale or (since >= KEY_TRUST and row.reported != LOOKED):
            return Action(Do.LOOK, why=stale)
        return Action(Do.SUBMIT, why="the same key gives the same job")
    if able.lookup is Lookup.TAG and able.settle_seconds is not None:
        left = able.settle_seconds - since
        return Action(Do.WAIT, left) if left > 0 else Action(Do.LOOK, why=stale)
    how = "has no look-up" if able.lookup is Lookup.NONE else "lists jobs nobody knows how late"
    return Action(Do.DOUBT, why=f"a request may have been accepted, and the provider {how}")
