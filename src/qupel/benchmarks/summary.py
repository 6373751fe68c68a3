"""Cells and arm summaries: the metrics of a table of records."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np

from qupel.benchmarks import metrics
from qupel.benchmarks.arms import Arm
from qupel.benchmarks.effects import estimate
from qupel.benchmarks.figures import ArmSummary, Case, Cell, Estimate, Rate
from qupel.benchmarks.money import Prices, cost_of
from qupel.benchmarks.table import Table, has_answered, objective_of, value_of
from qupel.runs.record import Record, Share

EXECUTE = "execute"
DEVICE = "compile, queue and execute"
END_TO_END = "end to end"

TARGETS = (0.1, 0.05, 0.01)
"""Gaps for which times to target are shown, beside the rule's epsilon."""


def overran(record: Record) -> bool:
    """Whether a run took more than 2 % and 50 ms longer than its budget."""
    return record.budget > 0 and record.end_to_end > 1.02 * record.budget + 0.05


def seconds_by_clock(record: Record) -> dict[str, float]:
    """Duration of a run by each of the three clocks."""
    clocks = record.clocks
    return {
        EXECUTE: clocks.execute,
        DEVICE: clocks.compile + clocks.queue + clocks.execute,
        END_TO_END: record.end_to_end,
    }


def cell(table: Table, arm: Arm, case: Case) -> Cell:
    """One arm on one case, its seeds together."""
    records = table.runs[arm.name, case.name]
    gaps = [table.gap(record, case) for record in records]
    successes = sum(table.is_success(record, case) for record in records)
    penalty = table.penalty(case)
    values = [penalty if (v := objective_of(r)) is None else v for r in records]
    known = [value for value in values if value is not None]
    return Cell(
        arm=arm.name,
        case=case.name,
        seeds=tuple(record.seed for record in records),
        objectives=tuple(objective_of(record) for record in records),
        gaps=tuple(gaps),
        seconds=tuple(record.end_to_end for record in records),
        kpi=average(known) if known else None,
        gap=average(gaps),
        feasible=sum(map(has_answered, records)),
        successes=successes,
        time_to_solution=metrics.time_to_solution(
            END_TO_END, [record.end_to_end for record in records], successes, table.rule.level
        ),
    )


def cells(table: Table) -> tuple[Cell, ...]:
    """Every cell that has runs, by arm and case."""
    return tuple(
        cell(table, arm, case)
        for arm in table.arms
        for case in table.cases
        if (arm.name, case.name) in table.runs
    )


def summarise(table: Table, arm: Arm, prices: Prices | None) -> ArmSummary | None:
    """One arm over all its runs; None if it has none."""
    parts = [cell(table, arm, case) for case in table.cases if (arm.name, case.name) in table.runs]
    if not parts:
        return None
    level = table.rule.level
    runs = [
        (record, case)
        for case in table.cases
        for record in table.runs.get((arm.name, case.name), ())
    ]
    records = [record for record, _ in runs]
    successes = sum(part.successes for part in parts)
    clocks = {
        name: [seconds_by_clock(record)[name] for record in records]
        for name in (EXECUTE, DEVICE, END_TO_END)
    }
    traces = [_gap_trace(table, record, case) for record, case in runs]
    ends = [(record.end_to_end, table.gap(record, case)) for record, case in runs]
    costs = [cost for record in records if (cost := cost_of(record, prices)) is not None]
    cost = average(costs) if len(costs) == len(records) else None
    median = np.median([part.time_to_solution.seconds or np.inf for part in parts])
    targets = sorted({*TARGETS, table.rule.epsilon}, reverse=True)
    return ArmSummary(
        arm=arm.name,
        kind=arm.kind,
        runs=len(records),
        cases=len(parts),
        feasible=metrics.rate(sum(part.feasible for part in parts), len(records), level),
        raw=_samples([record.raw for record in records], level),
        repaired=_samples([record.repaired for record in records], level),
        success=metrics.rate(successes, len(records), level),
        gap=_within(estimate(np.array([part.gap for part in parts]), level), 0.0, 1.0),
        gap_median=float(np.median([part.gap for part in parts])),
        kpi=_kpi(parts, level),
        gap_raw=_raw_gap(runs),
        times_to_solution=tuple(
            metrics.time_to_solution(name, seconds, successes, level)
            for name, seconds in clocks.items()
        ),
        time_to_solution_median=float(median) if np.isfinite(median) else None,
        curves=tuple(
            metrics.curve(
                [
                    metrics.time_to_target(trace, *end, target)
                    for trace, end in zip(traces, ends, strict=True)
                ],
                target,
            )
            for target in targets
        ),
        primal_integral=_integral(table, arm, level),
        diversity=_mean_of(record.diversity for record in records),
        stability=metrics.stability([part.gaps for part in parts]),
        stages={
            stage: average([asdict(record.clocks)[stage] for record in records])
            for stage in asdict(records[0].clocks)
        },
        clocks={name: metrics.spread(seconds) for name, seconds in clocks.items()},
        cpu_seconds=average([record.cpu_seconds for record in records]),
        peak_memory=max(record.peak_memory for record in records),
        cost_per_run=cost,
        cost_per_success=None if cost is None or not successes else cost * len(runs) / successes,
        statuses=dict(sorted(Counter(str(record.status) for record in records).items())),
        fallbacks=sum(record.answered_by == "fallback" for record in records),
        evidence=tuple(sorted({str(record.evidence) for record in records})),
        budget_seconds=average([record.budget for record in records]),
        overruns=sum(map(overran, records)),
    )


def average(values: Sequence[float]) -> float:
    """Mean of some numbers, exactly rounded, so that their order does not matter."""
    return math.fsum(values) / len(values)


def _mean_of(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return average(known) if known else None


def _samples(shares: list[Share], level: float) -> Rate:
    """Feasible samples of all runs together."""
    return metrics.rate(
        sum(share.count for share in shares), sum(share.of for share in shares), level
    )


def _kpi(parts: list[Cell], level: float) -> Estimate | None:
    """Mean KPI over the cases, None if the arm never answered."""
    values = [part.kpi for part in parts if part.kpi is not None]
    if not values or not any(part.feasible for part in parts):
        return None
    return estimate(np.array(values), level)


def _within(known: Estimate, least: float, most: float) -> Estimate:
    """Cut an interval to the range that the figure can have."""
    low = None if known.low is None else max(least, known.low)
    high = None if known.high is None else min(most, known.high)
    return Estimate(known.value, low, high, known.level)


def _raw_gap(runs: list[tuple[Record, Case]]) -> float | None:
    """Mean gap of the best samples before repair, over runs whose samples were judged."""
    return _mean_of(
        metrics.primal_gap(record.raw_objective, value_of(case.reference))
        for record, case in runs
        if record.raw.of
    )


def _gap_trace(table: Table, record: Record, case: Case) -> list[tuple[float, float]]:
    """Claimed incumbents as gaps, never better than what was judged in the end."""
    if not has_answered(record) or case.reference is None:
        return []
    final = table.gap(record, case)
    return [
        (max(0.0, at), max(final, metrics.primal_gap(value, case.reference.value)))
        for at, value in sorted(record.trace)
    ]


def _integral(table: Table, arm: Arm, level: float) -> Estimate:
    """Mean over cases of the primal integral, seeds averaged first."""
    means = []
    for case in table.cases:
        found = [
            metrics.primal_integral(
                _gap_trace(table, record, case),
                record.end_to_end,
                table.gap(record, case),
                record.budget or record.end_to_end or 1.0,
            )
            for record in table.runs.get((arm.name, case.name), ())
        ]
        if found:
            means.append(average(found))
    return _within(estimate(np.array(means), level), 0.0, 1.0)
