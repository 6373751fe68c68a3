"""Placement: what it costs that not all qubits of a device are coupled.

Two closed forms stand here, one for gates and one for annealers. Both are estimates made before
anything is compiled or embedded; a compiler or an embedder has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, shortest_path

from qupel.backends.catalogue.lattices import Connectivity, Edges, Lattice
from qupel.backends.catalogue.profile import DeviceProfile

#: Share of the swaps that a pair alone would need: a swap serves other gates as well. Circuits of 5
#: to 50 qubits with random pairs, compiled for heavy-hex and square lattices, need 0.4 to 0.7.
SERVED = 0.6


def swaps(profile: DeviceProfile, qubits: int, pairs: int, gates: int, commuting: bool) -> int:
    """Swaps that gates between all sorts of pairs are expected to need.

    The program's qubits take the place of as many coupled ones around a centre of the device.
    A tree's worth of the pairs, one fewer than there are qubits, are taken to be neighbours; a
    gate on another pair needs ``SERVED`` of as many swaps as its qubits are steps apart, less one,
    on average over all pairs. Where the gates may come in any order, a network that swaps
    neighbours in turn brings every pair together once with ``n (n - 1) / 2`` swaps, and no more
    are needed a layer.

    Parameters
    ----------
    qubits, pairs, gates
        Of the program: qubits, different pairs that interact, gates on two qubits.
    commuting
        Whether the gates may come in any order.

    References
    ----------
    O'Gorman et al. (2019), Generalized swap networks for near-term quantum computing,
    arXiv:1905.05118, for the network.
    """
    edges = profile.coupling()
    if edges is None or qubits < 3 or pairs == 0:
        return 0
    apart = mean_distance(profile.connectivity, profile.qubits, min(qubits, profile.qubits))
    far = 1 - min(1.0, (qubits - 1) / pairs)
    needed = math.ceil(gates * far * (apart - 1) * SERVED)
    if not commuting:
        return needed
    layers = math.ceil(gates / pairs)
    return min(needed, layers * qubits * (qubits - 1) // 2)


@lru_cache(maxsize=256)
def mean_distance(connectivity: Connectivity, whole: int, qubits: int) -> float:
    """Mean number of steps between two of the ``qubits`` nearest to a centre of the device."""
    edges = connectivity.coupling(whole)
    if edges is None or qubits < 2:
        return 1.0
    around = _around_centre(_graph(edges, whole), qubits)
    part = _graph(edges, whole)[around][:, around]
    steps = shortest_path(part, method="D", unweighted=True, directed=False)
    return float(steps[np.triu_indices(len(around), 1)].mean())


def _around_centre(graph: sparse.csr_array, qubits: int) -> np.ndarray:
    """The qubits nearest to the one that is least far from the farthest."""
    some = np.unique(np.linspace(0, graph.shape[0] - 1, 64).astype(np.int64))
    far = shortest_path(graph, method="D", unweighted=True, directed=False, indices=some)
    centre = some[np.argmin(far.max(axis=1))]
    return np.sort(breadth_first_order(graph, centre, directed=False)[0][:qubits])


def _graph(edges: Edges, qubits: int) -> sparse.csr_array:
    ends: Float64[np.ndarray, "m 2"] = np.array(edges, dtype=np.float64).reshape(-1, 2)
    rows, columns = ends.T.astype(np.int32)
    return sparse.coo_array((np.ones(len(edges)), (rows, columns)), shape=(qubits, qubits)).tocsr()


@dataclass(frozen=True, slots=True)
class Embedding:
    """How a form is expected to lie on an annealer's graph.

    Attributes
    ----------
    least, most
        Physical qubits: no embedding has fewer; one with ``most`` is known. None where none is
        known, which an embedder may still find.
    chain
        Physical qubits of one variable where ``most`` is known.
    largest
        Variables that may all be coupled to each other, at most.
    """

    least: int
    most: int | None
    chain: int | None
    largest: int


#: Physical neighbours of a qubit, largest complete graph, and chain length of a complete graph.
_GRAPHS: dict[Lattice, tuple[int, Callable[..., int], Callable[[int], int]]] = {
    Lattice.CHIMERA: (6, lambda m: 4 * m, lambda n: math.ceil(n / 4) + 1),
    Lattice.PEGASUS: (15, lambda m: 12 * m - 10, lambda n: math.ceil((n + 10) / 12) + 1),
    Lattice.ZEPHYR: (20, lambda m, t: 4 * t * m - 2 * t, lambda n: math.ceil((n + 8) / 16) + 1),
}


def embedding(profile: DeviceProfile, variables: int, pairs: int) -> Embedding:
    """Physical qubits that a form needs on an annealer.

    A chain of ``c`` qubits with ``D`` couplers each has ``c (D - 2) + 2`` couplers left for other
    chains, so a variable of ``d`` couplings needs ``c >= (d - 2) / (D - 2)``: the sum of these is
    a lower bound. A complete graph is embedded with chains of known, equal length, which is an
    upper bound for any form of as many variables; the largest one is that of a chip without
    faults.

    References
    ----------
    Boothby, Bunyk, Raymond & Roy (2020), arXiv:2003.00133, for Chimera and Pegasus; Boothby, King
    & Raymond (2021), Zephyr topology of D-Wave quantum processors.
    """
    known = _GRAPHS.get(profile.connectivity.lattice)
    if known is None:
        return Embedding(variables, variables, 1, profile.qubits)
    degree, largest_of, chain_of = known
    largest = largest_of(*profile.connectivity.sizes)
    mean = 2 * pairs / variables
    least = math.ceil(variables * max(1.0, (mean - 2) / (degree - 2)))
    if variables > largest:
        return Embedding(least, None, None, largest)
    chain = chain_of(variables) if pairs else 1
    return Embedding(least, variables * chain, chain, largest)
