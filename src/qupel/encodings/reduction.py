"""Exact reductions: what can be fixed, merged or dropped without losing the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import sparse

from qupel.encodings.encoded import Affine, Columns, Encoded, Report, Same, Size
from qupel.encodings.presolve import presolve
from qupel.encodings.spins import ising_to_qubo, qubo_to_ising
from qupel.errors import InputError
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo
from qupel.model.quota import Quota
from qupel.model.sparse import symmetric


def reduce(form: Any) -> Encoded[Any]:
    """Make ``form`` smaller, keeping its optimum value and at least one optimum.

    A point of the reduced form and its way back have equal energy. The way forth gives a point
    of the reduced form that is at least as good, if the given point is feasible.

    Raises
    ------
    InputError
        If ``form`` is no `Model`, `Qubo` or `Ising`, or a model has no feasible point.
    """
    match form:
        case Model():
            return presolve(form)
        case Qubo():
            return reduce_qubo(form)
        case Ising():
            over_bits = ising_to_qubo(form)
            smaller = over_bits.then(reduce_qubo(over_bits.form))
            return smaller.then(qubo_to_ising(smaller.form))
    raise InputError(f"only Model, Qubo and Ising can be reduced, got {type(form).__name__}")


def reduce_qubo(qubo: Qubo) -> Encoded[Qubo]:
    """Fix and merge bits of ``qubo`` until no rule applies.

    A bit outside of all quotas is fixed when one value is never worse, whatever the others are
    (which settles bits without couplings); it is replaced by another bit or its complement when
    that other bit alone decides which value is never worse (which settles bits with one
    coupling); and two coupled bits are fixed together when one of their four states never is
    worse than the others. A quota of none, or of all, of its bits fixes them.

    References
    ----------
    Boros and Hammer (2002), Pseudo-Boolean optimization, doi:10.1016/S0166-218X(01)00341-9;
    Glover, Lewis and Kochenberger (2018), Logical and inequality implications for reducing the
    size and difficulty of quadratic unconstrained binary optimization problems,
    doi:10.1016/j.ejor.2017.08.025. The pair rules here bound each bit's other couplings on
    their own.
    """
    step = _Step.none(qubo)
    while True:
        substitution = _forced(step.qubo) or _single(step.qubo) or _double(step.qubo)
        if substitution is None:
            break
        step = step.then(substitution)
    removed = qubo.variables - step.qubo.variables
    if not removed:
        return Encoded(qubo, Same(), Same(), Report(Size.of(qubo), Size.of(qubo)))
    ones = np.ones(qubo.variables, np.int64)
    back = Affine(step.matrix, step.constant, 0 * ones, ones)
    report = Report(Size.of(qubo), Size.of(step.qubo), removed=removed)
    return Encoded(step.qubo, back, Columns(step.columns), report)


@dataclass(frozen=True, slots=True, eq=False)
class _Substitution:
    """Each bit becomes ``constant + slope * bit[source]``; slope 0 fixes it."""

    source: Int64[np.ndarray, " n"]
    slope: Int64[np.ndarray, " n"]
    constant: Int64[np.ndarray, " n"]

    @classmethod
    def fixing(cls, fixed: Bool[np.ndarray, " n"], values: np.ndarray) -> _Substitution:
        """Fix the bits of a mask to their ``values``."""
        n = fixed.size
        slope = np.where(fixed, 0, 1)
        return cls(np.arange(n), slope, np.where(fixed, values, 0).astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A Qubo reduced so far: old bits are ``new @ matrix + constant``."""

    qubo: Qubo
    matrix: sparse.csr_array
    constant: np.ndarray
    columns: np.ndarray

    @classmethod
    def none(cls, qubo: Qubo) -> _Step:
        n = qubo.variables
        unit = sparse.csr_array(sparse.eye_array(n, dtype=np.int64))
        return cls(qubo, unit, np.zeros(n, np.int64), np.arange(n))

    def then(self, change: _Substitution) -> _Step:
        n = change.source.size
        kept = np.flatnonzero((change.slope == 1) & (change.source == np.arange(n)))
        place = np.full(n, -1)
        place[kept] = np.arange(kept.size)
        moved = np.flatnonzero(change.slope)
        over_new = sparse.csr_array(
            (change.slope[moved], (place[change.source[moved]], moved)), shape=(kept.size, n)
        )
        return _Step(
            _substituted(self.qubo, over_new, change.constant, place),
            sparse.csr_array(over_new @ self.matrix),
            change.constant @ self.matrix + self.constant,
            self.columns[kept],
        )


def _substituted(
    qubo: Qubo, over_new: sparse.csr_array, constant: np.ndarray, place: np.ndarray
) -> Qubo:
    """``qubo`` with its bits replaced by ``new @ over_new + constant``."""
    weights, base = qubo.weights, constant.astype(np.float64)
    square = (over_new @ weights @ over_new.T).tocoo()
    linear = over_new @ (weights @ base + weights.T @ base)
    i, j = square.coords
    upper = sparse.csr_array(
        (square.data, (np.minimum(i, j), np.maximum(i, j))), shape=square.shape
    )
    quotas = []
    for quota in qubo.quotas:
        members = place[list(quota.members)]
        if (members >= 0).any():  # quotas are kept whole or fixed whole
            quotas.append(Quota(tuple(members.tolist()), quota.count))
    offset = qubo.offset + float(base @ (weights @ base))
    return Qubo(upper + sparse.diags_array(linear), offset, quotas)


def _forced(qubo: Qubo) -> _Substitution | None:
    """Bits of quotas that leave no choice."""
    fixed, values = np.zeros(qubo.variables, dtype=bool), np.zeros(qubo.variables, np.int64)
    for quota in qubo.quotas:
        if quota.members and quota.count in {0, len(quota.members)}:
            fixed[list(quota.members)] = True
            values[list(quota.members)] = quota.count > 0
    return _Substitution.fixing(fixed, values) if fixed.any() else None


def _single(qubo: Qubo) -> _Substitution | None:
    """Bits with a value that is never worse."""
    view = _View.of(qubo)
    zero = view.free & (view.linear + view.falls >= 0)
    one = view.free & ~zero & (view.linear + view.rises <= 0)
    return _Substitution.fixing(zero | one, one) if (zero | one).any() else None


def _double(qubo: Qubo) -> _Substitution | None:
    """Pairs of coupled bits that are fixed together, or one replaced by the other.

    All conditions hold whatever the other bits are, so disjoint pairs may change at once; a bit
    that replaces others stays as it is in this round.
    """
    view = _View.of(qubo)
    coo = sparse.triu(qubo.weights, 1).tocoo()
    i, j = (np.r_[coo.coords[a], coo.coords[1 - a]] for a in (0, 1))
    w = np.r_[coo.data, coo.data]
    source, slope = np.arange(qubo.variables), np.ones(qubo.variables, np.int64)
    constant = np.zeros(qubo.variables, np.int64)
    # What the change of bit i to 1 adds to the energy, at least and at most, by the state of j.
    least = view.linear[i] + view.falls[i] - np.minimum(w, 0)
    most = view.linear[i] + view.rises[i] - np.maximum(w, 0)
    equal = view.free[i] & (least >= 0) & (most + w <= 0)
    opposite = view.free[i] & (most <= 0) & (least + w >= 0)
    busy = np.zeros(qubo.variables, dtype=bool)
    anchor = np.zeros(qubo.variables, dtype=bool)
    for k in np.flatnonzero(equal | opposite).tolist():
        if not (busy[i[k]] or anchor[i[k]] or busy[j[k]]):
            busy[i[k]] = anchor[j[k]] = True
            source[i[k]] = j[k]
            slope[i[k]], constant[i[k]] = (1, 0) if equal[k] else (-1, 1)
    for k, (a, b) in _joint(view, i, j, w):
        if not (busy[i[k]] or anchor[i[k]] or busy[j[k]] or anchor[j[k]]):
            busy[i[k]] = busy[j[k]] = True
            slope[i[k]] = slope[j[k]] = 0
            constant[i[k]], constant[j[k]] = a, b
    return _Substitution(source, slope, constant) if busy.any() else None


def _joint(
    view: _View, i: np.ndarray, j: np.ndarray, w: np.ndarray
) -> list[tuple[int, tuple[int, int]]]:
    """Pairs with a joint state that is never worse than the other three, and the state."""
    found: list[tuple[int, tuple[int, int]]] = []
    once = (i < j) & view.free[i] & view.free[j]
    # Least and most that the other couplings of both bits add to a bit that is one.
    low_i, high_i = view.falls[i] - np.minimum(w, 0), view.rises[i] - np.maximum(w, 0)
    low_j, high_j = view.falls[j] - np.minimum(w, 0), view.rises[j] - np.maximum(w, 0)
    c, d = view.linear[i], view.linear[j]
    for a in (0, 1):
        for b in (0, 1):
            # Leaving state (a, b) must not lower the energy: by i alone, by j alone, by both.
            leave_i = (c + w * b + low_i) if a == 0 else -(c + w * b + high_i)
            leave_j = (d + w * a + low_j) if b == 0 else -(d + w * a + high_j)
            gain_i = (c + low_i) if a == 0 else -(c + high_i)
            gain_j = (d + low_j) if b == 0 else -(d + high_j)
            both = gain_i + gain_j + w * ((1 - a) * (1 - b) - a * b)
            safe = once & (leave_i >= 0) & (leave_j >= 0) & (both >= 0)
            found += [(k, (a, b)) for k in np.flatnonzero(safe).tolist()]
    return sorted(found)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Per bit: linear part, sums of negative and of positive couplings, and freedom."""

    linear: Float64[np.ndarray, " n"]
    falls: Float64[np.ndarray, " n"]
    rises: Float64[np.ndarray, " n"]
    free: Bool[np.ndarray, " n"]

    @classmethod
    def of(cls, qubo: Qubo) -> _View:
        both = symmetric(sparse.triu(qubo.weights, 1, format="csr")).tocoo()
        rows, n = both.coords[0], qubo.variables
        free = np.ones(n, dtype=bool)
        for quota in qubo.quotas:
            free[list(quota.members)] = False
        # Without couplings, bincount forgets that its weights are floats.
        falls, rises = (
            np.bincount(rows, part(both.data, 0), n).astype(np.float64)
            for part in (np.minimum, np.maximum)
        )
        return cls(qubo.weights.diagonal(), falls, rises, free)
