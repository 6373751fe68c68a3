"""Expressions over decision variables, so that models read like the mathematics.

>>> import numpy as np
>>> pick = bits("pick", 3)
>>> weight = np.array([2.0, 3.0, 4.0]) @ pick
>>> fits = weight <= 5
>>> fits.upper
5.0
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from qupel.errors import InputError

_serials = itertools.count()
Key = tuple["Variables", int]


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """A named row of integer variables with common bounds.

    Index it for one variable as an `Expression`; ``weights @ variables`` is their weighted sum.

    Attributes
    ----------
    name
        Name of the row; variables are ``name[0]``, ``name[1]``, …, or ``name`` if there is one.
    size
        How many.
    lower, upper
        Inclusive integer bounds.
    """

    name: str
    size: int
    lower: int = 0
    upper: int = 1
    serial: int = field(default_factory=lambda: next(_serials), repr=False)

    __array_ufunc__ = None  # numpy leaves `array @ variables` to us

    def __post_init__(self) -> None:
        if self.size < 0 or self.lower > self.upper:
            raise InputError(
                f"variables {self.name!r} need size >= 0 and lower <= upper, "
                f"got {self.size}, [{self.lower}, {self.upper}]"
            )

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Expression:
        if not -self.size <= index < self.size:
            raise IndexError(f"{self.name} has {self.size} variables, got index {index}")
        return Expression({(self, index % self.size): 1.0})

    def __iter__(self) -> Iterator[Expression]:
        return (self[i] for i in range(self.size))

    def sum(self) -> Expression:
        """Sum of all variables."""
        return np.ones(self.size) @ self

    def __matmul__(self, other: Any) -> Expression:
        if isinstance(other, Variables):
            return _total(a * b for a, b in zip(self, other, strict=True))
        return self.__rmatmul__(other)

    def __rmatmul__(self, weights: Any) -> Expression:
        row = np.asarray(weights, dtype=np.float64)
        if row.shape != (self.size,):
            raise InputError(f"weights of shape {row.shape} do not fit {self.size} variables")
        return Expression({(self, i): float(row[i]) for i in np.flatnonzero(row).tolist()})

    def quadratic(self, matrix: Any) -> Expression:
        """``x @ matrix @ x`` for a dense or sparse square matrix."""
        from scipy import sparse

        held = sparse.coo_array(matrix)
        pairs: dict[tuple[Key, Key], float] = {}
        for i, j, w in zip(*held.coords, held.data, strict=True):
            pair = _pair((self, int(i)), (self, int(j)))
            pairs[pair] = pairs.get(pair, 0.0) + float(w)
        return Expression({}, pairs)


def bits(name: str, size: int = 1) -> Variables:
    """A row of binary variables."""
    return Variables(name, size)


def integers(name: str, size: int = 1, *, lower: int = 0, upper: int) -> Variables:
    """A row of integer variables with common inclusive bounds."""
    return Variables(name, size, lower, upper)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A linear and quadratic function of variables."""

    linear: Mapping[Key, float]
    pairs: Mapping[tuple[Key, Key], float] = field(default_factory=dict)
    constant: float = 0.0

    __array_ufunc__ = None

    def __add__(self, other: Any) -> Expression:
        if isinstance(other, Real):
            return Expression(self.linear, self.pairs, self.constant + float(other))
        if isinstance(other, Variables):
            other = other.sum()
        if not isinstance(other, Expression):
            return NotImplemented
        return Expression(
            _merged(self.linear, other.linear),
            _merged(self.pairs, other.pairs),
            self.constant + other.constant,
        )

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return self * -1.0

    def __sub__(self, other: Any) -> Expression:
        return self + -other

    def __rsub__(self, other: Any) -> Expression:
        return -self + other

    def __mul__(self, other: Any) -> Expression:
        if isinstance(other, Real):
            scale = float(other)
            return Expression(
                {key: scale * w for key, w in self.linear.items()},
                {key: scale * w for key, w in self.pairs.items()},
                scale * self.constant,
            )
        if not isinstance(other, Expression):
            return NotImplemented
        if self.pairs or other.pairs:
            raise InputError("a model is quadratic at most; this product has a higher degree")
        pairs: dict[tuple[Key, Key], float] = {}
        for a, v in self.linear.items():
            for b, w in other.linear.items():
                pairs[_pair(a, b)] = pairs.get(_pair(a, b), 0.0) + v * w
        flat = (self - self.constant) * other.constant + (other - other.constant) * self.constant
        return Expression(flat.linear, pairs, self.constant * other.constant)

    __rmul__ = __mul__

    def __le__(self, other: Any) -> Constraint:
        gap = self - other
        return Constraint(gap - gap.constant, -math.inf, -gap.constant)

    def __ge__(self, other: Any) -> Constraint:
        gap = self - other
        return Constraint(gap - gap.constant, -gap.constant, math.inf)

    def __eq__(self, other: object) -> Constraint:  # type: ignore[override]
        gap: Expression = self - other
        return Constraint(gap - gap.constant, -gap.constant, -gap.constant)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """``lower <= left <= upper`` for a linear expression without a constant."""

    left: Expression
    lower: float
    upper: float
    name: str = ""

    def __post_init__(self) -> None:
        if self.left.pairs:
            raise InputError(f"constraint {self.name!r} is quadratic; constraints are linear")

    def __bool__(self) -> bool:
        # `0 <= x <= 2` asks for this, and would else silently lose its first half.
        raise InputError(
            "a constraint is neither true nor false; write `lower <= x` and `x <= upper` as two "
            "constraints, and leave out `!=`"
        )

    def named(self, name: str) -> Constraint:
        """Return the same constraint under a name."""
        return Constraint(self.left, self.lower, self.upper, name)


def _pair(a: Key, b: Key) -> tuple[Key, Key]:
    return (a, b) if (a[0].serial, a[1]) <= (b[0].serial, b[1]) else (b, a)


def _merged(a: Mapping[Any, float], b: Mapping[Any, float]) -> dict[Any, float]:
    total = dict(a)
    for key, weight in b.items():
        total[key] = total.get(key, 0.0) + weight
    return total


def _total(terms: Iterator[Expression]) -> Expression:
    linear: dict[Key, float] = {}
    pairs: dict[tuple[Key, Key], float] = {}
    constant = 0.0
    for term in terms:
        for key, weight in term.linear.items():
            linear[key] = linear.get(key, 0.0) + weight
        for pair, weight in term.pairs.items():
            pairs[pair] = pairs.get(pair, 0.0) + weight
        constant += term.constant
    return Expression(linear, pairs, constant)
