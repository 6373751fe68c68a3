"""Maximum independent set: as many nodes of a graph as possible, no two of them joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import UInt8
from scipy import sparse

from qupel.errors import InputError
from qupel.model.formats import read_dimacs_graph, read_text
from qupel.model.graph import Graph
from qupel.model.model import Model
from qupel.problems.binary_answer import as_bits, frame_of, read_numbers
from qupel.problems.binary_files import stem
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem, Violation
from qupel.problems.graph_chart import BLUE, DRAWN_NODES, GREY, RED, SCHEMA, colour, graph_chart
from qupel.problems.graph_sets import Neighbours, mask_of, positions

#: Chosen nodes that are tried at each step of cutting out a part.
_TRIED = 12


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Chosen nodes of a graph, from 0 and ascending."""

    nodes: tuple[int, ...]

    def to_frame(self) -> Any:
        """Data frame with one row a chosen node, numbered from 1 as in files."""
        return frame_of({"node": [node + 1 for node in self.nodes]})


@dataclass(frozen=True, eq=False)
class IndependentSet:
    """Choose as many nodes of a graph as possible, no two of them joined by an edge.

    Attributes
    ----------
    graph
        The edges; weights play no part.
    name
        Name of the instance.
    """

    family: ClassVar[str] = "mis"
    sense: ClassVar[Sense] = "max"
    baselines: ClassVar[tuple[str, ...]] = ("cpsat", "milp", "tabu", "tempering")

    graph: Graph
    name: str = "mis"

    def form(self) -> Model:
        """Model of minus the number of chosen nodes, with one row ``x_i + x_j <= 1`` an edge.

        Rows leave an exact solver its bound; the encodings turn each into the exact penalty
        ``x_i x_j``.
        """
        return _model(self.graph.nodes, self.graph.edges, np.arange(self.graph.nodes), 0)

    def answer(self, values: np.ndarray) -> NodeSet:
        """Return the nodes whose bit is one."""
        bits = as_bits(values, self.graph.nodes)
        return NodeSet(tuple(i for i, bit in enumerate(bits) if bit))

    def values(self, answer: NodeSet) -> UInt8[np.ndarray, " nodes"]:
        """Return one bit a node."""
        row = np.zeros(self.graph.nodes, np.uint8)
        row[list(answer.nodes)] = 1
        return row

    def judge(self, answer: NodeSet) -> Judgement:
        """Count the chosen nodes and name every edge between two of them."""
        unknown = [node for node in answer.nodes if not 0 <= node < self.graph.nodes]
        if unknown or len(set(answer.nodes)) != len(answer.nodes):
            raise InputError(
                f"a set names each of its nodes, 0 to {self.graph.nodes - 1}, once; "
                f"got {unknown or answer.nodes}"
            )
        chosen = np.zeros(self.graph.nodes, bool)
        chosen[list(answer.nodes)] = True
        broken = self.graph.edges[chosen[self.graph.edges[:, 0]] & chosen[self.graph.edges[:, 1]]]
        violations = tuple(
            Violation("edge", f"nodes {i} and {j}", 1.0) for i, j in (broken + 1).tolist()
        )
        return Judgement(float(len(answer.nodes)), violations)

    def repair(self, answer: NodeSet) -> NodeSet:
        """Take out the nodes with most conflicts, then add free nodes of few neighbours."""
        kept = self._neighbours.independent(mask_of(answer.nodes))
        return NodeSet(tuple(positions(self._neighbours.extended(kept))))

    def polish(self, answer: NodeSet, rng: np.random.Generator) -> NodeSet:
        """Add free nodes and exchange one node for two while that is possible."""
        return NodeSet(tuple(positions(self._neighbours.improved(mask_of(answer.nodes)))))

    def subproblem(
        self, answer: NodeSet, size: int, rng: np.random.Generator
    ) -> Subproblem[NodeSet] | None:
        """Free some chosen nodes that lie close together, with all nodes this sets free.

        All other nodes are fixed: a node outside the part is chosen as before, or next to a
        chosen one.
        """
        if size < 1 or not self.graph.nodes:
            return None
        whole = mask_of(answer.nodes)
        part = self._part(whole, size, rng)
        nodes = np.array(list(positions(part)), dtype=np.int64)
        kept = whole & ~part
        inside = np.zeros(self.graph.nodes, bool)
        inside[nodes] = True
        edges = self.graph.edges[inside[self.graph.edges].all(axis=1)]
        place = np.cumsum(inside) - 1
        form = _model(nodes.size, place[edges], nodes, kept.bit_count())

        def lift(row: np.ndarray) -> NodeSet:
            added = mask_of(tuple(nodes[np.asarray(row) == 1].tolist()))
            return NodeSet(tuple(positions(kept | added)))

        return Subproblem(form, self.values(answer)[nodes], lift)

    def _part(self, chosen: int, size: int, rng: np.random.Generator) -> int:
        """Nodes, at most ``size``, that may change when all others stay as they are."""
        known = self._neighbours
        kept = chosen
        part = mask_of(tuple(list(positions(known.free(chosen)))[:size]))
        while close := self._close(chosen, kept, part):
            order = np.array(list(positions(close)))
            tried = rng.permutation(order)[:_TRIED].tolist()
            grown = {out: part | 1 << out | known.free(kept & ~(1 << out)) for out in tried}
            fitting = [out for out in tried if grown[out].bit_count() <= size]
            if not fitting:
                break
            # The node that sets most others free leaves most to decide.
            out = max(fitting, key=lambda node: grown[node].bit_count())
            part, kept = grown[out], kept & ~(1 << out)
        return part

    def _close(self, chosen: int, kept: int, part: int) -> int:
        """Kept nodes that share a neighbour with the part; all of them if none does."""
        blocked = border = 0
        for i in positions(part):
            blocked |= self._neighbours.masks[i]
        for i in positions(blocked & ~chosen):
            border |= self._neighbours.masks[i]
        return kept & border or kept

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours.of(self.graph.nodes, self.graph.edges)

    def chart(self, answer: NodeSet) -> dict[str, Any]:
        """The graph with its chosen nodes, or chosen nodes by degree if it is large."""
        chosen = self.values(answer).astype(bool)
        kinds = ["chosen" if bit else "not chosen" for bit in chosen]
        broken = chosen[self.graph.edges].all(axis=1)
        title = f"{self.name}: {len(answer.nodes)} nodes chosen"
        colours = {"chosen": BLUE, "not chosen": GREY}
        if self.graph.nodes <= DRAWN_NODES:
            return graph_chart(
                self.graph.edges,
                broken,
                kinds,
                title=title,
                colours=colours,
                marked_name="conflict",
                edge_colour=RED,
            )
        degree = np.bincount(self.graph.edges.ravel(), minlength=self.graph.nodes)
        rows = [{"degree": int(d), "kind": kind} for d, kind in zip(degree, kinds, strict=True)]
        return {
            "$schema": SCHEMA,
            "title": {
                "text": title,
                "subtitle": f"of {self.graph.nodes}; {int(broken.sum())} conflicts",
            },
            "width": 420,
            "data": {"values": rows},
            "mark": "bar",
            "encoding": {
                "x": {
                    "field": "degree",
                    "bin": {"maxbins": 25},
                    "title": "neighbours of the node",
                    "axis": {"format": "d"},
                    "type": "quantitative",
                },
                "y": {"aggregate": "count", "title": "nodes", "type": "quantitative"},
                "color": colour(colours),
            },
        }

    def document(self) -> dict[str, Any]:
        """Return nodes and edges (from 0) as plain JSON values."""
        return {
            "family": self.family,
            "name": self.name,
            "nodes": self.graph.nodes,
            "edges": self.graph.edges.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        return cls(Graph(document["nodes"], document["edges"]), document["name"])

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether a file is a DIMACS edge list."""
        lines = (line for line in head.splitlines() if line.strip() and line[0] not in "c#")
        return next(lines, "").split()[:2] in (["p", "edge"], ["p", "col"])

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a DIMACS edge list (``.gph``), plain or gzipped."""
        return cls(read_dimacs_graph(read_text(path), str(path)), stem(path))

    @classmethod
    def random(
        cls, seed: int, *, size: int = 6, clique: int = 4, edges: int | None = None
    ) -> tuple[Self, Optimum[NodeSet]]:
        """Return a graph of ``size`` cliques with its planted largest independent set.

        The size is proved largest: a set holds at most one node of each clique, and the planted
        one, which the ``edges`` random further edges never join, holds one of each. ``edges`` is
        three for each node unless given. Nodes are shuffled.
        """
        if size < 1 or clique < 1:
            raise InputError(f"size and clique must be at least 1, got {size} and {clique}")
        rng = np.random.default_rng(seed)
        n = size * clique
        names = rng.permutation(n)
        group = np.arange(n) // clique
        planted = set(range(0, n, clique))
        joined = {(i, j) for i in range(n) for j in range(i + 1, n) if group[i] == group[j]}
        for i, j in rng.integers(0, n, (3 * n if edges is None else edges, 2)).tolist():
            if i != j and not {i, j} <= planted:
                joined.add((min(i, j), max(i, j)))
        ends = names[np.array(sorted(joined), dtype=np.int64).reshape(-1, 2)]
        best = NodeSet(tuple(sorted(int(names[i]) for i in planted)))
        return cls(Graph(n, ends), f"planted-{n}-{seed}"), Optimum(float(size), best)

    def read_answer(self, text: str) -> NodeSet:
        """Read the numbers (from 1) of the chosen nodes, ``#`` lines being comments."""
        return NodeSet(read_numbers(text, self.graph.nodes))

    def write_answer(self, answer: NodeSet) -> str:
        """Write a ``.sol`` file: a comment with the size, then one number (from 1) a line."""
        lines = [f"# independent set of {len(answer.nodes)} nodes"]
        return "\n".join([*lines, *(str(node + 1) for node in answer.nodes), ""])


def _model(nodes: int, edges: np.ndarray, numbers: np.ndarray, fixed: int) -> Model:
    """Edge model of ``nodes`` nodes that are called ``numbers``, beside ``fixed`` chosen ones."""
    m = len(edges)
    rows = sparse.csr_array(
        (np.ones(2 * m), edges.ravel(), np.arange(0, 2 * m + 1, 2)), shape=(m, nodes)
    )
    return Model.from_arrays(
        -np.ones(nodes),
        offset=-float(fixed),
        rows=rows,
        row_upper=1.0,
        names=[f"node[{i}]" for i in numbers.tolist()],
        row_names=[f"edge[{i},{j}]" for i, j in numbers[edges].tolist()],
    )
