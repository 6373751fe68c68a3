"""Counts and histograms under labels, in the form that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

#: Upper bounds of the buckets of times, in seconds: from a call to a queue of days.
SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0, 600.0, 3600.0, 21600.0, 86400.0)


@dataclass(slots=True)
class Tally:
    """How often something happened, for each combination of labels.

    Attributes
    ----------
    name, text
        Of the metric; a name without ``_total``.
    labels
        Names of the labels.
    """

    name: str
    text: str
    labels: Sequence[str]
    found: dict[tuple[str, ...], float] = field(default_factory=dict, init=False)

    def add(self, *values: str, by: float = 1.0) -> None:
        """Count once more, or by so much."""
        self.found[values] = self.found.get(values, 0.0) + by

    def families(self) -> Iterator[Any]:
        """Yield it as Prometheus wants it."""
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(self.name, self.text, labels=self.labels)
        for values, count in sorted(self.found.items()):
            family.add_metric(values, count)
        yield family


@dataclass(slots=True)
class Spread:
    """How numbers are spread over buckets, for each combination of labels.

    Attributes
    ----------
    name, text, labels
        As of a `Tally`.
    bounds
        Upper bounds of the buckets, ascending; one without a bound comes after them.
    """

    name: str
    text: str
    labels: Sequence[str]
    bounds: Sequence[float] = SECONDS
    found: dict[tuple[str, ...], list[int]] = field(default_factory=dict, init=False)
    sums: dict[tuple[str, ...], float] = field(default_factory=dict, init=False)

    def add(self, value: float, *values: str) -> None:
        """Put one number in its bucket."""
        buckets = self.found.setdefault(values, [0] * (len(self.bounds) + 1))
        buckets[bisect_left(self.bounds, value)] += 1
        self.sums[values] = self.sums.get(values, 0.0) + value

    def families(self) -> Iterator[Any]:
        """Yield it as Prometheus wants it."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        names = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        for values, buckets in sorted(self.found.items()):
            grown = list(zip(names, map(float, accumulate(buckets)), strict=True))
            family.add_metric(values, grown, self.sums[values])
        yield family
