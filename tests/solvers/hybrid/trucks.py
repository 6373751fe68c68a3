"""A small real problem for the hybrid's tests: loads on two trucks.

Loads are put on two trucks so that their weights differ as little as possible; each truck takes
at most so many loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from qupel.errors import InputError
from qupel.model import Model, Qubo, Quota, bits
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem, Violation


@dataclass(frozen=True, eq=False)
class TwoTrucks:
    """Loads on two trucks, squared difference of weights to be small.

    Attributes
    ----------
    weights
        One a load.
    places
        Loads that a truck takes at most.
    as_quota
        Whether parts keep the number of loads on each truck, as a `Qubo` with a quota.
    """

    family: ClassVar[str] = "two-trucks"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ()

    weights: np.ndarray
    places: int
    as_quota: bool = False
    name: str = "trucks"

    def form(self) -> Model:
        load = bits("load", self.weights.size)
        gap = 2 * (self.weights @ load) - float(self.weights.sum())
        count, least = load.sum(), self.weights.size - self.places
        return Model(minimise=gap * gap, subject_to=[count <= self.places, count >= least])

    def answer(self, values: np.ndarray) -> tuple[int, ...]:
        return tuple(int(v) for v in values)

    def values(self, answer: tuple[int, ...]) -> np.ndarray:
        return np.array(answer, np.int64)

    def judge(self, answer: tuple[int, ...]) -> Judgement:
        trucks = [[w for w, t in zip(self.weights, answer, strict=True) if t == k] for k in (0, 1)]
        over = [
            Violation("places", f"truck {k}", len(loads) - self.places)
            for k, loads in enumerate(trucks)
            if len(loads) > self.places
        ]
        return Judgement(float(sum(trucks[1]) - sum(trucks[0])) ** 2, tuple(over))

    def repair(self, answer: tuple[int, ...]) -> tuple[int, ...]:
        mended = list(answer)
        for full, other in ((0, 1), (1, 0)):
            while mended.count(full) > self.places:
                mended[mended.index(full)] = other
        return tuple(mended)

    def polish(self, answer: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        best = answer
        for i in range(len(answer)):
            moved = (*best[:i], 1 - best[i], *best[i + 1 :])
            judged = self.judge(moved)
            if judged.feasible and judged.objective < self.judge(best).objective:
                best = moved
        return best

    def subproblem(
        self, answer: tuple[int, ...], size: int, rng: np.random.Generator
    ) -> Subproblem[tuple[int, ...]] | None:
        part = np.sort(rng.permutation(self.weights.size)[:size])
        whole = self.values(answer)
        start = whole[part]
        fixed = whole.copy()
        fixed[part] = 0
        outside = 2 * float(self.weights @ fixed) - float(self.weights.sum())
        own = 2 * self.weights[part]
        form: Qubo | Model
        if self.as_quota:
            weights = 2 * np.triu(np.outer(own, own), 1) + np.diag(own**2 + 2 * outside * own)
            quota = Quota(tuple(range(part.size)), int(start.sum()))
            form = Qubo(weights, outside**2, [quota])
        else:
            load = bits("load", part.size)
            gap = own @ load + outside
            count, taken = load.sum(), int(fixed.sum())
            form = Model(
                minimise=gap * gap,
                subject_to=[
                    count <= self.places - taken,
                    count >= self.weights.size - self.places - taken,
                ],
            )

        def lift(row: np.ndarray) -> tuple[int, ...]:
            changed = whole.copy()
            changed[part] = row
            return self.answer(changed)

        return Subproblem(form, start, lift)

    def chart(self, answer: tuple[int, ...]) -> dict[str, Any]:
        return {"mark": "bar", "data": {"values": [{"load": a} for a in answer]}}

    def document(self) -> dict[str, Any]:
        return {"weights": self.weights.tolist(), "places": self.places, "name": self.name}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(np.array(document["weights"]), document["places"], name=document["name"])

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        return path.suffix == ".trucks"

    @classmethod
    def from_file(cls, path: Path) -> Self:
        raise InputError(f"{path}: no file format")

    @classmethod
    def random(cls, seed: int, **sizes: Any) -> tuple[Self, Optimum[tuple[int, ...]]]:
        """Two trucks of equal weight, shuffled: the optimum is a difference of zero."""
        rng = np.random.default_rng(seed)
        half = int(sizes.get("loads", 24)) // 2
        one = rng.integers(50, 999, half)
        other = rng.permutation(one + rng.integers(-40, 41, half))
        other[-1] += one.sum() - other.sum()
        answer = np.repeat([0, 1], half)
        order = rng.permutation(2 * half)
        weights = np.concatenate([one, other]).astype(float)[order]
        trucks = cls(weights, half + 1, bool(sizes.get("as_quota")), f"trucks {seed}")
        return trucks, Optimum(0.0, tuple(answer[order].tolist()))

    def read_answer(self, text: str) -> tuple[int, ...]:
        return tuple(int(word) for word in text.split())

    def write_answer(self, answer: tuple[int, ...]) -> str:
        return " ".join(str(truck) for truck in answer)
