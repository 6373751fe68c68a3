"""Solvers by name, and the implementation of a name that fits a problem.

A name may have several implementations: ``tabu`` searches Ising models, ``tabu.jobshop`` job
shops. Entry points of the group ``qupel.solvers`` carry the name, a dot, and any word that tells
implementations apart.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from numbers import Integral, Real
from typing import Any

from qupel.errors import InputError, unknown_name
from qupel.problems.contract import Problem
from qupel.solvers.contract import Solver


@cache
def solver_points() -> dict[str, tuple[Any, ...]]:
    """Entry points of every registered solver by name; nothing is imported yet."""
    found: dict[str, list[Any]] = {}
    for point in sorted(entry_points(group="qupel.solvers"), key=lambda point: point.name):
        found.setdefault(point.name.partition(".")[0], []).append(point)
    return {name: tuple(points) for name, points in found.items()}


def implementations(name: str) -> tuple[type[Solver[Any]], ...]:
    """Every implementation registered under ``name``."""
    try:
        points = solver_points()[name]
    except KeyError:
        raise unknown_name("solver", name, solver_points()) from None
    return tuple(point.load() for point in points)


def fitting(name: str, family: type[Problem[Any]]) -> type[Solver[Any]] | None:
    """Return the implementation of ``name`` for a family, None if there is none.

    One made for the family's own class comes first, then one for a form the problem can take.
    """
    known = implementations(name)
    own = [made for made in known if _is_domain(made) and _covers(made.accepts, family)]
    if own:
        return own[0]
    searchable = getattr(family, "searchable_as_form", True)
    general = [
        made
        for made in known
        if not _is_domain(made) and (searchable or made.accepts.__name__ == "Model")
    ]
    return general[0] if general else None


def takes(name: str, family: type[Problem[Any]]) -> bool:
    """Whether the solver ``name`` can take problems of a family."""
    return fitting(name, family) is not None


def solver_for(
    name: str, family: type[Problem[Any]], settings: Mapping[str, Any] | None = None
) -> Solver[Any]:
    """Make the solver ``name`` for problems of ``family`` with ``settings`` for its fields.

    A setting that is itself a mapping with the key ``solver`` makes a nested solver.
    """
    made = fitting(name, family)
    if made is None:
        raise InputError(
            f"solver {name!r} cannot take a {family.family} problem; "
            f"`qupel solvers` shows which can"
        )
    return configured(made, family, dict(settings or {}))


def configured(
    made: type[Solver[Any]], family: type[Problem[Any]], settings: dict[str, Any]
) -> Solver[Any]:
    """Return an instance of ``made``, each setting checked against its fields.

    A nested solver takes the family's problems, unless ``made`` lists the setting in
    ``searches_forms``: it then takes forms of parts of a problem.
    """
    fields = [field.name for field in dataclasses.fields(made) if field.init]  # type: ignore[arg-type]
    values = {}
    for key, value in settings.items():
        if key not in fields:
            raise unknown_name(f"setting of solver {made.name!r}", key, fields)
        if isinstance(value, Mapping) and "solver" in value:
            nested = {k: v for k, v in value.items() if k != "solver"}
            inner = _nested(value["solver"], family, key in getattr(made, "searches_forms", ()))
            value = configured(inner, family, nested)
        _check_kind(made, key, value)
        values[key] = value
    return made(**values)


def _check_kind(made: type[Solver[Any]], key: str, value: Any) -> None:
    """Refuse a text for a number and the like, in fields of plain types."""
    hint = _hints(made).get(key)
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not all(kind in _PLAIN for kind in kinds):
        return
    if not any(_PLAIN[kind](value) for kind in kinds):
        wanted = " or ".join("none" if kind is type(None) else kind.__name__ for kind in kinds)
        raise InputError(f"setting {key!r} of solver {made.name!r} must be {wanted}, got {value!r}")


@cache
def _hints(made: type[Any]) -> Mapping[str, Any]:
    """Types of a solver's fields, as far as its module can tell them."""
    try:
        return typing.get_type_hints(made)
    except NameError:  # a name that is imported for type checkers alone
        return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


#: Whether a value fits a field of a plain type.
_PLAIN: dict[Any, Callable[[Any], bool]] = {
    int: _is_whole,
    float: _is_number,
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    type(None): lambda value: value is None,
}


def _nested(name: str, family: type[Problem[Any]], searches_forms: bool) -> type[Solver[Any]]:
    """Class of a solver inside another one."""
    made = None if searches_forms else fitting(name, family)
    if made is not None:
        return made
    general = [known for known in implementations(name) if not _is_domain(known)]
    if not general:
        raise InputError(f"solver {name!r} cannot take {_what(family, searches_forms)}")
    return general[0]


def _what(family: type[Problem[Any]], searches_forms: bool) -> str:
    return "a part's form" if searches_forms else f"a {family.family} problem"


def _is_domain(made: type[Solver[Any]]) -> bool:
    """Whether a solver takes a problem rather than a form."""
    return made.accepts.__name__ not in {"Model", "Qubo", "Ising"}


def _covers(accepted: type[Any], family: type[Problem[Any]]) -> bool:
    """Whether a family is, or fulfils the protocol, that a domain solver accepts."""
    if not getattr(accepted, "_is_protocol", False):
        return issubclass(family, accepted)
    return _parts(accepted) <= _parts(family)


def _parts(made: type[Any]) -> set[str]:
    """Public names of a class or protocol: methods, properties and annotated fields."""
    return {
        name
        for known in made.__mro__
        for name in (*vars(known), *vars(known).get("__annotations__", ()))
        if not name.startswith("_")
    }
