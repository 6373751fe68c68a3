"""Lattices: which qubits of a device are coupled, from the name of the lattice and its size.

Qubits are numbered row by row. The generators return every edge once, the smaller qubit first,
in increasing order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from qupel.errors import InputError

Edges = tuple[tuple[int, int], ...]

#: Most qubits of one lattice: more is a slip of the pen, and fills the memory.
MOST_QUBITS = 100_000


class Lattice(StrEnum):
    """Name of a lattice."""

    ALL = "all-to-all"
    EDGES = "edges"
    LINE = "line"
    RING = "ring"
    GRID = "grid"
    KING = "king"
    HEAVY_HEX = "heavy-hex"
    CHIMERA = "chimera"
    PEGASUS = "pegasus"
    ZEPHYR = "zephyr"


def line(qubits: int) -> tuple[int, list[tuple[int, int]]]:
    """Qubits in a row."""
    return qubits, [(k, k + 1) for k in range(qubits - 1)]


def ring(qubits: int) -> tuple[int, list[tuple[int, int]]]:
    """Qubits in a circle."""
    closing = [(0, qubits - 1)] if qubits > 2 else []
    return qubits, line(qubits)[1] + closing


def grid(rows: int, columns: int) -> tuple[int, list[tuple[int, int]]]:
    """Square lattice: neighbours to the left, right, above and below."""
    return rows * columns, list(_steps(rows, columns, ((0, 1), (1, 0))))


def king(rows: int, columns: int) -> tuple[int, list[tuple[int, int]]]:
    """Square lattice with both diagonals: the moves of a king in chess."""
    return rows * columns, list(_steps(rows, columns, ((0, 1), (1, 0), (1, 1), (1, -1))))


def heavy_hex(rows: int, columns: int, even: int, odd: int) -> tuple[int, list[tuple[int, int]]]:
    """Rows of qubits in a line, with single qubits as bridges between one row and the next.

    Below rows 0, 2, … bridges stand at columns ``even``, ``even + 4``, …; below rows 1, 3, … at
    ``odd``, ``odd + 4``, …. A row is numbered before the bridges below it; there are none below
    the last row. Chamberland et al. (2020), doi:10.1103/PhysRevX.10.011022, figure 2.
    """
    edges = []
    start = 0
    for row in range(rows):
        edges += [(start + k, start + k + 1) for k in range(columns - 1)]
        if row == rows - 1:
            break
        at = list(range(odd if row % 2 else even, columns, 4))
        bridge, below = start + columns, start + columns + len(at)
        for k, column in enumerate(at):
            edges += [(start + column, bridge + k), (bridge + k, below + column)]
        start = below
    return start + columns, edges


def chimera(m: int) -> tuple[int, list[tuple[int, int]]]:
    """Chimera of ``m`` by ``m`` cells, each a complete bipartite graph of 4 and 4 qubits.

    Boothby et al. (2020), arXiv:2003.00133, section 2.
    """

    def at(row: int, column: int, side: int, k: int) -> int:
        return ((row * m + column) * 2 + side) * 4 + k

    edges = []
    for row in range(m):
        for column in range(m):
            edges += [
                (at(row, column, 0, a), at(row, column, 1, b)) for a in range(4) for b in range(4)
            ]
            if row + 1 < m:
                edges += [(at(row, column, 0, k), at(row + 1, column, 0, k)) for k in range(4)]
            if column + 1 < m:
                edges += [(at(row, column, 1, k), at(row, column + 1, 1, k)) for k in range(4)]
    return 8 * m * m, edges


def pegasus(m: int) -> tuple[int, list[tuple[int, int]]]:
    """Pegasus of size ``m``, as far as it hangs together: ``8 (3m - 1)(m - 1)`` qubits.

    Coordinates and offsets of Boothby et al. (2020), arXiv:2003.00133, section 3, as D-Wave's
    devices have them.
    """
    vertical = [2] * 4 + [10] * 4 + [6] * 4
    horizontal = [6] * 4 + [2] * 4 + [10] * 4
    ends = m - 1

    def at(u: int, w: int, k: int, z: int) -> int:
        return ((u * m + w) * 12 + k) * ends + z

    edges = []
    for u in range(2):
        for w in range(m):
            for k in range(12):
                edges += [(at(u, w, k, z), at(u, w, k, z + 1)) for z in range(ends - 1)]
                if k % 2 == 0:
                    edges += [(at(u, w, k, z), at(u, w, k + 1, z)) for z in range(ends)]
    for w in range(m):
        for j in range(12):
            for k in range(12):
                # Vertical qubit (0, w, k, z) crosses horizontal (1, v, j, y) where each one's
                # extent, shifted by its offset, covers the other's place.
                v_shift, y = j < vertical[k], w - (k < horizontal[j])
                if 0 <= y < ends:
                    edges += [(at(0, w, k, z), at(1, z + v_shift, j, y)) for z in range(ends)]
    return _largest_part(24 * m * ends, edges)


def zephyr(m: int, t: int = 4) -> tuple[int, list[tuple[int, int]]]:
    """Zephyr of size ``m`` and tile ``t``: ``4 t m (2m + 1)`` qubits.

    Boothby, King & Raymond (2021), Zephyr topology of D-Wave quantum processors, section 2.
    """
    wide = 2 * m + 1

    def at(u: int, w: int, k: int, j: int, z: int) -> int:
        return (((u * wide + w) * t + k) * 2 + j) * m + z

    edges = []
    for u in range(2):
        for w in range(wide):
            for k in range(t):
                for j in range(2):
                    edges += [(at(u, w, k, j, z), at(u, w, k, j, z + 1)) for z in range(m - 1)]
                edges += [(at(u, w, k, 0, z), at(u, w, k, 1, z)) for z in range(m)]
                edges += [(at(u, w, k, 0, z + 1), at(u, w, k, 1, z)) for z in range(m - 1)]
    sides = [(i, a) for i in range(2) for a in range(2)]
    for w in range(m):
        for z in range(m):
            for i, a in sides:
                for j, b in sides:
                    w_at, z_at = 2 * w + 1 + a * (2 * i - 1), 2 * z + 1 + b * (2 * j - 1)
                    edges += [
                        (at(0, w_at, k, j, z), at(1, z_at, h, i, w))
                        for k in range(t)
                        for h in range(t)
                    ]
    return 4 * t * m * wide, edges


#: How many qubits each lattice has, what generates it, and the names of its sizes.
_GENERATORS: dict[
    Lattice,
    tuple[Callable[..., int], Callable[..., tuple[int, list[tuple[int, int]]]], str],
] = {
    Lattice.LINE: (lambda n: n, line, "qubits"),
    Lattice.RING: (lambda n: n, ring, "qubits"),
    Lattice.GRID: (lambda rows, columns: rows * columns, grid, "rows, columns"),
    Lattice.KING: (lambda rows, columns: rows * columns, king, "rows, columns"),
    Lattice.HEAVY_HEX: (
        lambda rows, columns, even, odd: (
            rows * columns
            + rows // 2 * len(range(even, columns, 4))
            + (rows - 1) // 2 * len(range(odd, columns, 4))
        ),
        heavy_hex,
        "rows, columns, first bridge below even rows, first bridge below odd rows",
    ),
    Lattice.CHIMERA: (lambda m: 8 * m * m, chimera, "m"),
    Lattice.PEGASUS: (lambda m: 8 * (3 * m - 1) * (m - 1), pegasus, "m"),
    Lattice.ZEPHYR: (lambda m, t: 4 * t * m * (2 * m + 1), zephyr, "m, t"),
}


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Which qubits a two-qubit gate, or a coupler, joins.

    Attributes
    ----------
    lattice
        Its name; ``all-to-all`` couples every pair, ``edges`` those listed.
    sizes
        What the lattice's generator takes, such as rows and columns.
    without
        Places of the whole lattice that have no qubit; the others are numbered anew in order.
    edges
        For the lattice ``edges`` every coupled pair.
    dead
        Further qubits that do not work, at places that differ from chip to chip or are not
        published; here the last ones of the lattice stand for them.

    Examples
    --------
    >>> square = Connectivity(Lattice.GRID, (2, 2))
    >>> square.coupling(4)
    ((0, 1), (0, 2), (1, 3), (2, 3))
    >>> Connectivity(Lattice.ALL).coupling(4) is None
    True
    """

    lattice: Lattice
    sizes: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    dead: int = 0

    def __post_init__(self) -> None:
        made = _GENERATORS.get(self.lattice)
        names = made[2].split(", ") if made else []
        if len(self.sizes) != len(names):
            raise InputError(
                f"sizes of a {self.lattice} lattice are ({', '.join(names)}), got {self.sizes}"
            )
        for name, size in zip(names, self.sizes, strict=True):
            if size < (0 if "bridge" in name else 1):
                raise InputError(f"sizes of a lattice are whole numbers from 1, got {self.sizes}")
        if self.lattice is Lattice.PEGASUS and self.sizes[0] < 2:
            raise InputError(f"sizes of a pegasus lattice start at 2, got {self.sizes}")
        if made and made[0](*self.sizes) > MOST_QUBITS:
            raise InputError(f"sizes give more than {MOST_QUBITS} qubits, got {self.sizes}")
        if self.dead < 0:
            raise InputError(f"dead must be a whole number from 0, got {self.dead}")
        if (self.lattice is Lattice.EDGES) != bool(self.edges):
            raise InputError("edges are listed for the lattice 'edges', and for no other")
        for a, b in self.edges:
            if a == b or a < 0 or b < 0:
                raise InputError(f"edges join two different qubits from 0, got ({a}, {b})")
        pairs = [(min(edge), max(edge)) for edge in self.edges]
        if len(set(pairs)) < len(pairs):
            twice = next(pair for pair, count in Counter(pairs).items() if count > 1)
            raise InputError(f"edges name the pair {twice} twice; name it once")

    def check(self, qubits: int) -> None:
        """Refuse a number of qubits that this is not the connectivity of.

        Raises
        ------
        InputError
            If the lattice, less what it is ``without``, has another number of qubits.
        """
        if self.lattice is Lattice.ALL:
            return
        if self.lattice is Lattice.EDGES:
            most = max(max(edge) for edge in self.edges) + 1
            if most > qubits:
                raise InputError(
                    f"connectivity names qubit {most - 1} of a device of {qubits} qubits"
                )
            return
        whole, gone = _GENERATORS[self.lattice][0](*self.sizes), set(self.without)
        if bad := sorted(q for q in gone if not 0 <= q < whole):
            raise InputError(f"connectivity is without place {bad[0]} of a lattice of {whole}")
        if (left := whole - len(gone) - self.dead) != qubits:
            raise InputError(
                f"connectivity is a {self.lattice} lattice of sizes {self.sizes} without "
                f"{len(gone) + self.dead} places, which has {left} qubits, not {qubits}; "
                "mend qubits, sizes, without or dead"
            )

    def coupling(self, qubits: int) -> Edges | None:
        """Coupled pairs of a device of so many qubits; None where all are coupled."""
        self.check(qubits)
        return None if self.lattice is Lattice.ALL else _coupling(self, qubits)


@lru_cache(maxsize=64)
def _coupling(of: Connectivity, qubits: int) -> Edges:
    if of.lattice is Lattice.EDGES:
        return _ordered(of.edges)
    whole, edges = _GENERATORS[of.lattice][1](*of.sizes)
    gone = set(of.without)
    kept = [q for q in range(whole) if q not in gone][:qubits]
    number = {q: k for k, q in enumerate(kept)}
    return _ordered((number[a], number[b]) for a, b in edges if a in number and b in number)


def _ordered(edges: Iterable[tuple[int, int]]) -> Edges:
    return tuple(sorted({(min(a, b), max(a, b)) for a, b in edges}))


def _steps(rows: int, columns: int, steps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Pairs of places of a grid that are one of the steps apart."""
    for row in range(rows):
        for column in range(columns):
            for down, right in steps:
                if row + down < rows and 0 <= column + right < columns:
                    yield row * columns + column, (row + down) * columns + column + right


def _largest_part(nodes: int, edges: list[tuple[int, int]]) -> tuple[int, list[tuple[int, int]]]:
    """The largest connected part, numbered anew in order."""
    import numpy as np
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    ends = np.array(edges).T
    graph = sparse.coo_array((np.ones(len(edges)), tuple(ends)), shape=(nodes, nodes))
    _, part = connected_components(graph, directed=False)
    kept = np.flatnonzero(part == np.argmax(np.bincount(part)))
    number = {int(q): k for k, q in enumerate(kept)}
    return len(kept), [(number[a], number[b]) for a, b in edges if a in number and b in number]
