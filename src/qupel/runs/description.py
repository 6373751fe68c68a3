"""Solvers and answers as plain data, and solvers back from it.

A solver is described by its registered name and its settings, side by side; a solver inside a
solver is described the same way::

    {"solver": "hybrid", "size": 16, "inner": {"solver": "qaoa", "layers": 2}}

A class that is not registered is named by its place, ``package.module:Class``.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from qupel.errors import InputError
from qupel.problems.contract import Problem
from qupel.problems.registry import family
from qupel.solvers.contract import Solver
from qupel.solvers.registry import configured, fitting, implementations, solver_for, solver_points


def describe(solver: Solver[Any], kind: type[Problem[Any]] | None = None) -> dict[str, Any]:
    """Return name, kind and every setting of a solver as plain data.

    Given the family ``kind`` too, the name is used only if it stands for this very class there.
    A nested solver that searches forms of parts is named as for no family.
    """
    forms = getattr(solver, "searches_forms", ())
    settings = {
        part.name: _setting(getattr(solver, part.name), None if part.name in forms else kind)
        for part in dataclasses.fields(solver)  # type: ignore[arg-type]
        if part.init
    }
    return {"solver": _name(type(solver), kind), "kind": solver.kind, **settings}


def solver_from(description: Mapping[str, Any], kind: type[Problem[Any]]) -> Solver[Any]:
    """Make the solver that ``description`` tells of, for problems of the family ``kind``.

    Raises
    ------
    InputError
        If a name or a setting is unknown, or the solver cannot take the family.
    """
    if "solver" not in description:
        raise InputError(f"a solver's description needs the key 'solver', got {dict(description)}")
    name = str(description["solver"])
    settings = {
        key: _made(value, kind)
        for key, value in description.items()
        if key not in {"solver", "kind"}
    }
    if ":" in name:
        return configured(_imported(name), kind, settings)
    return solver_for(name, kind, settings)


def family_from(name: str) -> type[Problem[Any]]:
    """Return the family registered under ``name``, or at the place it names."""
    return _imported(name) if ":" in name else family(name)


def family_name(problem: Problem[Any]) -> str:
    """Return the registered name of a problem's family, or its place if it has none."""
    kind = type(problem)
    try:
        registered = family(kind.family) is kind
    except (InputError, ImportError):
        registered = False
    return kind.family if registered else _place(kind)


def solvers_in(solver: Any) -> Iterator[Any]:
    """Yield the solver, then every solver nested in its settings."""
    yield solver
    for part in dataclasses.fields(solver):
        value = getattr(solver, part.name)
        for inner in value if isinstance(value, tuple | list) else (value,):
            if _is_solver(inner):
                yield from solvers_in(inner)


def plain(value: Any) -> Any:
    """Return ``value`` as plain JSON values; numbers that are not finite become None."""
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, enum.Enum) else value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(inner) for inner in value), key=repr)
    if isinstance(value, PurePath):
        return str(value)
    raise InputError(f"a {type(value).__name__} cannot be written as plain data: {value!r:.80}")


def _setting(value: Any, kind: type[Problem[Any]] | None) -> Any:
    if _is_solver(value):
        return describe(value, kind)
    if isinstance(value, tuple | list):
        return [_setting(inner, kind) for inner in value]
    return plain(value)


def _made(value: Any, kind: type[Problem[Any]]) -> Any:
    """Make nested solvers that are named by place; leave the rest to the registry."""
    if isinstance(value, Mapping) and "solver" in value:
        if ":" in str(value["solver"]):
            return solver_from(value, kind)
        return {key: _made(inner, kind) for key, inner in value.items() if key != "kind"}
    if isinstance(value, list):
        # Settings are hashable values, and JSON has no tuples.
        return tuple(_made(inner, kind) for inner in value)
    return value


def _name(made: type[Any], kind: type[Problem[Any]] | None) -> str:
    name = getattr(made, "name", "")
    if name in solver_points():
        if kind is not None and fitting(name, kind) is made:
            return str(name)
        if kind is None and made in implementations(name):
            return str(name)
    return _place(made)


def _is_solver(value: Any) -> bool:
    return (
        dataclasses.is_dataclass(value)
        and not isinstance(value, type)
        and isinstance(value, Solver)
    )


def _place(made: type[Any]) -> str:
    return f"{made.__module__}:{made.__qualname__}"


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{place!r} cannot be imported: {error}") from error
