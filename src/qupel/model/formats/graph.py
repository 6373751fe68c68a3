"""Graph files: max-cut instances (``n m``, then ``i j w``) and DIMACS edge lists."""

from __future__ import annotations

import numpy as np

from qupel.errors import InputError
from qupel.model.formats.text import content, mistake, number, size, table, whole
from qupel.model.formats.triples import pairs, read_triples
from qupel.model.graph import Graph


def read_graph(text: str, source: str = "graph") -> Graph:
    """Weighted graph of a max-cut file, 1-based in the file and 0-based here.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    n, ends, weights, lines = read_triples(text, source)
    return Graph(n, _without_loops(ends, lines, source), weights)


def write_graph(graph: Graph) -> str:
    """Text of a max-cut file for ``graph``."""
    lines = [
        f"{i} {j} {number(w)}"
        for (i, j), w in zip((graph.edges + 1).tolist(), graph.weights.tolist(), strict=True)
    ]
    return "\n".join([f"{graph.nodes} {len(lines)}", *lines, ""])


def read_dimacs_graph(text: str, source: str = "graph") -> Graph:
    """Graph of a DIMACS file: ``c`` comments, one line ``p edge n m``, lines ``e i j``.

    An edge that is given twice, in whichever direction, counts once; all weights are 1.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    nodes: int | None = None
    header = promised = 0
    edges: list[tuple[int, list[str]]] = []
    for line, words in content(text, comments=("#",)):
        kind = words[0]
        if kind == "c":
            continue
        if (
            kind == "p"
            and nodes is None
            and len(words) == 4
            and words[1] in {"edge", "edges", "col"}
        ):
            nodes, header = size(words[2], source, line), line
            promised = whole(words[3], source, line)
        elif kind == "e" and nodes is not None:
            edges.append((line, words[1:]))
        else:
            raise mistake(
                source,
                line,
                f"{' '.join(words)!r} is not expected here",
                "write one line `p edge nodes edges`, then lines `e i j`",
            )
    if nodes is None:
        raise InputError(f"{source}: has no line `p edge nodes edges`; it must come first")
    lines = [line for line, _ in edges]
    ends = pairs(table(edges, "i j", source), nodes, lines, source) - 1
    _without_loops(ends, lines, source)
    ends = np.sort(ends, axis=1)
    _, first = np.unique(ends[:, 0] * nodes + ends[:, 1], return_index=True)
    # Files in circulation count an edge that is given in both directions once or twice.
    if promised not in {len(ends), first.size}:
        raise mistake(
            source,
            header,
            f"the header promises {promised} edges but {len(ends)} follow",
            "mend the header, or complete the file",
        )
    return Graph(nodes, ends[np.sort(first)])


def write_dimacs_graph(graph: Graph) -> str:
    """Text of a DIMACS file for ``graph``; weights other than 1 have no place in it."""
    if (graph.weights != 1).any():
        raise InputError("a DIMACS edge list holds no weights; write a max-cut file instead")
    lines = [f"e {i} {j}" for i, j in (graph.edges + 1).tolist()]
    return "\n".join([f"p edge {graph.nodes} {len(lines)}", *lines, ""])


def _without_loops(ends: np.ndarray, lines: list[int], source: str) -> np.ndarray:
    loops = np.flatnonzero(ends[:, 0] == ends[:, 1])
    if loops.size:
        where = int(loops[0])
        raise mistake(
            source,
            lines[where],
            f"node {int(ends[where, 0]) + 1} is joined to itself",
            "remove the line: a loop is never cut",
        )
    return ends
