"""`qupel check`: judge a solution file from the data alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from qupel.cli.exits import Exit
from qupel.cli.output import print_document, print_text
from qupel.errors import InputError


def check(
    instance: Annotated[Path, typer.Argument(help="Instance file, plain or gzipped.")],
    solution: Annotated[Path, typer.Argument(help="Solution file in the family's format.")],
    family: Annotated[
        str | None, typer.Option(help="Family, where the file does not tell it.")
    ] = None,
    best: Annotated[
        float | None, typer.Option(help="Exit 20 if the objective is worse than this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Judge a solution: exit 0 feasible, 10 malformed, 20 worse than --best, 21 infeasible."""
    from qupel.model.formats import read_text
    from qupel.problems.registry import family as family_named
    from qupel.problems.registry import read_problem

    if best is not None and math.isnan(best):
        raise typer.BadParameter("must be a number to compare with", param_hint="--best")
    if family is not None:
        family_named(family)
    try:
        problem = read_problem(instance, family)
        answer = problem.read_answer(read_text(solution))
    except InputError as error:
        if as_json:
            print_document({"status": "malformed", "error": str(error)})
        raise typer.Exit(_tell(str(error), Exit.MALFORMED)) from None
    judgement = problem.judge(answer)
    worse = best is not None and (
        judgement.objective > best if problem.sense == "min" else judgement.objective < best
    )
    code = Exit.INFEASIBLE if not judgement.feasible else Exit.WORSE if worse else Exit.OK
    status = {Exit.INFEASIBLE: "infeasible", Exit.WORSE: "worse", Exit.OK: "feasible"}[code]
    if as_json:
        print_document(
            {
                "status": status,
                "family": problem.family,
                "instance": str(instance),
                "solution": str(solution),
                "sense": problem.sense,
                "objective": judgement.objective,
                "feasible": judgement.feasible,
                "best": best,
                "violations": [
                    {"constraint": v.constraint, "where": v.where, "amount": v.amount}
                    for v in judgement.violations
                ],
                "measures": dict(judgement.measures),
            }
        )
    else:
        print_text(f"{status}: {problem.family} objective {judgement.objective:.10g}")
        for v in judgement.violations[:20]:
            print_text(f"  {v.constraint} at {v.where}: by {v.amount:.6g}")
        if len(judgement.violations) > 20:
            print_text(f"  and {len(judgement.violations) - 20} more; --json lists all")
    raise typer.Exit(code)


def _tell(message: str, code: Exit) -> Exit:
    from qupel.cli.output import say

    say(f"error: {message}")
    return code
