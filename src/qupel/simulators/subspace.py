"""The states that keep every quota of a form, numbered without gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from jaxtyping import Int32, Int64, UInt8, UInt64

from qupel.errors import InputError
from qupel.kernels.qaoa import Group, group, patterns
from qupel.model import Quota, bits_of

#: Most states under quotas that a simulator holds.
STATES = 2**26


@dataclass(frozen=True)
class Subspace:
    """All bit strings that keep some quotas: free bits times one pattern for each quota.

    The free variables, ascending, are the lowest bits of a state's index. Each quota then
    multiplies the index by its number of patterns, which are numbered by ascending value.

    Attributes
    ----------
    variables
        Bits of a string.
    quotas
        Disjoint; empty for the whole cube.
    """

    variables: int
    quotas: tuple[Quota, ...] = ()

    def __post_init__(self) -> None:
        if self.variables > 62 or (self.quotas and self.size > STATES):
            raise InputError(
                f"{self.variables} variables under {len(self.quotas)} quotas have about "
                f"2^{math.log2(self.size):.1f} states; the simulator holds at most {STATES:,} "
                f"(26 qubits): reduce the form, or let a hybrid solver cut it into parts"
            )

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Variables under no quota, ascending."""
        taken = {member for quota in self.quotas for member in quota.members}
        return tuple(i for i in range(self.variables) if i not in taken)

    @cached_property
    def size(self) -> int:
        """Number of states."""
        patterns = (math.comb(len(quota.members), quota.count) for quota in self.quotas)
        return math.prod(patterns) << len(self.free)

    def groups(self, *, ring: bool) -> list[Group]:
        """Return the register of each quota with the pairs its mixer rotates, in order.

        On a ring of members ``0 … m-1`` first the even bonds ``(0, 1), (2, 3) …``, then the odd
        ones ``(1, 2), (3, 4) …``, then the bond that closes the ring. The complete mixer rotates
        all pairs in the order ``(0, 1), (0, 2) … (1, 2) …``.
        """
        return [
            group(len(q.members), q.count, pairs_of(len(q.members), ring=ring)) for q in self.quotas
        ]

    def rotations(self, *, ring: bool) -> int:
        """Pairs that a layer of the mixer rotates."""
        return sum(len(pairs_of(len(quota.members), ring=ring)) for quota in self.quotas)

    def masks(self) -> UInt64[np.ndarray, " states"]:
        """Every state's bits as a number, in the order of the index."""
        parts = [_spread(np.arange(1 << len(self.free), dtype=np.uint64), self.free)]
        parts += [_spread(patterns(len(q.members), q.count), q.members) for q in self.quotas]
        total = parts[0]
        for part in parts[1:]:
            total = (part[:, None] + total[None, :]).reshape(-1)
        return total

    def bits(self, indices: Int64[np.ndarray, " rows"]) -> UInt8[np.ndarray, "rows n"]:
        """Return the bits of the states with these indices."""
        if not self.quotas:
            return bits_of(indices, self.variables)
        out = np.zeros((indices.size, self.variables), np.uint8)
        rest, place = np.divmod(indices, 1 << len(self.free))
        out[:, list(self.free)] = bits_of(place, len(self.free))
        for quota in self.quotas:
            known = patterns(len(quota.members), quota.count)
            rest, place = np.divmod(rest, known.size)
            out[:, list(quota.members)] = bits_of(known[place].astype(np.int64), len(quota.members))
        return out


def pairs_of(members: int, *, ring: bool) -> Int32[np.ndarray, "pairs 2"]:
    """Pairs of members in the order in which a mixer rotates them."""
    if ring:
        bonds = [(i, i + 1) for first in (0, 1) for i in range(first, members - 1, 2)]
        bonds += [(0, members - 1)] if members > 2 else []
    else:
        bonds = list(combinations(range(members), 2))
    return np.array(bonds, np.int32).reshape(-1, 2)


def _spread(
    values: UInt64[np.ndarray, " count"], places: Sequence[int]
) -> UInt64[np.ndarray, " count"]:
    """Move bit ``i`` of each value to bit ``places[i]``."""
    out = np.zeros_like(values)
    for i, place in enumerate(places):
        out |= ((values >> np.uint64(i)) & np.uint64(1)) << np.uint64(place)
    return out
