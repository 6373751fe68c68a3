"""Quotas: groups of binary variables of which exactly so many are one.

A fixed number of chosen items is one quota over all variables; a one-hot code is one quota of
one for each integer it encodes. Forms carry their quotas, so that solvers can keep them by
moves (swaps) or mixers (XY) instead of penalties.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index

import numpy as np

from qupel.errors import InputError


@dataclass(frozen=True, slots=True)
class Quota:
    """Exactly ``count`` of the variables ``members`` are one.

    Attributes
    ----------
    members
        Positions of the variables, ascending.
    count
        How many of them are one, from 0 to ``len(members)``.
    """

    members: tuple[int, ...]
    count: int

    def __post_init__(self) -> None:
        try:
            members, count = tuple(index(m) for m in self.members), index(self.count)
        except TypeError:
            raise InputError(
                f"a quota has whole numbers, got {self.members!r:.80} and {self.count!r:.20}"
            ) from None
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "count", count)
        if list(self.members) != sorted(set(self.members)):
            raise InputError(f"quota members must ascend without repeats, got {self.members}")
        if not 0 <= self.count <= len(self.members):
            raise InputError(f"quota asks {self.count} ones among {len(self.members)} variables")


def checked_quotas(quotas: Iterable[Quota], variables: int) -> tuple[Quota, ...]:
    """The quotas as a tuple, once they are known to be disjoint and inside the form."""
    quotas = tuple(quotas)
    taken: set[int] = set()
    for quota in quotas:
        if quota.members and not 0 <= quota.members[0] <= quota.members[-1] < variables:
            raise InputError(f"quota names variable {quota.members[-1]} of {variables}")
        if taken & set(quota.members):
            raise InputError(f"quotas overlap in variables {sorted(taken & set(quota.members))}")
        taken |= set(quota.members)
    return quotas


def keep_quotas(bits: np.ndarray, quotas: Iterable[Quota]) -> np.ndarray:
    """Whether each row of ``bits`` (0/1, one column a variable) keeps every quota."""
    kept = np.ones(bits.shape[0], dtype=bool)
    for quota in quotas:
        kept &= bits[:, list(quota.members)].sum(axis=1, dtype=np.int64) == quota.count
    return kept
