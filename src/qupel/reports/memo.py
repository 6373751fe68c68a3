"""The decision memo: what a comparison found, for the person who must decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qupel.benchmarks.arms import Kind
from qupel.benchmarks.comparison import Advantage, Comparison, Effect, Estimate, Rate
from qupel.reports import charts
from qupel.reports.page import Page, Part, Section, Table, VerdictBox, drawn, table

_STAGES = tuple(charts.STAGE_COLOURS)


@dataclass(frozen=True, slots=True)
class Brief:
    """What the memo says that the comparison does not know: the words of the charter.

    Attributes
    ----------
    title, decision, owner, approved_by, hypothesis
        As in the charter.
    bottleneck, share
        The step that is to become better, and its share of the pipeline.
    role
        The one job of the quantum step.
    fallback
        Who answers when the primary does not, in words.
    stop_rule
        In words.
    engineering_metric
        The second number.
    expected_effect
        In percent, as stated before the run.
    created, charter_hash
        When and over what the charter was locked.
    amendments
        Later changes, one text each.
    hours
        Wall-clock hours the cells took.
    complete
        Whether every planned cell has run.
    written
        When the memo's figures were computed, UTC, ISO 8601.
    commands
        Shell commands that repeat the run.
    """

    title: str
    decision: str
    owner: str
    approved_by: str
    hypothesis: str
    bottleneck: str
    share: float
    role: str
    fallback: str
    stop_rule: str
    engineering_metric: str
    expected_effect: float
    created: str
    charter_hash: str
    amendments: tuple[str, ...]
    hours: float
    complete: bool
    written: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The answer itself, drawn."""

    spec: dict[str, Any]
    caption: str


def memo(brief: Brief, comparison: Comparison, pictures: Sequence[Picture] = ()) -> Page:
    """Lay out the memo of a finished pilot."""
    verdict = comparison.verdict
    sections = [
        _why(comparison),
        _quality(comparison),
        _case_by_case(comparison),
        _contribution(comparison),
        _speed(comparison),
        _answer(pictures),
        _not_shown(brief, comparison),
        _again(brief, comparison),
    ]
    return Page(
        title=brief.title,
        decision=brief.decision,
        byline=(
            f"Owner: {brief.owner}. Thresholds accepted by {brief.approved_by} and locked on "
            f"{brief.created[:10]}, before any result was seen."
        ),
        verdict=VerdictBox(str(verdict.decision), verdict.sentence),
        parts=_parts(brief, comparison),
        sections=tuple(section for section in sections if section is not None),
    )


def _parts(brief: Brief, comparison: Comparison) -> tuple[Part, ...]:
    verdict, rule, kpi = comparison.verdict, comparison.rule, comparison.kpi
    place = f", in the arm “{verdict.candidate}”" if verdict.candidate else ""
    baseline = verdict.comparator
    tuned = next((arm.tuning for arm in comparison.arms if arm.name == baseline), None)
    granted = (
        f", tuned with {tuned.trials} trials of {_seconds(tuned.seconds / max(1, tuned.trials))}"
        if tuned is not None and tuned.trials and not tuned.exempt
        else ""
    )
    limits = [f"at most {100 * rule.feasibility_margin:g} percentage points fewer feasible answers"]
    if rule.max_cost_ratio is not None:
        limits.append(f"at most {rule.max_cost_ratio:g} times the cost")
    if rule.max_latency_seconds is not None:
        limits.append(f"an answer within {_seconds(rule.max_latency_seconds)}")
    unit = "%" if rule.margin_unit == "percent" else f" {kpi.unit}"
    return (
        Part(
            "Where quantum would fit",
            f"{brief.bottleneck} ({100 * brief.share:.0f} % of the pipeline). The quantum step "
            f"has one job, {brief.role}{place}.",
        ),
        Part(
            "Baseline",
            f"The best classical arm, “{baseline}”{granted}."
            if baseline
            else "None that the rule accepts; see below.",
        ),
        Part(
            "Success criterion",
            f"{kpi.name} ({kpi.unit}) better by at least {rule.margin:g}{unit} with its "
            f"{100 * rule.level:.0f} % interval, {', '.join(limits)}, and better than both "
            "placebos of the same pipeline.",
        ),
        Part("Fallback", brief.fallback),
        Part("Time and cost", _time_and_cost(brief, comparison)),
        Part("Go or no-go", _go(comparison)),
    )


def _time_and_cost(brief: Brief, comparison: Comparison) -> str:
    budgets = sorted({summary.budget_seconds for summary in comparison.summaries})
    text = (
        f"Every arm had {_seconds(budgets[-1]) if budgets else 'no time'} a case, end to end; "
        f"the whole trial took {_hours(brief.hours)} of runs."
    )
    if comparison.prices is not None:
        costs = [
            f"{s.arm} {_money(s.cost_per_run, comparison.prices.currency)}"
            for s in comparison.summaries
            if s.cost_per_run is not None and s.kind is not Kind.PLACEBO
        ]
        text += f" A run costs: {'; '.join(costs)}."
    value = comparison.verdict.net_value
    if value is not None:
        text += (
            f" Net value of the candidate: {_money(value.per_run, value.currency)} a run "
            f"(from {_money(value.low, value.currency)} to {_money(value.high, value.currency)})."
        )
    return text


def _go(comparison: Comparison) -> str:
    verdict = comparison.verdict
    words = {
        "keep": "Go: put the quantum step into production behind its fallback.",
        "iterate": "Not yet: the evidence allows neither go nor no-go.",
        "stop": "No-go for the quantum step.",
        "insufficient": "Not yet: too few cases to say.",
        "not comparable": "No decision: the arms were not comparable.",
        "blocked": "No decision: something the rule requires is missing.",
    }
    text = words[str(verdict.decision)]
    if verdict.run_now:
        text += f" Run “{verdict.run_now}” today."
    if verdict.cases_needed is not None:
        text += f" About {verdict.cases_needed} cases would decide it."
    return text


def _why(comparison: Comparison) -> Section:
    verdict = comparison.verdict
    comparability = comparison.comparability
    rows = [
        [gate.name, "met" if gate.passed else "refuted" if gate.refuted else "not met", gate.text]
        for gate in verdict.gates
    ]
    gates = (table(["Gate", "Result", "Figures"], rows),) if rows else ()
    return Section(
        "Why",
        tables=gates,
        items=tuple(
            dict.fromkeys(
                _sentence(text)
                for text in (
                    *(r for r in verdict.reasons if r not in {gate.text for gate in verdict.gates}),
                    *comparability.violations,
                    *comparability.blockers,
                    *(disagreement.text for disagreement in verdict.disagreements),
                )
            )
        ),
    )


def _quality(comparison: Comparison) -> Section:
    summaries = comparison.summaries
    order = [summary.arm for summary in summaries]
    rows = [
        {"arm": s.arm, "kind": str(s.kind), "estimate": 100 * s.gap.value,
         "low": 100 * (s.gap.value if s.gap.low is None else s.gap.low),
         "high": 100 * (s.gap.value if s.gap.high is None else s.gap.high)}
        for s in summaries
    ]  # fmt: skip
    chart = charts.intervals(
        rows, value="Mean gap to the best known answer (%)", title="Quality of each arm",
        order=order,
    )  # fmt: skip
    kpi = comparison.kpi
    found = [
        [
            s.arm,
            str(s.kind),
            _interval(s.kpi) if s.kpi is not None else "none",
            _percent_interval(s.gap),
            "–" if s.stability.gap_sd is None else f"{100 * s.stability.gap_sd:.2g} %",
            "–" if s.cost_per_run is None else f"{s.cost_per_run:.2g}",
        ]
        for s in summaries
    ]
    searched = [
        [
            s.arm,
            _rate(s.raw),
            _rate(s.feasible),
            _rate(s.success),
            _tts(s.times_to_solution[-1].seconds, s.times_to_solution[-1].low),
            f"{100 * s.primal_integral.value:.3g} %",
            "–" if s.diversity is None else f"{s.diversity:.2f}",
        ]
        for s in summaries
    ]
    run_now = comparison.verdict.run_now
    chosen = order.index(run_now) if run_now in order else -1
    currency = comparison.prices.currency if comparison.prices is not None else "no prices"
    level = f"{100 * comparison.rule.level:.0f}"
    return Section(
        "Quality",
        figures=drawn(
            chart,
            f"Mean primal gap with {level} % intervals over {len(comparison.cases)} cases; "
            "smaller is better. Infeasible answers count as a gap of 100 %.",
            "Gap of each arm with its interval; the table below holds the figures.",
        ),
        tables=(
            table(
                ["Arm", "Kind", f"#{kpi.name} ({kpi.unit})", "#Gap", "#Spread over seeds",
                 f"#Cost a run ({currency})"],
                found,
                chosen=chosen,
                note="In bold: the arm to run now.",
            ),
            table(
                ["Arm", "#Feasible samples, raw", "#Feasible answers", "#Success", "#TTS99 (s)",
                 "#Primal integral", "#Diversity"],
                searched,
                chosen=chosen,
                note=f"Success: feasible and within {100 * comparison.rule.epsilon:g} % of the "
                "best known answer. TTS99: seconds to succeed once with 99 % probability, end to "
                "end; “>” marks a lower bound. Primal integral: the gap averaged over the budget, "
                "as the incumbents claim. Diversity: mean distance of the feasible samples.",
            ),
        ),
    )  # fmt: skip


def _case_by_case(comparison: Comparison) -> Section | None:
    verdict = comparison.verdict
    effect = next((e for e in comparison.effects if e.arm == verdict.candidate), None)
    if effect is None:
        return None
    rows = [{"case": case, "effect": value} for case, value in effect.by_case.items()]
    lines = [_effect_cells(e) for e in comparison.effects]
    return Section(
        "Case by case",
        text=(
            f"“{effect.arm}” was better than “{effect.against}” in {effect.wins} cases, equal in "
            f"{effect.ties}, worse in {effect.losses}.",
        ),
        figures=drawn(
            charts.effects(rows, margin=comparison.rule.margin),
            f"Improvement in {effect.unit}; the dashed line is the margin fixed beforehand.",
            "Improvement of the candidate on each case.",
        ),
        tables=(
            table(
                ["Arm", "Against", "#Improvement", "#Wins–ties–losses", "#p (Holm)", "Equivalent"],
                lines,
                note="Improvement: mean over cases with its interval. p: Wilcoxon signed-rank, "
                "corrected for the number of arms.",
            ),
        ),
    )


def _contribution(comparison: Comparison) -> Section | None:
    if not comparison.contributions:
        return None
    kinds = {arm.name: arm for arm in comparison.arms}
    words = {"uniform": "uniform random bits", "sampler": "a classical sampler"}
    rows = []
    for effect in comparison.contributions:
        placebo = kinds[effect.against].placebo_kind
        rows.append(
            {"versus": f"{effect.arm} with {words.get(placebo, placebo)}",
             "estimate": effect.estimate.value,
             "low": _or(effect.estimate.low, effect.estimate.value),
             "high": _or(effect.estimate.high, effect.estimate.value)}
        )  # fmt: skip
    return Section(
        "Quantum contribution",
        text=(
            "A placebo is the same pipeline with its quantum samples replaced: by as many "
            "uniform random bits, or by a classical sampler under the same budget. Only what an "
            "arm gains over both placebos is owed to the quantum step.",
        ),
        figures=drawn(
            charts.contributions(rows),
            f"Improvement of the KPI over each placebo ({comparison.contributions[0].unit}).",
            "Improvement over each placebo with its interval.",
        ),
        tables=(
            table(
                ["Arm", "Placebo", "#Improvement", "#Wins–ties–losses", "#p (Holm)", "Equivalent"],
                [_effect_cells(effect) for effect in comparison.contributions],
            ),
        ),
    )


def _effect_cells(effect: Effect) -> list[str]:
    p = effect.p_holm if effect.p_holm is not None else effect.p_value
    return [
        effect.arm,
        effect.against,
        f"{_interval(effect.estimate)} {effect.unit}",
        f"{effect.wins}–{effect.ties}–{effect.losses}",
        "–" if p is None else f"{p:.3f}",
        "yes" if effect.equivalent else "no",
    ]


def _speed(comparison: Comparison) -> Section:
    summaries = comparison.summaries
    steps: list[dict[str, Any]] = []
    for summary in summaries:
        if summary.kind is Kind.PLACEBO or not summary.curves:
            continue
        curve = min(summary.curves, key=lambda curve: abs(curve.target - comparison.rule.epsilon))
        steps += [
            {"arm": summary.arm, "seconds": max(s, 1e-3), "share": p}
            for s, p in zip(curve.seconds, curve.shares, strict=True)
        ]
        if curve.seconds:
            last = max(summary.budget_seconds, curve.seconds[-1])
            steps.append({"arm": summary.arm, "seconds": last, "share": curve.shares[-1]})
    budget = max((s.budget_seconds for s in summaries), default=1.0)
    bars = [
        {"arm": s.arm, "stage": stage, "seconds": s.stages.get(stage, 0.0)}
        for s in summaries
        for stage in _STAGES
    ]
    figures = drawn(
        charts.stages(bars, order=[s.arm for s in summaries]),
        "Mean seconds a run by stage; the stages follow each other and sum to end to end.",
        "Seconds by stage of each arm.",
    )
    if steps:
        figures += drawn(
            charts.ecdf(steps, budget=budget),
            f"Share of runs within {100 * comparison.rule.epsilon:g} % of the best known answer "
            "by a time, as the incumbents claim; runs that never got there are cut off at the "
            "budget.",
            "Time to target of each arm.",
        )
    return Section("Speed", figures=figures)


def _answer(pictures: Sequence[Picture]) -> Section | None:
    if not pictures:
        return None
    figures = tuple(figure for p in pictures for figure in drawn(p.spec, p.caption, p.caption))
    return Section("The answer itself", figures=figures)


def _not_shown(brief: Brief, comparison: Comparison) -> Section:
    evidence = sorted({kind for s in comparison.summaries for kind in s.evidence})
    items = [f"Kinds of evidence: {', '.join(evidence)}. Nothing here ran on a quantum computer."]
    if "hardware" in evidence:
        items = [f"Kinds of evidence: {', '.join(evidence)}."]
    unproved = [c.name for c in comparison.cases if c.reference and not c.reference.proved]
    if unproved:
        items.append(
            f"In {len(unproved)} of {len(comparison.cases)} cases the best known answer is not "
            "proved optimal; gaps are measured from it all the same."
        )
    items.append(
        "Asymptotic behaviour: one comparison at these sizes says nothing about larger ones."
    )
    items.append(f"Other families, other data, other prices than these; {brief.engineering_metric} "
                 "is a second number and decided nothing.")  # fmt: skip
    if comparison.verdict.advantage not in (Advantage.NONE, Advantage.CLASSICAL_WIN):
        where = ", ".join(comparison.verdict.region) or "the cases tried"
        items.append(f"The advantage is {comparison.verdict.advantage}: it holds in {where}.")
    items += [_sentence(text) for text in comparison.comparability.cautions]
    if not brief.complete:
        items.append("The stop rule ended the pilot before every planned cell had run.")
    items += [f"Amended after the lock: {text}" for text in brief.amendments]
    return Section("What was not shown", items=tuple(items))


def _again(brief: Brief, comparison: Comparison) -> Section:
    return Section(
        "Reproduce it",
        text=(
            f"Hypothesis: {brief.hypothesis} Expected: {brief.expected_effect:g} %. "
            f"Stop rule: {brief.stop_rule}",
            f"Charter {brief.charter_hash[:16]}, {len(comparison.records)} records, "
            f"on {'; '.join(comparison.machines) or 'an unknown machine'}.",
        ),
        command="\n".join(brief.commands),
    )


def _sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return ended[:1].upper() + ended[1:]


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.5g}"
    return f"{estimate.value:.5g} ({estimate.low:.5g} to {estimate.high:.5g})"


def _percent_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{100 * estimate.value:.3g} %"
    return f"{100 * estimate.value:.3g} % ({100 * estimate.low:.3g} to {100 * estimate.high:.3g})"


def _rate(rate: Rate) -> str:
    return "–" if rate.share is None else f"{100 * rate.share:.0f} % of {rate.of}"


def _tts(seconds: float | None, low: float) -> str:
    return f"> {low:.3g}" if seconds is None else f"{seconds:.3g}"


def _money(value: float | None, currency: str) -> str:
    return "unknown" if value is None else f"{value:.3g} {currency}"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


__all__ = ["Brief", "Picture", "Table", "memo"]
