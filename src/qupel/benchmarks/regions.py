"""Regions: the tags of cases in which a win stands on its own."""

from __future__ import annotations

import numpy as np

from qupel.benchmarks.arms import Arm
from qupel.benchmarks.conclusions import Region
from qupel.benchmarks.decide import shift
from qupel.benchmarks.effects import estimate, improvement
from qupel.benchmarks.intervals import fewest_cases
from qupel.benchmarks.table import Table


def regions_of(
    table: Table, candidate: str, comparator: str, placebos: dict[str, Arm], level: float
) -> tuple[Region, ...]:
    """Effect and contributions of the candidate by tag, tags in order of their names.

    The level is corrected for the number of tags, so that searching them finds no win by luck.
    A tag of all cases says nothing of its own and is left out.
    """
    tags = sorted({tag for case in table.cases for tag in case.tags})
    tags = [tag for tag in tags if not all(tag in case.tags for case in table.cases)]
    if not tags:
        return ()
    corrected = 1.0 - (1.0 - level) / len(tags)
    means = {
        name: table.values(name).mean(axis=1)
        for name in (candidate, comparator, *(arm.name for arm in placebos.values()))
    }
    least = max(table.rule.min_cases, fewest_cases(corrected))
    found = []
    for tag in tags:
        inside = np.array([tag in case.tags for case in table.cases])

        def over(other: str, inside: np.ndarray = inside) -> np.ndarray:
            mine, theirs = means[candidate][inside], means[other][inside]
            return improvement(mine, theirs, table.kpi, table.rule)

        effects = over(comparator)
        contributions = {kind: over(arm.name) for kind, arm in placebos.items()}
        holds = (
            effects.size >= least
            and bool(shift(effects, corrected).low > table.rule.margin)
            and all(bool(shift(v, corrected).low > 0) for v in contributions.values())
        )
        found.append(
            Region(
                tag,
                int(effects.size),
                estimate(effects, corrected),
                {kind: estimate(v, corrected) for kind, v in contributions.items()},
                holds,
            )
        )
    return tuple(found)


def is_local(regions: tuple[Region, ...], margin: float) -> bool:
    """Whether the win stands on some tags while another shows no gain above the margin."""
    return any(region.holds for region in regions) and any(
        not region.holds and region.effect.value <= margin for region in regions
    )
