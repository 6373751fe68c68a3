"""Codes of bounded integers in bits: every code is a weighted sum of its bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from jaxtyping import Int64, UInt8
from scipy import sparse

from qupel.errors import InputError

Code = Literal["binary", "bounded", "one-hot", "domain-wall"]

#: Above this many bits for one integer, a code with a bit for each value is a mistake.
MOST_BITS = 4096


def weights(span: int, code: Code, largest: int = 8) -> Int64[np.ndarray, " bits"]:
    """Weights of the bits that code the integers 0 to ``span``.

    - ``binary``: 1, 2, 4, … with the last weight cut, so that no sum exceeds ``span``.
    - ``bounded``: the same up to weight ``largest``, which then repeats: more bits, smaller
      coefficients.
    - ``one-hot``: a bit for each value, of which exactly one is set.
    - ``domain-wall``: a bit for each step, ones before zeros; the value is the number of ones.

    A span of 1 is one bit in every code, and a span of 0 needs none.

    References
    ----------
    Karimi and Ronagh (2019), Practical integer-to-binary mapping for quantum annealers,
    doi:10.1007/s11128-019-2213-x; Chancellor (2019), Domain wall encoding of discrete variables,
    doi:10.1088/2058-9565/ab33c2.
    """
    if code not in get_args(Code):
        raise InputError(f"unknown code {code!r} for integers; known: {', '.join(get_args(Code))}")
    if largest < 1:
        raise InputError(f"the largest coefficient of a code must be at least 1, got {largest}")
    return np.array(_weights(int(span), code, largest), dtype=np.int64)


@lru_cache(maxsize=4096)
def _weights(span: int, code: Code, largest: int) -> tuple[int, ...]:
    if span <= 1:
        return (1,) * span
    if code in {"one-hot", "domain-wall"} or (code == "bounded" and span // largest > MOST_BITS):
        bits = span // largest if code == "bounded" else span
        if bits > MOST_BITS:
            raise InputError(
                f"an integer of {span + 1} values would need about {bits} bits in the "
                f"{code} code; tighten its bounds or choose integers='binary'"
            )
        return tuple(range(span + 1)) if code == "one-hot" else (1,) * span
    cap = span if code == "binary" else min(largest, span)
    found: list[int] = []
    left, step = span, 1
    while left:
        found.append(min(step, cap, left))
        left -= found[-1]
        step *= 2
    return tuple(sorted(found))


def spelled(values: np.ndarray, held: np.ndarray, code: Code, span: int) -> UInt8[np.ndarray, "*"]:
    """Bits of ``values`` (0 to ``span``) for the weights ``held``, one more axis at the end."""
    values = np.asarray(values, np.int64)
    if code == "one-hot" and span > 1:
        return (values[..., None] == held).astype(np.uint8)
    if code == "domain-wall" and span > 1:
        return (values[..., None] > np.arange(span)).astype(np.uint8)
    bits = np.zeros((*values.shape, held.size), np.uint8)
    left = values.copy()
    # Each weight is at most one more than the sum of the smaller ones: greedy never fails.
    for k in range(held.size - 1, -1, -1):
        bits[..., k] = left >= held[k]
        left -= bits[..., k] * held[k]
    return bits


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """How a row of bounded integers is spelled in bits.

    Attributes
    ----------
    lower, upper
        Bounds of the integers.
    starts
        Integer ``i`` is held by bits ``starts[i]`` to ``starts[i + 1] - 1``.
    matrix
        One row a bit, one column an integer: ``bits @ matrix + lower`` are the values.
    code, largest
        As in `weights`.
    """

    lower: Int64[np.ndarray, " n"]
    upper: Int64[np.ndarray, " n"]
    starts: Int64[np.ndarray, " n+1"]
    matrix: sparse.csr_array
    code: Code
    largest: int

    @classmethod
    def of(cls, lower: np.ndarray, upper: np.ndarray, code: Code, largest: int) -> Coded:
        """Spell integers of the given bounds in ``code``."""
        spans = np.asarray(upper, np.int64) - lower
        lengths = np.minimum(spans, 1)
        wide = np.flatnonzero(spans > 1)
        parts = {int(i): weights(int(spans[i]), code, largest) for i in wide}
        if wide.size:
            lengths[wide] = [parts[i].size for i in wide.tolist()]
        elif code not in get_args(Code):
            weights(0, code, largest)  # complains of the name
        starts = np.concatenate([[0], np.cumsum(lengths)])
        data = np.ones(starts[-1], np.int64)
        for i, part in parts.items():
            data[starts[i] : starts[i + 1]] = part
        owner = np.repeat(np.arange(spans.size), lengths)
        shape = (int(starts[-1]), spans.size)
        matrix = sparse.csr_array((data, owner, np.arange(shape[0] + 1)), shape=shape)
        return cls(np.asarray(lower), np.asarray(upper), starts, matrix, code, largest)

    @property
    def wide(self) -> Int64[np.ndarray, " wide"]:
        """Integers that need more than one bit."""
        return np.flatnonzero(self.upper - self.lower > 1)

    def spell(self, values: np.ndarray) -> UInt8[np.ndarray, "rows bits"]:
        """Bits of each row of ``values``."""
        steps = np.asarray(values, np.int64) - self.lower
        bits = np.zeros((steps.shape[0], self.matrix.shape[0]), np.uint8)
        narrow = np.flatnonzero(self.upper - self.lower == 1)
        bits[:, self.starts[narrow]] = steps[:, narrow]
        for i in self.wide.tolist():
            held = slice(self.starts[i], self.starts[i + 1])
            span = int(self.upper[i] - self.lower[i])
            bits[:, held] = spelled(steps[:, i], self.matrix.data[held], self.code, span)
        return bits
