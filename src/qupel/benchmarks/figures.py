"""Figures of cases, arms and cells: what a comparison measured, before anything is concluded.

Figures that do not exist are None, never infinite or NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qupel.benchmarks.arms import Kind


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
class Spread:
    """Median, mean and 95th percentile."""

    median: float
    mean: float
    p95: float


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
