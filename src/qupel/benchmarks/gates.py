"""Gates: the conditions, beside the improvement itself, under which a win is a win."""

from __future__ import annotations

import numpy as np

from qupel.benchmarks.conclusions import Disagreement, Effect, Gate
from qupel.benchmarks.effects import estimate
from qupel.benchmarks.figures import ArmSummary
from qupel.benchmarks.intervals import mean_interval
from qupel.benchmarks.rule import Measure
from qupel.benchmarks.summary import END_TO_END
from qupel.benchmarks.table import Table, has_answered
from qupel.model.evidence import Evidence

IDEAL = frozenset({Evidence.NOISELESS, Evidence.EXACT, Evidence.CLASSICAL})
"""Evidence from a machine without noise and without a queue of its own, a classical one included:
what stands in for a quantum annealer here shows nothing of one."""


def improvement_gate(effect: Effect, margin: float, *, win: bool, no_gain: bool) -> Gate:
    """The improvement over the best classical arm is beyond the margin."""
    low, high = effect.estimate.low, effect.estimate.high
    return Gate(
        "improvement",
        win,
        no_gain,
        f"improvement of {effect.arm} over {effect.against}: {said(effect)}; "
        f"the margin is {margin:g}{space(effect.unit)}",
        {"estimate": effect.estimate.value, "low": low, "high": high, "margin": margin},
    )


def feasibility_gate(table: Table, arm: str, against: str, level: float) -> Gate:
    """Feasible answers are not rarer than the other arm's by more than the margin.

    Shares are compared case by case, as everything else; without a single discordant case the
    interval has no width, and the arms' Wilson intervals say what that is worth.
    """
    shares = [
        np.array(
            [np.mean([has_answered(r) for r in table.runs[name, c.name]]) for c in table.cases]
        )
        for name in (arm, against)
    ]
    margin = table.rule.feasibility_margin
    difference = shares[0] - shares[1]
    low, high = (float(bound) for bound in mean_interval(difference, level))
    return Gate(
        "feasibility",
        low >= -margin,
        high < -margin,
        f"{arm} answers feasibly in {100 * shares[0].mean():.0f} % of its runs, {against} in "
        f"{100 * shares[1].mean():.0f} %; {100 * margin:.0f} % fewer would count as none",
        {
            "candidate": float(shares[0].mean()),
            "classical": float(shares[1].mean()),
            "low": low if np.isfinite(low) else None,
            "high": high if np.isfinite(high) else None,
            "margin": margin,
        },
    )


def cost_gate(candidate: ArmSummary, classical: ArmSummary, table: Table) -> Gate:
    """A run does not cost more than the rule allows."""
    rule = table.rule
    cost, other = candidate.cost_per_run, classical.cost_per_run
    figures = {
        "candidate": cost,
        "classical": other,
        "max_ratio": rule.max_cost_ratio,
        "max_cost": rule.max_cost,
        "ratio": cost / other if cost is not None and other else None,
    }
    if rule.max_cost_ratio is None and rule.max_cost is None:
        return Gate("cost", True, False, "the rule sets no limit on cost", figures)
    if cost is None or (other is None and rule.max_cost_ratio is not None):
        text = "the rule limits the cost of a run, but no prices are known"
        return Gate("cost", False, False, text, figures)
    allowed = [
        *([rule.max_cost_ratio * (other or 0.0)] if rule.max_cost_ratio is not None else []),
        *([rule.max_cost] if rule.max_cost is not None else []),
    ]
    figures["allowed"] = min(allowed)
    passed = cost <= min(allowed) * (1 + 1e-9)
    text = f"a run of {candidate.arm} costs {cost:.4g}"
    if other is not None:
        text += f", of {classical.arm} {other:.4g}"
    return Gate(
        "cost", passed, not passed, f"{text}; at most {min(allowed):.4g} is allowed", figures
    )


def latency_gate(candidate: ArmSummary, limit: float | None) -> Gate:
    """95 % of the runs end in time, the queue included."""
    seconds = candidate.clocks[END_TO_END].p95
    figures = {"p95": seconds, "limit": limit}
    if limit is None:
        return Gate("latency", True, False, "the rule sets no limit on latency", figures)
    return Gate(
        "latency",
        seconds <= limit,
        seconds > limit,
        f"95 % of the runs of {candidate.arm} end within {seconds:.3g} s; "
        f"at most {limit:g} s are allowed",
        figures,
    )


def measures_gate(
    table: Table, disagreements: tuple[Disagreement, ...], missing: list[str]
) -> Gate:
    """No other business measure is lost beyond its tolerance."""
    bounded = [measure for measure in table.rule.measures if measure.tolerance is not None]
    if not bounded:
        return Gate("measures", True, False, "the rule bounds no further measure")
    lost = [known.measure for known in disagreements if known.beyond_tolerance]
    unknown = [measure.name for measure in bounded if measure.name in missing]
    if unknown:
        return Gate("measures", False, False, f"not every record has {', '.join(unknown)}")
    text = f"too much may be lost on {', '.join(lost)}" if lost else "no further measure is lost on"
    tolerances = {measure.name: measure.tolerance or 0.0 for measure in bounded}
    refuted = any(
        known.effect.high is not None and known.effect.high < -tolerances[known.measure]
        for known in disagreements
        if known.measure in tolerances
    )
    return Gate("measures", not lost, refuted, text)


def evidence_gate(table: Table, arm: str) -> Gate:
    """The win does not rest on a machine without noise and queue."""
    seen = {record.evidence for record in table.of_arm(arm)}
    ideal = bool(seen & IDEAL)
    kinds = ", ".join(sorted(seen))
    text = f"the samples of {arm} come from: {kinds}"
    return Gate("evidence", not ideal, False, f"{text}; no noise and no queue" if ideal else text)


def contribution_gate(
    contributions: tuple[Effect, ...], *, passed: bool, refuted: bool, placebo_wins: bool
) -> Gate:
    """The quantum samples are better than what stands in for them."""
    parts = [f"{said(effect)} over {effect.against}" for effect in contributions]
    text = f"the quantum step adds {' and '.join(parts)}"
    if placebo_wins:
        text += "; a placebo passes the margin as well"
    figures = {effect.against: effect.estimate.value for effect in contributions}
    return Gate("quantum contribution", passed, refuted, text, figures)


def disagreements_of(
    table: Table, arm: str, against: str, kpi_effect: float, level: float
) -> tuple[tuple[Disagreement, ...], list[str]]:
    """Measures that get worse while the KPI gets better, or the other way round.

    Returns
    -------
    The disagreements, and the names of measures that some record lacks.
    """
    found, missing = [], []
    for measure in table.rule.measures:
        mine, theirs = table.measures(arm, measure.name), table.measures(against, measure.name)
        if mine is None or theirs is None:
            missing.append(measure.name)
            continue
        known = estimate(_gain(mine, theirs, measure), level)
        least, most = (known.value if b is None else b for b in (known.low, known.high))
        worse = most < 0 <= kpi_effect
        lost = measure.tolerance is not None and least < -measure.tolerance
        if worse or lost or (least > 0 > kpi_effect):
            word = "worse" if known.value < 0 else "better"
            text = (
                f"{measure.name} is {abs(known.value):.3g}{space(measure.unit)} {word} on average "
                f"while the KPI is {'better' if kpi_effect >= 0 else 'worse'}"
            )
            found.append(Disagreement(measure.name, measure.unit, known, lost, text))
    return tuple(found), missing


def _gain(mine: np.ndarray, theirs: np.ndarray, measure: Measure) -> np.ndarray:
    """Gain in a measure by case, positive where it is better."""
    return theirs - mine if measure.sense == "min" else mine - theirs


def said(effect: Effect) -> str:
    """An effect with its interval, for a sentence."""
    known, unit = effect.estimate, space(effect.unit)
    if known.low is None or known.high is None:
        return f"{known.value:.3g}{unit}"
    return (
        f"{known.value:.3g}{unit} ({100 * known.level:.4g} % interval "
        f"{known.low:.3g} to {known.high:.3g})"
    )


def space(unit: str) -> str:
    """The unit after a number."""
    return f" {unit}" if unit else ""
