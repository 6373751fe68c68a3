"""The verdict: keep, iterate or stop, by the rule; `qupel.benchmarks.outcomes` has its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qupel.benchmarks import gates, outcomes
from qupel.benchmarks.arms import Arm
from qupel.benchmarks.conclusions import (
    Comparability,
    Decision,
    Disagreement,
    Effect,
    Gate,
    Verdict,
)
from qupel.benchmarks.decide import Findings, Shift, find, shift
from qupel.benchmarks.effects import improvement, mean, regret
from qupel.benchmarks.intervals import fewest_cases
from qupel.benchmarks.regions import is_local
from qupel.benchmarks.table import Table
from qupel.benchmarks.trial import Trial


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
        return outcomes.insufficient(trial, common, least)
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
        return outcomes.classical_win(trial, verdict)
    if known["feasibility"].refuted:
        return outcomes.stop(verdict, "it answers feasibly less often", known["feasibility"])
    # A win on one tag can hide in a mean without gain: it asks for a trial of its own.
    if holding and not findings.win:
        return outcomes.confirm_region(trial, verdict, holding, [*practical, known["evidence"]])
    if bool(findings.no_gain):
        return outcomes.stop(verdict, outcomes.why_no_gain(trial), known["improvement"])
    if bool(findings.adds_nothing):
        why = "its samples do no better than those of a placebo"
        return outcomes.stop(verdict, why, known["quantum contribution"])
    if not findings.win:
        return outcomes.undecided(
            trial, verdict, trial.effects[trial.candidate.name], known["improvement"]
        )
    if failing := [gate for gate in practical if not gate.passed]:
        return outcomes.not_worth_it(
            trial, verdict, failing, idealised=not known["evidence"].passed
        )
    if not findings.contributes:
        weakest = min(trial.contributions, key=lambda effect: effect.estimate.low or 0.0)
        return outcomes.undecided(trial, verdict, weakest, known["quantum contribution"])
    if not known["evidence"].passed:
        return outcomes.idealised(trial, verdict, holding if local else ())
    return outcomes.keep(trial, verdict, holding if local else ())
