"""The rule of a comparison: what counts as a win, fixed before any result is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from qupel.errors import InputError

Sense = Literal["min", "max"]

FEWEST_CASES = 6
"""Below six cases no two-sided signed-rank test can reach 5 %."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """The figure that is to get better: the judge's objective.

    Attributes
    ----------
    name, unit
        As the business says them, such as ``distance`` in ``km``.
    sense
        Whether small or large is good.
    """

    name: str = "objective"
    unit: str = ""
    sense: Sense = "min"


@dataclass(frozen=True, slots=True)
class Measure:
    """A further business figure that must not get much worse while the KPI gets better.

    Attributes
    ----------
    name
        Key in the records' ``measures``.
    sense
        Whether small or large is good.
    unit
        For the reader.
    tolerance
        Loss that is accepted, in the measure's unit. None: a loss is shown, but blocks nothing.
    """

    name: str
    sense: Sense = "min"
    unit: str = ""
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When to keep, when to stop, and when to go on.

    Attributes
    ----------
    margin
        Smallest mean improvement of the KPI that is worth having, at least 0.
    margin_unit
        ``percent`` of the classical arm's KPI, or ``kpi`` for the KPI's own unit.
    level
        Confidence of every interval, above 0.75.
    feasibility_margin
        Loss in the share of feasible answers that counts as none.
    max_cost_ratio
        Most that a run may cost relative to the best classical arm's; None for no limit.
    max_cost
        Most that a run may cost in money; None for no limit.
    max_latency_seconds
        End-to-end seconds that 95 % of the runs must keep; None for no limit.
    ties
        Which of the arms within the margin of the best is to run; always the simplest.
    min_cases
        Cases below which the evidence is insufficient, at least 6.
    epsilon
        Primal gap up to which a feasible run is a success.
    measures
        Further business figures that are watched.
    power
        Chance of detection to plan the number of cases for.
    expected, spread
        Improvement that is hoped for and its standard deviation between cases, in the margin's
        unit, as planned before the run; None where nobody ventured one.
    """

    margin: float
    margin_unit: Literal["percent", "kpi"] = "percent"
    level: float = 0.95
    feasibility_margin: float = 0.10
    max_cost_ratio: float | None = None
    max_cost: float | None = None
    max_latency_seconds: float | None = None
    ties: Literal["simplest"] = "simplest"
    min_cases: int = FEWEST_CASES
    epsilon: float = 0.01
    measures: tuple[Measure, ...] = ()
    power: float = 0.80
    expected: float | None = None
    spread: float | None = None

    def __post_init__(self) -> None:
        if not (self.margin >= 0 and math.isfinite(self.margin)):
            raise InputError(f"margin must be a number of at least 0, got {self.margin}")
        if self.margin_unit not in ("percent", "kpi"):
            raise InputError(f"margin_unit must be 'percent' or 'kpi', got {self.margin_unit!r}")
        if self.ties != "simplest":
            raise InputError(f"ties go to the 'simplest' arm, got {self.ties!r}")
        if self.min_cases < FEWEST_CASES:
            raise InputError(
                f"min_cases must be at least {FEWEST_CASES}, got {self.min_cases}: "
                "with fewer no interval of 95 % exists that does not assume its answer"
            )
        for name, value, low, high in (
            ("level", self.level, 0.75, 1.0),
            ("power", self.power, 0.0, 1.0),
            ("feasibility_margin", self.feasibility_margin, 0.0, 1.0),
        ):
            if not low < value < high and not (name == "feasibility_margin" and value == 0):
                raise InputError(f"{name} must lie between {low} and {high}, got {value}")
        if not 0 <= self.epsilon < 1:
            raise InputError(f"epsilon must lie in [0, 1), got {self.epsilon}")
        for name, limit in (
            ("max_cost_ratio", self.max_cost_ratio),
            ("max_cost", self.max_cost),
            ("max_latency_seconds", self.max_latency_seconds),
        ):
            if limit is not None and not limit > 0:
                raise InputError(f"{name} must be above 0, got {limit}")
