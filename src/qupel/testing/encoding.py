"""The law that every encoding keeps, checked on a small form by going through all points."""

# ruff: noqa: S101  (a law is a set of assertions)

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

import numpy as np

from qupel.encodings.encoded import Encoded
from qupel.errors import InputError
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo
from qupel.model.quota import keep_quotas

#: Most points of a form that are gone through.
MOST_POINTS = 2**18


def check_encoding(
    form: Any, encoded: Encoded[Any], *, reduces: bool = False, misspells: bool = False
) -> None:
    """Assert that ``encoded`` keeps its promises for ``form``.

    - Every feasible point has a point of the new form with equal energy, whose way back it is.
    - No point of the new form has less energy than its way back, if that is feasible.
    - No point whose way back is infeasible is as good as the best feasible point.
    - The ways survive pickling, so that workers can use them.

    Parameters
    ----------
    form
        The original, small enough to go through all its points.
    encoded
        What the encoding made of it.
    reduces
        Whether the encoding may lose points as long as one optimum stays. Then a feasible point
        has a point of the new form that is at least as good, and each point of the new form
        has the energy of its way back.
    misspells
        Whether codes can be broken, as one-hot codes and domain walls can where they cost a
        penalty. Then a broken point may have less energy than what it is read as, as long as it
        is not as good as the best feasible point.

    Raises
    ------
    AssertionError
        With the point that breaks the law.
    """
    points = all_points(form)
    kept = is_feasible(form, points)
    new_points = all_points(encoded.form)
    new_points = new_points[is_feasible(encoded.form, new_points)]
    energies = encoded.form.energies(new_points)
    if not kept.any():
        assert not len(new_points) or not is_feasible(form, encoded.back(new_points)).any()
        return
    feasible = points[kept]
    values = form.energies(feasible)
    close = 1e-9 * (1.0 + float(np.abs(values).max()) + float(np.abs(energies).max(initial=0.0)))

    forth = encoded.forth(feasible)
    there = encoded.form.energies(forth)
    assert is_feasible(encoded.form, forth).all(), "the way forth leaves the new form"
    if reduces:
        _none(there > values + close, feasible, "the way forth is worse")
    else:
        _none(np.abs(there - values) > close, feasible, "the way forth changes the energy")
        _none((encoded.back(forth) != feasible).any(axis=1), feasible, "back and forth differ")

    origin = encoded.back(new_points)
    valid = is_feasible(form, origin)
    true = form.energies(origin)
    best = float(values.min())
    undercut = valid & (energies < true - close) & ((not misspells) | (energies <= best + close))
    _none(undercut, new_points, "the new form undercuts a feasible point")
    _none(~valid & (energies <= best + close), new_points, "an infeasible point wins")
    if reduces:
        _none(np.abs(energies - true) > close, new_points, "the way back changes the energy")
    assert abs(float(energies.min()) - best) <= close, "the optimum value is lost"

    again = pickle.loads(pickle.dumps((encoded.back, encoded.forth)))  # noqa: S301  (our own)
    assert np.array_equal(again[0](new_points), origin), "the way back changes when pickled"
    assert np.array_equal(again[1](feasible), forth), "the way forth changes when pickled"


def all_points(form: Model | Qubo | Ising) -> np.ndarray:
    """All rows of values within the bounds of ``form``, quotas and constraints apart."""
    match form:
        case Model():
            choices = [range(a, b + 1) for a, b in zip(form.lower, form.upper, strict=True)]
        case Ising():
            choices = [range(1, -2, -2)] * form.variables
        case _:
            choices = [range(2)] * form.variables
    count = math.prod(len(each) for each in choices)
    if count > MOST_POINTS:
        raise InputError(f"{count} points are too many to go through; take a smaller form")
    if len(choices) == 0:
        return np.zeros((1, 0), np.int64)
    if len(choices) <= 32:
        return np.stack(np.meshgrid(*choices, indexing="ij"), axis=-1).reshape(count, -1)
    return np.array(list(itertools.product(*choices)), dtype=np.int64)


def is_feasible(form: Model | Qubo | Ising, values: np.ndarray) -> np.ndarray:
    """Whether each row keeps the bounds, constraints and quotas of ``form``."""
    match form:
        case Model():
            return form.feasible(values)
        case Ising():
            return keep_quotas((values < 0).astype(np.uint8), form.quotas)
        case _:
            return keep_quotas(np.asarray(values), form.quotas)


def _none(wrong: np.ndarray, rows: np.ndarray, what: str) -> None:
    assert not wrong.any(), f"{what}: {rows[int(np.flatnonzero(wrong)[0])].tolist()}"
