"""Maximum cut: divide the nodes of a weighted graph so that the cut edges weigh most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Int64, UInt8
from scipy import sparse

from qupel.errors import InputError
from qupel.model.formats import read_graph, read_text
from qupel.model.graph import Graph
from qupel.model.qubo import Qubo
from qupel.problems.binary_answer import as_bits, frame_of, read_bits, write_bits
from qupel.problems.binary_files import is_qubo, is_triples, stem
from qupel.problems.binary_part import Landscape, as_qubo, cut_out, descend, hard_part
from qupel.problems.binary_planted import frustrated_loops
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem
from qupel.problems.graph_chart import BLUE, DARK, DRAWN_NODES, ORANGE, SCHEMA, colour, graph_chart


@dataclass(frozen=True, slots=True)
class Cut:
    """The nodes divided in two.

    Attributes
    ----------
    side
        0 or 1 for each node. Exchanging all sides gives the same cut.
    """

    side: tuple[int, ...]

    def to_frame(self) -> Any:
        """Data frame with one row a node, numbered from 1 as in files."""
        return frame_of({"node": range(1, len(self.side) + 1), "side": self.side})


@dataclass(frozen=True, eq=False)
class MaxCut:
    """Divide the nodes of a graph in two so that the edges between the sides weigh most.

    Attributes
    ----------
    graph
        The edges and their weights, which may be negative. Parallel edges count each.
    name
        Name of the instance.
    """

    family: ClassVar[str] = "maxcut"
    sense: ClassVar[Sense] = "max"
    baselines: ClassVar[tuple[str, ...]] = ("tabu", "annealing", "tempering")

    graph: Graph
    name: str = "maxcut"

    def form(self) -> Qubo:
        """Qubo whose energy is minus the weight of the cut."""
        n, (i, j), w = self.graph.nodes, self.graph.edges.T, self.graph.weights
        # An edge is cut when x_i + x_j - 2 x_i x_j is one.
        linear = -np.bincount(i, w, n) - np.bincount(j, w, n)
        nodes = np.arange(n)
        weights = sparse.coo_array(
            (
                np.concatenate([linear, 2 * w]),
                (np.concatenate([nodes, i]), np.concatenate([nodes, j])),
            ),
            shape=(n, n),
        )
        return Qubo(weights)

    def answer(self, values: np.ndarray) -> Cut:
        """Return the cut of one row of bits."""
        return Cut(as_bits(values, self.graph.nodes))

    def values(self, answer: Cut) -> UInt8[np.ndarray, " nodes"]:
        """Return the bits of a cut."""
        return np.array(answer.side, dtype=np.uint8)

    def judge(self, answer: Cut) -> Judgement:
        """Weight of the edges whose ends lie on different sides, added up edge by edge."""
        if len(answer.side) != self.graph.nodes or not set(answer.side) <= {0, 1}:
            raise InputError(
                f"a cut gives side 0 or 1 to each of {self.graph.nodes} nodes, "
                f"got {len(answer.side)} values"
            )
        cut = self._is_cut(answer)
        return Judgement(
            float(self.graph.weights[cut].sum()),
            measures={"cut edges": float(cut.sum()), "nodes on side 1": float(sum(answer.side))},
        )

    def cut_edges(self, answer: Cut) -> Int64[np.ndarray, "m 2"]:
        """Edges whose ends lie on different sides, nodes from 0."""
        return self.graph.edges[self._is_cut(answer)]

    def _is_cut(self, answer: Cut) -> np.ndarray:
        side = np.array(answer.side, dtype=np.int8)
        return side[self.graph.edges[:, 0]] != side[self.graph.edges[:, 1]]

    def repair(self, answer: Cut) -> Cut:
        """Return ``answer``: every division is feasible."""
        return answer

    def polish(self, answer: Cut, rng: np.random.Generator) -> Cut:
        """Move single nodes to the other side while that gains."""
        return self.answer(descend(self._landscape, self.values(answer)))

    def subproblem(
        self, answer: Cut, size: int, rng: np.random.Generator
    ) -> Subproblem[Cut] | None:
        """Cut out nodes that are nearly free to change sides and hang together."""
        if not self.graph.nodes or size < 1:
            return None
        bits = self.values(answer)
        part = hard_part(self._landscape, bits, size, rng)

        def lift(row: np.ndarray) -> Cut:
            whole = bits.copy()
            whole[part] = row
            return self.answer(whole)

        return Subproblem(as_qubo(cut_out(self._landscape, bits, part)), bits[part], lift)

    @cached_property
    def _landscape(self) -> Landscape:
        return Landscape.of(self.form())

    def chart(self, answer: Cut) -> dict[str, Any]:
        """The graph with its two sides, or the weights inside and between them if it is large."""
        cut = self._is_cut(answer)
        weight = self.judge(answer).objective
        title = f"{self.name}: cut of weight {weight:,.10g}"
        if self.graph.nodes > DRAWN_NODES:
            return self._summary(answer, cut, title)
        return graph_chart(
            self.graph.edges,
            cut,
            [f"side {side}" for side in answer.side],
            title=title,
            colours={"side 0": BLUE, "side 1": ORANGE},
            marked_name="cut edge",
            edge_colour=DARK,
        )

    def _summary(self, answer: Cut, cut: np.ndarray, title: str) -> dict[str, Any]:
        side = np.array(answer.side)[self.graph.edges[:, 0]]
        places = {"between": cut, "inside 0": ~cut & (side == 0), "inside 1": ~cut & (side == 1)}
        ones = sum(answer.side)
        rows = [
            {"where": place, "kind": sign, "weight": float(self.graph.weights[here & has].sum())}
            for place, here in places.items()
            for sign, has in {
                "positive": self.graph.weights > 0,
                "negative": self.graph.weights < 0,
            }.items()
        ]
        return {
            "$schema": SCHEMA,
            "title": {
                "text": title,
                "subtitle": f"{self.graph.nodes - ones} nodes on side 0, {ones} on side 1",
            },
            "width": 420,
            "data": {"values": rows},
            "mark": "bar",
            "encoding": {
                "y": {"field": "where", "type": "nominal", "title": "edges", "sort": None},
                "x": {"field": "weight", "type": "quantitative", "title": "total weight"},
                "color": colour({"positive": BLUE, "negative": ORANGE}),
            },
        }

    def document(self) -> dict[str, Any]:
        """Return nodes, edges (from 0) and weights as plain JSON values."""
        return {
            "family": self.family,
            "name": self.name,
            "nodes": self.graph.nodes,
            "edges": self.graph.edges.tolist(),
            "weights": self.graph.weights.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        graph = Graph(document["nodes"], document["edges"], document["weights"])
        return cls(graph, document["name"])

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether a file holds ``n m`` and lines ``i j w`` and is no QUBO."""
        return is_triples(head) and not is_qubo(path, head)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a max-cut file: ``n m``, then lines ``i j w``, 1-based, plain or gzipped."""
        return cls(read_graph(read_text(path), str(path)), stem(path))

    @classmethod
    def random(
        cls, seed: int, *, nodes: int = 24, loops: int | None = None
    ) -> tuple[Self, Optimum[Cut]]:
        """Return a sum of frustrated loops with its planted best cut.

        The weight is proved best: the planted cut is the best cut of every single loop, see
        `frustrated_loops`. ``loops`` is ``1.2 * nodes`` unless given.
        """
        rng = np.random.default_rng(seed)
        count = loops if loops is not None else max(1, round(1.2 * nodes))
        side, edges, weights = frustrated_loops(rng, nodes, count)
        best = Cut(tuple(side.tolist()))
        problem = cls(Graph(nodes, edges, weights), f"planted-{nodes}-{seed}")
        across = (side[edges[:, 0]] != side[edges[:, 1]]) * weights
        return problem, Optimum(float(across.sum()), best)

    def read_answer(self, text: str) -> Cut:
        """Read bits, spins, or the numbers (from 1) of the nodes on side 1."""
        return Cut(read_bits(text, self.graph.nodes))

    def write_answer(self, answer: Cut) -> str:
        """Write one line of bits, one a node."""
        return write_bits(answer.side)
