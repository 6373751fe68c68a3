"""A comparison: everything a memo shows of one benchmark, as plain data.

Nothing has to be computed again to draw it. Figures that do not exist are None, never infinite or
NaN, so that a comparison survives a round trip through JSON unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from qupel.benchmarks.arms import Arm
from qupel.benchmarks.conclusions import Comparability, Effect, Point, Ranks, Region, Verdict
from qupel.benchmarks.figures import ArmSummary, Case, Cell
from qupel.benchmarks.money import Prices, Worth
from qupel.benchmarks.rule import Kpi, Rule

SCHEMA = "qupel.comparison/1"


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
