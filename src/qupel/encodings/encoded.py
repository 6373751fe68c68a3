"""What an encoding returns: the new form, both ways between the two, and a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from scipy import sparse

from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo

Form = TypeVar("Form")
Way = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a form is.

    Attributes
    ----------
    variables
        Bits, spins or integers.
    interactions
        Pairs of variables with a coefficient of their own.
    constraints
        Rows of a model; quotas of the other forms.
    """

    variables: int
    interactions: int
    constraints: int

    @classmethod
    def of(cls, form: Model | Qubo | Ising) -> Size:
        """Size of ``form``."""
        match form:
            case Model():
                return cls(form.variables, form.quadratic.nnz, form.rows.shape[0])
            case Ising():
                return cls(form.variables, form.couplings.nnz, len(form.quotas))
            case Qubo():
                pairs = form.weights.nnz - np.count_nonzero(form.weights.diagonal())
                return cls(form.variables, int(pairs), len(form.quotas))


@dataclass(frozen=True, slots=True)
class Penalty:
    """The price of breaking one constraint, and why it suffices.

    Attributes
    ----------
    constraint
        Name of the row, or of the integer variable whose code it keeps.
    shape
        ``square`` (an equality), ``product`` (two neighbouring values are allowed), ``pairs``
        (pairs of literals exclude each other) or ``slack`` (an equality with slack bits).
    weight
        What the least violation costs.
    bound
        The most that breaking the constraint could gain; ``weight`` is larger.
    source
        Where the bound comes from: ``flips`` (what single variables can gain), ``terms`` (the
        range of all terms of the objective that the constraints of this group touch) or
        ``range`` (least upper bound minus lower bound of the whole objective).
    """

    constraint: str
    shape: str
    weight: float
    bound: float
    source: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an encoding did.

    Attributes
    ----------
    before, after
        Sizes of the two forms.
    slack_bits
        Bits that only measure how far an inequality is from its limit.
    removed
        Variables of the original form that the new form no longer holds.
    dropped_rows
        Constraints that hold for all values within bounds, or that another one implies.
    penalties
        One for each constraint that became part of the energy.
    exact
        Whether an optimum of the new form always gives an optimum of the original one.
    notes
        What a reader should know of precision and rounding.
    """

    before: Size
    after: Size
    slack_bits: int = 0
    removed: int = 0
    dropped_rows: int = 0
    penalties: tuple[Penalty, ...] = ()
    exact: bool = True
    notes: tuple[str, ...] = ()

    def then(self, later: Report) -> Report:
        """Report of this encoding followed by another one."""
        return replace(
            self,
            after=later.after,
            slack_bits=self.slack_bits + later.slack_bits,
            removed=self.removed + later.removed,
            dropped_rows=self.dropped_rows + later.dropped_rows,
            penalties=self.penalties + later.penalties,
            exact=self.exact and later.exact,
            notes=self.notes + later.notes,
        )

    def document(self) -> dict[str, Any]:
        """Report as plain JSON values, penalties summed up; for records."""
        weights = [penalty.weight for penalty in self.penalties]
        shapes = sorted({penalty.shape for penalty in self.penalties})
        sources = sorted({penalty.source for penalty in self.penalties})
        return {
            "variables": [self.before.variables, self.after.variables],
            "interactions": [self.before.interactions, self.after.interactions],
            "constraints": [self.before.constraints, self.after.constraints],
            "slack_bits": self.slack_bits,
            "removed": self.removed,
            "dropped_rows": self.dropped_rows,
            "penalties": {
                "count": len(weights),
                "least": min(weights, default=0.0),
                "largest": max(weights, default=0.0),
                "shapes": {s: sum(p.shape == s for p in self.penalties) for s in shapes},
                "bounds": {s: sum(p.source == s for p in self.penalties) for s in sources},
            },
            "exact": self.exact,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Encoded(Generic[Form]):
    """A form in a new shape.

    Attributes
    ----------
    form
        The new form.
    back
        Rows of values of the new form to rows of values of the original one.
    forth
        Rows of values of the original form to rows of the new one. Of several rows that mean
        the same, it gives the one of lowest energy; slack is chosen to fit.
    report
        Sizes, slack, penalties, exactness.
    """

    form: Form
    back: Way
    forth: Way
    report: Report

    def then(self, later: Encoded[Any]) -> Encoded[Any]:
        """Follow this encoding by another one, of the new form."""
        return Encoded(
            later.form,
            _chained(later.back, self.back),
            _chained(self.forth, later.forth),
            self.report.then(later.report),
        )


@dataclass(frozen=True, slots=True)
class Same:
    """Rows as they are."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return ``values``."""
        return np.asarray(values)


@dataclass(frozen=True, slots=True)
class SpinsToBits:
    """Spins +1 and −1 to bits 0 and 1."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows of bits."""
        return (np.asarray(values) < 0).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class BitsToSpins:
    """Bits 0 and 1 to spins +1 and −1."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows of spins."""
        return (1 - 2 * np.asarray(values, np.int8)).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """``values @ matrix + constant``, kept within bounds.

    Attributes
    ----------
    matrix
        One row a variable of the new form, one column a variable of the original one.
    constant, lower, upper
        One number a variable of the original form. The bounds matter for broken codes only,
        such as a one-hot code with two ones.
    """

    matrix: sparse.csr_array
    constant: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows of the original form."""
        moved = np.asarray(values, np.int64) @ self.matrix + self.constant
        return np.clip(moved, self.lower, self.upper)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Some of the columns, in order.

    Attributes
    ----------
    positions
        Columns to keep.
    """

    positions: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows of the columns kept."""
        return np.asarray(values)[:, self.positions]


@dataclass(frozen=True, slots=True)
class Chain:
    """Several ways, one after the other."""

    ways: tuple[Way, ...]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Rows at the end of the way."""
        for way in self.ways:
            values = way(values)
        return values


def _chained(*ways: Way) -> Way:
    flat: list[Way] = []
    for way in ways:
        flat.extend(way.ways if isinstance(way, Chain) else [way])
    kept = tuple(way for way in flat if not isinstance(way, Same))
    return kept[0] if len(kept) == 1 else Chain(kept) if kept else Same()
