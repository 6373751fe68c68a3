"""The shape that QUBO and max-cut files share: ``n m``, then ``m`` lines ``i j w``, 1-based."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.model.formats.text import content, mistake, size, table, whole

Triples = tuple[int, Int64[np.ndarray, "m 2"], Float64[np.ndarray, " m"], list[int]]


def read_triples(text: str, source: str) -> Triples:
    """Size, 0-based pairs, weights, and the line each pair stands on."""
    lines = list(content(text))
    if not lines:
        raise InputError(f"{source}: is empty; its first line must be `n m`, sizes 1 and up")
    line, head = lines[0]
    if len(head) != 2:
        raise mistake(source, line, f"{' '.join(head)!r} is no header", "the first line is `n m`")
    n, m = size(head[0], source, line), whole(head[1], source, line)
    if len(lines) - 1 != m:
        raise mistake(
            source,
            line,
            f"the header promises {m} entries but {len(lines) - 1} follow",
            "mend the header, or complete the file",
        )
    values = table(lines[1:], "i j w", source)
    numbers = [number for number, _ in lines[1:]]
    return n, pairs(values[:, :2], n, numbers, source) - 1, values[:, 2], numbers


def pairs(
    named: Float64[np.ndarray, "m 2"], n: int, numbers: list[int], source: str, first: int = 1
) -> Int64[np.ndarray, "m 2"]:
    """Pairs of indices as integers, once they are known to lie in ``first … n - 1 + first``."""
    last = n - 1 + first
    bad = ((named != np.floor(named)) | (named < first) | (named > last)).any(axis=1)
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        got = " ".join(f"{value:g}" for value in named[where])
        raise mistake(
            source, numbers[where], f"indices {got!r}", f"indices are whole, {first} to {last}"
        )
    return named.astype(np.int64)
