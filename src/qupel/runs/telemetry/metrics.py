"""Metrics of routes, jobs, budgets, breakers and pipelines, read from the database.

They are counted from the rows that every process writes, so they are the same whichever process is
asked, survive its end, and cost nothing where nobody asks. Rows that are only ever added are read
once; what changes is grouped by the database when it is asked for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from qupel.model.money import MILLION
from qupel.runs.database import Database
from qupel.runs.ledger.jobs import FINAL, job_of
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.tables import decisions, outcomes
from qupel.runs.tables import accounts, breakers, events, jobs, pipeline_runs, pipeline_stages
from qupel.runs.telemetry.tallies import Spread, Tally

#: Rows read at a time.
PAGE = 1000
#: Upper bounds of the buckets of shares.
SHARES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 1.0)
#: Upper bounds of the buckets of relative gains.
GAINS = (-0.1, -0.03, -0.01, -0.003, 0.0, 0.003, 0.01, 0.03, 0.1)


@dataclass(slots=True)
class Routes:
    """What decisions tell."""

    last: int = 0
    made: Tally = field(
        default_factory=lambda: Tally(
            "qupel_decisions",
            "Decisions, by who gave the answer that went out",
            ("route", "mode", "answered_by"),
        )
    )
    late: Tally = field(
        default_factory=lambda: Tally(
            "qupel_decisions_late", "Decisions without an answer by the deadline", ("route",)
        )
    )
    timeouts: Tally = field(
        default_factory=lambda: Tally(
            "qupel_primary_timeouts",
            "Quantum steps that were tried and gave nothing in time",
            ("route",),
        )
    )
    errors: Tally = field(
        default_factory=lambda: Tally(
            "qupel_primary_failures",
            "Primaries that ended without a feasible answer, by how",
            ("route", "status"),
        )
    )
    seconds: Spread = field(
        default_factory=lambda: Spread(
            "qupel_decision_seconds", "Seconds from the request to the answer", ("route",)
        )
    )
    stages: Spread = field(
        default_factory=lambda: Spread(
            "qupel_stage_seconds",
            "Seconds of each stage of an arm",
            ("route", "role", "stage"),
        )
    )
    feasible: Spread = field(
        default_factory=lambda: Spread(
            "qupel_feasible_share",
            "Share of a primary's raw samples that are feasible: a proxy of fidelity",
            ("route",),
            SHARES,
        )
    )
    gain: Spread = field(
        default_factory=lambda: Spread(
            "qupel_primary_gain",
            "How much better the primary's answer was than the fallback's, as a share of it",
            ("route",),
            GAINS,
        )
    )

    def read(self, connection: sa.Connection) -> None:
        """Count the decisions that are new."""
        while rows := connection.execute(
            sa.select(decisions.c.number, decisions.c.document)
            .where(decisions.c.number > self.last)
            .order_by(decisions.c.number)
            .limit(PAGE)
        ).all():
            for row in rows:
                self._count(Decision.from_json(json.loads(row.document)))
            self.last = rows[-1].number

    def _count(self, made: Decision) -> None:
        route, seen = made.route, made.sighting
        self.made.add(route, str(made.mode), str(made.answered_by))
        self.late.add(route, by=0.0 if made.on_time else 1.0)
        self.timeouts.add(route, by=1.0 if seen.timed_out else 0.0)
        self.seconds.add(made.seconds, route)
        for role, record in (("primary", made.primary), ("fallback", made.fallback)):
            if record is not None:
                for stage in ("encode", "compile", "queue", "execute", "decode", "repair", "judge"):
                    self.stages.add(getattr(record.clocks, stage), route, role, stage)
        if made.primary is not None:
            if not made.primary.feasible:
                self.errors.add(route, str(made.primary.status))
            if made.primary.raw.of:
                self.feasible.add(made.primary.raw.count / made.primary.raw.of, route)
        if seen.gain is not None:
            self.gain.add(seen.gain, route)

    def families(self) -> Iterator[Any]:
        """Yield them as Prometheus wants them."""
        for each in (self.made, self.late, self.timeouts, self.errors, self.seconds, self.stages,
                     self.feasible, self.gain):  # fmt: skip
            yield from each.families()


@dataclass(slots=True)
class Jobs:
    """What the ledger's events tell."""

    last: int = 0
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
        while rows := connection.execute(
            chosen.where(events.c.number > self.last).order_by(events.c.number).limit(PAGE)
        ).all():
            ended = {row.job_id for row in rows if row.kind in _ENDS}
            found = connection.execute(sa.select(jobs).where(jobs.c.id.in_(ended))).all()
            by_id = {job.id: job_of(job) for job in found}
            for row in rows:
                self._count(row, by_id.get(row.job_id))
            self.last = rows[-1].number

    def _count(self, row: Any, job: Any) -> None:
        backend = row.backend or ""
        self.events.add(backend, row.kind)
        if row.alarm:
            self.alarms.add(backend, row.kind)
        if row.seconds is not None:
            self.calls.add(row.seconds, backend, row.kind)
        if row.kind not in _ENDS or job is None:
            return
        if row.kind == "done":
            for spread, seconds in ((self.queue, job.queue_seconds), (self.run, job.run_seconds)):
                if seconds is not None:
                    spread.add(seconds, backend)
        else:
            cause = json.loads(row.detail).get("cause") or "none"
            self.failures.add(backend, cause)

    def families(self) -> Iterator[Any]:
        """Yield them as Prometheus wants them."""
        for each in (self.events, self.alarms, self.failures, self.calls, self.queue, self.run):
            yield from each.families()


_ENDS = frozenset(state.value for state in FINAL)


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
            families = [*self._routes.families(), *self._jobs.families(), *_standing(connection)]
        yield from families

    def describe(self) -> list[Any]:
        """Nothing: what there is, is found when it is collected."""
        return []


def _standing(connection: sa.Connection) -> Iterator[Any]:
    """What changes, as it stands: jobs by state, money, breakers, pipelines, late answers."""
    from prometheus_client.core import GaugeMetricFamily

    def grouped(name: str, text: str, table: sa.Table, *columns: str) -> Any:
        held = [table.c[column] for column in columns]
        family = GaugeMetricFamily(name, text, labels=columns)
        counted = sa.select(*held, sa.func.count()).group_by(*held).order_by(*held)
        for *values, count in connection.execute(counted):
            family.add_metric([str(value) for value in values], count)
        return family

    yield grouped("qupel_jobs", "Paid jobs by where they stand", jobs, "backend", "state")
    yield grouped("qupel_pipeline_runs", "Runs of pipelines", pipeline_runs, "name", "state")
    yield grouped("qupel_late_answers", "Answers that came beside the published one", outcomes,
                  "role")  # fmt: skip
    yield from _accounts(connection)
    yield _breakers(connection)
    yield _stage_seconds(connection)


def _accounts(connection: sa.Connection) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    rows = connection.execute(sa.select(accounts).order_by(accounts.c.name)).all()
    for what, text, unit in (
        ("money", "Money of an account, in its currency", MILLION),
        ("shots", "Shots of an account", 1),
        ("runs", "Jobs of an account", 1),
    ):
        family = GaugeMetricFamily(
            f"qupel_account_{what}", text, labels=("account", "currency", "part")
        )
        for row in rows:
            held = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
            for part in ("cap", "held", "spent", "over"):
                amount = held.get(f"{part}_{what}")
                if amount is not None:
                    family.add_metric((row.name, row.currency, part), amount / unit)
        yield family


def _breakers(connection: sa.Connection) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "qupel_breaker_open",
        "1 where calls to a device are held back, else 0",
        labels=("provider", "device"),
    )
    for row in connection.execute(sa.select(breakers).order_by("provider", "device")):
        held_back = row.opened is not None or bool(row.frozen)
        family.add_metric((row.provider, row.device), float(held_back))
    return family


def _stage_seconds(connection: sa.Connection) -> Any:
    from prometheus_client.core import SummaryMetricFamily

    family = SummaryMetricFamily(
        "qupel_pipeline_stage_seconds",
        "Seconds of ended stages of pipelines",
        labels=("pipeline", "stage", "state"),
    )
    labels = (pipeline_runs.c.name, pipeline_stages.c.stage, pipeline_stages.c.state)
    took = pipeline_stages.c.ended - pipeline_stages.c.started
    chosen = (
        sa.select(*labels, sa.func.count(), sa.func.sum(took))
        .join(pipeline_runs, pipeline_runs.c.id == pipeline_stages.c.run_id)
        .where(pipeline_stages.c.started.is_not(None), pipeline_stages.c.ended.is_not(None))
        .group_by(*labels)
        .order_by(*labels)
    )
    for name, stage, state, count, total in connection.execute(chosen):
        family.add_metric((name, stage, state), count, total)
    return family
