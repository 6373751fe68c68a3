"""Binary quadratic minimisation: the plain QUBO as a problem of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from scipy import sparse

from qupel.errors import InputError
from qupel.model.formats import read_qubo, read_text
from qupel.model.qubo import Qubo
from qupel.problems.binary_answer import as_bits, frame_of, read_bits, write_bits
from qupel.problems.binary_files import is_qubo, is_triples, stem
from qupel.problems.binary_part import Landscape, as_qubo, cut_out, descend, hard_part
from qupel.problems.binary_planted import frustrated_loops
from qupel.problems.contract import Judgement, Optimum, Sense, Subproblem
from qupel.problems.graph_chart import BLUE, GREY, SCHEMA, colour

#: Bits shown in one row of the chart.
_ROW = 50


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value, 0 or 1, for each variable."""

    bits: tuple[int, ...]

    def to_frame(self) -> Any:
        """Data frame with one row a variable, numbered from 1 as in files."""
        return frame_of({"variable": range(1, len(self.bits) + 1), "value": self.bits})


@dataclass(frozen=True, eq=False, init=False)
class BinaryQuadratic:
    """Minimise ``x' Q x`` over bits ``x`` for a symmetric matrix Q. Everything is feasible.

    ``BinaryQuadratic(matrix)`` takes any square matrix, dense or sparse, at its word: the
    objective is ``x' matrix x``, so an off-diagonal pair counts with the sum of its two entries.

    Attributes
    ----------
    variables
        How many bits.
    cells
        Rows ``i j`` with ``i <= j`` of the entries of Q that are not zero, from 0.
    entries
        Those entries. One off the diagonal counts twice in ``x' Q x``, as ``Q_ij`` and ``Q_ji``.
    name
        Name of the instance.
    """

    family: ClassVar[str] = "qubo"
    sense: ClassVar[Sense] = "min"
    baselines: ClassVar[tuple[str, ...]] = ("tabu", "annealing", "tempering")

    variables: int
    cells: Int64[np.ndarray, "m 2"]
    entries: Float64[np.ndarray, " m"]
    name: str

    def __init__(self, matrix: Any, name: str = "qubo") -> None:
        held = sparse.csr_array(matrix, dtype=np.float64)
        if held.ndim != 2 or held.shape[0] != held.shape[1] or not np.isfinite(held.data).all():
            raise InputError(f"the matrix must be square and finite, got shape {held.shape}")
        upper = sparse.coo_array(sparse.triu((held + held.T) / 2))
        upper.sum_duplicates()
        upper.eliminate_zeros()
        rows, columns = upper.coords
        order = np.lexsort((columns, rows))
        cells = np.stack([rows, columns], axis=1).astype(np.int64)[order]
        object.__setattr__(self, "variables", int(held.shape[0]))
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "entries", np.asarray(upper.data, np.float64)[order])
        object.__setattr__(self, "name", name)

    @classmethod
    def of(cls, qubo: Qubo, name: str = "qubo") -> Self:
        """Return the problem of a `Qubo` without offset or quotas."""
        if qubo.offset or qubo.quotas:
            raise InputError("a qubo problem has neither an offset nor quotas")
        return cls(qubo.weights, name)

    def form(self) -> Qubo:
        """Qubo whose energy is ``x' Q x``."""
        diagonal = self.cells[:, 0] == self.cells[:, 1]
        once = np.where(diagonal, self.entries, 2 * self.entries)
        shape = (self.variables, self.variables)
        return Qubo(sparse.coo_array((once, (self.cells[:, 0], self.cells[:, 1])), shape=shape))

    def answer(self, values: np.ndarray) -> Assignment:
        """Return the assignment of one row of bits."""
        return Assignment(as_bits(values, self.variables))

    def values(self, answer: Assignment) -> UInt8[np.ndarray, " n"]:
        """Return the bits of an assignment."""
        return np.array(answer.bits, dtype=np.uint8)

    def judge(self, answer: Assignment) -> Judgement:
        """Sum of the entries of Q whose row and column are both one."""
        if len(answer.bits) != self.variables or not set(answer.bits) <= {0, 1}:
            raise InputError(
                f"an assignment gives 0 or 1 to each of {self.variables} variables, "
                f"got {len(answer.bits)} values"
            )
        one = np.array(answer.bits, dtype=bool)
        counted = one[self.cells].all(axis=1)
        on_diagonal = self.cells[:, 0] == self.cells[:, 1]
        total = float(self.entries[counted & on_diagonal].sum())
        # Q_ij and Q_ji are two entries of the matrix.
        total += 2.0 * float(self.entries[counted & ~on_diagonal].sum())
        return Judgement(total, measures={"ones": float(one.sum())})

    def repair(self, answer: Assignment) -> Assignment:
        """Return ``answer``: every assignment is feasible."""
        return answer

    def polish(self, answer: Assignment, rng: np.random.Generator) -> Assignment:
        """Flip single bits while that lowers the objective."""
        return self.answer(descend(self._landscape, self.values(answer)))

    def subproblem(
        self, answer: Assignment, size: int, rng: np.random.Generator
    ) -> Subproblem[Assignment] | None:
        """Cut out bits that are nearly free to flip and hang together."""
        if not self.variables or size < 1:
            return None
        bits = self.values(answer)
        part = hard_part(self._landscape, bits, size, rng)

        def lift(row: np.ndarray) -> Assignment:
            whole = bits.copy()
            whole[part] = row
            return self.answer(whole)

        return Subproblem(as_qubo(cut_out(self._landscape, bits, part)), bits[part], lift)

    @cached_property
    def _landscape(self) -> Landscape:
        return Landscape.of(self.form())

    def chart(self, answer: Assignment) -> dict[str, Any]:
        """The bits as a strip, fifty to a row."""
        rows = [
            {"row": i // _ROW, "column": i % _ROW, "variable": i + 1, "kind": str(bit)}
            for i, bit in enumerate(answer.bits)
        ]
        judged = self.judge(answer)
        return {
            "$schema": SCHEMA,
            "title": {
                "text": f"{self.name}: objective {judged.objective:,.10g}",
                "subtitle": f"{sum(answer.bits)} of {self.variables} variables are one; "
                f"variable 1 is top left, {_ROW} to a row",
            },
            "width": {"step": 12},
            "height": {"step": 14},
            "data": {"values": rows},
            "mark": {"type": "rect", "stroke": "white", "strokeWidth": 1},
            "encoding": {
                "x": {"field": "column", "type": "ordinal", "axis": None},
                "y": {"field": "row", "type": "ordinal", "axis": None},
                "color": colour({"0": GREY, "1": BLUE}),
                "tooltip": [{"field": "variable"}, {"field": "kind", "title": "value"}],
            },
            "config": {"view": {"stroke": None}},
        }

    def document(self) -> dict[str, Any]:
        """Return size, cells (from 0, upper triangle) and entries of Q as plain JSON values."""
        return {
            "family": self.family,
            "name": self.name,
            "variables": self.variables,
            "cells": self.cells.tolist(),
            "entries": self.entries.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        n = document["variables"]
        cells = np.array(document["cells"], dtype=np.int64).reshape(-1, 2)
        twice = np.where(cells[:, 0] == cells[:, 1], 1.0, 2.0)
        upper = sparse.coo_array(
            (twice * np.array(document["entries"], dtype=np.float64), (cells[:, 0], cells[:, 1])),
            shape=(n, n),
        )
        return cls(upper, document["name"])

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether a file holds ``n m`` and lines ``i j q`` and is a QUBO."""
        return is_triples(head) and is_qubo(path, head)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a ``.sparse`` file: ``n m``, then lines ``i j q`` of a symmetric Q, 1-based."""
        return cls.of(read_qubo(read_text(path), str(path)), stem(path))

    @classmethod
    def random(
        cls, seed: int, *, variables: int = 24, loops: int | None = None
    ) -> tuple[Self, Optimum[Assignment]]:
        """Return a sum of frustrated loops with its planted best assignment.

        The loops run over the variables and one more node that is held at zero, which gives
        diagonal entries. The value is proved best: the planted assignment is best for every
        single loop, see `frustrated_loops`. ``loops`` is ``1.2 * variables`` unless given.
        """
        rng = np.random.default_rng(seed)
        count = loops if loops is not None else max(1, round(1.2 * variables))
        side, edges, weights = frustrated_loops(rng, variables + 1, count)
        # Exchanging the sides changes no cut, so the last node may be taken as zero.
        best = side[:-1] ^ side[-1]
        n = variables
        matrix = np.zeros((n + 1, n + 1))
        for (i, j), w in zip(edges.tolist(), weights.tolist(), strict=True):
            matrix[i, i] -= w
            matrix[j, j] -= w
            matrix[i, j] += w
            matrix[j, i] += w
        across = (side[edges[:, 0]] != side[edges[:, 1]]) * weights
        problem = cls(matrix[:n, :n], f"planted-{variables}-{seed}")
        return problem, Optimum(-float(across.sum()), Assignment(tuple(best.tolist())))

    def read_answer(self, text: str) -> Assignment:
        """Read bits, spins, or the numbers (from 1) of the variables that are one."""
        return Assignment(read_bits(text, self.variables))

    def write_answer(self, answer: Assignment) -> str:
        """Write one line of bits."""
        return write_bits(answer.bits)
