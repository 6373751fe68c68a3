"""Conclusions of a comparison: effects of one arm against another, gates, and the verdict.

Improvements are positive where the first-named arm is better, whatever the KPI's sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qupel.benchmarks.arms import Kind
from qupel.benchmarks.figures import Estimate
from qupel.benchmarks.money import NetValue


@dataclass(frozen=True, slots=True)
class Effect:
    """How much better one arm is than another, paired by case.

    Attributes
    ----------
    arm, against
        Positive means that ``arm`` is better.
    unit
        ``%`` of the other arm's KPI, or the KPI's own unit.
    estimate
        Mean over cases with the interval that decides: see the documentation of the verdict.
    bootstrap
        The same mean with the interval of the hierarchical bootstrap, cases then seeds.
    hodges_lehmann
        Median of the Walsh averages with the exact signed-rank interval.
    p_value, p_holm
        Wilcoxon signed-rank, two-sided, zeros by Pratt; and by Holm over all arms compared.
    rank_biserial
        From -1 (always worse) to 1 (always better).
    equivalence_p
        Two one-sided tests against the margin; None for a margin of 0.
    equivalent
        Whether these show equivalence within the margin.
    wins, ties, losses
        Cases in which ``arm`` is better, equal, worse.
    by_case
        Improvement in each case, in order of the comparison's cases.
    """

    arm: str
    against: str
    unit: str
    cases: int
    estimate: Estimate
    bootstrap: Estimate
    hodges_lehmann: Estimate
    p_value: float | None
    p_holm: float | None
    rank_biserial: float
    equivalence_p: float | None
    equivalent: bool
    wins: int
    ties: int
    losses: int
    by_case: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Region:
    """The effect of the candidate on the cases of one tag.

    Attributes
    ----------
    effect
        Improvement over the best classical arm, its interval corrected for the number of tags.
    contributions
        Improvement over each placebo on these cases, by the placebo's kind.
    holds
        Whether the win stands here on its own: enough cases, beyond the margin, and better than
        both placebos.
    """

    tag: str
    cases: int
    effect: Estimate
    contributions: Mapping[str, Estimate]
    holds: bool


@dataclass(frozen=True, slots=True)
class Point:
    """An arm in the plane of quality, time and money."""

    arm: str
    kind: Kind
    gap: float
    seconds: float
    cost: float | None
    on_front: bool


@dataclass(frozen=True, slots=True)
class Ranks:
    """How stable the order of the arms is.

    Attributes
    ----------
    mean
        Mean rank of each arm over cases, 1 for the best.
    same_best
        Share of seeds for which the arm with the best mean is the best overall; None with one
        seed.
    kendall_tau
        Mean over pairs of seeds of the agreement of the arms' order, -1 to 1.
    """

    mean: Mapping[str, float]
    same_best: float | None
    kendall_tau: float | None


@dataclass(frozen=True, slots=True)
class Comparability:
    """Whether the arms may be compared at all.

    Attributes
    ----------
    violations
        What makes them not comparable; each names arm, case and figures.
    blockers
        What had to be there and is missing: a strong baseline, a placebo, a candidate.
    cautions
        What a reader should know though it stops nothing.
    """

    violations: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a keep.

    Attributes
    ----------
    name
        ``improvement``, ``feasibility``, ``cost``, ``latency``, ``measures``,
        ``quantum contribution`` or ``evidence``.
    passed
        Whether it is met.
    refuted
        Whether its opposite is established. Neither passed nor refuted: undecided.
    text
        One sentence with the figures.
    figures
        The same figures by name.
    """

    name: str
    passed: bool
    refuted: bool
    text: str
    figures: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The KPI says one thing and a business measure the other.

    ``effect`` is in the measure's unit, positive where the candidate is better.
    """

    measure: str
    unit: str
    effect: Estimate
    beyond_tolerance: bool
    text: str


class Decision(StrEnum):
    """What to do about the quantum step."""

    KEEP = "keep"
    ITERATE = "iterate"
    STOP = "stop"
    INSUFFICIENT = "insufficient"
    NOT_COMPARABLE = "not comparable"
    BLOCKED = "blocked"


class Advantage(StrEnum):
    """What kind of advantage the evidence supports; asymptotic is never claimed."""

    NONE = "none"
    CLASSICAL_WIN = "classical win"
    IDEALISED = "idealised only"
    LOCAL = "local"
    EMPIRICAL = "empirical"
    HARDWARE = "hardware-specific"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says.

    Attributes
    ----------
    decision
        About the quantum step.
    sentence
        The decision in one sentence of plain English.
    reasons
        Why, most important first.
    advantage
        Kind of advantage that the evidence supports.
    region
        Tags in which it holds; empty for everywhere or nowhere.
    run_now
        The arm to run today: the simplest within the margin of the best. Empty where no winner
        may be named.
    candidate, comparator
        The best arm with a quantum step, and the best classical arm it was judged against.
    gates
        Conditions of a keep, in order.
    cases_needed
        Cases for a decision with the rule's power; None where more cases would not help, or
        where the spread is unknown.
    level
        Confidence of the deciding intervals after correction for the number of candidates.
    disagreements
        Business measures that contradict the KPI.
    net_value
        In money, where the charter says what a gain is worth.
    """

    decision: Decision
    sentence: str
    reasons: tuple[str, ...]
    advantage: Advantage = Advantage.NONE
    region: tuple[str, ...] = ()
    run_now: str = ""
    candidate: str = ""
    comparator: str = ""
    gates: tuple[Gate, ...] = ()
    cases_needed: int | None = None
    level: float = 0.95
    disagreements: tuple[Disagreement, ...] = ()
    net_value: NetValue | None = None
