"""What a solver gives back: rows of values, best first, and how the search ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from qupel.errors import InputError


class Outcome(Enum):
    """How a search ended, with what the reader can do about it."""

    OPTIMAL = "The result is proved optimal."
    STOPPED = "The stop rule ended the search; allow more time to search further."
    STALLED = "No move improved the result; restart from other seeds."
    SAMPLED = "All shots were taken; ask for more shots to see more states."
    INFEASIBLE = "The form is proved to have no feasible point; relax a constraint."
    EMPTY = "The search found no feasible point in its time; allow more."


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Distinct rows of values, lowest energy first.

    Attributes
    ----------
    values
        One row a sample, columns in variable order: bits 0/1 for a `Qubo`, spins ±1 for an
        `Ising`, integers for a `Model`, a plan (see the family) for a problem.
    energies
        The solver's own claim for each row, ascending. Records recompute it.
    occurrences
        How often each row was drawn.
    outcome
        How the search ended.
    bound
        Proved lower bound of the energy, ``-inf`` if there is none.
    seconds
        Parts of the solver's own time that are not search: ``compile``, ``queue``.
    facts
        Plain numbers and words worth keeping with a record: shots, sweeps, layers, angles.
    """

    values: Shaped[np.ndarray, "rows n"]
    energies: Float64[np.ndarray, " rows"]
    occurrences: Int64[np.ndarray, " rows"]
    outcome: Outcome = Outcome.STOPPED
    bound: float = -np.inf
    seconds: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = self.values.shape[0]
        if self.energies.shape != (rows,) or self.occurrences.shape != (rows,):
            raise InputError(
                f"samples of {rows} rows need as many energies and occurrences, "
                f"got {self.energies.shape} and {self.occurrences.shape}"
            )

    def __len__(self) -> int:
        """Return the number of distinct rows."""
        return int(self.values.shape[0])

    @classmethod
    def of(cls, values: Any, energies: Any, **more: Any) -> Self:
        """Samples from rows in any order, repeats merged and counted.

        Rows of equal energy are ordered by their values, so the order is reproducible.
        """
        rows = np.atleast_2d(np.ascontiguousarray(values))
        claimed = np.asarray(energies, np.float64).reshape(-1)
        if rows.shape[0] == 0:
            return cls(rows, claimed, np.zeros(0, np.int64), **more)
        first, counts = _distinct(rows)
        order = np.argsort(claimed[first], kind="stable")
        return cls(
            rows[first[order]],
            claimed[first][order],
            counts[order].astype(np.int64),
            **more,
        )

    @classmethod
    def none(cls, variables: int, **more: Any) -> Self:
        """No sample at all: the search found nothing."""
        empty = np.zeros((0, variables), np.int64)
        more.setdefault("outcome", Outcome.EMPTY)
        return cls(empty, np.zeros(0), np.zeros(0, np.int64), **more)


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct row comes first, rows ordered by their values, and how often it comes."""
    if rows.dtype.kind not in "bui" or not rows.shape[1]:
        _, first, counts = np.unique(rows, axis=0, return_index=True, return_counts=True)
        return first, counts
    # Bytes that ascend as the numbers do, compared as one: NumPy compares column by column, which
    # takes seconds where rows have a million of them.
    keys = rows.astype(rows.dtype.newbyteorder("="), copy=False).view(f"u{rows.dtype.itemsize}")
    if rows.dtype.kind == "i":
        keys = keys ^ keys.dtype.type(1 << (8 * rows.dtype.itemsize - 1))
    keys = np.ascontiguousarray(keys.astype(keys.dtype.newbyteorder(">"), copy=False))
    whole = keys.view(f"V{keys.dtype.itemsize * keys.shape[1]}").reshape(-1)
    _, first, counts = np.unique(whole, return_index=True, return_counts=True)
    return first, counts
