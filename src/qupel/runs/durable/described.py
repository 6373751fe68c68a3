"""Problems, solvers and contracts as stages' settings tell of them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from qupel.errors import InputError, unknown_name
from qupel.problems.contract import Problem
from qupel.runs.clearance import HERE
from qupel.runs.contract import Contract
from qupel.runs.description import family_from, solver_from
from qupel.runs.durable.kinds import Settings
from qupel.runs.schema import check_schema
from qupel.solvers.registry import implementations

#: A registered name, or a mapping with the key ``solver`` and the solver's settings.
Described = str | dict[str, Any]


def problem_of(held: Mapping[str, Any]) -> Problem[Any]:
    """Rebuild the problem of a port's value."""
    return family_from(held["family"]).from_document(held["document"])


def described(solver: Described, kind: type[Problem[Any]]) -> dict[str, Any]:
    """A solver's description; `InputError` if it cannot be made for a family."""
    found = {"solver": solver} if isinstance(solver, str) else dict(solver)
    solver_from(found, kind)
    return found


def solver_faults(solver: Described) -> list[str]:
    """What is wrong with a solver's name, or with that of one within it."""
    found = []
    for name in solver_names(solver):
        if ":" in name:
            continue
        try:
            implementations(name)
        except InputError as error:
            found.append(str(error))
    if isinstance(solver, dict) and "solver" not in solver:
        found.append("a solver is a name, or a mapping with the key 'solver'")
    return found or list(_setting_faults(solver))


def _setting_faults(solver: Described) -> Iterator[str]:
    """What is wrong with a solver's settings, as far as that can be told without its problem."""
    from qupel.problems.maxcut import MaxCut

    try:
        described(solver, MaxCut)
    except InputError as error:
        if "cannot take" not in str(error):  # it may take the family that it is given
            yield str(error)


def count_faults(settings: Settings, *places: str) -> list[tuple[str, str]]:
    """Settings that must be whole numbers from 1, and are not."""
    held = {place: getattr(settings, place) for place in places}
    return [
        (place, f"must be at least 1, got {value}")
        for place, value in held.items()
        if value is not None and value < 1
    ]


def ordered_from(solver: Any) -> str:
    """Backend of a solver, or of one within it, that is not on this machine; empty if none is."""
    if isinstance(solver, Mapping):
        backend = str(solver.get("backend", ""))
        if backend and not backend.startswith(f"{HERE}:"):
            return backend
        return next(filter(None, map(ordered_from, solver.values())), "")
    if isinstance(solver, list):
        return next(filter(None, map(ordered_from, solver)), "")
    return ""


def solver_names(solver: Any) -> Iterator[str]:
    """Yield the name of a solver and of those within it."""
    if isinstance(solver, str):
        yield solver
    elif isinstance(solver, Mapping):
        for key, value in solver.items():
            if key == "solver" and isinstance(value, str):
                yield value
            elif isinstance(value, Mapping | list):
                yield from solver_names(value)
    elif isinstance(solver, list):
        for inner in solver:
            if isinstance(inner, Mapping | list):
                yield from solver_names(inner)


def is_quantum(solver: Any) -> bool:
    """Whether a solver, or one within it, runs quantum programs."""
    for name in solver_names(solver):
        made = (family_from(name),) if ":" in name else implementations(name)
        if any(getattr(one, "kind", "") == "quantum" for one in made):
            return True
    return False


def is_hosted(solver: Described) -> bool:
    """Whether a solver is split around its order."""
    name = solver if isinstance(solver, str) else str(solver.get("solver", ""))
    made = (family_from(name),) if ":" in name else implementations(name)
    return any(hasattr(one, "program") and hasattr(one, "samples") for one in made)


def contract_from(held: Mapping[str, Any] | None) -> Contract | None:
    """Return the contract of a stage; `InputError` if it is none."""
    if held is None:
        return None
    known = [part.name for part in fields(Contract)]
    for name in held:
        if name not in known:
            raise unknown_name("field of a contract", name, known)
    try:
        return Contract.of(held)
    except TypeError as error:  # a limit that is no number
        raise InputError(f"limits of a contract are numbers: {error}") from None


def contract_faults(held: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What is wrong with a stage's contract, its schemas included."""
    try:
        contract = contract_from(held)
        for schema in () if contract is None else (contract.input, contract.result):
            if schema is not None:
                check_schema(schema)
    except InputError as error:
        return [("contract", str(error))]
    return []
