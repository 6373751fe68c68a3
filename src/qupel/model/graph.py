"""Graphs as plain arrays: nodes 0 to n − 1, edges, one weight an edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Graph:
    """An undirected graph without loops.

    Attributes
    ----------
    nodes
        How many nodes; they are 0 to ``nodes - 1``.
    edges
        One row an edge, the smaller node first, in the order given. Parallel edges stay.
    weights
        One number an edge.
    """

    nodes: int
    edges: Int64[np.ndarray, "m 2"]
    weights: Float64[np.ndarray, " m"]

    def __init__(self, nodes: int, edges: Any, weights: Any = None) -> None:
        held = np.array(edges, dtype=np.int64).reshape(-1, 2)
        heavy = np.ones(len(held)) if weights is None else np.array(weights, dtype=np.float64)
        if heavy.shape != (len(held),) or not np.isfinite(heavy).all():
            raise InputError(f"{len(held)} edges need as many finite weights, got {heavy.shape}")
        if held.size and not (held.min() >= 0 and held.max() < nodes):
            raise InputError(f"edges name node {held.max()} or {held.min()} of {nodes} nodes")
        loops = np.flatnonzero(held[:, 0] == held[:, 1])
        if loops.size:
            raise InputError(f"edge {loops[0]} joins node {held[loops[0], 0]} to itself")
        held.sort(axis=1)
        object.__setattr__(self, "nodes", int(nodes))
        object.__setattr__(self, "edges", held)
        object.__setattr__(self, "weights", heavy)
