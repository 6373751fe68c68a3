"""Primary, else fallback: one after the other, and one record of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from qupel.errors import InputError
from qupel.problems.contract import Problem
from qupel.runs.contract import Contract
from qupel.runs.record import Clocks, Record, Status
from qupel.runs.task import Task
from qupel.solvers.contract import Solver

if TYPE_CHECKING:
    from qupel.runs.pool import Workers

#: Share of a route's time that is held back for its fallback unless told otherwise.
FALLBACK_SHARE = 0.2


def solve_route(
    problem: Problem[Any],
    primary: Solver[Any] | Mapping[str, Any],
    fallback: Solver[Any] | Mapping[str, Any],
    *,
    seconds: float,
    fallback_seconds: float | None = None,
    seed: int = 0,
    workers: Workers | None = None,
    **more: Any,
) -> Record:
    """Answer within ``seconds``: by the primary, else by the fallback.

    The time of the fallback, and the grace until a primary that overruns is killed, are held
    back from the primary.

    Parameters
    ----------
    seconds
        End to end, for both.
    fallback_seconds
        Held back for the fallback; a fifth of ``seconds`` unless given.
    workers
        Warm workers to use; one is started and closed again if there are none.
    more
        Further fields of the `Task`.
    """
    from qupel.runs.pool import Workers
    from qupel.runs.slot import grace_seconds

    held = FALLBACK_SHARE * seconds if fallback_seconds is None else fallback_seconds
    left = seconds - held - grace_seconds(held)
    own = min(left / (1 + grace_seconds(1e9) / 1e9), left - grace_seconds(0.0))
    if own <= 0:
        raise InputError(
            f"{seconds} s leave no time for the primary beside {held} s for the fallback; "
            f"allow more seconds, or fewer for the fallback"
        )
    task = Task.of(
        problem,
        primary,
        seconds=own,
        seed=seed,
        fallback=fallback,
        fallback_seconds=held,
        **more,
    )
    if workers is not None:
        return next(iter(workers.run([task])))
    with Workers(1) as hired:
        return next(iter(hired.run([task])))


def reason_for_fallback(record: Record) -> str | None:
    """Why the fallback has to answer after this attempt, None if it has not."""
    if record.status is Status.ANSWERED:
        return None
    return f"the primary was {_WORDS[record.status]}: {record.why}"


def fallback_task(task: Task) -> Task:
    """Return the task of the fallback: same problem and seed, its own solver and seconds.

    Of the contract only the result counts: the rest is about the primary.
    """
    result = task.contract.result if task.contract is not None else None
    return replace(
        task,
        solver=task.fallback or {},
        fallback=None,
        seconds=task.fallback_seconds,
        contract=None if result is None else Contract(result=result),
        store_samples=False,
    )


def together(task: Task, primary: Record, fallback: Record, why: str, end_to_end: float) -> Record:
    """One record of both attempts: the primary's, with the fallback's answer if it has one.

    What concerns samples, claims and evidence stays the primary's; clocks, processor time and
    the end-to-end time are of both.
    """
    clocks = Clocks(
        **{
            part.name: getattr(primary.clocks, part.name) + getattr(fallback.clocks, part.name)
            for part in fields(Clocks)
        }
    )
    waited = max(0.0, end_to_end - clocks.total)  # for the fallback's worker
    both = replace(
        primary,
        budget=task.seconds,
        clocks=replace(clocks, queue=clocks.queue + waited),
        end_to_end=end_to_end,
        cpu_seconds=primary.cpu_seconds + fallback.cpu_seconds,
        peak_memory=max(primary.peak_memory, fallback.peak_memory),
        attempts=(_account("primary", primary), _account("fallback", fallback)),
        log="\n".join(part for part in (primary.log, fallback.log) if part),
    )
    if fallback.status is not Status.ANSWERED:
        failed = f"{why}; the fallback was {_WORDS[fallback.status]}: {fallback.why}"
        return replace(both, why=failed)
    return replace(
        both,
        status=Status.ANSWERED,
        why=why,
        answered_by="fallback",
        objective=fallback.objective,
        feasible=fallback.feasible,
        violations=fallback.violations,
        measures=fallback.measures,
        answer=fallback.answer,
        solution=fallback.solution,
    )


_WORDS = {
    Status.ANSWERED: "feasible",
    Status.INFEASIBLE: "infeasible",
    Status.KILLED: "killed",
    Status.FAILED: "unable to answer",
    Status.REFUSED: "refused",
}


def _account(role: str, record: Record) -> dict[str, Any]:
    return {
        "role": role,
        "solver": dict(record.solver),
        "status": str(record.status),
        "why": record.why,
        "objective": record.objective,
        "seconds": record.end_to_end,
    }
