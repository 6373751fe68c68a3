"""Greedy subset selection: the best next item, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from qupel.errors import InputError, unknown_name
from qupel.model.samples import Outcome, Samples
from qupel.problems.subset import SubsetSelection
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

Criterion = Literal["objective", "mrmr"]


@dataclass(frozen=True, slots=True)
class GreedySubset:
    """Add the best next item, within all limits, until the fewest are chosen and none gains.

    An item whose choice would leave no way to keep the limits is passed over. The search is
    deterministic; ties go to the first item. It ends by itself after one look at all items for
    each one chosen.

    Attributes
    ----------
    criterion
        What makes an item best. ``objective``: the lowest objective with it. ``mrmr``: what it
        shares with the chosen items counts by its mean, as if all places but its own were
        already filled with such items. For features with redundancy ``1 / (size - 1)`` that is
        the incremental search of minimum redundancy and maximum relevance in its difference
        form; the size must be fixed.

    References
    ----------
    Peng, Long and Ding (2005), Feature selection based on mutual information, eq. 7,
    doi:10.1109/TPAMI.2005.159.
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[SubsetSelection]] = SubsetSelection
    keeps_quotas: ClassVar[bool] = True

    criterion: Criterion = "objective"

    def __post_init__(self) -> None:
        if self.criterion not in get_args(Criterion):
            raise unknown_name("criterion", self.criterion, get_args(Criterion))

    def solve(
        self,
        form: SubsetSelection,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Return one row of bits, one an item."""
        if self.criterion == "mrmr" and form.size is None:
            raise InputError("the criterion 'mrmr' needs a fixed size; use 'objective', or set it")
        watch = Watch(on_event)
        chosen = np.zeros(len(form.names), bool)
        while (item := form.next_item(chosen, weight=self._weight(form, chosen))) is not None:
            enough = chosen.sum() >= form.min_size
            if enough and form.entry_costs(chosen)[item] >= 0:
                break
            chosen[item] = True
        energy = form.judge(form.answer(chosen)).objective
        watch.saw(energy)
        return Samples.of(chosen[None].astype(np.uint8), [energy], outcome=Outcome.STALLED)

    def _weight(self, form: SubsetSelection, chosen: np.ndarray) -> float:
        """Weight of what an item shares with the chosen ones."""
        count = int(chosen.sum())
        if self.criterion == "objective" or not count:
            return 1.0
        return (form.max_size - 1) / count
