"""Subset selection: choose items of high value and low mutual redundancy within limits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Bool, Float64, UInt8
from scipy import sparse

from qupel.errors import InputError, unknown_name
from qupel.model.model import Model
from qupel.problems.binary_answer import as_bits, frame_of
from qupel.problems.binary_chart import items_chart
from qupel.problems.binary_checks import (
    are_usable,
    checked_costs,
    checked_group_limits,
    checked_groups,
    checked_names,
    checked_pairs,
)
from qupel.problems.binary_items import arguments, looks_like_items, read_items, read_selection
from qupel.problems.binary_limits import SLACK, Limits, best_choice, improved
from qupel.problems.binary_part import Landscape, cut_out
from qupel.problems.binary_planted import planted_clusters
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem, Violation

#: Choices that are tried one by one to find the optimum of a generated instance.
_TRIED = 300_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Chosen items.

    Attributes
    ----------
    items
        Their positions, from 0 and ascending.
    names
        Their names, in the same order.
    """

    items: tuple[int, ...]
    names: tuple[str, ...]

    def to_frame(self) -> Any:
        """Data frame with one row a chosen item."""
        return frame_of({"item": self.items, "name": self.names})


@dataclass(frozen=True, eq=False, init=False)
class SubsetSelection:
    """Choose items: minimise minus their worth plus what each chosen pair shares.

    The objective is ``J = -sum_i worth[i] + sum_{i<j} pairs[i, j]`` over chosen items: features
    by relevance and redundancy, assets by return and risk, slates by score and similarity.

    Attributes
    ----------
    worth
        What each item is worth, in the unit of the objective.
    pairs
        What two items cost when both are chosen: upper triangular CSR, each pair once. Given
        dense or sparse, as an upper triangle or as a symmetric matrix that repeats it.
    names
        One name an item, all different; ``"1"``, ``"2"``, … unless given.
    min_size, max_size
        Fewest and most items. ``size`` sets both.
    costs, budget
        Cost of each item, at least 0, and the most that all chosen may cost. Both or neither.
    groups
        Group of each item, None without groups.
    group_limits
        Fewest and most items of a group, by its name; groups that are not named are free.
    name
        Name of the instance.
    """

    family: ClassVar[str] = "subset"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ("exhaustive", "milp", "cpsat", "tabu", "annealing")

    worth: Float64[np.ndarray, " n"]
    pairs: sparse.csr_array
    names: tuple[str, ...]
    min_size: int
    max_size: int
    costs: Float64[np.ndarray, " n"] | None
    budget: float | None
    groups: tuple[str, ...] | None
    group_limits: Mapping[str, tuple[int, int]]
    name: str

    def __init__(
        self,
        worth: Any,
        pairs: Any = None,
        *,
        names: Sequence[str] | None = None,
        size: int | None = None,
        min_size: int | None = None,
        max_size: int | None = None,
        costs: Any = None,
        budget: float | None = None,
        groups: Sequence[str] | None = None,
        group_limits: Mapping[str, Sequence[int]] | None = None,
        name: str = "subset",
    ) -> None:
        held = np.array(worth, dtype=np.float64)
        if held.ndim != 1 or not held.size or not are_usable(held):
            raise InputError(f"worth must be one row of finite numbers, got shape {held.shape}")
        n = held.size
        if size is not None and (min_size is not None or max_size is not None):
            raise InputError("give either `size`, or `min_size` and `max_size`")
        low = size if size is not None else min_size or 0
        high = size if size is not None else n if max_size is None else max_size
        if not 0 <= low <= high <= n:
            raise InputError(f"sizes from {low} to {high} do not fit {n} items")
        fields = {
            "worth": held,
            "pairs": checked_pairs(pairs, n),
            "names": checked_names(names, n),
            "min_size": int(low),
            "max_size": int(high),
            "costs": checked_costs(costs, budget, n),
            "budget": None if budget is None else float(budget),
            "groups": checked_groups(groups, n),
            "group_limits": checked_group_limits(group_limits, groups),
            "name": name,
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        self._cheapest()  # refuses limits that no choice keeps

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        value: str = "value",
        item: str | None = None,
        cost: str | None = None,
        group: str | None = None,
        pairs: Any = None,
        **limits: Any,
    ) -> Self:
        """Return the problem of a table: a pandas frame, or a mapping of columns.

        Parameters
        ----------
        frame
            One row an item.
        value, item, cost, group
            Columns of worth, name, cost and group.
        pairs
            Matrix of what two items cost together, rows in the order of the table.
        limits
            ``size``, ``min_size``, ``max_size``, ``budget``, ``group_limits`` and ``name``.
        """
        for column in (value, item, cost, group):
            if column is not None and column not in frame:
                raise unknown_name("column", column, map(str, frame))
        return cls(
            list(frame[value]),
            pairs,
            names=None if item is None else [str(found) for found in frame[item]],
            costs=None if cost is None else list(frame[cost]),
            groups=None if group is None else [str(found) for found in frame[group]],
            **limits,
        )

    @classmethod
    def from_risk(cls, returns: Any, covariance: Any, *, aversion: float, **limits: Any) -> Self:
        """Return a portfolio of equal stakes: ``J = -returns @ x + aversion * x' covariance x``."""
        matrix = np.array(covariance, dtype=np.float64)
        if not np.allclose(matrix, matrix.T):
            raise InputError("a covariance matrix is symmetric; this one is not")
        worth = np.array(returns, dtype=np.float64) - aversion * matrix.diagonal()
        return cls(worth, np.triu((matrix + matrix.T) * aversion, 1), **limits)

    @property
    def size(self) -> int | None:
        """The number of items if it is fixed."""
        return self.min_size if self.min_size == self.max_size else None

    def form(self) -> Model:
        """Model of J with one row each for size, budget and groups."""
        return _model(self._landscape, self._limits, self.names)

    def answer(self, values: np.ndarray) -> Selection:
        """Return the items whose bit is one."""
        return self._selection(np.array(as_bits(values, len(self.names)), dtype=bool))

    def select(self, *names: str) -> Selection:
        """Return the selection of the items of these names."""
        chosen = np.zeros(len(self.names), bool)
        for name in names:
            if name not in self.names:
                raise unknown_name("item", name, self.names)
            chosen[self.names.index(name)] = True
        return self._selection(chosen)

    def _selection(self, chosen: Bool[np.ndarray, " n"]) -> Selection:
        items = tuple(np.flatnonzero(chosen).tolist())
        return Selection(items, tuple(self.names[i] for i in items))

    def values(self, answer: Selection) -> UInt8[np.ndarray, " n"]:
        """Return one bit an item."""
        return self._chosen(answer).astype(np.uint8)

    def _chosen(self, answer: Selection) -> Bool[np.ndarray, " n"]:
        chosen = np.zeros(len(self.names), bool)
        chosen[list(answer.items)] = True
        return chosen

    def judge(self, answer: Selection) -> Judgement:
        """J of the chosen items, added up item by item and pair by pair, and broken limits."""
        n, items = len(self.names), answer.items
        if len(set(items)) != len(items) or not all(0 <= i < n for i in items):
            raise InputError(f"a selection names items from 0 to {n - 1} once each, got {items}")
        value = math.fsum(self.worth[list(items)].tolist())
        ends = self.pairs.tocoo()
        chosen = self._chosen(answer)
        both = chosen[ends.coords[0]] & chosen[ends.coords[1]]
        shared = math.fsum(ends.data[both].tolist())
        measures = {"items": float(len(items)), "value": value, "redundancy": shared}
        broken = []
        if len(items) < self.min_size:
            broken.append(Violation("fewest items", "selection", self.min_size - len(items)))
        if len(items) > self.max_size:
            broken.append(Violation("most items", "selection", len(items) - self.max_size))
        if self.costs is not None and self.budget is not None:
            cost = math.fsum(self.costs[list(items)].tolist())
            measures["cost"] = cost
            if cost > self.budget + SLACK * max(1.0, abs(self.budget)):
                broken.append(Violation("budget", "selection", cost - self.budget))
        for group, (low, high) in self.group_limits.items():
            count = sum(self.groups[i] == group for i in items) if self.groups else 0
            if count < low:
                broken.append(Violation("fewest of group", group, low - count))
            if count > high:
                broken.append(Violation("most of group", group, count - high))
        return Judgement(shared - value, tuple(broken), measures)

    def repair(self, answer: Selection) -> Selection:
        """Drop items while a limit is exceeded, add items while one is missed.

        Each time the item goes whose going costs J least, and the one comes that gains most.
        If that leads nowhere, the cheapest choice within the limits is improved instead.
        """
        chosen = self._chosen(answer)
        if self._limits.kept(chosen):
            return answer
        while (out := self._limits.excess(chosen)).size:
            costs = self._landscape.flip_costs(chosen)
            chosen[out[int(costs[out].argmin())]] = False
        while not self._limits.kept(chosen):
            into = self.next_item(chosen)
            if into is None:
                return self._selection(improved(self._landscape, self._limits, self._cheapest()))
            chosen[into] = True
        return self._selection(chosen)

    def _cheapest(self) -> Bool[np.ndarray, " n"]:
        """Cheapest choice within the limits."""
        n = len(self.names)
        made = self._limits.completed(np.zeros(n, bool))
        if made is None:
            raise InputError(
                f"{self.name}: no choice of the {n} items keeps all limits: sizes "
                f"{self.min_size} to {self.max_size}, budget {self.budget}, groups "
                f"{dict(self.group_limits)}; relax one of them"
            )
        return made

    def entry_costs(
        self, chosen: Bool[np.ndarray, " n"], *, weight: float = 1.0
    ) -> Float64[np.ndarray, " n"]:
        """Change of J when an item joins the chosen ones, what it shares with them weighted."""
        return weight * (self._landscape.neighbours @ chosen.astype(np.float64)) - self.worth

    def next_item(self, chosen: Bool[np.ndarray, " n"], *, weight: float = 1.0) -> int | None:
        """Item of lowest `entry_costs` that leaves a way to keep all limits; None without one."""
        entrants = np.flatnonzero(self._limits.entrants(chosen))
        costs = self.entry_costs(chosen, weight=weight)[entrants]
        for i in entrants[np.argsort(costs, kind="stable")].tolist():
            more = chosen.copy()
            more[i] = True
            if self._limits.completed(more) is not None:
                return int(i)
        return None

    def polish(self, answer: Selection, rng: np.random.Generator) -> Selection:
        """Drop, add or exchange items, the best move first, while that lowers J."""
        return self._selection(improved(self._landscape, self._limits, self._chosen(answer)))

    def subproblem(
        self, answer: Selection, size: int, rng: np.random.Generator
    ) -> Subproblem[Selection] | None:
        """Cut out the weakest chosen items and the strongest others, half and half.

        "Weak" and "strong" go by what leaving or entering would cost, plus a random amount. All
        limits are kept exactly, less what the fixed items use up.
        """
        if size < 1:
            return None
        chosen = self._chosen(answer)
        costs = self._landscape.flip_costs(chosen)
        costs += rng.random(costs.size) * float(np.median(np.abs(costs)))
        order = np.argsort(costs, kind="stable")
        inside, outside = order[chosen[order]], order[~chosen[order]]
        ins = min(inside.size, max(size // 2, size - outside.size))
        part = np.sort(np.concatenate([inside[:ins], outside[: size - ins]]))
        form = _model(
            cut_out(self._landscape, chosen, part),
            self._limits.reduced(chosen, part),
            [self.names[i] for i in part.tolist()],
        )

        def lift(row: np.ndarray) -> Selection:
            whole = chosen.copy()
            whole[part] = np.asarray(row) == 1
            return self._selection(whole)

        return Subproblem(form, chosen[part].astype(np.uint8), lift)

    @cached_property
    def _landscape(self) -> Landscape:
        return Landscape(-self.worth, sparse.csr_array(self.pairs + self.pairs.T))

    @cached_property
    def _limits(self) -> Limits:
        n = len(self.names)
        labels = self.groups or ("",) * n
        known = sorted(set(labels))
        bounds = [self.group_limits.get(label, (0, n)) for label in known]
        # No more than n items can be asked for or allowed; larger limits mean the same.
        bounds = [(min(low, n + 1), min(high, n + 1)) for low, high in bounds]
        return Limits(
            self.min_size,
            self.max_size,
            np.zeros(n) if self.costs is None else self.costs,
            math.inf if self.budget is None else self.budget,
            np.array([known.index(label) for label in labels], dtype=np.int64),
            np.array([low for low, _ in bounds], dtype=np.int64),
            np.array([high for _, high in bounds], dtype=np.int64),
            tuple(known),
        )

    def chart(self, answer: Selection) -> dict[str, Any]:
        """What each item is worth, chosen or not, beside what it shares with the chosen ones."""
        chosen = self._chosen(answer)
        shared = self._landscape.neighbours @ chosen.astype(np.float64)
        title = (
            f"{self.name}: {len(answer.items)} of {len(self.names)} items, "
            f"J = {self.judge(answer).objective:.6g}"
        )
        return items_chart(self.names, self.worth, shared, chosen, title)

    def document(self) -> dict[str, Any]:
        """Return items, pairs and limits as plain JSON values, which are a JSON item file."""
        items: list[dict[str, Any]] = [
            {"name": name, "value": value}
            for name, value in zip(self.names, self.worth.tolist(), strict=True)
        ]
        for key, column in (("cost", self.costs), ("group", self.groups)):
            for item, cell in zip(items, [] if column is None else list(column), strict=False):
                item[key] = cell if isinstance(cell, str) else float(cell)
        ends = self.pairs.tocoo()
        return {
            "family": self.family,
            "name": self.name,
            "items": items,
            "pairs": [
                [self.names[i], self.names[j], weight]
                for i, j, weight in zip(
                    *(ends.tolist() for ends in ends.coords), ends.data.tolist(), strict=True
                )
            ],
            "min_size": self.min_size,
            "max_size": self.max_size,
            "budget": self.budget,
            "groups": {group: list(bounds) for group, bounds in self.group_limits.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`; see `qupel.problems.binary_items` for its parts."""
        return cls(**arguments(document))

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether a file is a JSON document or a CSV table of items with values."""
        return looks_like_items(head)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a JSON or CSV file of items; see `qupel.problems.binary_items`."""
        try:
            return cls.from_document(read_items(path))
        except InputError as error:
            where = "" if str(error).startswith(str(path.parent)) else f"{path}: "
            raise InputError(f"{where}{error}") from error

    @classmethod
    def random(
        cls,
        seed: int,
        *,
        items: int = 14,
        size: int = 5,
        groups: int = 0,
        budget: bool = False,
    ) -> tuple[Self, Optimum[Selection]]:
        """Return items with their best selection of ``size``, found by trying every one.

        Where there are more than 300,000 to try, clusters are planted instead; they take no
        groups or budget. Their optimum is proved in `planted_clusters`.
        """
        rng = np.random.default_rng(seed)
        name = f"random-{items}-{size}-{seed}"
        if math.comb(items, size) > _TRIED:
            if groups or budget:
                raise InputError(
                    f"{items} items are too many to try all choices of {size}; "
                    "leave out groups and budget, or take fewer"
                )
            worth, pairs, best = planted_clusters(rng, items, size)
            problem = cls(worth, pairs, size=size, name=name)
            return problem, Optimum(-float(worth[best].sum()), problem._selection(best))
        costs = rng.integers(1, 10, items).astype(np.float64)
        labels = [f"group {i % groups}" for i in range(items)] if groups else None
        problem = cls(
            rng.integers(1, 100, items) / 4,
            np.triu(rng.integers(0, 40, (items, items)) / 4, 1),
            size=size,
            costs=costs if budget else None,
            budget=float(np.sort(costs)[:size].sum() + 2 * size) if budget else None,
            groups=labels,
            group_limits=dict.fromkeys(labels or (), (0, -(-size // groups) if groups else 0)),
            name=name,
        )
        best, objective = best_choice(problem._landscape, problem._limits, size)
        return problem, Optimum(objective, problem._selection(best))

    def read_answer(self, text: str) -> Selection:
        """Read names as JSON, or one name or number a line; see `read_selection`."""
        chosen = np.zeros(len(self.names), bool)
        chosen[read_selection(text, self.names)] = True
        return self._selection(chosen)

    def write_answer(self, answer: Selection) -> str:
        """Write a JSON document with the names of the chosen items."""
        return json.dumps({"items": list(answer.names)}, indent=1) + "\n"


def _model(landscape: Landscape, limits: Limits, names: Sequence[str]) -> Model:
    rows, lower, upper, row_names = limits.rows()
    return Model.from_arrays(
        landscape.linear,
        quadratic=sparse.csr_array(sparse.triu(landscape.neighbours, 1)),
        offset=landscape.offset,
        rows=rows,
        row_lower=lower,
        row_upper=upper,
        names=[f"pick[{name}]" for name in names],
        row_names=row_names,
    )
