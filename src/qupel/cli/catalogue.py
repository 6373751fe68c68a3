"""`qupel solvers` and `qupel families`: what is registered."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from qupel.cli.output import print_document, print_text

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def solvers(as_json: AsJson = False) -> None:
    """List solvers: their kind, the families they take, their settings."""
    from qupel.problems.registry import families as known_families
    from qupel.solvers.registry import implementations, solver_points, takes

    rows: list[dict[str, Any]] = []
    for name in solver_points():
        made = implementations(name)
        rows.append(
            {
                "name": name,
                "kind": made[0].kind,
                "families": [f for f, known in known_families().items() if takes(name, known)],
                "settings": {
                    field.name: _default(field)
                    for one in made
                    for field in dataclasses.fields(one)  # type: ignore[arg-type]
                    if field.init
                },
                "summary": (made[0].__doc__ or "").strip().splitlines()[0],
            }
        )
    if as_json:
        print_document({"solvers": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print_text(f"{row['name']:<{width}}  {row['kind']:<10}  {', '.join(row['families'])}")
        print_text(f"{'':<{width}}  {row['summary']}")


def families(as_json: AsJson = False) -> None:
    """List problem families: their sense, required baselines, and solvers."""
    from qupel.problems.registry import families as known_families
    from qupel.solvers.registry import solver_points, takes

    rows = [
        {
            "name": name,
            "sense": known.sense,
            "baselines": list(known.baselines),
            "solvers": [solver for solver in solver_points() if takes(solver, known)],
            "summary": (known.__doc__ or "").strip().splitlines()[0],
        }
        for name, known in known_families().items()
    ]
    if as_json:
        print_document({"families": rows})
        return
    for row in rows:
        print_text(f"{row['name']:<8} {row['sense']}  {row['summary']}")
        print_text(f"{'':<13}strong baselines: {', '.join(row['baselines'])}")
        print_text(f"{'':<13}solvers: {', '.join(row['solvers'])}")


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    return value if isinstance(value, int | float | str | bool | None) else repr(value)
