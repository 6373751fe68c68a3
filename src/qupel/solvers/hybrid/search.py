"""Search a form, whatever form the solver itself takes, and bring the rows back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from qupel.encodings import Encoded, encode
from qupel.model import Ising, Model, Qubo
from qupel.model.quota import keep_quotas
from qupel.solvers.contract import Solver, Stop


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of values of the form that was searched, the solver's best first.

    Attributes
    ----------
    values
        One row a distinct sample.
    occurrences
        How often each row was drawn.
    feasible
        Whether each row keeps the form's constraints or quotas, as it was drawn.
    facts
        What the solver told of its search.
    """

    values: Shaped[np.ndarray, "rows n"]
    occurrences: Int64[np.ndarray, " rows"]
    feasible: Bool[np.ndarray, " rows"]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def best(self, count: int) -> Shaped[np.ndarray, "few n"]:
        """Return up to ``count`` different rows, feasible ones first, else in order."""
        order = np.argsort(~self.feasible, kind="stable")
        chosen: list[int] = []
        seen: set[bytes] = set()
        for row in order.tolist():
            key = self.values[row].tobytes()
            if key not in seen:
                seen.add(key)
                chosen.append(row)
            if len(chosen) == count:
                break
        return self.values[chosen]


def encoded_for(solver: Solver[Any], form: Model | Qubo | Ising) -> Encoded[Any]:
    """Return ``form`` as ``solver`` takes it."""
    return encode(form, solver.accepts, keep_quotas=solver.keeps_quotas)


def search(
    solver: Solver[Any],
    form: Model | Qubo | Ising,
    encoded: Encoded[Any],
    *,
    stop: Stop,
    rng: np.random.Generator,
) -> Found:
    """Search ``form`` in the shape `encoded_for` gave it, and decode."""
    samples = solver.solve(encoded.form, stop=stop, rng=rng)
    if len(samples) == 0:
        none = np.zeros((0, form.variables), np.int64)
        return Found(none, np.zeros(0, np.int64), np.zeros(0, bool), samples.facts)
    values = np.ascontiguousarray(encoded.back(samples.values))
    return Found(values, samples.occurrences, _feasible(form, values), samples.facts)


def _feasible(form: Model | Qubo | Ising, values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    if isinstance(form, Model):
        return form.feasible(values)
    bits = (1 - values) // 2 if isinstance(form, Ising) else values
    return keep_quotas(bits, form.quotas)
