"""What a verdict is made from."""

from __future__ import annotations

from dataclasses import dataclass

from qupel.benchmarks.arms import Arm
from qupel.benchmarks.conclusions import Effect, Region
from qupel.benchmarks.figures import ArmSummary
from qupel.benchmarks.money import NetValue
from qupel.benchmarks.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What a verdict is made from.

    Attributes
    ----------
    candidate, comparator
        Best arm with a quantum step, best classical arm.
    placebos
        The candidate's, by their kind.
    effects
        Effect of each arm against the comparator, by name.
    contributions
        Effect of the candidate against each placebo, in order of the placebos.
    level, candidates
        Deciding level, and the number of candidates it is corrected for.
    """

    table: Table
    candidate: Arm
    comparator: Arm
    placebos: dict[str, Arm]
    effects: dict[str, Effect]
    contributions: tuple[Effect, ...]
    regions: tuple[Region, ...]
    summaries: dict[str, ArmSummary]
    level: float
    candidates: int
    net_value: NetValue | None
