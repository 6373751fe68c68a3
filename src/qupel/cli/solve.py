"""`qupel solve`: one instance, one solver, one answer."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from qupel.cli.exits import Exit
from qupel.cli.output import print_document, print_text, say
from qupel.errors import InputError, RunError


def solve(
    instance: Annotated[Path, typer.Argument(help="Instance file, plain or gzipped.")],
    solver: Annotated[str, typer.Option(help="A registered solver; see `qupel solvers`.")],
    seconds: Annotated[float, typer.Option(min=0.01, help="End to end.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random number.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads the solver may use.")] = 1,
    family: Annotated[
        str | None, typer.Option(help="Family, where the file does not tell it.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A solver's setting, as name=value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Solution file to write.")] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Picture of the answer to write: .svg or .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Solve one instance; the objective is the judge's, from the data alone."""
    from qupel.problems.registry import read_problem
    from qupel.runs.solving import solve as solved

    if chart is not None and chart.suffix not in (".svg", ".png"):
        raise InputError(f"--chart {chart}: the ending must be .svg or .png")
    problem = read_problem(instance, family)
    record = solved(
        problem,
        solver,
        seconds=seconds,
        seed=seed,
        threads=threads,
        settings=parsed(setting or []),
    )
    if record.objective is None:
        raise RunError(f"{solver} gave no answer to {instance}: {record.status}, {record.why}")
    answer = problem.read_answer(record.solution)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(record.solution, encoding="utf-8")
    if chart is not None:
        _draw(problem.chart(answer), chart)
    document = {
        "instance": str(instance),
        "family": problem.family,
        "solver": solver,
        "objective": record.objective,
        "feasible": record.feasible,
        "bound": _bound(record.claimed_bound, problem.sense),
        "sense": problem.sense,
        "seconds": record.end_to_end,
        "cpu_seconds": record.cpu_seconds,
        "peak_memory": record.peak_memory,
        "outcome": record.outcome,
        "evidence": str(record.evidence),
        "violations": list(record.violations),
        "measures": dict(record.measures),
        "trace": [list(point) for point in record.trace],
        "clocks": record.to_json()["clocks"],
        "seed": seed,
        "threads": threads,
        "answer": record.answer,
        "reproduce": _command(instance, solver, seconds, seed, threads, family, setting or []),
    }
    if as_json:
        print_document(document)
    else:
        _print(document, record.why)
    if not record.feasible:
        raise typer.Exit(Exit.INFEASIBLE)


def parsed(settings: list[str]) -> dict[str, Any]:
    """Settings given as ``name=value``; values are read as YAML, dots nest.

    >>> parsed(["layers=3", "inner.solver=qaoa"])
    {'layers': 3, 'inner': {'solver': 'qaoa'}}
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"--set {text!r} must be name=value")
        node = found
        *path, last = name.split(".")
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise InputError(f"--set {text!r}: {part!r} has a value of its own already")
        try:
            node[last] = YAML(typ="safe", pure=True).load(value)
        except (YAMLError, ValueError) as error:  # a date or number that cannot be
            what = " ".join(str(error).split())
            raise InputError(f"--set {text!r}: the value is no YAML: {what}") from None
    return found


def _bound(claimed: float | None, sense: str) -> float | None:
    """The proved bound in the objective's sense; energies are minimised."""
    if claimed is None:
        return None
    return claimed if sense == "min" else 0.0 - claimed  # never -0.0


def _draw(spec: dict[str, Any], path: Path) -> None:
    from qupel.reports.render import to_png, to_svg

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_svg(spec).encode() if path.suffix == ".svg" else to_png(spec))


def _command(
    instance: Path, solver: str, seconds: float, seed: int, threads: int,
    family: str | None, settings: list[str],
) -> str:  # fmt: skip
    parts = ["qupel", "solve", str(instance), "--solver", solver, "--seconds", f"{seconds:g}"]
    parts += ["--seed", str(seed)]
    parts += ["--threads", str(threads)] if threads > 1 else []
    parts += ["--family", family] if family else []
    parts += [part for setting in settings for part in ("--set", setting)]
    return shlex.join(parts)


def _print(document: dict[str, Any], why: str) -> None:
    state = "feasible" if document["feasible"] else f"infeasible ({why})"
    print_text(f"objective {document['objective']:.10g}, {state}")
    if document["bound"] is not None:
        print_text(f"bound     {document['bound']:.10g}")
    print_text(f"seconds   {document['seconds']:.3f} (cpu {document['cpu_seconds']:.3f})")
    if document["outcome"]:
        print_text(document["outcome"])
    say(f"again: {document['reproduce']}")
