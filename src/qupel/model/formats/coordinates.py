"""Coefficient lists of D-Wave's tools: qbsolv's ``.qubo`` and dimod's coordinate text.

Both count every entry once, like `Qubo`, and number variables from 0.
"""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from qupel.errors import InputError
from qupel.model.formats.text import (
    LARGEST_SIZE,
    content,
    mistake,
    number,
    size,
    table,
    whole,
)
from qupel.model.formats.triples import pairs
from qupel.model.ising import Ising
from qupel.model.qubo import Qubo

_VARTYPE = re.compile(r"#\s*vartype\s*=\s*(\w+)", re.IGNORECASE)


def read_qbsolv(text: str, source: str = "qubo") -> Qubo:
    """Qubo of a ``.qubo`` file: ``p qubo 0 n diagonals couplers``, then ``i j w``.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    lines = list(content(text, comments=("c", "#")))
    if not lines or lines[0][1][:2] != ["p", "qubo"] or len(lines[0][1]) != 6:
        line = lines[0][0] if lines else 1
        raise mistake(
            source, line, "no header", "begin with `p qubo 0 variables diagonals couplers`"
        )
    line, head = lines[0]
    n = size(head[3], source, line)
    diagonals, couplers = (whole(word, source, line) for word in head[4:])
    ends, weights = _entries(lines[1:], n, source)
    found = int((ends[:, 0] == ends[:, 1]).sum())
    if (found, len(ends) - found) != (diagonals, couplers):
        raise mistake(
            source,
            line,
            f"the header promises {diagonals} diagonals and {couplers} couplers but {found} and "
            f"{len(ends) - found} follow",
            "mend the header, or complete the file",
        )
    return Qubo(_upper(ends, weights, n))


def write_qbsolv(qubo: Qubo) -> str:
    """Text of a ``.qubo`` file for ``qubo``, which has neither offset nor quotas."""
    _refuse_extras("a .qubo file", qubo.offset, qubo)
    held = qubo.weights.tocoo()
    on = held.coords[0] == held.coords[1]
    head = f"p qubo 0 {qubo.variables} {int(on.sum())} {int((~on).sum())}"
    order = np.concatenate([np.flatnonzero(on), np.flatnonzero(~on)])
    return "\n".join(
        [head, *_lines(held.coords[0][order], held.coords[1][order], held.data[order]), ""]
    )


def read_coordinates(text: str, source: str = "coo") -> Qubo | Ising:
    """Qubo or Ising model of dimod's coordinate text: ``# vartype=SPIN``, lines ``i j w``.

    Without the first line the variables are taken for bits. The largest index tells how many
    there are.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    kinds = [found.group(1).upper() for found in map(_VARTYPE.match, text.splitlines()) if found]
    if kinds and kinds[0] not in {"SPIN", "BINARY"}:
        raise InputError(f"{source}: vartype {kinds[0]!r} is unknown; write SPIN or BINARY")
    ends, weights = _entries(list(content(text)), None, source)
    n = int(ends.max(initial=-1)) + 1
    held = _upper(ends, weights, n)
    if not kinds or kinds[0] == "BINARY":
        return Qubo(held)
    # On the diagonal stand the fields, linear in the spin.
    return Ising(held.diagonal(), sparse.triu(held, 1))


def write_coordinates(form: Qubo | Ising) -> str:
    """Text of dimod's coordinate format for a form without offset and quotas.

    A last variable without coefficients gets an entry of 0, so that it is not lost.
    """
    _refuse_extras("coordinate text", form.offset, form)
    if isinstance(form, Ising):
        kind, held = "SPIN", sparse.coo_array(form.couplings + sparse.diags_array(form.fields))
    else:
        kind, held = "BINARY", form.weights.tocoo()
    lines = _lines(held.coords[0], held.coords[1], held.data)
    last = form.variables - 1
    if last >= 0 and held.coords[1].max(initial=-1) < last:
        lines.append(f"{last} {last} 0")
    return "\n".join([f"# vartype={kind}", *lines, ""])


def _entries(
    lines: list[tuple[int, list[str]]], n: int | None, source: str
) -> tuple[np.ndarray, np.ndarray]:
    values = table(lines, "i j w", source)
    numbers = [line for line, _ in lines]
    return pairs(values[:, :2], LARGEST_SIZE if n is None else n, numbers, source, first=0), values[
        :, 2
    ]


def _upper(ends: np.ndarray, weights: np.ndarray, n: int) -> sparse.csr_array:
    ends = np.sort(ends, axis=1)
    return sparse.coo_array((weights, (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()


def _lines(rows: np.ndarray, columns: np.ndarray, data: np.ndarray) -> list[str]:
    entries = zip(rows.tolist(), columns.tolist(), data.tolist(), strict=True)
    return [f"{i} {j} {number(w)}" for i, j, w in entries]


def _refuse_extras(what: str, offset: float, form: Qubo | Ising) -> None:
    if offset or form.quotas:
        raise InputError(
            f"{what} holds neither an offset ({offset:g}) nor quotas ({len(form.quotas)}); "
            f"write an LP file instead, or leave them out of the form"
        )
