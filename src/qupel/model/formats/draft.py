"""A model in the making, as the readers of LP and MPS files meet its parts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from qupel.model.formats.text import mistake
from qupel.model.model import Model

#: Numbers of this size mean infinity in files of integer programs.
INFINITE = 1e20


@dataclass(slots=True)
class Column:
    """A variable as far as it is known; ``line`` is where it is named first."""

    name: str
    line: int
    lower: float | None = None
    upper: float | None = None
    integer: bool = False
    binary: bool = False


@dataclass(slots=True)
class Row:
    """A constraint as far as it is known."""

    name: str
    line: int
    terms: dict[int, float] = field(default_factory=dict)
    low: float = -math.inf
    high: float = math.inf


@dataclass(slots=True)
class Draft:
    """Variables in the order in which they are named, objective, rows."""

    source: str
    columns: list[Column] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    linear: dict[int, float] = field(default_factory=dict)
    pairs: dict[tuple[int, int], float] = field(default_factory=dict)
    offset: float = 0.0
    maximised: bool = False
    rows: list[Row] = field(default_factory=list)

    def column(self, name: str, line: int) -> int:
        """Position of the variable ``name``, which is new if it was not named before."""
        if name not in self.places:
            self.places[name] = len(self.columns)
            self.columns.append(Column(name, line))
        return self.places[name]

    def add_pair(self, i: int, j: int, weight: float) -> None:
        """Add ``weight * x_i * x_j`` to the objective."""
        ends = (min(i, j), max(i, j))
        self.pairs[ends] = self.pairs.get(ends, 0.0) + weight

    def model(self) -> Model:
        """Return the model, minimised: a maximised objective changes its sign.

        Raises
        ------
        InputError
            If a variable is continuous or has no finite bounds.
        """
        n, sign = len(self.columns), -1.0 if self.maximised else 1.0
        bounds = [_bounds(column, self.source) for column in self.columns]
        linear = np.zeros(n)
        linear[list(self.linear)] = list(self.linear.values())
        ends = np.array(list(self.pairs), dtype=np.int64).reshape(-1, 2).T
        quadratic = sparse.coo_array((list(self.pairs.values()), tuple(ends)), shape=(n, n))
        owner = [k for k, row in enumerate(self.rows) for _ in row.terms]
        places = [i for row in self.rows for i in row.terms]
        weights = [w for row in self.rows for w in row.terms.values()]
        for row in self.rows:
            if row.low > row.high:
                raise mistake(
                    self.source,
                    row.line,
                    f"constraint {row.name!r} has limits {row.low:g} and {row.high:g}",
                    "the first must not be above the second",
                )
        return Model.from_arrays(
            sign * linear,
            quadratic=sign * quadratic,
            offset=sign * self.offset,
            lower=np.array([a for a, _ in bounds], dtype=np.int64),
            upper=np.array([b for _, b in bounds], dtype=np.int64),
            rows=sparse.csr_array((weights, (owner, places)), shape=(len(self.rows), n)),
            row_lower=[row.low for row in self.rows],
            row_upper=[row.high for row in self.rows],
            names=[column.name for column in self.columns],
            row_names=[row.name for row in self.rows],
        )


def _bounds(column: Column, source: str) -> tuple[int, int]:
    """Integer bounds of a variable."""
    where, name = column.line, column.name
    if not (column.integer or column.binary):
        raise mistake(
            source,
            where,
            f"variable {name!r} is continuous, and a model here holds integers",
            "declare it integer or binary, or scale and round it to integers",
        )
    lower = 0.0 if column.lower is None else column.lower
    upper = (1.0 if column.binary else math.inf) if column.upper is None else column.upper
    if column.binary:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    if abs(lower) >= INFINITE or abs(upper) >= INFINITE:
        raise mistake(
            source,
            where,
            f"integer variable {name!r} has bounds [{lower:g}, {upper:g}]",
            "give it a finite lower and upper bound",
        )
    low, high = math.ceil(lower - 1e-9), math.floor(upper + 1e-9)
    if low > high:
        raise mistake(
            source,
            where,
            f"variable {name!r} has no integer between its bounds {lower:g} and {upper:g}",
            "widen the bounds",
        )
    return low, high


def plain_names(names: Iterable[str], forbidden: str) -> list[str]:
    """Names without characters of the class ``forbidden``, distinct, for formats that are strict.

    Brackets become parentheses where they are forbidden, so that ``x[3]`` is written ``x(3)``.
    """
    taken: set[str] = set()
    result = []
    for name in names:
        if re.search(forbidden, "[]"):
            name = name.replace("[", "(").replace("]", ")")
        plain = re.sub(forbidden, "_", name) or "_"
        # A leading digit, dot or exponent sign could be read as a number.
        if re.match(r"[0-9.$]|[eE][0-9.]*$", plain) or plain.lower() in _WORDS:
            plain = f"_{plain}"
        distinct, count = plain, 1
        while distinct in taken:
            count += 1
            distinct = f"{plain}_{count}"
        taken.add(distinct)
        result.append(distinct)
    return result


_WORDS = {
    *("min", "max", "minimize", "maximize", "minimise", "maximise", "minimum", "maximum"),
    *("st", "s.t.", "st.", "subject", "such", "bounds", "bound", "free", "inf", "infinity"),
    *("general", "generals", "gen", "integer", "integers", "int", "binary", "binaries", "bin"),
    *("end", "sos", "semi", "semis", "sec"),
}
