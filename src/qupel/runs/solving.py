"""One problem, one solver, one judged answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qupel.problems.contract import Problem
from qupel.runs.pool import Workers
from qupel.runs.record import Record
from qupel.runs.task import Task
from qupel.solvers.contract import Solver
from qupel.solvers.registry import solver_for


def solve(
    problem: Problem[Any],
    solver: str | Solver[Any],
    *,
    seconds: float,
    seed: int = 0,
    threads: int = 1,
    settings: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
    **more: Any,
) -> Record:
    """Solve a problem in a worker process that is killed if it overruns.

    Parameters
    ----------
    problem
        What to decide.
    solver
        A registered name, with ``settings`` for its fields, or a solver.
    seconds
        Budget end to end.
    seed
        Of everything that draws random numbers.
    threads
        Threads the solver may use.
    workers
        Warm workers to use; one is started and closed again if there are none.
    more
        Further fields of the `Task`, such as ``repair`` or ``fallback``.

    Returns
    -------
    The record; its objective and feasibility are the judge's.

    Raises
    ------
    InputError
        If the solver or a setting is unknown, or the solver cannot take the problem.
    """
    if isinstance(solver, str):
        chosen = dict(settings or {})
        made = solver_for(solver, type(problem), chosen)
        if threads > 1 and hasattr(made, "threads") and "threads" not in chosen:
            made = solver_for(solver, type(problem), {**chosen, "threads": threads})
    else:
        made = solver
    task = Task.of(problem, made, seconds=seconds, seed=seed, threads=threads, **more)
    if workers is not None:
        return next(iter(workers.run([task])))
    with Workers(1) as hired:
        return next(iter(hired.run([task])))
