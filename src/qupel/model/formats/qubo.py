"""QUBO files in the text format of the Biq Mac library (``.sparse``).

The first line is ``n m``; ``m`` lines ``i j q`` follow, 1-based, upper triangle. They give a
symmetric matrix Q, and x'Qx is minimised: an off-diagonal entry counts twice, a diagonal entry
once. `Qubo` counts every entry once, so off-diagonals are doubled here and halved on writing.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qupel.errors import InputError
from qupel.model.formats.text import mistake, number
from qupel.model.formats.triples import read_triples
from qupel.model.qubo import Qubo


def read_qubo(text: str, source: str = "qubo") -> Qubo:
    """Qubo of a ``.sparse`` file; ``source`` is the name that errors give.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    n, ends, weights, lines = read_triples(text, source)
    below = np.flatnonzero(ends[:, 0] > ends[:, 1])
    if below.size:
        i, j = (ends[below[0]] + 1).tolist()
        raise mistake(
            source, lines[below[0]], f"entry {i} {j} lies below the diagonal", f"write {j} {i}"
        )
    doubled = np.where(ends[:, 0] < ends[:, 1], 2.0, 1.0) * weights
    return Qubo(sparse.coo_array((doubled, (ends[:, 0], ends[:, 1])), shape=(n, n)))


def write_qubo(qubo: Qubo) -> str:
    """Text of a ``.sparse`` file for ``qubo``.

    Raises
    ------
    InputError
        If the Qubo has an offset or quotas, for which the format has no place.
    """
    if qubo.offset or qubo.quotas:
        raise InputError(
            f"a .sparse file holds neither an offset ({qubo.offset:g}) nor quotas "
            f"({len(qubo.quotas)}); write an LP file instead, or Qubo(qubo.weights)"
        )
    held = qubo.weights.tocoo()
    rows, columns = held.coords
    halves = np.where(rows < columns, held.data / 2, held.data)
    lines = [
        f"{i} {j} {number(w)}"
        for i, j, w in zip(
            (rows + 1).tolist(), (columns + 1).tolist(), halves.tolist(), strict=True
        )
    ]
    return "\n".join([f"{qubo.variables} {len(lines)}", *lines, ""])
