"""Health of a route: rates and drift over its last decisions, against its first ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError

#: Decisions below which nothing is said of a rate, and bins of the stability index.
FEWEST, BINS = 5, 5


@dataclass(frozen=True, slots=True)
class Limits:
    """When a route is switched to classical by itself. None leaves a limit out.

    Attributes
    ----------
    window
        Decisions looked at; the first so many of a version are its baseline.
    fallback_rate
        Share of decisions meant for the quantum step that the fallback had to answer, at most.
    timeout_rate
        Share of them for which the quantum step was not there in time, at most.
    objective_drift
        Mean gain over the fallback, as a share of its objective, may be this much smaller than
        it was in the baseline: value that decays.
    feasible_drift
        Mean feasible share of the primary's raw samples may be this much smaller than it was in
        the baseline: quality that drifts, whatever repair makes of it.
    input_drift
        Level of the two-sample test of Kolmogorov and Smirnov, over all measures together, at
        which instances no longer look like those of the baseline.
    """

    window: int = 20
    fallback_rate: float | None = None
    timeout_rate: float | None = None
    objective_drift: float | None = None
    input_drift: float | None = 0.001
    feasible_drift: float | None = None

    def __post_init__(self) -> None:
        if self.window < FEWEST:
            raise InputError(f"a window holds at least {FEWEST} decisions, got {self.window}")
        for name in ("fallback_rate", "timeout_rate", "input_drift"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is a share from 0 to 1, got {value}")
        for name in ("objective_drift", "feasible_drift"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise InputError(f"{name} must be at least 0, got {value}")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What health sees of one decision.

    Attributes
    ----------
    tried
        Whether it was meant for the quantum step: mode, switch and profile allowed it.
    by_primary, on_time
        Whether the primary answered, and whether there was an answer by the deadline.
    timed_out
        Whether the quantum step was not there in time.
    gain
        How much better the primary's answer was than the fallback's, as a share of the
        fallback's objective; None where one of them is missing.
    measures
        Of the instance; empty if they were not taken.
    feasible_share
        Share of the primary's raw samples that are feasible; None where it gave none.
    """

    tried: bool
    by_primary: bool
    on_time: bool
    timed_out: bool
    gain: float | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    feasible_share: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a route is doing.

    Attributes
    ----------
    decisions
        Decisions looked at.
    on_time, fallback_rate, timeout_rate
        Shares; None where there are too few decisions.
    gain, baseline_gain
        Mean gain over the fallback, now and in the baseline.
    feasible_share, baseline_feasible_share
        Mean feasible share of the primary's raw samples, now and in the baseline.
    drift
        For each measure the statistic of Kolmogorov and Smirnov, its p-value, and the
        population stability index.
    breaches
        Which limits are broken, in words.
    reason
        Why there is nothing to say yet; empty if there is.
    """

    decisions: int
    on_time: float | None
    fallback_rate: float | None
    timeout_rate: float | None
    gain: float | None
    baseline_gain: float | None
    feasible_share: float | None
    baseline_feasible_share: float | None
    drift: Mapping[str, Mapping[str, float]]
    breaches: tuple[str, ...]
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            name: getattr(self, name) if name != "breaches" else list(self.breaches)
            for name in self.__dataclass_fields__
        }


def assess(baseline: Sequence[Sighting], recent: Sequence[Sighting], limits: Limits) -> Health:
    """Compare the last decisions with the first ones of a version."""
    tried = [seen for seen in recent if seen.tried]
    fallback_rate = _share([not seen.by_primary for seen in tried])
    timeout_rate = _share([seen.timed_out for seen in tried])
    gain, earlier_gain = (_mean([seen.gain for seen in part]) for part in (recent, baseline))
    share, earlier_share = (
        _mean([seen.feasible_share for seen in part]) for part in (recent, baseline)
    )
    drift = input_drift(baseline, recent)
    breaches = [
        f"{name} is {value:.3g} over {len(tried)} decisions, above {limit:g}"
        for name, value, limit in (
            ("fallback_rate", fallback_rate, limits.fallback_rate),
            ("timeout_rate", timeout_rate, limits.timeout_rate),
        )
        if value is not None and limit is not None and value > limit
    ]
    breaches += [
        f"{name}: the {what} fell from {then:.3g} to {now:.3g}, by more than {allowed:g}"
        for name, what, now, then, allowed in (
            (
                "objective_drift",
                "gain over the fallback",
                gain,
                earlier_gain,
                limits.objective_drift,
            ),
            (
                "feasible_drift",
                "feasible share of samples",
                share,
                earlier_share,
                limits.feasible_drift,
            ),
        )
        if allowed is not None and now is not None and then is not None and then - now > allowed
    ]
    if limits.input_drift is not None and drift:
        worst = min(drift, key=lambda name: drift[name]["p"])
        if drift[worst]["p"] * len(drift) < limits.input_drift:
            breaches.append(
                f"input_drift: {worst} is distributed otherwise than in the baseline "
                f"(D {drift[worst]['D']:.2f}, p {drift[worst]['p']:.2g}, "
                f"stability index {drift[worst]['psi']:.2f})"
            )
    return Health(
        len(recent),
        _share([seen.on_time for seen in recent]),
        fallback_rate,
        timeout_rate,
        gain,
        earlier_gain,
        share,
        earlier_share,
        drift,
        tuple(breaches),
        _reason(len(recent)),
    )


def input_drift(
    baseline: Sequence[Sighting], recent: Sequence[Sighting]
) -> dict[str, dict[str, float]]:
    """Compare each measure that both have, where there are enough decisions."""
    names = {name for seen in baseline for name in seen.measures}
    found = {}
    for name in sorted(names):
        then, now = _values(baseline, name), _values(recent, name)
        if min(then.size, now.size) < FEWEST:
            continue
        distance, p = kolmogorov_smirnov(then, now)
        found[name] = {"D": distance, "p": p, "psi": stability_index(then, now)}
    return found


def kolmogorov_smirnov(
    first: Float64[np.ndarray, " n"], second: Float64[np.ndarray, " m"]
) -> tuple[float, float]:
    """Largest distance of two empirical distributions, and its p-value.

    The p-value is exact where there are no ties, and too large where there are, so that ties
    raise no alarm. It counts lattice paths from corner to corner that stay nearer than the
    distance found. It is written out here since loading SciPy's statistics takes longer than many
    a decision does.

    References
    ----------
    Hodges (1958), The significance probability of the Smirnov two-sample test,
    doi:10.1007/BF02589501.
    """
    n, m = first.size, second.size
    points = np.union1d(first, second)
    below = [np.searchsorted(np.sort(part), points, side="right") for part in (first, second)]
    # In whole numbers, so that equal distances compare as equal.
    steps = int(np.abs(below[0] * m - below[1] * n).max())
    paths = np.array([float(j * n < steps) for j in range(m + 1)])
    paths = np.cumprod(paths)
    weight = 0.0  # natural logarithm of what was divided out
    for i in range(1, n + 1):
        near = np.abs(i * m - np.arange(m + 1) * n) < steps
        row = np.empty_like(paths)
        carried = 0.0
        for j in range(m + 1):
            carried = (paths[j] + carried) if near[j] else 0.0
            row[j] = carried
        largest = row.max()
        if largest == 0.0:
            return steps / (n * m), 1.0
        paths, weight = row / largest, weight + math.log(largest)
    total = math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
    nearer = math.exp(min(0.0, math.log(paths[m]) + weight - total)) if paths[m] > 0 else 0.0
    return steps / (n * m), min(1.0, max(0.0, 1.0 - nearer))


def stability_index(expected: Float64[np.ndarray, " n"], found: Float64[np.ndarray, " m"]) -> float:
    """Population stability index over quantiles of what is expected.

    By custom, below 0.1 nothing has changed and above 0.25 much has; with few decisions chance
    alone gives more.
    """
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1]))
    # Half a decision in each bin keeps logarithms finite.
    shares = [
        (np.bincount(np.searchsorted(edges, part, side="left"), minlength=edges.size + 1) + 0.5)
        / (part.size + 0.5 * (edges.size + 1))
        for part in (expected, found)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _share(seen: Sequence[bool]) -> float | None:
    return sum(seen) / len(seen) if len(seen) >= FEWEST else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) >= FEWEST else None


def _reason(decisions: int) -> str:
    if not decisions:
        return "no decisions yet"
    if decisions < FEWEST:
        return f"too few decisions for rates: {decisions} of {FEWEST}"
    return ""


def _values(seen: Sequence[Sighting], name: str) -> Float64[np.ndarray, " n"]:
    return np.array([one.measures[name] for one in seen if name in one.measures], np.float64)
