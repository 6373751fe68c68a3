"""The six things a leader needs to know of a pilot."""

from __future__ import annotations

from qupel.benchmarks.arms import Kind
from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.conclusions import Decision
from qupel.reports.brief import Brief
from qupel.reports.page import Part
from qupel.reports.wording import hours, money, named, seconds, with_unit


def parts(brief: Brief, comparison: Comparison) -> tuple[Part, ...]:
    """The parts in the order in which a leader asks for them."""
    return (
        Part("Where quantum would fit", _fit(brief, comparison)),
        Part("Baseline", _baseline(comparison)),
        Part("Success criterion", _criterion(comparison)),
        Part("Fallback", brief.fallback),
        Part("Time and cost", _time_and_cost(brief, comparison)),
        Part("Go or no-go", _go(comparison)),
    )


def _fit(brief: Brief, comparison: Comparison) -> str:
    candidate = comparison.verdict.candidate
    place = f", in the arm “{candidate}”" if candidate else ""
    return (
        f"{brief.bottleneck} ({with_unit(f'{100 * brief.share:.0f}', '%')} of the pipeline). The "
        f"quantum step has one job, {brief.role}{place}."
    )


def _baseline(comparison: Comparison) -> str:
    verdict = comparison.verdict
    if verdict.decision is Decision.NOT_COMPARABLE:
        return "None is named, for the arms were not comparable; see below."
    if not verdict.comparator:
        return "None that the rule accepts; see below."
    tuned = next(arm.tuning for arm in comparison.arms if arm.name == verdict.comparator)
    granted = (
        f", tuned with {tuned.trials} trials of {seconds(tuned.seconds / tuned.trials)}"
        if tuned.trials and not tuned.exempt
        else ""
    )
    return f"The best classical arm, “{verdict.comparator}”{granted}."


def _criterion(comparison: Comparison) -> str:
    rule, kpi = comparison.rule, comparison.kpi
    limits = [f"at most {100 * rule.feasibility_margin:g} percentage points fewer feasible answers"]
    if rule.max_cost_ratio is not None:
        limits.append(f"at most {rule.max_cost_ratio:g} times the cost")
    if rule.max_cost is not None:
        currency = comparison.prices.currency if comparison.prices is not None else ""
        limits.append(f"at most {with_unit(f'{rule.max_cost:g}', currency)} a run")
    if rule.max_latency_seconds is not None:
        limits.append(f"an answer within {seconds(rule.max_latency_seconds)}")
    margin = with_unit(f"{rule.margin:g}", "%" if rule.margin_unit == "percent" else kpi.unit)
    return (
        f"{named(kpi)} better by at least {margin} with its "
        f"{with_unit(f'{100 * rule.level:.0f}', '%')} interval, {', '.join(limits)}, and better "
        "than both placebos of the same pipeline."
    )


def _time_and_cost(brief: Brief, comparison: Comparison) -> str:
    budgets = sorted({summary.budget_seconds for summary in comparison.summaries})
    allowed = " to ".join(seconds(budget) for budget in dict.fromkeys((budgets[0], budgets[-1])))
    text = (
        f"Every arm had {allowed} a case, end to end; "
        f"the whole trial took {hours(brief.hours)} of runs."
    )
    if comparison.prices is not None:
        costs = [
            f"{s.arm} {money(s.cost_per_run, comparison.prices.currency)}"
            for s in comparison.summaries
            if s.cost_per_run is not None and s.kind is not Kind.PLACEBO
        ]
        text += f" A run costs: {'; '.join(costs)}." if costs else ""
    value = comparison.verdict.net_value
    if value is not None:
        text += (
            f" Net value of the candidate: {money(value.per_run, value.currency)} a run "
            f"(from {money(value.low, value.currency)} to {money(value.high, value.currency)})."
        )
    return text


def _go(comparison: Comparison) -> str:
    verdict = comparison.verdict
    words = {
        Decision.KEEP: "Go: put the quantum step into production behind its fallback.",
        Decision.ITERATE: "Not yet: the evidence allows neither go nor no-go.",
        Decision.STOP: "No-go for the quantum step.",
        Decision.INSUFFICIENT: "Not yet: too few cases to say.",
        Decision.NOT_COMPARABLE: "No decision: the arms were not comparable.",
        Decision.BLOCKED: "No decision: something the rule requires is missing.",
    }
    text = words[verdict.decision]
    if verdict.run_now:
        text += f" Run “{verdict.run_now}” today."
    if verdict.cases_needed is not None:
        text += f" About {verdict.cases_needed} cases would decide it."
    return text
