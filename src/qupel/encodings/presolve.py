"""Presolve of models: tighter bounds, fixed variables, fewer rows, the same optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from qupel.encodings.encoded import Affine, Columns, Encoded, Report, Same, Size
from qupel.errors import InputError
from qupel.model.model import Model, tolerances
from qupel.model.sparse import symmetric

#: Rounds of bound tightening; bounds stay valid whenever it ends.
ROUNDS = 20

#: Rounding errors of sums of a row's terms stay far below this.
GUARD = 1e-9


def presolve(model: Model) -> Encoded[Model]:
    """Tighten bounds by rows and by costs, fix variables, drop rows that always hold.

    References
    ----------
    Savelsbergh (1994), Preprocessing and probing techniques for mixed integer programming
    problems, doi:10.1287/ijoc.6.4.445: activity bounds; dual fixing of variables that no row
    and no cost keeps from a bound.

    Raises
    ------
    InputError
        If bounds and rows exclude each other.
    """
    lower, upper = model.lower.copy(), model.upper.copy()
    for _ in range(ROUNDS):
        before = lower.copy(), upper.copy()
        _tighten(model, lower, upper)
        _fix_by_cost(model, lower, upper)
        if (lower == before[0]).all() and (upper == before[1]).all():
            break
    free = np.flatnonzero(lower < upper)
    kept = _open_rows(model, lower, upper)
    tightened = (lower != model.lower).any() or (upper != model.upper).any()
    if kept.all() and not tightened:
        return Encoded(model, Same(), Same(), Report(Size.of(model), Size.of(model)))
    smaller = _restricted(model, lower, upper, free, np.flatnonzero(kept))
    place = sparse.csr_array(
        (np.ones(free.size, np.int64), (np.arange(free.size), free)),
        shape=(free.size, model.variables),
    )
    base = np.where(lower == upper, lower, 0)
    report = Report(
        Size.of(model),
        Size.of(smaller),
        removed=model.variables - free.size,
        dropped_rows=int((~kept).sum()),
    )
    return Encoded(smaller, Affine(place, base, lower, upper), Columns(free), report)


def _tighten(model: Model, lower: np.ndarray, upper: np.ndarray) -> None:
    """Cut bounds to what each row leaves when all its other variables help."""
    entries = _Entries.of(model, lower, upper)
    row, column, weight = entries.row, entries.column, entries.weight
    spare_least = entries.least[row] - np.where(
        weight > 0, weight * lower[column], weight * upper[column]
    )
    spare_most = entries.most[row] - np.where(
        weight > 0, weight * upper[column], weight * lower[column]
    )
    limits = entries.high[row] - spare_least, entries.low[row] - spare_most
    for limit, is_upper in ((limits[0], weight > 0), (limits[1], weight < 0)):
        use = np.isfinite(limit)
        value = limit[use] / weight[use]
        over, cut = is_upper[use], np.abs(value) < 2**53
        at = column[use]
        top, bottom = over & cut, ~over & cut
        np.minimum.at(upper, at[top], np.floor(value[top] + GUARD).astype(np.int64))
        np.maximum.at(lower, at[bottom], np.ceil(value[bottom] - GUARD).astype(np.int64))
    if (lower > upper).any():
        name = model.names[int(np.flatnonzero(lower > upper)[0])]
        raise InputError(f"no value of variable {name!r} keeps all constraints; relax one of them")


def _fix_by_cost(model: Model, lower: np.ndarray, upper: np.ndarray) -> None:
    """Fix variables that no row holds from a bound to which their cost drives them, or not away."""
    entries = _Entries.of(model, lower, upper)
    positive = entries.weight > 0
    upper_active = (entries.most > entries.high)[entries.row]
    lower_active = (entries.least < entries.low)[entries.row]
    n = model.variables
    falls_harm = np.where(positive, lower_active, upper_active)
    rises_harm = np.where(positive, upper_active, lower_active)
    both = symmetric(model.quadratic).tocoo()
    i, j = both.coords
    slope_least = model.linear + np.bincount(
        i, np.where(both.data > 0, both.data * lower[j], both.data * upper[j]), n
    )
    slope_most = model.linear + np.bincount(
        i, np.where(both.data > 0, both.data * upper[j], both.data * lower[j]), n
    )
    simple = model.quadratic.diagonal() == 0
    down = simple & (np.bincount(entries.column, falls_harm, n) == 0) & (slope_least >= 0)
    up = simple & (np.bincount(entries.column, rises_harm, n) == 0) & (slope_most <= 0) & ~down
    upper[down] = lower[down]
    lower[up] = upper[up]


def _open_rows(model: Model, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Rows that some values within bounds break."""
    entries = _Entries.of(model, lower, upper)
    broken = np.flatnonzero((entries.least > entries.high) | (entries.most < entries.low))
    if broken.size:
        name = model.row_names[int(broken[0])]
        raise InputError(
            f"constraint {name!r} cannot be kept by any values within bounds; relax it"
        )
    slack = GUARD * np.maximum(1.0, np.abs(entries.most) + np.abs(entries.least))
    return (entries.most > model.row_upper + slack) | (entries.least < model.row_lower - slack)


def _restricted(
    model: Model, lower: np.ndarray, upper: np.ndarray, free: np.ndarray, rows: np.ndarray
) -> Model:
    """The model over its free variables and the rows that are left."""
    base = np.where(lower == upper, lower, 0).astype(np.float64)
    slopes = model.linear + model.quadratic @ base + model.quadratic.T @ base
    left = model.rows[rows]
    shift = left @ base
    return Model.from_arrays(
        slopes[free],
        quadratic=model.quadratic[free][:, free],
        offset=float(model.offset + model.linear @ base + base @ (model.quadratic @ base)),
        lower=lower[free],
        upper=upper[free],
        rows=left[:, free],
        row_lower=model.row_lower[rows] - shift,
        row_upper=model.row_upper[rows] - shift,
        names=[model.names[k] for k in free.tolist()],
        row_names=[model.row_names[k] for k in rows.tolist()],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """The rows' entries, what each row can reach, and its limits with their tolerance."""

    row: np.ndarray
    column: np.ndarray
    weight: np.ndarray
    least: np.ndarray
    most: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, model: Model, lower: np.ndarray, upper: np.ndarray) -> _Entries:
        held = sparse.csr_array(model.rows).tocoo()
        filled = held.data != 0
        (row, column), weight = (part[filled] for part in held.coords), held.data[filled]
        at_lower, at_upper = weight * lower[column], weight * upper[column]
        m = held.shape[0]
        return cls(
            row,
            column,
            weight,
            np.bincount(row, np.minimum(at_lower, at_upper), m),
            np.bincount(row, np.maximum(at_lower, at_upper), m),
            model.row_lower - tolerances(model.rows, model.row_lower),
            model.row_upper + tolerances(model.rows, model.row_upper),
        )
