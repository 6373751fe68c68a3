"""Models: bounded integer variables, a linear and quadratic objective, linear constraints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped
from scipy import sparse

from qupel.errors import InputError
from qupel.model.expression import Constraint, Expression, Variables
from qupel.model.sparse import quadratic_values, tidy, upper_triangle

#: Slack under which a constraint counts as kept, absolute below 1 and relative above.
TOLERANCE = 1e-6

#: The most that slack may be in a row of whole numbers, whose values are exact.
WHOLE_TOLERANCE = 0.25

#: Left sides of constraints that are held at a time where feasibility is checked.
CELLS = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """A model as plain arrays; the meaning of each is told in `Model`."""

    linear: Float64[np.ndarray, " n"]
    quadratic: sparse.csr_array
    offset: float
    lower: Int64[np.ndarray, " n"]
    upper: Int64[np.ndarray, " n"]
    rows: sparse.csr_array
    row_lower: Float64[np.ndarray, " m"]
    row_upper: Float64[np.ndarray, " m"]
    names: tuple[str, ...]
    row_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Model:
    """Minimise ``linear @ x + x @ quadratic @ x + offset`` under linear constraints.

    Build it from expressions::

        pick = bits("pick", 4)
        model = Model(minimise=-values @ pick, subject_to=[weights @ pick <= limit])

    or from arrays with `from_arrays`. Variable order is the order in which rows of variables
    were created; ``variables`` adds rows that no expression mentions.

    Attributes
    ----------
    linear
        One coefficient a variable.
    quadratic
        Upper triangular CSR; a diagonal entry multiplies the square of its variable.
    offset
        Constant part of the objective.
    lower, upper
        Inclusive integer bounds; a binary variable has 0 and 1.
    rows, row_lower, row_upper
        Constraints ``row_lower <= rows @ x <= row_upper``, infinite where one-sided.
    names, row_names
        One name a variable, one a constraint.
    """

    linear: Float64[np.ndarray, " n"]
    quadratic: sparse.csr_array
    offset: float
    lower: Int64[np.ndarray, " n"]
    upper: Int64[np.ndarray, " n"]
    rows: sparse.csr_array
    row_lower: Float64[np.ndarray, " m"]
    row_upper: Float64[np.ndarray, " m"]
    names: tuple[str, ...]
    row_names: tuple[str, ...]

    def __init__(
        self,
        *,
        minimise: Expression | Variables | float | None = None,
        maximise: Expression | Variables | float | None = None,
        subject_to: Sequence[Constraint] = (),
        variables: Sequence[Variables] = (),
    ) -> None:
        if (minimise is None) == (maximise is None):
            raise InputError("a model needs one of `minimise` and `maximise`")
        # A number is an objective too, where any feasible point will do.
        objective = (
            Expression({}) + minimise if minimise is not None else -(Expression({}) + maximise)
        )
        for index, constraint in enumerate(subject_to):
            if not isinstance(constraint, Constraint):
                raise InputError(f"subject_to[{index}] is no constraint, but {constraint!r}")
        self._hold(_collect(objective, subject_to, variables))

    @classmethod
    def from_arrays(
        cls,
        linear: Any,
        *,
        quadratic: Any = None,
        offset: float = 0.0,
        lower: Any = 0,
        upper: Any = 1,
        rows: Any = None,
        row_lower: Any = -np.inf,
        row_upper: Any = np.inf,
        names: Sequence[str] | None = None,
        row_names: Sequence[str] | None = None,
    ) -> Model:
        """Model from arrays; scalars for bounds are repeated, a missing array is empty."""
        c = np.array(linear, dtype=np.float64)
        n = c.size
        matrix = sparse.csr_array((0, n)) if rows is None else tidy(rows)
        m = matrix.shape[0]
        arrays = Arrays(
            c,
            upper_triangle(
                sparse.csr_array((n, n)) if quadratic is None else quadratic, name="quadratic"
            ),
            float(offset),
            np.broadcast_to(np.asarray(lower, np.int64), (n,)).copy(),
            np.broadcast_to(np.asarray(upper, np.int64), (n,)).copy(),
            matrix,
            np.broadcast_to(np.asarray(row_lower, np.float64), (m,)).copy(),
            np.broadcast_to(np.asarray(row_upper, np.float64), (m,)).copy(),
            tuple(names) if names is not None else tuple(f"x[{i}]" for i in range(n)),
            tuple(row_names) if row_names is not None else tuple(f"c[{i}]" for i in range(m)),
        )
        model = object.__new__(cls)
        model._hold(arrays)
        return model

    def _hold(self, arrays: Arrays) -> None:
        n, m = arrays.linear.size, arrays.rows.shape[0]
        if arrays.quadratic.shape != (n, n) or arrays.rows.shape != (m, n):
            raise InputError(
                f"{n} variables do not fit a quadratic part of shape {arrays.quadratic.shape} "
                f"and constraints of shape {arrays.rows.shape}"
            )
        if len(arrays.names) != n or len(arrays.row_names) != m:
            raise InputError("a model needs one name for each variable and each constraint")
        if (arrays.lower > arrays.upper).any():
            where = int(np.flatnonzero(arrays.lower > arrays.upper)[0])
            raise InputError(f"variable {arrays.names[where]} has a lower bound above its upper")
        numbers = (arrays.linear, arrays.rows.data, np.array(arrays.offset))
        if not all(np.isfinite(part).all() for part in numbers):
            raise InputError("a model's coefficients must be finite")
        crossed = np.flatnonzero(~(arrays.row_lower <= arrays.row_upper))
        if crossed.size:
            k = int(crossed[0])
            raise InputError(
                f"constraint {arrays.row_names[k]!r} has limits {arrays.row_lower[k]:g} and "
                f"{arrays.row_upper[k]:g}; the first must not be above the second"
            )
        for name in Arrays.__slots__:
            object.__setattr__(self, name, getattr(arrays, name))

    @property
    def variables(self) -> int:
        """Number of variables."""
        return int(self.linear.size)

    @property
    def is_binary(self) -> bool:
        """Whether every variable is bounded by 0 and 1."""
        return bool((self.lower >= 0).all() and (self.upper <= 1).all())

    def energies(self, values: Shaped[np.ndarray, "rows n"]) -> Float64[np.ndarray, " rows"]:
        """Objective of each row of ``values``, feasible or not."""
        values = np.asarray(values)
        return quadratic_values(self.quadratic, values) + values @ self.linear + self.offset

    def feasible(self, values: Shaped[np.ndarray, "rows n"]) -> Bool[np.ndarray, " rows"]:
        """Whether each row keeps all bounds and constraints within `TOLERANCE`."""
        values = np.asarray(values)
        inside = ((values >= self.lower) & (values <= self.upper)).all(axis=1)
        kept = np.flatnonzero(inside)
        # Some constraints at a time, for the rows that kept all before: samples of a graph with
        # 100,000 edges would else fill gigabytes.
        step = max(1, CELLS // max(1, values.shape[0]))
        for first in range(0, self.rows.shape[0], step):
            part = slice(first, first + step)
            left = np.asarray(values[kept], np.float64) @ self.rows[part].T
            kept = kept[_within(self.rows[part], left, self.row_lower[part], self.row_upper[part])]
        feasible = np.zeros(values.shape[0], dtype=bool)
        feasible[kept] = True
        return feasible


def _within(
    rows: sparse.csr_array,
    left: Float64[np.ndarray, "k m"],
    lower: Float64[np.ndarray, " m"],
    upper: Float64[np.ndarray, " m"],
) -> Bool[np.ndarray, " k"]:
    """Whether the left sides in each row of ``left`` keep their limits within `tolerances`."""
    within: Bool[np.ndarray, " k"] = np.all((left >= lower) & (left <= upper), axis=1)
    near = np.flatnonzero(~within)
    if near.size:
        slack = tolerances(rows, left[near])
        allowed = (left[near] >= lower - slack) & (left[near] <= upper + slack)
        within[near] = allowed.all(axis=1)
    return within


def tolerances(
    rows: sparse.csr_array, left: Float64[np.ndarray, "*k m"]
) -> Float64[np.ndarray, "*k m"]:
    """How far each row may miss a limit when its left side is ``left``; 0 where it is infinite.

    A row of whole numbers is never given a whole unit, however large its numbers are.
    """
    finite = np.isfinite(left)
    slack = TOLERANCE * np.maximum(1.0, np.abs(np.where(finite, left, 0.0)))
    fractional = np.zeros(rows.shape[0], dtype=bool)
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    fractional[owner[rows.data != np.rint(rows.data)]] = True
    return np.where(finite, np.minimum(slack, np.where(fractional, np.inf, WHOLE_TOLERANCE)), 0.0)


def _collect(
    objective: Expression, constraints: Sequence[Constraint], rows: Sequence[Variables]
) -> Arrays:
    """Lay expressions out as arrays, rows of variables in the order of their creation."""
    constraints = list(constraints)
    blocks = {key[0] for key in _keys([objective, *(c.left for c in constraints)])} | set(rows)
    order = sorted(blocks, key=lambda block: block.serial)
    starts = dict(zip(order, np.cumsum([0, *(b.size for b in order)]).tolist(), strict=False))
    n = sum(block.size for block in order)

    linear = np.zeros(n)
    for (block, i), weight in objective.linear.items():
        linear[starts[block] + i] += weight
    firsts: list[int] = []
    seconds: list[int] = []
    weights: list[float] = []
    for (a, b), weight in objective.pairs.items():
        ends = sorted((starts[a[0]] + a[1], starts[b[0]] + b[1]))
        firsts.append(ends[0])
        seconds.append(ends[1])
        weights.append(weight)
    row: list[int] = []
    column: list[int] = []
    entry: list[float] = []
    for index, constraint in enumerate(constraints):
        for (block, position), weight in constraint.left.linear.items():
            row.append(index)
            column.append(starts[block] + position)
            entry.append(weight)
    return Arrays(
        linear,
        upper_triangle(
            sparse.coo_array((weights, (firsts, seconds)), shape=(n, n)), name="quadratic"
        ),
        objective.constant,
        np.repeat([b.lower for b in order], [b.size for b in order]).astype(np.int64),
        np.repeat([b.upper for b in order], [b.size for b in order]).astype(np.int64),
        tidy(sparse.coo_array((entry, (row, column)), shape=(len(constraints), n))),
        np.array([c.lower for c in constraints], dtype=np.float64),
        np.array([c.upper for c in constraints], dtype=np.float64),
        tuple(f"{b.name}[{k}]" if b.size > 1 else b.name for b in order for k in range(b.size)),
        tuple(c.name or f"c[{k}]" for k, c in enumerate(constraints)),
    )


def _keys(expressions: Iterable[Expression]) -> Iterable[tuple[Variables, int]]:
    for expression in expressions:
        yield from expression.linear
        for a, b in expression.pairs:
            yield a
            yield b
