"""How much better one arm is than another, case by case and on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qupel.benchmarks.conclusions import Effect
from qupel.benchmarks.figures import Estimate
from qupel.benchmarks.intervals import Floats, hierarchical_interval, mean_interval
from qupel.benchmarks.paired import equivalence, hodges_lehmann, rank_biserial, wilcoxon
from qupel.benchmarks.rule import Kpi, Rule
from qupel.benchmarks.table import Table, value_of

TIE = 1e-9
"""Improvement, in percent or relative to the KPI, that counts as none."""


def improvement(better: Floats, than: Floats, kpi: Kpi, rule: Rule) -> Floats:
    """Improvement of one arm over another in every case, in the margin's unit.

    Parameters
    ----------
    better, than
        KPI by case on the last axis, seeds already averaged. The mean is taken over seeds, not
        the median: the KPI adds up over the days a pipeline runs, so a bad run among five costs
        what it costs.
    """
    gain = than - better if kpi.sense == "min" else better - than
    # Differences of rounding are ties; they must not be ranked.
    gain = np.where(np.abs(gain) <= TIE * np.maximum(np.abs(better), np.abs(than)), 0.0, gain)
    return 100.0 * gain / _scale(better, than) if rule.margin_unit == "percent" else gain


def _scale(better: Floats, than: Floats) -> Floats:
    """What percent are of: the other arm's KPI; where that is 0, the larger of both."""
    size = np.where(than == 0, np.abs(better), np.abs(than))
    return np.where(size == 0, 1.0, size)


def regret(table: Table, arm: str) -> float:
    """How far an arm stays behind the references on average over cases, in the margin's unit."""
    means = table.values(arm).mean(axis=1)
    best = np.array([value_of(case.reference) or 0.0 for case in table.cases])
    behind = improvement(best, means, table.kpi, replace(table.rule, margin_unit="kpi"))
    if table.rule.margin_unit == "percent":
        behind = 100.0 * behind / _scale(means, best)
    return mean(behind)


def effect(
    table: Table,
    arm: str,
    against: str,
    *,
    level: float,
    draws: int,
    seed: int,
) -> Effect:
    """Compare two arms over all cases; the p-value is still to be adjusted for their number."""
    better, than = table.values(arm), table.values(against)
    kpi, rule = table.kpi, table.rule
    means = better.mean(axis=1), than.mean(axis=1)
    by_case = improvement(*means, kpi, rule)
    cases = by_case.size
    scale = _scale(*means)[:, None] / 100.0 if rule.margin_unit == "percent" else 1.0
    sign = -1.0 if kpi.sense == "min" else 1.0
    resampled = hierarchical_interval(
        sign * better / scale, sign * than / scale, level, draws=draws, seed=seed
    )
    shift, shift_low, shift_high = hodges_lehmann(by_case, level)
    p_equal, equivalent = None, False
    if rule.margin > 0 and cases > 1:
        p_equal, equivalent = equivalence(by_case, rule.margin, rule.level)
    return Effect(
        arm=arm,
        against=against,
        unit="%" if rule.margin_unit == "percent" else kpi.unit,
        cases=cases,
        estimate=estimate(by_case, level),
        bootstrap=Estimate(mean(by_case), *resampled, level),
        hodges_lehmann=Estimate(shift, finite(shift_low), finite(shift_high), level),
        p_value=wilcoxon(by_case),
        p_holm=None,
        rank_biserial=rank_biserial(by_case),
        equivalence_p=p_equal,
        equivalent=equivalent,
        wins=int((by_case > 0).sum()),
        ties=int((by_case == 0).sum()),
        losses=int((by_case < 0).sum()),
        by_case={case.name: float(v) for case, v in zip(table.cases, by_case, strict=True)},
    )


def mean(values: Floats) -> float:
    """Mean that does not depend on the order of the cases."""
    return float(np.sort(values).mean())


def estimate(values: Floats, level: float) -> Estimate:
    """Mean over cases with the interval that decides."""
    low, high = mean_interval(values, level)
    return Estimate(mean(values), finite(float(low)), finite(float(high)), level)


def finite(bound: float) -> float | None:
    """The bound, or None where there is none."""
    return bound if np.isfinite(bound) else None
