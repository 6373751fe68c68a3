"""What each outcome of a trial says: a sentence of plain English, the reasons, the arm to run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qupel.benchmarks import gates
from qupel.benchmarks.arms import SAMPLER, Arm
from qupel.benchmarks.conclusions import Advantage, Decision, Effect, Gate, Verdict
from qupel.benchmarks.power import cases_needed
from qupel.benchmarks.trial import Trial
from qupel.model.evidence import Evidence


def keep(trial: Trial, verdict: Verdict, region: tuple[str, ...]) -> Verdict:
    """It wins, and by what is quantum about it."""
    name = trial.candidate.name
    hardware = Evidence.HARDWARE in {r.evidence for r in trial.table.of_arm(name)}
    advantage = Advantage.HARDWARE if hardware else Advantage.EMPIRICAL
    where = ""
    if region:
        advantage = Advantage.LOCAL
        where = f" on cases tagged {' or '.join(region)}; elsewhere run {verdict.run_now}"
    return replace(
        verdict,
        decision=Decision.KEEP,
        advantage=advantage,
        region=region,
        run_now=name,
        sentence=f"Keep the quantum step{where}: {_gain(trial)}, and neither placebo explains it.",
        reasons=_ordered(verdict),
    )


def classical_win(trial: Trial, verdict: Verdict) -> Verdict:
    """The pipeline wins, and so it does with a placebo in place of quantum samples."""
    rule = trial.table.rule
    winners = [
        arm
        for arm in trial.placebos.values()
        if (trial.effects[arm.name].estimate.low or 0.0) > rule.margin and _is_practical(trial, arm)
    ]
    # Near-ties between the placebos go to the classical sampler, a method rather than luck.
    winners.sort(
        key=lambda arm: (
            -trial.effects[arm.name].estimate.value + rule.margin * (arm.placebo_kind != SAMPLER)
        )
    )
    run_now = winners[0].name if winners else verdict.run_now
    return replace(
        verdict,
        decision=Decision.STOP,
        advantage=Advantage.CLASSICAL_WIN,
        run_now=run_now,
        sentence=(
            f"Stop the quantum step: {_gain(trial)}, but the same pipeline wins without quantum "
            f"samples, so this is a classical win; run {run_now}."
        ),
        reasons=_ordered(verdict, "quantum contribution", "improvement"),
    )


def _is_practical(trial: Trial, arm: Arm) -> bool:
    """Whether an arm passes the gates of feasibility, cost and latency itself."""
    summary, other = trial.summaries[arm.name], trial.summaries[trial.comparator.name]
    rule = trial.table.rule
    checks = (
        gates.feasibility_gate(trial.table, arm.name, trial.comparator.name, trial.level),
        gates.cost_gate(summary, other, trial.table),
        gates.latency_gate(summary, rule.max_latency_seconds),
    )
    return all(check.passed for check in checks)


def stop(verdict: Verdict, why: str, gate: Gate) -> Verdict:
    """One gate is refuted, which settles it."""
    return replace(
        verdict,
        decision=Decision.STOP,
        sentence=f"Stop the quantum step: {why}; run {verdict.run_now}.",
        reasons=_ordered(verdict, gate.name),
    )


def why_no_gain(trial: Trial) -> str:
    """Say whether the candidate is equivalent, worse, or merely not enough better."""
    effect = trial.effects[trial.candidate.name]
    name, other = trial.candidate.name, trial.comparator.name
    if effect.estimate.high is not None and effect.estimate.high < 0:
        return f"{name} is worse than {other}, by {gates.said(_flipped(effect))}"
    if effect.equivalent:
        return f"{name} and {other} are equivalent within the margin, and ties go to the simplest"
    return f"{name} gains less than the margin over {other}: {gates.said(effect)}"


def undecided(trial: Trial, verdict: Verdict, effect: Effect, gate: Gate) -> Verdict:
    """Too few cases tell an effect from its limit; say how many would."""
    margin = trial.table.rule.margin if gate.name == "improvement" else 0.0
    values = np.array(list(effect.by_case.values()))
    needed = cases_needed(
        replace(trial.table.rule, margin=margin),
        float(values.std(ddof=1)),
        effect.estimate.value,
        candidates=trial.candidates,
    )
    needed = None if needed is None else max(needed, effect.cases + 1)
    cases = (
        f"about {needed} cases would decide"
        if needed is not None
        else "no feasible number of cases would decide, so change the step rather than repeat it"
    )
    what = (
        f"{effect.arm} gains {gates.said(effect)} over {effect.against}, "
        f"which {effect.cases} cases cannot tell from {_limit(margin, effect.unit)}"
    )
    return replace(
        verdict,
        cases_needed=needed,
        sentence=f"Iterate: {what}; {cases}, and until then run {verdict.run_now}.",
        reasons=_ordered(verdict, gate.name),
    )


def _limit(margin: float, unit: str) -> str:
    return f"the margin of {margin:g}{gates.space(unit)}" if margin else "nothing"


def not_worth_it(
    trial: Trial, verdict: Verdict, failing: list[Gate], *, idealised: bool
) -> Verdict:
    """It wins, but something in practice speaks against it."""
    return replace(
        verdict,
        advantage=Advantage.IDEALISED if idealised else Advantage.NONE,
        sentence=(
            f"Not a win: {_gain(trial)}, but {'; '.join(gate.text for gate in failing)}; "
            f"run {verdict.run_now}."
        ),
        reasons=_ordered(verdict, *(gate.name for gate in failing)),
    )


def idealised(trial: Trial, verdict: Verdict, region: tuple[str, ...]) -> Verdict:
    """It wins, but was not run on a machine with noise and a queue."""
    return replace(
        verdict,
        advantage=Advantage.IDEALISED,
        region=region,
        sentence=(
            f"Iterate: {_gain(trial)}, but only on a simulator without noise and queue, so the "
            f"win is idealised only; repeat it on hardware, and until then run {verdict.run_now}."
        ),
        reasons=_ordered(verdict, "evidence", "improvement"),
    )


def confirm_region(
    trial: Trial, verdict: Verdict, holding: tuple[str, ...], conditions: list[Gate]
) -> Verdict:
    """It wins on the cases of some tags, though not overall."""
    failing = [gate for gate in conditions if not gate.passed]
    idealised = any(gate.name == "evidence" for gate in failing)
    practical = [gate.text for gate in failing if gate.name != "evidence"]
    advantage = Advantage.IDEALISED if idealised else Advantage.LOCAL
    best = [region for region in trial.regions if region.holds]
    figures = "; ".join(
        f"{region.effect.value:.3g}{gates.space(trial.effects[trial.candidate.name].unit)} "
        f"on the {region.cases} cases tagged {region.tag}"
        for region in best
    )
    but = f", but {'; '.join(practical)}" if practical else ""
    return replace(
        verdict,
        advantage=Advantage.NONE if practical else advantage,
        region=holding,
        sentence=(
            f"Iterate: {trial.candidate.name} wins locally ({figures}) though not overall{but}; "
            f"confirm it in a trial of such cases alone, and until then run {verdict.run_now}."
        ),
        reasons=_ordered(verdict, *(gate.name for gate in failing), "improvement"),
    )


def insufficient(trial: Trial, verdict: Verdict, least: int) -> Verdict:
    """There are fewer cases than any verdict needs; say how many to plan."""
    rule = trial.table.rule
    effect = trial.effects[trial.candidate.name]
    values = np.array(list(effect.by_case.values()))
    spread = rule.spread
    if spread is None:
        spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    expected = rule.expected
    if expected is None:
        seen = effect.estimate.value
        expected = seen if seen > rule.margin else 2 * rule.margin
    needed = cases_needed(rule, spread, expected, candidates=trial.candidates)
    needed = max(least, needed or 0)
    return replace(
        verdict,
        decision=Decision.INSUFFICIENT,
        cases_needed=needed,
        sentence=(
            f"The evidence is insufficient: {effect.cases} cases are fewer than the {least} any "
            f"verdict needs, and about {needed} are to be planned; until then run "
            f"{verdict.run_now}."
        ),
        reasons=(
            f"{effect.cases} cases, at least {least} are needed at a level of {trial.level:.4g}",
            f"with an improvement of {expected:.3g}{gates.space(effect.unit)} and a standard "
            f"deviation of {spread:.3g} between cases, {needed} cases show it with a chance of "
            f"{rule.power:.0%}",
        ),
    )


def _gain(trial: Trial) -> str:
    """The improvement in words."""
    effect = trial.effects[trial.candidate.name]
    return (
        f"{effect.arm} improves the {trial.table.kpi.name} by {gates.said(effect)} over the best "
        f"classical arm, {effect.against}"
    )


def _flipped(effect: Effect) -> Effect:
    """The same effect seen from the other arm."""
    known = effect.estimate
    low = None if known.high is None else -known.high
    high = None if known.low is None else -known.low
    return replace(effect, estimate=replace(known, value=-known.value, low=low, high=high))


def _ordered(verdict: Verdict, *first: str) -> tuple[str, ...]:
    """Texts of the gates, those named first, then the other failing ones, then the rest."""
    ranked = sorted(
        verdict.gates,
        key=lambda gate: (first.index(gate.name) if gate.name in first else 99, gate.passed),
    )
    return (
        *(gate.text for gate in ranked),
        *(disagreement.text for disagreement in verdict.disagreements),
    )
