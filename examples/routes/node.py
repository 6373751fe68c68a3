"""One node of a federation: it keeps its share of the data, and decides its own bits by a route.

``python node.py FOLDER`` reads a question from each line, and answers with a line:

    {"others": {"3": 1, "17": 0}}  ->  {"border": {"40": 1}, "energy": -3.5}

What goes out is the bits of its border, which are those that other nodes' data refer to, and one
number: the value of its part. Its couplings, and the bits within, stay in its folder; only when
the federation has settled is it asked to publish its bits, which are the answer.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from qupel.problems.quadratic import BinaryQuadratic
from qupel.runs.routes import Routes, read_route

ROUTE = Path(__file__).with_name("federated.yaml")


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What a node knows of ``x' Q x``: the rows of its own variables, and nothing else.

    Attributes
    ----------
    own, others
        Numbers of its variables, and of those of other nodes that its rows refer to.
    within
        Q between its own variables, symmetric.
    across
        Q between its own and the others'.
    """

    own: np.ndarray
    others: np.ndarray
    within: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, own: np.ndarray) -> Self:
        """The share of the node that has the variables ``own``, of a symmetric matrix."""
        outside = np.setdiff1d(np.arange(len(matrix)), own)
        others = outside[matrix[np.ix_(own, outside)].any(axis=0)]
        return cls(own, others, matrix[np.ix_(own, own)], matrix[np.ix_(own, others)])

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The share in a node's folder."""
        with np.load(folder / "share.npz") as held:
            return cls(*(held[name] for name in ("own", "others", "within", "across")))

    def write(self, folder: Path) -> None:
        """Put it into a node's folder."""
        np.savez(
            folder / "share.npz",
            own=self.own, others=self.others, within=self.within, across=self.across,
        )  # fmt: skip

    @property
    def border(self) -> list[int]:
        """Its own variables that other nodes refer to."""
        return [int(number) for number in self.own[self.across.any(axis=1)]]

    def problem(self, others: np.ndarray) -> BinaryQuadratic:
        """What is left to decide once the others' bits are known: their pull on each own bit."""
        return BinaryQuadratic(self.within + np.diag(2 * self.across @ others), "part")

    def energy(self, bits: np.ndarray, others: np.ndarray) -> float:
        """Its part of ``x' Q x``; what is between two nodes counts half at each."""
        return float(bits @ self.within @ bits + bits @ self.across @ others)


def answered(question: dict[str, Any], share: Share, route: Any) -> dict[str, Any]:
    """Decide the own bits with those of the others held, and tell what the pattern permits."""
    others = np.array([question["others"][str(number)] for number in share.others], dtype=float)
    problem = share.problem(others)
    decision = route.decide(problem)
    bits = problem.values(problem.read_answer(decision.solution))
    told = dict(zip(map(str, share.own.tolist()), map(int, bits), strict=True))
    if question.get("publish"):
        return {"bits": told}
    border = {str(number): told[str(number)] for number in share.border}
    return {"border": border, "energy": share.energy(bits, others)}


def main(folder: Path) -> None:
    """Answer until nobody asks."""
    share, plan = Share.read(folder), read_route(ROUTE)
    with Routes(folder / "qupel.db", folder=folder) as routes:
        routes.deploy(plan, share.problem(np.zeros(share.others.size)), who=plan.owner)
        print(json.dumps({"needs": share.others.tolist(), "border": share.border}), flush=True)
        for line in sys.stdin:
            print(json.dumps(answered(json.loads(line), share, routes[plan.name])), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
