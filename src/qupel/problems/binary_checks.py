"""Parts of a subset problem as they may be given, checked and brought to one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from qupel.errors import InputError, unknown_name
from qupel.model.formats.text import LARGEST_NUMBER


def are_usable(numbers: Any) -> bool:
    """Whether numbers are finite and small enough to be added and multiplied."""
    return bool((np.abs(numbers) <= LARGEST_NUMBER).all())


def checked_pairs(pairs: Any, n: int) -> sparse.csr_array:
    """Upper triangle of a triangle or of a symmetric matrix, each pair once."""
    matrix = sparse.csr_array((n, n) if pairs is None else pairs, dtype=np.float64)
    if matrix.shape != (n, n) or not are_usable(matrix.data):
        raise InputError(
            f"pairs must be finite (at most {LARGEST_NUMBER:g}), one row an item ({n}), "
            f"got shape {matrix.shape}"
        )
    if matrix.diagonal().any():
        raise InputError("pairs must have a zero diagonal; an item alone belongs to its worth")
    lower = sparse.csr_array(sparse.tril(matrix, -1))
    upper = sparse.csr_array(sparse.triu(matrix, 1))
    if lower.count_nonzero() and abs(upper - lower.T).max() > 1e-12 * abs(matrix).max():
        raise InputError("pairs must be an upper triangle, or symmetric, each pair then repeated")
    upper.eliminate_zeros()
    upper.sort_indices()
    return upper


def checked_names(names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    """Names, all different; numbers from 1 unless given."""
    held = tuple(map(str, range(1, n + 1) if names is None else names))
    if len(held) != n:
        raise InputError(f"{n} items need as many names, got {len(held)}")
    if len(set(held)) != n:
        twice = next(name for name in held if held.count(name) > 1)
        raise InputError(f"item names must differ, but {twice!r} is given twice")
    return held


def checked_costs(costs: Any, budget: float | None, n: int) -> Float64[np.ndarray, " n"] | None:
    """Costs of at least 0, which a budget needs."""
    if budget is not None and not are_usable(budget):
        raise InputError(f"a budget must be a finite number, got {budget}; leave it out for none")
    if costs is None:
        if budget is not None:
            raise InputError(f"a budget of {budget} needs the cost of each item")
        return None
    held = np.array(costs, dtype=np.float64)
    if held.shape != (n,) or not are_usable(held) or (held < 0).any():
        raise InputError(f"costs must be {n} finite numbers of at least 0, got {held}")
    return held


def checked_groups(groups: Sequence[str] | None, n: int) -> tuple[str, ...] | None:
    """Group labels, one an item."""
    if groups is None:
        return None
    if len(groups) != n:
        raise InputError(f"{n} items need as many group labels, got {len(groups)}")
    return tuple(map(str, groups))


def checked_group_limits(
    limits: Mapping[str, Sequence[int]] | None, groups: Sequence[str] | None
) -> dict[str, tuple[int, int]]:
    """Fewest and most items of each named group."""
    held = {}
    known = set(map(str, groups or ()))
    for group, bounds in sorted((limits or {}).items()):
        if group not in known:
            raise unknown_name("group", group, known)
        low, high = bounds
        if not 0 <= low <= high:
            raise InputError(f"group {group!r} needs 0 <= fewest <= most, got {low} and {high}")
        held[group] = (int(low), int(high))
    return held
