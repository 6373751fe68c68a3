"""Limits on a choice of items: how many, at what cost, and how many of each group."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import sparse

from qupel.problems.binary_part import Landscape

#: Share of a budget by which rounding may exceed it; the tolerance of `Model` too.
SLACK = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What a choice of items must keep.

    Attributes
    ----------
    low, high
        Fewest and most items.
    costs, budget
        Cost of each item, at least 0, and the most a choice may cost, infinite for no limit.
    codes
        Number of each item's group.
    group_low, group_high
        Fewest and most items of each group.
    group_names
        One name a group.
    """

    low: int
    high: int
    costs: Float64[np.ndarray, " n"]
    budget: float
    codes: Int64[np.ndarray, " n"]
    group_low: Int64[np.ndarray, " groups"]
    group_high: Int64[np.ndarray, " groups"]
    group_names: tuple[str, ...]

    @property
    def most(self) -> float:
        """Budget with its slack."""
        return self.budget + SLACK * max(1.0, abs(self.budget))

    def counts(self, chosen: Bool[np.ndarray, " n"]) -> Int64[np.ndarray, " groups"]:
        """Chosen items of each group."""
        return np.bincount(self.codes[chosen], minlength=len(self.group_names))

    def kept(self, chosen: Bool[np.ndarray, " n"]) -> bool:
        """Whether a choice keeps all limits."""
        counts = self.counts(chosen)
        return bool(
            self.low <= chosen.sum() <= self.high
            and self.costs[chosen].sum() <= self.most
            and (self.group_low <= counts).all()
            and (counts <= self.group_high).all()
        )

    def excess(self, chosen: Bool[np.ndarray, " n"]) -> Int64[np.ndarray, " some"]:
        """Items of which one must go, none if no upper limit is exceeded."""
        crowded = self.counts(chosen) > self.group_high
        if crowded.any():
            return np.flatnonzero(chosen & crowded[self.codes])
        if self.costs[chosen].sum() > self.most:
            return np.flatnonzero(chosen & (self.costs > 0))
        if chosen.sum() <= self.high:
            return np.zeros(0, np.int64)
        spare = self.counts(chosen) > self.group_low
        return np.flatnonzero(chosen & spare[self.codes])

    def completed(self, chosen: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"] | None:
        """Cheapest choice within the limits that contains ``chosen``; None if there is none.

        Taking cheapest items first is exact here: what groups and the whole must hold are
        nested limits, a laminar matroid.
        """
        counts = self.counts(chosen)
        rest = np.flatnonzero(~chosen)
        rest = rest[np.argsort(self.costs[rest], kind="stable")]
        place = _place_in_group(self.codes[rest], len(self.group_names))
        lacking = np.maximum(0, self.group_low - counts)
        needed = place < lacking[self.codes[rest]]
        made = chosen.copy()
        made[rest[needed]] = True
        allowed = ~needed & (place < (self.group_high - counts)[self.codes[rest]])
        made[rest[allowed][: max(0, self.low - int(made.sum()))]] = True
        return made if self.kept(made) else None

    def entrants(self, chosen: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Items that may join ``chosen`` as far as their own cost and group tell.

        Whoever is not among them leaves no way to keep the limits; see `completed` for the rest.
        """
        size = int(chosen.sum())
        if size >= self.high:
            return np.zeros_like(chosen)
        room = self.counts(chosen) < self.group_high
        later = np.sort(self.costs[~chosen])[: max(0, self.low - size - 1)].sum()
        affordable = self.costs[chosen].sum() + self.costs + later <= self.most
        return ~chosen & room[self.codes] & affordable

    def reduced(self, chosen: Bool[np.ndarray, " n"], part: Int64[np.ndarray, " m"]) -> Limits:
        """Return the limits of the items ``part`` when all others stay as in ``chosen``."""
        fixed = chosen.copy()
        fixed[part] = False
        count, counts = int(fixed.sum()), self.counts(fixed)
        return Limits(
            max(0, self.low - count),
            min(self.high - count, len(part)),
            self.costs[part],
            self.budget - float(self.costs[fixed].sum()),
            self.codes[part],
            np.maximum(0, self.group_low - counts),
            self.group_high - counts,
            self.group_names,
        )

    def rows(
        self,
    ) -> tuple[sparse.csr_array, Float64[np.ndarray, " m"], Float64[np.ndarray, " m"], list[str]]:
        """Rows ``lower <= row @ x <= upper`` of the limits that can bind, and their names."""
        n = self.codes.size
        rows: list[np.ndarray] = []
        lower: list[float] = []
        upper: list[float] = []
        names: list[str] = []

        def add(row: np.ndarray, low: float, high: float, name: str) -> None:
            rows.append(row)
            lower.append(low)
            upper.append(high)
            names.append(name)

        if self.low > 0 or self.high < n:
            low, high = float(self.low), float(self.high)
            add(np.ones(n), low if low > 0 else -np.inf, high if high < n else np.inf, "size")
        if np.isfinite(self.budget) and self.costs.sum() > self.budget:
            add(self.costs, -np.inf, self.budget, "budget")
        for code, name in enumerate(self.group_names):
            members = self.codes == code
            least, most = float(self.group_low[code]), float(self.group_high[code])
            if least > 0 or most < members.sum():
                most = most if most < members.sum() else np.inf
                least = least if least > 0 else -np.inf
                add(members.astype(np.float64), least, most, f"group {name}")
        matrix = sparse.csr_array(np.array(rows).reshape(len(rows), n))
        return matrix, np.array(lower), np.array(upper), names


def _place_in_group(codes: Int64[np.ndarray, " m"], groups: int) -> Int64[np.ndarray, " m"]:
    """How many items of the same group stand before each item."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(groups))
    place = np.empty(codes.size, np.int64)
    place[order] = np.arange(codes.size) - starts[codes[order]]
    return place


def best_choice(
    landscape: Landscape, limits: Limits, size: int
) -> tuple[Bool[np.ndarray, " n"], float]:
    """Choice of ``size`` items of lowest value within the limits, by trying every one."""
    n = limits.codes.size
    best, lowest = np.zeros(n, bool), np.inf
    halves = landscape.neighbours.toarray() / 2
    choices = itertools.combinations(range(n), size)
    while block := list(itertools.islice(choices, 20_000)):
        bits = np.zeros((len(block), n))
        bits[np.arange(len(block))[:, None], np.array(block, dtype=np.int64)] = 1.0
        values = np.einsum("ij,ij->i", bits @ halves + landscape.linear, bits) + landscape.offset
        order = np.argsort(values, kind="stable")
        better = order[values[order] < lowest]
        found = next((row for row in better if limits.kept(bits[row] > 0)), None)
        if found is not None:
            best, lowest = bits[found] > 0, float(values[found])
    return best, lowest


def improved(
    landscape: Landscape, limits: Limits, chosen: Bool[np.ndarray, " n"]
) -> Bool[np.ndarray, " n"]:
    """Drop, add or exchange an item, always the best move within the limits, until none gains."""
    made = chosen.copy()
    while (move := _best_move(landscape, limits, made)) is not None:
        made[list(move)] ^= True
    return made


def _best_move(
    landscape: Landscape, limits: Limits, chosen: Bool[np.ndarray, " n"]
) -> tuple[int, ...] | None:
    """Items to flip: one out, one in, or both; the last row and column stand for no item."""
    inside, outside = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    flips = landscape.flip_costs(chosen)
    change = np.zeros((inside.size + 1, outside.size + 1))
    change[:-1, :] += flips[inside][:, None]
    change[:, :-1] += flips[outside][None, :]
    change[:-1, :-1] -= landscape.neighbours[inside].toarray()[:, outside]
    change[~_allowed(limits, chosen, inside, outside)] = np.inf
    out, into = divmod(int(change.argmin()), outside.size + 1)
    if not change[out, into] < -1e-12 * max(1.0, float(np.abs(flips).max(initial=0.0))):
        return None
    return (*inside[out : out + 1].tolist(), *outside[into : into + 1].tolist())


def _allowed(
    limits: Limits, chosen: np.ndarray, inside: np.ndarray, outside: np.ndarray
) -> Bool[np.ndarray, "inside outside"]:
    """Whether each move of `_best_move` keeps the limits, if ``chosen`` does."""
    counts, size = limits.counts(chosen), inside.size
    out_code, in_code = limits.codes[inside], limits.codes[outside]
    can_leave = counts[out_code] > limits.group_low[out_code]
    can_enter = counts[in_code] < limits.group_high[in_code]
    allowed = np.zeros((size + 1, outside.size + 1), bool)
    allowed[:-1, :-1] = can_leave[:, None] & can_enter[None, :]
    allowed[:-1, :-1] |= out_code[:, None] == in_code[None, :]
    allowed[:-1, -1] = can_leave & (size > limits.low)
    allowed[-1, :-1] = can_enter & (size < limits.high)
    spent = float(limits.costs[chosen].sum())
    out_cost = np.append(limits.costs[inside], 0.0)
    in_cost = np.append(limits.costs[outside], 0.0)
    return allowed & (spent - out_cost[:, None] + in_cost[None, :] <= limits.most)
