"""What changes, as it stands when it is asked for: jobs, money, breakers, pipelines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from qupel.model.money import MILLION
from qupel.runs.durable.run import NOT_IN_TIME, NOT_ORDERED
from qupel.runs.routes.tables import decisions, outcomes
from qupel.runs.tables import accounts, breakers, jobs, pipeline_runs, pipeline_stages


def standing(connection: sa.Connection) -> Iterator[Any]:
    """Yield every metric of it as Prometheus wants it."""
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
    yield from _accounts(connection)
    yield _breakers(connection)
    yield _late_answers(connection)
    yield _spend(connection)
    yield from _pipelines(connection)


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


def _late_answers(connection: sa.Connection) -> Any:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(
        "qupel_late_answers",
        "Results that came beside or after the published answer, and were judged",
        labels=("route", "role"),
    )
    labels = (decisions.c.route, outcomes.c.role)
    chosen = (
        sa.select(*labels, sa.func.count())
        .join(decisions, decisions.c.id == outcomes.c.decision)
        .group_by(*labels)
        .order_by(*labels)
    )
    for route, role, count in connection.execute(chosen):
        family.add_metric((route, role), count)
    return family


def _spend(connection: sa.Connection) -> Any:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(
        "qupel_spend", "Final bills, in their currency", labels=("backend", "pipeline", "currency")
    )
    labels = (jobs.c.backend, pipeline_runs.c.name, jobs.c.currency)
    chosen = (
        sa.select(*labels, sa.func.sum(jobs.c.billed))
        .outerjoin(pipeline_stages, pipeline_stages.c.job_id == jobs.c.id)
        .outerjoin(pipeline_runs, pipeline_runs.c.id == pipeline_stages.c.run_id)
        .where(jobs.c.billed.is_not(None), jobs.c.currency != "")
        .group_by(*labels)
        .order_by(*labels)
    )
    for backend, pipeline, currency, micros in connection.execute(chosen):
        family.add_metric((backend, pipeline or "", currency), int(micros) / MILLION)
    return family


def _pipelines(connection: sa.Connection) -> Iterator[Any]:
    """Stages that have ended: how, why, how long they and their paid jobs took, how feasible."""
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    rows = connection.execute(
        sa.select(
            pipeline_runs.c.name,
            pipeline_stages.c.stage,
            pipeline_stages.c.state,
            pipeline_stages.c.why,
            pipeline_stages.c.facts,
            pipeline_stages.c.reused,
            pipeline_stages.c.started,
            pipeline_stages.c.ended,
            jobs.c.queued_there,
            jobs.c.running_there,
            jobs.c.submitted,
            jobs.c.seen_running,
        )
        .join(pipeline_runs, pipeline_runs.c.id == pipeline_stages.c.run_id)
        .outerjoin(jobs, jobs.c.id == pipeline_stages.c.job_id)
        .where(pipeline_stages.c.ended.is_not(None))
        .order_by(pipeline_runs.c.name, pipeline_stages.c.stage)
    )
    ended = CounterMetricFamily(
        "qupel_pipeline_stages",
        "Stages of pipelines that have ended, by how and why",
        labels=("pipeline", "stage", "state", "reason"),
    )
    told = {
        name: SummaryMetricFamily(f"qupel_pipeline_{name}", text, labels=("pipeline", "stage"))
        for name, text in (
            ("stage_seconds", "Seconds of stages of pipelines"),
            ("queue_seconds", "Seconds that stages' paid jobs waited at the provider"),
            ("feasible_ratio", "Share of a stage's raw samples that are feasible"),
        )
    }
    counts: Counter[tuple[str, ...]] = Counter()
    sums: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        counts[row.name, row.stage, row.state, _reason(row)] += 1
        for name, value in _of_stage(row):
            held = sums.setdefault((name, row.name, row.stage), [0, 0.0])
            held[0] += 1
            held[1] += value
    for labels, count in sorted(counts.items()):
        ended.add_metric(labels, count)
    for (name, pipeline, stage), (times, total) in sorted(sums.items()):
        told[name].add_metric((pipeline, stage), int(times), total)
    yield ended
    yield from told.values()


def _of_stage(row: Any) -> Iterator[tuple[str, float]]:
    """What a stage that was really run tells, by metric."""
    if row.reused or row.started is None:
        return
    yield "stage_seconds", row.ended - row.started
    begun = row.queued_there if row.queued_there is not None else row.submitted
    running = row.running_there if row.running_there is not None else row.seen_running
    if begun is not None and running is not None:
        yield "queue_seconds", max(0.0, running - begun)
    raw = json.loads(row.facts).get("raw") if '"raw"' in row.facts else None
    if raw and raw["of"]:
        yield "feasible_ratio", raw["count"] / raw["of"]


def _reason(row: Any) -> str:
    """Why a stage's primary has no result, in a word; empty if it has one."""
    if row.state == "failed":
        return "contract" if row.why.startswith(("input '", "output '")) else "error"
    if row.state == "fallback":
        timed_out = NOT_IN_TIME in row.why
        return "timeout" if timed_out else "order" if NOT_ORDERED in row.why else "error"
    return "reused" if row.reused else ""
