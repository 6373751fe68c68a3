"""Independent parts of a form, searched apart and joined without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from qupel.errors import InputError
from qupel.model.qubo import Qubo
from qupel.model.quota import Quota


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A Qubo as a sum of Qubos that share no bit, no coupling and no quota.

    Attributes
    ----------
    forms
        The parts, the one with the lowest first bit first; the first one holds the offset.
    columns
        For each part, the positions of its bits in the whole.
    """

    forms: tuple[Qubo, ...]
    columns: tuple[np.ndarray, ...]

    def back(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Rows of the whole from as many rows of each part.

        An optimum of every part gives an optimum of the whole.
        """
        if len(values) != len(self.forms):
            raise InputError(f"{len(self.forms)} parts need as many blocks, got {len(values)}")
        rows = values[0].shape[0] if values else 0
        whole = np.zeros((rows, sum(c.size for c in self.columns)), np.uint8)
        for block, columns in zip(values, self.columns, strict=True):
            whole[:, columns] = block
        return whole

    def forth(self, values: np.ndarray) -> tuple[np.ndarray, ...]:
        """Rows of each part from rows of the whole."""
        return tuple(np.asarray(values)[:, columns] for columns in self.columns)


def split(qubo: Qubo) -> Parts:
    """Split ``qubo`` into its connected parts; a quota connects its members."""
    n = qubo.variables
    sizes = [len(quota.members) for quota in qubo.quotas]
    heads = np.repeat([q.members[0] for q in qubo.quotas if q.members], [s for s in sizes if s])
    members = np.array([i for quota in qubo.quotas for i in quota.members], dtype=np.int64)
    i, j = qubo.weights.tocoo().coords
    ends = np.r_[i, heads].astype(np.int64), np.r_[j, members].astype(np.int64)
    graph = sparse.coo_array((np.ones(ends[0].size, np.int8), ends), shape=(n, n)).tocsr()
    count, labels = csgraph.connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    columns = np.split(order, np.cumsum(np.bincount(labels, minlength=count))[:-1]) if n else []
    place = np.empty(n, np.int64)
    for block in columns:
        place[block] = np.arange(block.size)
    owned: list[list[Quota]] = [[] for _ in columns]
    for quota in qubo.quotas:
        if quota.members:
            held = tuple(place[list(quota.members)].tolist())
            owned[labels[quota.members[0]]].append(Quota(held, quota.count))
    # Sorted by label, the entries of a part stand together.
    coo = qubo.weights.tocoo()
    by_label = np.argsort(labels[coo.coords[0]], kind="stable")
    cuts = np.searchsorted(labels[coo.coords[0]][by_label], np.arange(count + 1))
    forms = []
    for label, block in enumerate(columns):
        mine = by_label[cuts[label] : cuts[label + 1]]
        ends = place[coo.coords[0][mine]], place[coo.coords[1][mine]]
        weights = sparse.coo_array((coo.data[mine], ends), shape=(block.size, block.size))
        forms.append(Qubo(weights, qubo.offset if label == 0 else 0.0, owned[label]))
    return Parts(tuple(forms), tuple(columns))
