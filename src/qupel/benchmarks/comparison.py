"""A comparison: everything a memo shows of one benchmark, as plain data.

Nothing has to be computed again to draw it. Improvements are positive where the first-named arm
is better, whatever the KPI's sense. Figures that do not exist are None, never infinite or NaN, so
that a comparison survives a round trip through JSON unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Self

from qupel.benchmarks.arms import Arm, Kind
from qupel.benchmarks.money import NetValue, Prices, Worth
from qupel.benchmarks.rule import Kpi, Rule

SCHEMA = "qupel.comparison/1"


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
class Estimate:
    """A figure with its interval; the bounds are None where there are too few cases."""

    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with its Wilson interval; all None of none."""

    count: int
    of: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The objective that gaps are measured from.

    Attributes
    ----------
    value
        In the KPI's unit.
    source
        Where it comes from; ``best of this comparison`` if nothing else was given.
    proved
        Whether it is proved optimal.
    date
        When it was known, ISO 8601, or empty.
    """

    value: float
    source: str = "best of this comparison"
    proved: bool = False
    date: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One instance.

    Attributes
    ----------
    reference
        What gaps are measured from; None if no arm answered and nothing is known.
    improved_by
        Arms that beat the reference that was given; it then moves to the best found.
    """

    name: str
    problem_hash: str
    tags: tuple[str, ...] = ()
    reference: Reference | None = None
    improved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm on one case, its seeds together.

    Attributes
    ----------
    seeds
        Seeds in increasing order; ``objectives``, ``gaps`` and ``seconds`` follow them.
    objectives
        Judged objective of each run, None where it gave no feasible answer.
    gaps
        Primal gap of each run, 1 where it gave no feasible answer.
    seconds
        End-to-end seconds of each run.
    kpi
        Mean over seeds, runs without a feasible answer valued as `penalty` says in the
        documentation of metrics.
    gap
        Mean primal gap over seeds.
    feasible, successes
        Runs with a feasible answer, and with one within epsilon of the reference.
    time_to_solution
        End to end, to 99 %.
    """

    arm: str
    case: str
    seeds: tuple[int, ...]
    objectives: tuple[float | None, ...]
    gaps: tuple[float, ...]
    seconds: tuple[float, ...]
    kpi: float | None
    gap: float
    feasible: int
    successes: int
    time_to_solution: TimeToSolution


@dataclass(frozen=True, slots=True)
class TimeToSolution:
    """Seconds to reach success with 99 % probability by running again and again.

    Attributes
    ----------
    clock
        ``execute``, ``compile, queue and execute`` or ``end to end``.
    seconds
        ``t ln(0.01) / ln(1 - p)``, and ``t`` itself where p is at least 0.99; None if censored.
    low, high
        From the Clopper-Pearson interval of p; ``high`` is None if unbounded.
    censored
        No run succeeded: ``low`` is then a lower bound at 95 % (rule of three).
    runs_needed
        ``ln(0.01) / ln(1 - p)``, at least 1, not rounded; None if censored.
    successes, runs, run_seconds
        What it was computed from; ``run_seconds`` is the mean duration of a run.
    """

    clock: str
    seconds: float | None
    low: float
    high: float | None
    censored: bool
    runs_needed: float | None
    successes: int
    runs: int
    run_seconds: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Time-to-target: share of all runs that reached a gap by a time.

    Attributes
    ----------
    target
        Primal gap to be reached.
    seconds, shares
        Steps of the empirical distribution; runs that never got there are censored at the
        budget, so the last share may be below 1.
    runs, reached
        All runs, and those that got there.
    """

    target: float
    seconds: tuple[float, ...]
    shares: tuple[float, ...]
    runs: int
    reached: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, mean and 95th percentile."""

    median: float
    mean: float
    p95: float


@dataclass(frozen=True, slots=True)
class Stability:
    """How much an arm's answer depends on its seed.

    Attributes
    ----------
    gap_sd
        Standard deviation of the primal gap over seeds, its root mean square over cases; None
        with one seed.
    gap_range
        Mean over cases of the largest minus the smallest gap.
    worst_gap
        Largest gap of any run.
    """

    gap_sd: float | None
    gap_range: float
    worst_gap: float


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm over all its runs.

    Attributes
    ----------
    feasible
        Runs that ended with a feasible answer of the primary.
    raw, repaired
        Feasible samples before and after repair.
    success
        Runs within epsilon of the reference.
    gap, gap_median
        Mean primal gap over cases with its interval, and the median over cases.
    kpi
        Mean KPI over cases with its interval; None if it never answered.
    gap_raw
        Mean gap of the best sample before repair and polish; None if unknown.
    times_to_solution
        Over all runs, by each of the three clocks.
    time_to_solution_median
        Median over cases, end to end; None if half the cases or more are censored.
    curves
        Time to target for several gaps.
    primal_integral
        Mean over cases of the time-average of the primal gap, from the claimed trace.
    diversity
        Mean over runs; None where not measured.
    stages
        Mean seconds by stage; they sum to the mean end-to-end time of the stages.
    clocks
        ``execute``, ``compile, queue and execute``, ``end to end``: spread over runs.
    cost_per_run, cost_per_success
        Money; None without prices, the second also if no run succeeded.
    statuses
        Number of runs by how they ended.
    fallbacks
        Runs that the fallback answered; they count as not answered by the arm.
    evidence
        Kinds of machine behind its runs.
    budget_seconds
        End-to-end seconds each run was allowed.
    overruns
        Runs that took more than 2 % and 50 ms longer.
    """

    arm: str
    kind: Kind
    runs: int
    cases: int
    feasible: Rate
    raw: Rate
    repaired: Rate
    success: Rate
    gap: Estimate
    gap_median: float
    kpi: Estimate | None
    gap_raw: float | None
    times_to_solution: tuple[TimeToSolution, ...]
    time_to_solution_median: float | None
    curves: tuple[Curve, ...]
    primal_integral: Estimate
    diversity: float | None
    stability: Stability
    stages: Mapping[str, float]
    clocks: Mapping[str, Spread]
    cpu_seconds: float
    peak_memory: int
    cost_per_run: float | None
    cost_per_success: float | None
    statuses: Mapping[str, int]
    fallbacks: int
    evidence: tuple[str, ...]
    budget_seconds: float
    overruns: int


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """One benchmark, compared.

    Attributes
    ----------
    verdict
        Read this first.
    summaries
        One per arm, in order of the arms.
    effects
        Every other arm against the best classical arm; empty where no winner may be named.
    contributions
        The quantum contribution: each candidate against each of its placebos.
    regions
        Effect of the best candidate by tag.
    points, front_gain
        Pareto points, and the arms with a quantum step that are on the front.
    machines
        Distinct platforms the runs were made on.
    records
        Ids of the records, sorted.
    seed, draws
        Of the bootstrap.
    """

    verdict: Verdict
    family: str
    kpi: Kpi
    rule: Rule
    arms: tuple[Arm, ...]
    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    summaries: tuple[ArmSummary, ...]
    effects: tuple[Effect, ...]
    contributions: tuple[Effect, ...]
    regions: tuple[Region, ...]
    points: tuple[Point, ...]
    front_gain: tuple[str, ...]
    ranks: Ranks | None
    comparability: Comparability
    prices: Prices | None
    worth: Worth | None
    machines: tuple[str, ...]
    records: tuple[str, ...]
    seed: int
    draws: int
    schema: str = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        return _adapter().dump_python(self, mode="json")

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a comparison from `to_json`."""
        return _adapter().validate_python(dict(document))

    def summary(self, arm: str) -> ArmSummary:
        """Return the summary of the arm of this name."""
        return next(known for known in self.summaries if known.arm == arm)

    def effect(self, arm: str) -> Effect:
        """Return the effect of the arm of this name against the best classical arm."""
        return next(known for known in self.effects if known.arm == arm)


@cache
def _adapter() -> Any:
    """Translator between a comparison and plain values, made once."""
    from pydantic import TypeAdapter

    return TypeAdapter(Comparison)
