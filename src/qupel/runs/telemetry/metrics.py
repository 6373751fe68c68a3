"""Metrics of routes, jobs, budgets, breakers and pipelines, read from the database.

They are counted from the rows that every process writes, so they are the same whichever process is
asked, survive its end, and cost nothing where nobody asks. Rows that are only ever added are read
once; what changes is grouped by the database when it is asked for.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from qupel.runs.database import Database
from qupel.runs.ledger.jobs import FINAL, JobState, job_of
from qupel.runs.routes.decision import TRIED, Decision
from qupel.runs.routes.tables import decisions
from qupel.runs.tables import events, jobs
from qupel.runs.telemetry.standing import standing
from qupel.runs.telemetry.tallies import Spread, Tally

#: Rows read at a time.
PAGE = 1000
#: Upper bounds of the buckets of shares.
SHARES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 1.0)
#: Upper bounds of the buckets of relative gains, and of losses.
GAINS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
#: Seconds for which a number that was left out is looked for: its transaction may be open yet.
OPEN_SECONDS = 120.0
#: Numbers that are looked for at most; a statement takes so many.
OPEN_NUMBERS = 500

_ENDS = frozenset(state.value for state in FINAL)
#: What the reasons begin with for which a quantum step was not tried, and a word for each.
_REASONS = (
    ("contract field", "contract"),
    ("switched off", "switched off"),
    ("the mode is", "mode"),
    ("offline", "offline"),
    ("profile", "profile"),
    ("the breaker of", "breaker"),
    ("is frozen", "breaker"),
    ("of the cap of", "budget"),
    ("one decision at most", "budget"),
    ("the database cannot", "database"),
    ("simulator run", "gate"),
)


@dataclass(slots=True)
class Following:
    """Follows rows that are only added, by their numbers.

    On PostgreSQL numbers are given out before rows are to be seen, so one that was passed may
    turn up: those left out are looked for until their transactions are over for certain.
    """

    last: int = 0
    open: dict[int, float] = field(default_factory=dict)

    def fresh(
        self, connection: sa.Connection, chosen: sa.Select[Any], number: sa.Column[int]
    ) -> Iterator[list[sa.Row[Any]]]:
        """Yield pages of the rows that are new."""
        now = time.monotonic()
        self.open = {left: since for left, since in self.open.items() if since > now - OPEN_SECONDS}
        if self.open:
            found = list(connection.execute(chosen.where(number.in_(list(self.open)))))
            for row in found:
                del self.open[row.number]
            if found:
                yield found
        while rows := list(
            connection.execute(chosen.where(number > self.last).order_by(number).limit(PAGE))
        ):
            seen = {row.number for row in rows}
            # Before the first look there is nothing that could be over late.
            left_out = set(range(self.last + 1, rows[-1].number)) - seen if self.last else set()
            self.open |= dict.fromkeys(sorted(left_out)[-OPEN_NUMBERS:], now)
            self.open = dict(list(self.open.items())[-OPEN_NUMBERS:])
            self.last = rows[-1].number
            yield rows


def _tally(name: str, text: str, *labels: str) -> Callable[[], Tally]:
    return lambda: Tally(name, text, labels)


def _spread(name: str, text: str, *labels: str, bounds: Any = None) -> Callable[[], Spread]:
    return lambda: Spread(name, text, labels, *([] if bounds is None else [bounds]))


@dataclass(slots=True)
class Routes:
    """What decisions tell."""

    following: Following = field(default_factory=Following)
    made: Tally = field(
        default_factory=_tally(
            "qupel_decisions",
            "Decisions, by who gave the answer that went out",
            "route", "mode", "answered_by",
        )
    )  # fmt: skip
    stood_in: Tally = field(
        default_factory=_tally(
            "qupel_decisions_stood_in",
            "Decisions in which somebody else answered than who was to",
            "route", "mode",
        )
    )  # fmt: skip
    late: Tally = field(
        default_factory=_tally(
            "qupel_decisions_late", "Decisions without an answer by the deadline", "route"
        )
    )
    steps: Tally = field(
        default_factory=_tally(
            "qupel_quantum_steps",
            "Quantum steps of decisions that were tried, by what they came to in time",
            "route", "outcome",
        )
    )  # fmt: skip
    skipped: Tally = field(
        default_factory=_tally(
            "qupel_quantum_skipped", "Decisions whose quantum step was not tried, by why",
            "route", "reason",
        )
    )  # fmt: skip
    contract: Tally = field(
        default_factory=_tally(
            "qupel_contract_refusals", "Decisions in which the contract refused an arm", "route"
        )
    )
    seconds: Spread = field(
        default_factory=_spread(
            "qupel_decision_seconds", "Seconds from the request to the answer", "route"
        )
    )
    stages: Spread = field(
        default_factory=_spread(
            "qupel_stage_seconds", "Seconds of each stage of an arm", "route", "role", "stage"
        )
    )
    feasible: Spread = field(
        default_factory=_spread(
            "qupel_feasible_ratio",
            "Share of a primary's raw samples that are feasible: a proxy of fidelity",
            "route", "backend",
            bounds=SHARES,
        )
    )  # fmt: skip
    gain: Spread = field(
        default_factory=_spread(
            "qupel_gain_ratio",
            "How much better the primary's answer was than the fallback's, as a share of it",
            "route", "backend",
            bounds=GAINS,
        )
    )  # fmt: skip
    loss: Spread = field(
        default_factory=_spread(
            "qupel_loss_ratio",
            "How much worse the primary's answer was than the fallback's, as a share of it",
            "route", "backend",
            bounds=GAINS,
        )
    )  # fmt: skip

    def read(self, connection: sa.Connection) -> None:
        """Count the decisions that are new."""
        chosen = sa.select(
            decisions.c.number, decisions.c.document, jobs.c.backend, jobs.c.state, jobs.c.concluded
        ).outerjoin(jobs, jobs.c.id == decisions.c.job)
        for rows in self.following.fresh(connection, chosen, decisions.c.number):
            for row in rows:
                self._count(Decision.from_json(json.loads(row.document)), row)

    def _count(self, made: Decision, job: Any) -> None:
        route, seen, primary = made.route, made.sighting, made.primary
        backend = job.backend or ("" if primary is None else str(primary.facts.get("backend", "")))
        self.made.add(route, str(made.mode), str(made.answered_by))
        self.stood_in.add(route, str(made.mode), by=float(made.stood_in))
        self.late.add(route, by=0.0 if made.on_time else 1.0)
        self.seconds.add(made.seconds, route)
        if made.quantum == TRIED:
            self.steps.add(route, _outcome(made, job))
        elif made.quantum:
            self.skipped.add(route, _reason(made.quantum))
        said = f"{made.quantum} {made.why} {'' if primary is None else primary.why}"
        self.contract.add(route, by=float("contract field" in said))
        for role, record in (("primary", primary), ("fallback", made.fallback)):
            if record is not None:
                for stage in record.clocks.__slots__:
                    self.stages.add(getattr(record.clocks, stage), route, role, stage)
        if primary is not None and primary.raw.of:
            self.feasible.add(primary.raw.count / primary.raw.of, route, backend)
        if seen.gain is not None:
            # Apart, because Prometheus takes a sum that falls for one that began again.
            self.gain.add(max(0.0, seen.gain), route, backend)
            self.loss.add(max(0.0, -seen.gain), route, backend)

    def families(self) -> Iterator[Any]:
        """Yield them as Prometheus wants them."""
        for each in (self.made, self.stood_in, self.late, self.steps, self.skipped, self.contract,
                     self.seconds, self.stages, self.feasible, self.gain, self.loss):  # fmt: skip
            yield from each.families()


def _outcome(made: Decision, job: Any) -> str:
    """What a quantum step that was tried had come to when the answer went out."""
    if made.primary is not None:
        return "answered" if made.primary.feasible else str(made.primary.status)
    over = job.concluded is not None and job.concluded <= made.created + made.seconds
    if over and job.state != JobState.DONE.value:
        return "failed"
    return "timed out"


def _reason(why: str) -> str:
    return next((word for begins, word in _REASONS if begins in why), "other")


@dataclass(slots=True)
class Jobs:
    """What the ledger's events tell."""

    following: Following = field(default_factory=Following)
    events: Tally = field(
        default_factory=lambda: Tally(
            "qupel_job_events",
            "What happened to paid jobs: submissions, retries, ends",
            ("backend", "event"),
        )
    )
    alarms: Tally = field(
        default_factory=lambda: Tally(
            "qupel_alarms", "Events that a person should look at", ("backend", "event")
        )
    )
    failures: Tally = field(
        default_factory=lambda: Tally(
            "qupel_job_failures", "Jobs that gave no result, by cause", ("backend", "cause")
        )
    )
    calls: Spread = field(
        default_factory=lambda: Spread(
            "qupel_call_seconds", "Seconds of calls to a provider", ("backend", "event")
        )
    )
    queue: Spread = field(
        default_factory=lambda: Spread(
            "qupel_queue_seconds", "Seconds that done jobs waited at the provider", ("backend",)
        )
    )
    run: Spread = field(
        default_factory=lambda: Spread(
            "qupel_run_seconds", "Seconds that done jobs ran on the device", ("backend",)
        )
    )

    def read(self, connection: sa.Connection) -> None:
        """Count the events that are new."""
        chosen = sa.select(events, jobs.c.backend).outerjoin(jobs, jobs.c.id == events.c.job_id)
        for rows in self.following.fresh(connection, chosen, events.c.number):
            ended = {row.job_id for row in rows if row.kind == JobState.DONE.value}
            found = connection.execute(sa.select(jobs).where(jobs.c.id.in_(ended))).all()
            by_id = {job.id: job_of(job) for job in found}
            for row in rows:
                self._count(row, by_id.get(row.job_id))

    def _count(self, row: Any, done: Any) -> None:
        detail = {} if row.backend and row.kind not in _ENDS else json.loads(row.detail)
        backend = row.backend or _device(detail)
        self.events.add(backend, row.kind)
        if row.alarm:
            self.alarms.add(backend, row.kind)
        if row.seconds is not None:
            self.calls.add(row.seconds, backend, row.kind)
        if done is not None and row.kind == JobState.DONE.value:
            for spread, seconds in ((self.queue, done.queue_seconds), (self.run, done.run_seconds)):
                if seconds is not None:
                    spread.add(seconds, backend)
        elif row.kind in _ENDS:
            self.failures.add(backend, detail.get("cause") or row.kind)

    def families(self) -> Iterator[Any]:
        """Yield them as Prometheus wants them."""
        for each in (self.events, self.alarms, self.failures, self.calls, self.queue, self.run):
            yield from each.families()


def _device(detail: Any) -> str:
    """Backend of an event that belongs to no job: of a breaker, say."""
    if "provider" in detail and "device" in detail:
        return f"{detail['provider']}:{detail['device']}"
    return str(detail.get("provider") or "")


@dataclass(slots=True, eq=False)
class Metrics:
    """A collector for a Prometheus registry.

    Attributes
    ----------
    database
        Where decisions, jobs, budgets and pipelines stand.
    """

    database: Database
    _routes: Routes = field(default_factory=Routes, init=False)
    _jobs: Jobs = field(default_factory=Jobs, init=False)
    _one: threading.Lock = field(default_factory=threading.Lock, init=False)

    def collect(self) -> Iterator[Any]:
        """Yield every metric as it stands now."""
        with self._one, self.database.reading() as connection:
            self._routes.read(connection)
            self._jobs.read(connection)
            families = [*self._routes.families(), *self._jobs.families(), *standing(connection)]
        yield from families

    def describe(self) -> list[Any]:
        """Nothing: what there is, is found when it is collected."""
        return []
