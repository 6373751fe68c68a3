"""The provider's books beside ours: who was billed twice, who is missing, who never ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.runs.database import Database
from qupel.runs.ledger import JobState
from qupel.runs.ledger.jobs import FINAL
from qupel.runs.ledger.naming import read_tag
from qupel.runs.tables import attempts, jobs

#: States of an attempt of which nobody can say whether it was accepted.
UNSURE = {"intended", "unknown"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the provider's books say, and how far ours agree.

    Attributes
    ----------
    accepted
        Jobs that the provider accepted.
    ordered_twice, paid_twice
        Orders of ours for which it accepted, or billed, more than one job.
    orphans
        Jobs of the provider that no attempt of ours accounts for.
    strangers
        Jobs of the provider under tags that are not ours.
    open
        Jobs of ours that have not ended.
    states
        How ours stand.
    billed
        Millionths that the provider billed, less what it refunded.
    booked
        Millionths that our books say were billed.
    unsure, unsure_sent_again
        Orders that had a request of unknown fate, and how many of those were sent again after it.
    unsure_ambiguous
        How many of them stand as ambiguous.
    """

    accepted: int
    ordered_twice: int
    paid_twice: int
    orphans: int
    strangers: int
    open: int
    states: dict[str, int]
    billed: int
    booked: int
    unsure: int
    unsure_sent_again: int
    unsure_ambiguous: int


def judge(entries: Iterable[Mapping[str, Any]], database: Database) -> Judgement:
    """Judge a database by the entries of a provider's books."""
    accepted: dict[str, set[str]] = defaultdict(set)
    paid: dict[str, set[str]] = defaultdict(set)
    names: dict[str, str] = {}
    billed = strangers = 0
    for entry in entries:
        told = read_tag(entry["tag"])
        if told is None:
            strangers += entry["what"] == "accept"
            continue
        order = told[1]
        if entry["what"] == "accept":
            accepted[order].add(entry["job"])
            names[entry["job"]] = order
        elif entry["what"] in {"bill", "refund"}:
            micros = entry["amount"]["micros"]
            paid[order].add(entry["job"])
            billed += micros if entry["what"] == "bill" else -micros
    with database.reading() as connection:
        ours = connection.execute(sa.select(jobs)).all()
        tried = connection.execute(sa.select(attempts)).all()
    known = {row.provider_job for row in ours} | {row.provider_job for row in tried}
    ambiguous = {row.id for row in ours if row.state == JobState.AMBIGUOUS.value}
    unsure = {row.job_id for row in tried if row.state in UNSURE}
    last: dict[str, int] = defaultdict(int)
    for row in tried:
        last[row.job_id] = max(last[row.job_id], row.number)
    # A request of which it is certain that nothing came may be sent again, and that one be unsure.
    again = {row.job_id for row in tried if row.state in UNSURE and row.number < last[row.job_id]}
    still = {*FINAL, JobState.AMBIGUOUS}
    return Judgement(
        accepted=len(names),
        ordered_twice=sum(len(found) > 1 for found in accepted.values()),
        paid_twice=sum(len(found) > 1 for found in paid.values()),
        # The fate of an ambiguous job is what a person finds out; it is not lost.
        orphans=sum(job not in known and order not in ambiguous for job, order in names.items()),
        strangers=strangers,
        open=sum(JobState(row.state) not in still for row in ours),
        states=dict(Counter(row.state for row in ours)),
        billed=billed,
        booked=sum(row.billed or 0 for row in ours),
        unsure=len(unsure),
        unsure_sent_again=len(again),
        unsure_ambiguous=len(unsure & ambiguous),
    )
