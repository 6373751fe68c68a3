"""What an exact engine returns when its time ends before it has found anything."""

from __future__ import annotations

from typing import Any

from qupel.model import Model, Samples


def last_resort(form: Model, **more: Any) -> Samples:
    """The point with every variable at its lower bound if it is feasible, else no sample.

    Forms without constraints, and packing problems, then always have an answer. Nothing is
    claimed for it beyond its energy.
    """
    row = form.lower[None]
    if bool(form.feasible(row)[0]):
        return Samples.of(row, form.energies(row), **more)
    return Samples.none(form.variables, **more)
