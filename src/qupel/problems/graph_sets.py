"""Independent sets by bit masks: which nodes are free, and moves that make a set larger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The neighbours of every node as whole numbers whose bit ``j`` stands for node ``j``."""

    masks: tuple[int, ...]

    @classmethod
    def of(cls, nodes: int, edges: Int64[np.ndarray, "m 2"]) -> Self:
        """Return the neighbours that a list of edges gives."""
        masks = [0] * nodes
        for i, j in edges.tolist():
            masks[i] |= 1 << j
            masks[j] |= 1 << i
        return cls(tuple(masks))

    def conflicts(self, chosen: int) -> dict[int, int]:
        """Chosen nodes that have chosen neighbours, and how many."""
        counts = {i: (self.masks[i] & chosen).bit_count() for i in positions(chosen)}
        return {i: count for i, count in counts.items() if count}

    def free(self, chosen: int) -> int:
        """Nodes that are neither chosen nor next to a chosen node."""
        taken = chosen
        for i in positions(chosen):
            taken |= self.masks[i]
        return ((1 << len(self.masks)) - 1) & ~taken

    def independent(self, chosen: int) -> int:
        """Take out the node with most conflicts, the highest number on a tie, until none is."""
        while found := self.conflicts(chosen):
            worst = max(found, key=lambda i: (found[i], i))
            chosen &= ~(1 << worst)
        return chosen

    def extended(self, chosen: int) -> int:
        """Add free nodes, always one with fewest free neighbours, until none is free."""
        free = self.free(chosen)
        while free:
            i = min(positions(free), key=lambda j: (self.masks[j] & free).bit_count())
            chosen |= 1 << i
            free &= ~(self.masks[i] | 1 << i)
        return chosen

    def improved(self, chosen: int) -> int:
        """Exchange one chosen node for two, then extend, until neither is possible.

        References
        ----------
        Andrade, Resende and Werneck (2012), Fast local search for the maximum independent set
        problem, doi:10.1007/s10732-012-9196-4: their (1,2)-swap.
        """
        chosen = self.extended(chosen)
        while swap := self._one_for_two(chosen):
            out, first, second = swap
            chosen = self.extended(chosen & ~(1 << out) | 1 << first | 1 << second)
        return chosen

    def _one_for_two(self, chosen: int) -> tuple[int, int, int] | None:
        once = self.touched_once(chosen)
        for out in positions(chosen):
            loose = self.masks[out] & once
            for first in positions(loose):
                rest = loose & ~self.masks[first] & ~(1 << first)
                if rest:
                    return out, first, next(positions(rest))
        return None

    def touched_once(self, chosen: int) -> int:
        """Nodes with exactly one chosen neighbour, themselves not chosen."""
        once = more = 0
        for i in positions(chosen):
            more |= once & self.masks[i]
            once |= self.masks[i]
        return once & ~more & ~chosen


def mask_of(nodes: Iterator[int] | tuple[int, ...]) -> int:
    """Bit mask of some nodes."""
    mask = 0
    for node in nodes:
        mask |= 1 << node
    return mask


def positions(mask: int) -> Iterator[int]:
    """Nodes of a bit mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
