"""The core of the rule: from intervals to keep, iterate or stop.

It works on arrays, so that `calibration` puts thousands of synthetic benchmarks through the very
lines that judge a real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qupel.benchmarks.intervals import Floats, mean_intervals

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """A mean improvement with the bounds that decide; arrays of one shape.

    Attributes
    ----------
    mean
        Over cases.
    low
        Lower bound at the deciding level: what is established at least.
    most
        Upper bound at ``2 level - 1``: what one-sided tests allow at most.
    """

    mean: Floats
    low: Floats
    most: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the intervals say; arrays of one shape.

    Attributes
    ----------
    win
        The candidate is better than the best classical arm by more than the margin.
    no_gain
        The candidate is established not to be better by more than the margin: equivalence and
        inferiority are within this.
    contributes
        It is better than every one of its placebos.
    adds_nothing
        It is established not to be better than one of its placebos.
    placebo_wins
        A placebo passes the margin too, and the candidate is not more than the margin above it:
        the win belongs to the classical pipeline.
    """

    win: Flags
    no_gain: Flags
    contributes: Flags
    adds_nothing: Flags
    placebo_wins: Flags

    @property
    def stop(self) -> Flags:
        """Whether the quantum step is refuted."""
        return self.no_gain | self.adds_nothing | (self.win & self.placebo_wins)

    @property
    def keep(self) -> Flags:
        """Whether it is shown to be worth having, gates of cost and the like apart."""
        return self.win & self.contributes & ~self.stop


def deciding_level(level: float, candidates: int) -> float:
    """Level of each interval when the best of several candidates is judged (Bonferroni).

    The best of several classical arms needs none: its luck works against the candidate.
    """
    return 1.0 - (1.0 - level) / max(1, candidates)


def shift(effects: Floats, level: float) -> Shift:
    """Mean and bounds of improvements by case on the last axis."""
    (low, _), (_, most) = mean_intervals(effects, (level, 2 * level - 1))
    return Shift(np.sort(effects, axis=-1).mean(axis=-1), low, most)


def find(
    win: Shift, contributions: Sequence[Shift], placebos: Sequence[Shift], margin: float
) -> Findings:
    """Apply the rule to the intervals.

    Parameters
    ----------
    win
        Candidate against the best classical arm.
    contributions
        Candidate against each of its placebos.
    placebos
        Each of these placebos against the best classical arm.
    margin
        In the unit of the improvements.
    """
    pairs = list(zip(contributions, placebos, strict=True))
    nowhere = np.zeros(np.shape(win.mean), dtype=bool)
    contributes, adds_nothing, placebo_wins = ~nowhere, nowhere, nowhere
    for over, placebo in pairs:
        contributes = contributes & (over.low > 0)
        adds_nothing = adds_nothing | (over.most <= 0)
        clearly_above = (over.low > 0) & (over.mean > margin)
        placebo_wins = placebo_wins | ((placebo.low > margin) & ~clearly_above)
    return Findings(
        win=np.asarray(win.low > margin),
        no_gain=np.asarray(win.most <= margin),
        contributes=np.asarray(contributes),
        adds_nothing=np.asarray(adds_nothing),
        placebo_wins=np.asarray(placebo_wins),
    )
