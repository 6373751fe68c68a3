"""The verdict: keep, iterate or stop, by the rule, in plain English, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qupel.benchmarks import gates
from qupel.benchmarks.arms import SAMPLER, Arm
from qupel.benchmarks.conclusions import (
    Advantage,
    Comparability,
    Decision,
    Disagreement,
    Effect,
    Gate,
    Region,
    Verdict,
)
from qupel.benchmarks.decide import Findings, Shift, find, shift
from qupel.benchmarks.effects import improvement, mean, regret
from qupel.benchmarks.figures import ArmSummary
from qupel.benchmarks.intervals import fewest_cases
from qupel.benchmarks.money import NetValue
from qupel.benchmarks.power import cases_needed
from qupel.benchmarks.regions import is_local
from qupel.benchmarks.table import Table
from qupel.model.evidence import Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a verdict is made from.

    Attributes
    ----------
    candidate, comparator
        Best arm with a quantum step, best classical arm.
    placebos
        The candidate's, by their kind.
    effects
        Effect of each arm against the comparator, by name.
    contributions
        Effect of the candidate against each placebo, in order of the placebos.
    level, candidates
        Deciding level, and the number of candidates it is corrected for.
    """

    table: Table
    candidate: Arm
    comparator: Arm
    placebos: dict[str, Arm]
    effects: dict[str, Effect]
    contributions: tuple[Effect, ...]
    regions: tuple[Region, ...]
    summaries: dict[str, ArmSummary]
    level: float
    candidates: int
    net_value: NetValue | None


def refusal(comparability: Comparability) -> Verdict | None:
    """The verdict where no winner may be named; None if the arms may be compared."""
    if comparability.violations:
        found = comparability.violations
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return Verdict(
            Decision.NOT_COMPARABLE,
            f"The arms cannot be compared, so no winner is named: {found[0]}{more}.",
            (*found, *comparability.blockers),
        )
    if comparability.blockers:
        return Verdict(
            Decision.BLOCKED,
            f"No verdict is possible: {'; '.join(comparability.blockers)}.",
            comparability.blockers,
        )
    return None


def judge(trial: Trial) -> Verdict:
    """Apply the rule to a comparable trial."""
    table, rule = trial.table, trial.table.rule
    effect = trial.effects[trial.candidate.name]
    disagreements, missing = gates.disagreements_of(
        table, trial.candidate.name, trial.comparator.name, effect.estimate.value, trial.level
    )
    common = Verdict(
        Decision.ITERATE,
        "",
        (),
        run_now=simplest_near_best(table),
        candidate=trial.candidate.name,
        comparator=trial.comparator.name,
        level=trial.level,
        disagreements=disagreements,
        net_value=trial.net_value,
    )
    least = max(rule.min_cases, fewest_cases(trial.level))
    if effect.cases < least:
        return _insufficient(trial, common, least)
    findings = _findings(trial)
    passed = _gates(trial, findings, disagreements, missing)
    return _decide(trial, findings, replace(common, gates=passed))


def simplest_near_best(table: Table) -> str:
    """The simplest classical arm within the margin of the best one, by mean improvement."""
    classical = [arm for arm in table.arms if arm.is_classical]
    best = best_of(table, classical)
    reached = table.values(best.name).mean(axis=1)
    near = [
        arm
        for arm in classical
        if mean(improvement(reached, table.values(arm.name).mean(axis=1), table.kpi, table.rule))
        <= table.rule.margin
    ]
    return min(near, key=lambda arm: (arm.simplicity, regret(table, arm.name), arm.name)).name


def best_of(table: Table, arms: Sequence[Arm]) -> Arm:
    """The arm of least mean regret; of equal ones the simplest."""
    return min(arms, key=lambda arm: (round(regret(table, arm.name), 9), arm.simplicity, arm.name))


def _findings(trial: Trial) -> Findings:
    """What the intervals of a trial say."""

    def bounds(effect: Effect) -> Shift:
        return shift(np.array(list(effect.by_case.values())), trial.level)

    return find(
        bounds(trial.effects[trial.candidate.name]),
        [bounds(effect) for effect in trial.contributions],
        [bounds(trial.effects[arm.name]) for arm in trial.placebos.values()],
        trial.table.rule.margin,
    )


def _gates(
    trial: Trial,
    findings: Findings,
    disagreements: tuple[Disagreement, ...],
    missing: list[str],
) -> tuple[Gate, ...]:
    """Every condition of a keep, in order."""
    table, rule = trial.table, trial.table.rule
    name, other = trial.candidate.name, trial.comparator.name
    mine, theirs = trial.summaries[name], trial.summaries[other]
    return (
        gates.improvement_gate(
            trial.effects[name],
            rule.margin,
            win=bool(findings.win),
            no_gain=bool(findings.no_gain),
        ),
        gates.feasibility_gate(table, name, other, trial.level),
        gates.cost_gate(mine, theirs, table),
        gates.latency_gate(mine, rule.max_latency_seconds),
        gates.measures_gate(table, disagreements, missing),
        gates.contribution_gate(
            trial.contributions,
            passed=bool(findings.contributes) and not bool(findings.placebo_wins),
            refuted=bool(findings.adds_nothing),
            placebo_wins=bool(findings.placebo_wins),
        ),
        gates.evidence_gate(table, name),
    )


def _decide(trial: Trial, findings: Findings, verdict: Verdict) -> Verdict:
    """Choose the branch; the first that fits, from the strongest finding to the weakest."""
    known = {gate.name: gate for gate in verdict.gates}
    practical = [known[name] for name in ("feasibility", "cost", "latency", "measures")]
    holding = tuple(region.tag for region in trial.regions if region.holds)
    local = is_local(trial.regions, trial.table.rule.margin)
    if bool(findings.win) and bool(findings.placebo_wins):
        return _classical_win(trial, verdict)
    if known["feasibility"].refuted:
        return _stop(trial, verdict, "it answers feasibly less often", known["feasibility"])
    # A win on one tag can hide in a mean without gain: it asks for a trial of its own.
    if holding and not findings.win:
        return _confirm_region(trial, verdict, holding, [*practical, known["evidence"]])
    if bool(findings.no_gain):
        return _stop(trial, verdict, _why_no_gain(trial), known["improvement"])
    if bool(findings.adds_nothing):
        why = "its samples do no better than those of a placebo"
        return _stop(trial, verdict, why, known["quantum contribution"])
    if not findings.win:
        return _undecided(trial, verdict, trial.effects[trial.candidate.name], known["improvement"])
    if failing := [gate for gate in practical if not gate.passed]:
        return _not_worth_it(trial, verdict, failing, idealised=not known["evidence"].passed)
    if not findings.contributes:
        weakest = min(trial.contributions, key=lambda effect: effect.estimate.low or 0.0)
        return _undecided(trial, verdict, weakest, known["quantum contribution"])
    if not known["evidence"].passed:
        return _idealised(trial, verdict, holding if local else ())
    return _keep(trial, verdict, holding if local else ())


def _keep(trial: Trial, verdict: Verdict, region: tuple[str, ...]) -> Verdict:
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


def _classical_win(trial: Trial, verdict: Verdict) -> Verdict:
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


def _stop(trial: Trial, verdict: Verdict, why: str, gate: Gate) -> Verdict:
    return replace(
        verdict,
        decision=Decision.STOP,
        sentence=f"Stop the quantum step: {why}; run {verdict.run_now}.",
        reasons=_ordered(verdict, gate.name),
    )


def _why_no_gain(trial: Trial) -> str:
    """Say whether the candidate is equivalent, worse, or merely not enough better."""
    effect = trial.effects[trial.candidate.name]
    name, other = trial.candidate.name, trial.comparator.name
    if effect.estimate.high is not None and effect.estimate.high < 0:
        return f"{name} is worse than {other}, by {gates.said(_flipped(effect))}"
    if effect.equivalent:
        return f"{name} and {other} are equivalent within the margin, and ties go to the simplest"
    return f"{name} gains less than the margin over {other}: {gates.said(effect)}"


def _undecided(trial: Trial, verdict: Verdict, effect: Effect, gate: Gate) -> Verdict:
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


def _not_worth_it(
    trial: Trial, verdict: Verdict, failing: list[Gate], *, idealised: bool
) -> Verdict:
    return replace(
        verdict,
        advantage=Advantage.IDEALISED if idealised else Advantage.NONE,
        sentence=(
            f"Not a win: {_gain(trial)}, but {'; '.join(gate.text for gate in failing)}; "
            f"run {verdict.run_now}."
        ),
        reasons=_ordered(verdict, *(gate.name for gate in failing)),
    )


def _idealised(trial: Trial, verdict: Verdict, region: tuple[str, ...]) -> Verdict:
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


def _confirm_region(
    trial: Trial, verdict: Verdict, holding: tuple[str, ...], conditions: list[Gate]
) -> Verdict:
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


def _insufficient(trial: Trial, verdict: Verdict, least: int) -> Verdict:
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
