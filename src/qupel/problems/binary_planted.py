"""Planted frustration: couplings whose ground state is known by construction.

A loop of unit couplings with an odd number of frustrated ones cannot satisfy all of them. Each
loop here is built around one planted assignment so that exactly one coupling is broken, which is
the least any assignment can do. The planted assignment is best for every loop at once, so it is
best for their sum.

References
----------
Hen et al. (2015), Probing for quantum speedup in spin-glass problems with planted solutions,
doi:10.1103/PhysRevA.92.042325.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from qupel.errors import InputError

_LENGTHS = (3, 4, 5, 6)


def frustrated_loops(
    rng: np.random.Generator, nodes: int, loops: int
) -> tuple[UInt8[np.ndarray, " nodes"], Int64[np.ndarray, "m 2"], Float64[np.ndarray, " m"]]:
    """A planted side for each node, and edges with whole weights whose largest cut it is.

    Loops run through 3 to 6 nodes drawn at random. Weights of an edge in several loops are
    added; an edge whose weights cancel is left out.
    """
    if nodes < _LENGTHS[0] or loops < 1:
        raise InputError(f"planting needs 3 nodes and 1 loop at least, got {nodes} and {loops}")
    side = rng.integers(0, 2, nodes).astype(np.uint8)
    total: dict[tuple[int, int], float] = {}
    for _ in range(loops):
        length = int(rng.choice([size for size in _LENGTHS if size <= nodes]))
        around = rng.choice(nodes, length, replace=False)
        broken = int(rng.integers(length))
        for step in range(length):
            i, j = sorted((int(around[step]), int(around[(step + 1) % length])))
            # A satisfied edge weighs +1 across the planted cut and -1 inside a side.
            satisfied = 1.0 if side[i] != side[j] else -1.0
            total[i, j] = total.get((i, j), 0.0) + (-satisfied if step == broken else satisfied)
    kept = {pair: weight for pair, weight in sorted(total.items()) if weight}
    edges = np.array(list(kept), dtype=np.int64).reshape(-1, 2)
    return side, edges, np.array(list(kept.values()), dtype=np.float64)
