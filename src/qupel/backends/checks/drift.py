"""Drift: an alarm when a device's smoke circuits fail more often than they used to.

Each circuit has a chart of its failures. The chart adds up what a run's failures exceed a reference
by and never falls below zero (CUSUM), so that it finds a lasting small rise sooner than any limit
on single runs. How often it gives a false alarm is not tuned by hand: the failures of a device that
does not change are binomial, and the mean number of runs until a false alarm follows exactly from a
Markov chain over the chart's levels.

References
----------
Page (1954), Continuous inspection schemes, doi:10.1093/biomet/41.1-2.100; Brook and Evans (1972),
An approach to the probability distribution of CUSUM run length, doi:10.1093/biomet/59.3.539.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from qupel.backends.checks.smoke import SmokeRun
from qupel.errors import InputError

#: Levels of a chart lie on multiples of this.
STEP = 0.25
#: Chance that the failure share assumed of a steady device is below the true one.
DOUBT = 0.05
#: Most levels of a chart.
MOST_LEVELS = 4000


@dataclass(frozen=True, slots=True)
class Chart:
    """CUSUM chart of one circuit's failures.

    Attributes
    ----------
    name
        Of the circuit.
    shots
        Of each run.
    share
        Failure share assumed of a steady device: an upper bound from its baseline.
    reference
        Failures of a run that leave the level as it is.
    threshold
        Level from which on there is an alarm.
    run_length
        Mean number of runs until a false alarm, at the assumed share.
    """

    name: str
    shots: int
    share: float
    reference: float
    threshold: float
    run_length: float

    @classmethod
    def of(
        cls, name: str, failures: int, tried: int, *, shots: int, rise: float, run_length: float
    ) -> Self:
        """Return the chart for a circuit that failed so often while the device was steady.

        Parameters
        ----------
        failures, tried
            Failed shots of the baseline, and all its shots.
        shots
            Of each run.
        rise
            Factor on the odds of a failure that the chart finds soonest, above 1.
        run_length
            Mean number of runs until a false alarm, at least.
        """
        share = _upper(failures, tried)
        odds = rise * share / (1 - share)
        worse = odds / (1 + odds)
        # Wald's sequential test of one share against the other gains nothing at this count.
        gain, loss = math.log(worse / share), math.log((1 - share) / (1 - worse))
        reference = math.ceil(shots * loss / (gain + loss) / STEP) * STEP
        threshold, reached = _threshold(share, shots, reference, run_length)
        return cls(name, shots, share, reference, threshold, reached)

    def after(self, level: float, failures: int) -> float:
        """Level after a run of so many failures."""
        return max(0.0, level + failures - self.reference)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A device fails more often than it used to.

    Attributes
    ----------
    at
        Time of the run that raised it, UTC seconds since 1970.
    since
        Time of the first run of the rise: the one after the chart was last at zero.
    name
        Of the circuit.
    level, threshold
        Of its chart.
    share, before
        Failure share since then, and the one assumed before.
    """

    at: float
    since: float
    name: str
    level: float
    threshold: float
    share: float
    before: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.share:.2%} of shots fail since the rise began, against "
            f"{self.before:.2%} at most before (level {self.level:g}, alarm from "
            f"{self.threshold:g})"
        )


@dataclass(frozen=True, slots=True)
class Detector:
    """Charts of all smoke circuits of one device.

    Attributes
    ----------
    charts
        One a circuit.

    Notes
    -----
    With ``k`` charts of mean run length ``L`` there is a false alarm in one of ``L / k`` runs at
    most, however the circuits depend on each other.
    """

    charts: tuple[Chart, ...]

    @classmethod
    def of(
        cls, baseline: Sequence[SmokeRun], *, rise: float = 1.5, run_length: float = 2000.0
    ) -> Self:
        """Return the detector for a device that was steady during the baseline.

        Parameters
        ----------
        baseline
            Runs of one number of shots and the same circuits; the more, the sooner a small rise
            shows, since less is left in doubt.
        rise
            Factor on the odds of a failure that is found soonest.
        run_length
            Mean number of runs until a false alarm of any chart, at least: 2000 hourly runs are
            twelve weeks.
        """
        if not baseline:
            raise InputError("a baseline has one run or more")
        if not (rise > 1 and math.isfinite(rise)):
            raise InputError(f"rise must be above 1, got {rise}")
        if not run_length >= 1:
            raise InputError(f"run_length must be at least 1, got {run_length}")
        first = baseline[0]
        for run in baseline:
            cls.check_alike(first, run)
        return cls(
            tuple(
                Chart.of(
                    name,
                    sum(run.failures[name] for run in baseline),
                    first.shots * len(baseline),
                    shots=first.shots,
                    rise=rise,
                    run_length=run_length * len(first.failures),
                )
                for name in first.failures
            )
        )

    @staticmethod
    def check_alike(first: SmokeRun, run: SmokeRun) -> None:
        """Refuse runs of one baseline that have other shots or circuits."""
        if run.shots != first.shots or set(run.failures) != set(first.failures):
            raise InputError(
                f"runs of a baseline have the same shots and circuits, got {first.shots} of "
                f"{sorted(first.failures)} and {run.shots} of {sorted(run.failures)}"
            )

    @property
    def run_length(self) -> float:
        """Mean number of runs until a false alarm, at least."""
        return 1 / sum(1 / chart.run_length for chart in self.charts)

    def alarms(self, runs: Iterable[SmokeRun]) -> list[Alarm]:
        """Alarms in runs after the baseline, in order; a chart begins anew after its alarm."""
        found = []
        held = {chart.name: _Rise() for chart in self.charts}
        for run in runs:
            for chart in self.charts:
                if run.shots != chart.shots or chart.name not in run.failures:
                    raise InputError(
                        f"the baseline has {chart.shots} shots of circuit {chart.name!r}, the run "
                        f"at {run.at:.0f} has {run.shots} of {sorted(run.failures)}"
                    )
                failures = run.failures[chart.name]
                rise = held[chart.name].after(chart, run.at, failures)
                if rise.level >= chart.threshold:
                    share = rise.failures / (rise.runs * chart.shots)
                    found.append(
                        Alarm(
                            run.at, rise.since, chart.name, rise.level, chart.threshold,
                            share, chart.share,
                        )
                    )  # fmt: skip
                    rise = _Rise()
                held[chart.name] = rise
        return found


@dataclass(frozen=True, slots=True)
class _Rise:
    """A chart's level, and the runs since it was last at zero."""

    level: float = 0.0
    since: float = 0.0
    runs: int = 0
    failures: int = 0

    def after(self, chart: Chart, at: float, failures: int) -> _Rise:
        level = chart.after(self.level, failures)
        if level == 0:
            return _Rise()
        since = self.since if self.runs else at
        return _Rise(level, since, self.runs + 1, self.failures + failures)


def mean_run_length(share: float, shots: int, reference: float, threshold: float) -> float:
    """Mean number of runs until a chart reaches its threshold, from level zero.

    Exact for levels on multiples of `STEP`, as ``reference`` and ``threshold`` must be.
    """
    levels = round(threshold / STEP)
    chances = _binomial(shots, share)
    steps = np.round((np.arange(shots + 1) - reference) / STEP).astype(np.int64)
    moves = np.zeros((levels, levels))
    for level in range(levels):
        there = np.maximum(level + steps, 0)
        inside = there < levels
        np.add.at(moves[level], there[inside], chances[inside])
    return float(np.linalg.solve(np.eye(levels) - moves, np.ones(levels))[0])


def _threshold(
    share: float, shots: int, reference: float, run_length: float
) -> tuple[float, float]:
    """Lowest threshold whose mean run length is long enough, and that length."""
    low, high = 0, max(8, math.ceil(math.sqrt(shots * share) / STEP))
    while (reached := mean_run_length(share, shots, reference, high * STEP)) < run_length:
        low, high = high, 2 * high
        if high > MOST_LEVELS:
            raise InputError(
                f"no chart of {shots} shots has a mean run length of {run_length:g}; take fewer "
                "shots, or a larger rise"
            )
    while high - low > 1:
        middle = (low + high) // 2
        found = mean_run_length(share, shots, reference, middle * STEP)
        if found < run_length:
            low = middle
        else:
            high, reached = middle, found
    return high * STEP, reached


def _upper(failures: int, tried: int) -> float:
    """Upper bound of a share, exact (Clopper and Pearson 1934); below 1 for the charts' sake."""
    from scipy.stats import beta

    if failures >= tried:
        raise InputError(f"all {tried} shots of the baseline failed; there is nothing to lose")
    return float(beta.ppf(1 - DOUBT, failures + 1, tried - failures))


def _binomial(shots: int, share: float) -> np.ndarray:
    from scipy.stats import binom

    return np.asarray(binom.pmf(np.arange(shots + 1), shots, share), np.float64)
