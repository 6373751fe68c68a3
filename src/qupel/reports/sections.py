"""The sections of a memo that show what a comparison found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qupel.benchmarks.comparison import Comparison
from qupel.benchmarks.conclusions import Advantage, Decision, Effect
from qupel.benchmarks.figures import ArmSummary, Estimate
from qupel.reports import charts
from qupel.reports.brief import Brief, Picture
from qupel.reports.page import Figure, Section, Table, drawn, table
from qupel.reports.render import MISSING, has_renderer
from qupel.reports.wording import (
    interval,
    named,
    percent,
    rate,
    sentence,
    time_to_solution,
    with_unit,
)

EQUAL = 1e-9
"""Improvements of less than this are shown as none."""


def why(comparison: Comparison) -> Section:
    """Gates with their figures, and what else led to the verdict."""
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
                sentence(text)
                for text in (
                    *(r for r in verdict.reasons if r not in {gate.text for gate in verdict.gates}),
                    *comparability.violations,
                    *comparability.blockers,
                    *(disagreement.text for disagreement in verdict.disagreements),
                )
            )
        ),
    )


def quality(comparison: Comparison) -> Section:
    """How good the answers of each arm are."""
    summaries = comparison.summaries
    order = [summary.arm for summary in summaries]
    run_now = comparison.verdict.run_now
    chosen = order.index(run_now) if run_now in order else -1
    text: tuple[str, ...] = ()
    if comparison.verdict.decision in (Decision.NOT_COMPARABLE, Decision.BLOCKED):
        text = ("These figures describe each arm by itself. They rank nothing.",)
    if all(s.stability.worst_gap < EQUAL for s in summaries):
        text += ("Every run of every arm reached the best known answer, so no chart is drawn.",)
        figures: tuple[Figure, ...] = ()
    else:
        figures = _gaps(comparison, order)
    return Section(
        "Quality",
        text=text,
        figures=figures,
        tables=(_answers(comparison, chosen), _searches(comparison, chosen)),
    )


def _gaps(comparison: Comparison, order: list[str]) -> tuple[Figure, ...]:
    rows = [
        {"arm": s.arm, "kind": str(s.kind), **_bounds(s.gap, scale=100.0)}
        for s in comparison.summaries
    ]
    chart = charts.intervals(
        rows, value="Mean gap to the best known answer (%)", title="Quality of each arm",
        order=order,
    )  # fmt: skip
    known = any(s.gap.low is not None for s in comparison.summaries)
    level = f" with {percent(comparison.rule.level)} intervals" if known else ""
    return drawn(
        chart,
        f"Mean primal gap{level} over {len(comparison.cases)} cases; "
        "smaller is better. Infeasible answers count as a gap of 100 %.",
        "Gap of each arm with its interval; the table below holds the figures.",
    )


def _answers(comparison: Comparison, chosen: int) -> Table:
    columns = [
        "Arm", "Kind", f"#{named(comparison.kpi)}", "#Gap", "#Spread over seeds",
    ]  # fmt: skip
    rows = [
        [
            s.arm,
            str(s.kind),
            interval(s.kpi, digits=5) if s.kpi is not None else "none",
            interval(s.gap, "%", scale=100.0),
            percent(s.stability.gap_sd, 2),
        ]
        for s in comparison.summaries
    ]
    if any(s.cost_per_run is not None for s in comparison.summaries):
        currency = comparison.prices.currency if comparison.prices is not None else "as billed"
        columns.append(f"#Cost a run ({currency})")
        rows = [
            [*row, "–" if s.cost_per_run is None else f"{s.cost_per_run:.2g}"]
            for row, s in zip(rows, comparison.summaries, strict=True)
        ]
    note = "In bold: the arm to run now." if chosen >= 0 else ""
    return table(columns, rows, chosen=chosen, note=note)


def _searches(comparison: Comparison, chosen: int) -> Table:
    return table(
        ["Arm", "#Feasible samples, raw", "#Feasible answers", "#Success", "#TTS99 (s)",
         "#Primal integral", "#Diversity"],
        [_search_cells(s) for s in comparison.summaries],
        chosen=chosen,
        note=f"Success: feasible and within {percent(comparison.rule.epsilon)} of the "
        "best known answer. TTS99: seconds to succeed once with 99 % probability, end to "
        "end; “>” marks a lower bound. Primal integral: the gap averaged over the budget, "
        "as the incumbents claim. Diversity: mean distance of the feasible samples.",
    )  # fmt: skip


def _search_cells(summary: ArmSummary) -> list[str]:
    end_to_end = summary.times_to_solution[-1]
    return [
        summary.arm,
        rate(summary.raw),
        rate(summary.feasible),
        rate(summary.success),
        time_to_solution(end_to_end.seconds, end_to_end.low),
        percent(summary.primal_integral.value),
        "–" if summary.diversity is None else f"{summary.diversity:.2f}",
    ]


def case_by_case(comparison: Comparison) -> Section | None:
    """The candidate against the best classical arm on each case."""
    verdict = comparison.verdict
    effect = next((e for e in comparison.effects if e.arm == verdict.candidate), None)
    if effect is None:
        return None
    text = (
        f"“{effect.arm}” was better than “{effect.against}” in {effect.wins} cases, equal in "
        f"{effect.ties}, worse in {effect.losses}."
    )
    figures: tuple[Figure, ...] = ()
    if all(abs(value) < EQUAL for value in effect.by_case.values()):
        text += " Both gave the same KPI in every case, so no chart is drawn."
    else:
        rows = [{"case": case, "effect": value} for case, value in effect.by_case.items()]
        figures = drawn(
            charts.effects(rows, margin=comparison.rule.margin, unit=effect.unit),
            f"Improvement in {effect.unit}; the dashed line is the margin fixed beforehand.",
            "Improvement of the candidate on each case.",
        )
    return Section(
        "Case by case",
        text=(text,),
        figures=figures,
        tables=(
            _effects(
                comparison.effects,
                "Against",
                note="Improvement: mean over cases with its interval. p: Wilcoxon signed-rank, "
                "corrected for the number of arms.",
            ),
        ),
    )


def contribution(comparison: Comparison) -> Section | None:
    """What the quantum step adds over its placebos."""
    found = comparison.contributions
    if not found:
        return None
    kinds = {arm.name: arm.placebo_kind for arm in comparison.arms}
    words = {"uniform": "uniform random bits", "sampler": "a classical sampler"}
    several = len({effect.arm for effect in found}) > 1
    rows = [
        {
            "versus": words[kinds[e.against]] + (f": {e.arm}" if several else ""),
            **_bounds(e.estimate),
        }
        for e in found
    ]
    text: tuple[str, ...] = (
        "A placebo is the same pipeline with its quantum samples replaced: by as many "
        "uniform random bits, or by a classical sampler under the same budget. Only what an "
        "arm gains over both placebos is owed to the quantum step.",
    )
    figures: tuple[Figure, ...] = ()
    if all(abs(value) < EQUAL for effect in found for value in effect.by_case.values()):
        text += ("Arm and placebos gave the same KPI in every case, so no chart is drawn.",)
    else:
        figures = drawn(
            charts.contributions(rows, unit=found[0].unit),
            f"Improvement of the KPI ({found[0].unit}) over the same pipeline with these "
            "samples in place of the quantum ones.",
            "Improvement over each placebo with its interval.",
        )
    return Section(
        "Quantum contribution", text=text, figures=figures, tables=(_effects(found, "Placebo"),)
    )


def _effects(effects: Sequence[Effect], other: str, note: str = "") -> Table:
    rows = []
    for effect in effects:
        p = effect.p_holm if effect.p_holm is not None else effect.p_value
        rows.append(
            [
                effect.arm,
                effect.against,
                interval(effect.estimate, effect.unit),
                f"{effect.wins}–{effect.ties}–{effect.losses}",
                _p_value(p),
                "yes" if effect.equivalent else "no",
            ]
        )
    columns = ["Arm", other, "#Improvement", "#Wins–ties–losses", "#p (Holm)", "Equivalent"]
    return table(columns, rows, note=note)


def _p_value(p: float | None) -> str:
    if p is None:
        return "–"
    return f"{p:.3f}" if p >= 0.0005 else "< 0.001"


def answer(pictures: Sequence[Picture]) -> Section | None:
    """The answer itself, as a picture; as its caption where nothing can draw."""
    if not pictures:
        return None
    figures = tuple(
        figure for p in pictures for figure in drawn(charts.dressed(p.spec), p.caption, p.caption)
    )
    captions = () if figures else tuple(picture.caption for picture in pictures)
    return Section("The answer itself", figures=figures, items=captions)


def not_shown(brief: Brief, comparison: Comparison) -> Section:
    """What a reader must not take from the memo."""
    evidence = sorted({kind for s in comparison.summaries for kind in s.evidence})
    items = [f"Kinds of evidence: {', '.join(evidence)}."]
    if "hardware" not in evidence:
        items[0] += " Nothing here ran on a quantum computer."
    if not has_renderer():
        items.append(f"{sentence(MISSING)} The tables hold every figure.")
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
    items += list(_silent(comparison))
    items += [sentence(text) for text in comparison.comparability.cautions]
    if not brief.complete:
        items.append("The stop rule ended the pilot before every planned cell had run.")
    items += [f"Amended after the lock: {text}" for text in brief.amendments]
    return Section("What was not shown", items=tuple(items))


def _silent(comparison: Comparison) -> Iterator[str]:
    """Arms that did not answer themselves in some of their runs, and how those runs ended."""
    for summary in comparison.summaries:
        silent = summary.runs - summary.feasible.count
        if silent:
            ends = {status: n for status, n in summary.statuses.items() if status != "answered"}
            ends |= {"answered by the fallback": summary.fallbacks} if summary.fallbacks else {}
            how = ", ".join(f"{count} {status}" for status, count in ends.items())
            yield (
                f"“{summary.arm}” did not answer {silent} of its {summary.runs} runs itself "
                f"({how or 'infeasible'}); `qupel show` says why."
            )


def reproduction(brief: Brief, comparison: Comparison) -> Section:
    """How to get the same again."""
    return Section(
        "Reproduce it",
        text=(
            f"Hypothesis: {brief.hypothesis} "
            f"Expected: {with_unit(f'{brief.expected_effect:g}', '%')}. "
            f"Stop rule: {sentence(brief.stop_rule)}",
            f"Charter {brief.charter_hash[:16]}, {len(comparison.records)} records, "
            f"on {'; '.join(filter(None, comparison.machines)) or 'an unknown machine'}.",
        ),
        command="\n".join(brief.commands),
    )


def _bounds(estimate: Estimate, scale: float = 1.0) -> dict[str, float]:
    """Estimate and bounds for a chart; without bounds the estimate stands for them."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return {"estimate": scale * estimate.value, "low": scale * low, "high": scale * high}
