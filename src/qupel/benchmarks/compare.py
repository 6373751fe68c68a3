"""From the records of one benchmark to its comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qupel.benchmarks.arms import Arm, placebos_of
from qupel.benchmarks.comparability import check
from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.conclusions import Decision, Effect, Verdict
from qupel.benchmarks.decide import deciding_level
from qupel.benchmarks.effects import effect, estimate, improvement
from qupel.benchmarks.figures import Reference
from qupel.benchmarks.money import NetValue, Prices, Worth
from qupel.benchmarks.paired import holm
from qupel.benchmarks.ranks import pareto, ranks_of
from qupel.benchmarks.regions import regions_of
from qupel.benchmarks.rule import Kpi, Rule
from qupel.benchmarks.summary import END_TO_END, cells, summarise
from qupel.benchmarks.table import Table
from qupel.benchmarks.trial import Trial
from qupel.benchmarks.verdict import best_of, judge, refusal
from qupel.runs.record import Record

DRAWS = 10_000
OBJECTIVE = Kpi()


def compare(
    records: Iterable[Record],
    arms: Sequence[Arm],
    rule: Rule,
    *,
    kpi: Kpi = OBJECTIVE,
    baselines: Sequence[str] = (),
    references: Mapping[str, Reference] | None = None,
    tags: Mapping[str, Sequence[str]] | None = None,
    prices: Prices | None = None,
    worth: Worth | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Compare arms by a rule that was fixed before the records were made.

    Parameters
    ----------
    records
        One for every arm, case and seed.
    arms
        All arms, placebos included.
    rule, kpi
        What counts as a win, and of which figure.
    baselines
        Names of the family's strong solvers, of which one must have run.
    references
        Best known objective by case; elsewhere the best of this comparison is used.
    tags
        Tags by case, to find the region of an advantage.
    prices, worth
        To count in money.
    draws, seed
        Of the hierarchical bootstrap.

    Raises
    ------
    InputError
        If there are no records, or some of unknown arms.
    """
    table = Table.of(records, arms, rule, kpi, references or {}, tags or {})
    comparability = check(table, baselines=baselines, references=references or {})
    every = [record for arm in table.arms for record in table.of_arm(arm.name)]
    summaries = tuple(s for arm in arms if (s := summarise(table, arm, prices)) is not None)
    points = pareto(summaries)
    refused = refusal(comparability)
    plain = Comparison(
        verdict=refused or Verdict(Decision.INSUFFICIENT, "", ()),
        family=every[0].family,
        kpi=kpi,
        rule=rule,
        arms=tuple(arms),
        cases=table.cases,
        seeds=tuple(sorted({record.seed for record in every})),
        cells=cells(table),
        summaries=summaries,
        effects=(),
        contributions=(),
        regions=(),
        points=points,
        front_gain=(),
        ranks=None,
        comparability=comparability,
        prices=prices,
        worth=worth,
        machines=tuple(
            sorted({", ".join(f"{k} {v}" for k, v in sorted(r.platform.items())) for r in every})
        ),
        records=tuple(sorted({record.id for record in every})),
        seed=seed,
        draws=draws,
    )
    if refused:
        return plain
    trial, contributions = _trial(table, plain, worth, draws=draws, seed=seed)
    candidates = {arm.name for arm in arms if arm.has_quantum_step}
    return replace(
        plain,
        verdict=judge(trial),
        effects=tuple(trial.effects.values()),
        contributions=contributions,
        regions=trial.regions,
        front_gain=tuple(p.arm for p in points if p.on_front and p.arm in candidates),
        ranks=ranks_of(table),
    )


def _trial(
    table: Table, plain: Comparison, worth: Worth | None, *, draws: int, seed: int
) -> tuple[Trial, tuple[Effect, ...]]:
    """Choose candidate and comparator and compare everything that the rule looks at."""
    candidates = [arm for arm in table.arms if arm.has_quantum_step]
    comparator = best_of(table, [arm for arm in table.arms if arm.is_classical])
    candidate = best_of(table, candidates)
    level = deciding_level(table.rule.level, len(candidates))
    effects = {
        arm.name: effect(
            table,
            arm.name,
            comparator.name,
            level=table.rule.level if arm.is_classical else level,
            draws=draws,
            seed=seed,
        )
        for arm in table.arms
        if arm.name != comparator.name
    }
    adjusted = holm([known.p_value or 0.0 for known in effects.values()])
    effects = {
        name: replace(known, p_holm=p_value)
        for (name, known), p_value in zip(effects.items(), adjusted, strict=True)
    }
    contributions = tuple(
        effect(table, arm.name, placebo.name, level=level, draws=draws, seed=seed)
        for arm in candidates
        for _, placebo in sorted(placebos_of(arm, table.arms).items())
    )
    placebos = dict(sorted(placebos_of(candidate, table.arms).items()))
    summaries = {summary.arm: summary for summary in plain.summaries}
    trial = Trial(
        table=table,
        candidate=candidate,
        comparator=comparator,
        placebos=placebos,
        effects=effects,
        contributions=tuple(c for c in contributions if c.arm == candidate.name),
        regions=regions_of(table, candidate.name, comparator.name, placebos, level),
        summaries=summaries,
        level=level,
        candidates=len(candidates),
        net_value=_net_value(table, plain, candidate, comparator, worth, level),
    )
    return trial, contributions


def _net_value(
    table: Table,
    plain: Comparison,
    candidate: Arm,
    comparator: Arm,
    worth: Worth | None,
    level: float,
) -> NetValue | None:
    """Value of the improvement less what it costs, per run; None without prices."""
    mine, theirs = plain.summary(candidate.name), plain.summary(comparator.name)
    if worth is None or mine.cost_per_run is None or theirs.cost_per_run is None:
        return None
    better, than = (table.values(arm.name).mean(axis=1) for arm in (candidate, comparator))
    percent = replace(table.rule, margin_unit="percent")
    known = estimate(improvement(better, than, table.kpi, percent), level)
    cost = mine.cost_per_run - theirs.cost_per_run
    late = mine.clocks[END_TO_END].mean - theirs.clocks[END_TO_END].mean
    latency, upkeep = worth.per_second * late, worth.per_run_fixed
    low, gain, high = (
        worth.per_percent * (known.value if bound is None else bound)
        for bound in (known.low, known.value, known.high)
    )
    spent = cost + latency + upkeep
    return NetValue(
        currency=plain.prices.currency if plain.prices else "",
        gain=gain,
        cost=cost,
        latency=latency,
        upkeep=upkeep,
        per_run=gain - spent,
        low=low - spent if known.low is not None else None,
        high=high - spent if known.high is not None else None,
        per_year=(gain - spent) * worth.runs_per_year if worth.runs_per_year else None,
    )
