"""Which arm of a route answers in which mode, and what it is sent to a worker as."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from qupel.errors import InputError
from qupel.problems.contract import Problem
from qupel.runs.contract import Contract
from qupel.runs.description import family_from, family_name, plain, solver_from
from qupel.runs.routes import stages
from qupel.runs.routes.route import Arm, Mode, Route
from qupel.runs.task import Task
from qupel.solvers.registry import solver_points

STAGES = "qupel.runs.routes.stages"
#: Seconds that measuring, preparing or finishing may take where nothing else limits them.
STAGE_SECONDS = 60.0

_MODES = {
    "status quo": Mode.CLASSICAL,
    "classical": Mode.CLASSICAL,
    "inspired": Mode.APPROXIMATE,
    "quantum": Mode.QUANTUM,
    "hybrid": Mode.QUANTUM,
}


def mode_of(route: Route) -> Mode:
    """Mode that a route's primary answers in: that of its solver's kind."""
    solver: Any = solver_of(route, route.primary)
    return _MODES[solver.kind]


def arm_for(route: Route, mode: Mode) -> Arm | None:
    """Arm that answers in a mode; None where the fallback does alone.

    Raises
    ------
    InputError
        If the route has no arm for the mode.
    """
    if mode is mode_of(route):
        return route.primary
    if mode is Mode.CLASSICAL:
        return route.classical
    if mode is Mode.APPROXIMATE and route.approximate is not None:
        return route.approximate
    raise InputError(
        f"route {route.name!r} has no {mode} arm: give it one (field {mode!s}, or a primary of "
        f"this kind), or choose another mode"
    )


def solver_of(route: Route, arm: Arm) -> Any:
    """Return the solver of an arm, checked against the route's family."""
    return solver_from(arm.description, family_from(route.family))


def goes_out(route: Route, arm: Arm) -> bool:
    """Whether an arm's quantum step is ordered from a provider, through the ledger.

    One on this machine's own simulator runs in a worker as any solver does.
    """
    backend = backend_of(route, arm)
    return bool(backend) and not backend.startswith("local:")


def backend_of(route: Route, arm: Arm) -> str:
    """Backend that an arm's quantum step is ordered from; empty if it has none."""
    solver = solver_of(route, arm)
    return str(solver.backend) if stages.is_hosted(solver) else ""


def modules_of(route: Route) -> set[str]:
    """Modules that define the solvers of a route, found without importing them."""
    found = {STAGES}
    for arm in (route.primary, route.fallback, route.classical, route.approximate):
        if arm is not None and ":" in arm.solver:
            found.add(arm.solver.partition(":")[0])
        elif arm is not None:
            points = solver_points().get(arm.solver, ())
            found |= {point.value.partition(":")[0] for point in points}
    return found


def task_of(route: Route, problem: Problem[Any]) -> Task:
    """Return the task of a route's fallback; those of its arms are made from it."""
    return Task.of(
        problem,
        route.fallback.description,
        seconds=route.fallback_seconds,
        seed=route.seed,
        rounds=route.fallback.rounds,
        repair=route.fallback.repair,
        polish=route.fallback.polish,
        encoding=dict(route.fallback.encoding),
        contract=_promised(route),
    )


def arm_task(task: Task, route: Route, arm: Arm, seconds: float) -> Task:
    """Return the task of an arm for the problem of ``task``."""
    return replace(
        task,
        solver=arm.description,
        seconds=seconds,
        rounds=arm.rounds,
        repair=arm.repair,
        polish=arm.polish,
        encoding=dict(arm.encoding),
        contract=contract_of(route),
    )


def survey_task(task: Task, seconds: float) -> Task:
    """Return the task of measuring the problem of ``task``."""
    return _stage_task(task, {"solver": f"{STAGES}:Survey"}, seconds)


def construct_task(task: Task, seconds: float) -> Task:
    """Return the task of the last resort, under the contract of the fallback."""
    return replace(
        task,
        solver={"solver": f"{STAGES}:Construct"},
        seconds=seconds,
        rounds=None,
        repair=True,
        polish=False,
        encoding={},
    )


def built_task(route: Route, problem: Problem[Any], seconds: float) -> Task:
    """Return the task of the last resort for a problem at hand.

    It does not hold the problem's document, which takes far longer to write and to hash than the
    answer takes to build; so it can be attempted in this process alone.
    """
    bare = Task(family_name(problem), {}, route.fallback.description, route.seed, seconds)
    return construct_task(replace(bare, contract=_promised(route)), seconds)


def prepare_task(task: Task, route: Route, arm: Arm, seconds: float, *, key: str, tag: str) -> Task:
    """Return the task of making an arm's order."""
    contract = contract_of(route)
    prepared = {
        "solver": f"{STAGES}:Prepare",
        "of": stages.outside(arm.description),
        "key": key,
        "tag": tag,
        "encoding": dict(arm.encoding),
        "contract": plain(asdict(contract)),
    }
    return replace(_stage_task(task, prepared, seconds), contract=contract)


def finish_task(
    task: Task, route: Route, arm: Arm, seconds: float, *, result: str, evidence: str
) -> Task:
    """Return the task of reading the result of an arm's order, and judging what it holds."""
    finished = {
        "solver": f"{STAGES}:Finish",
        "of": stages.outside(arm.description),
        "result": result,
        "encoding": dict(arm.encoding),
        "evidence": evidence,
    }
    return replace(
        _stage_task(task, finished, seconds),
        repair=arm.repair,
        polish=arm.polish,
        contract=_promised(route),
    )


def contract_of(route: Route) -> Contract:
    """Contract that an arm is held to; the fallback that it may ask for is the route's."""
    return replace(route.contract, needs_fallback=False)


def warming_tasks(route: Route, sample: Problem[Any]) -> list[Task]:
    """Return tasks after which a worker has imported what a route's arms need, and little else."""
    task = task_of(route, sample)
    bare = construct_task(task, STAGE_SECONDS)
    found = [arm for arm in (route.primary, route.classical, route.approximate) if arm is not None]
    return [task, *(replace(bare, fallback=arm.description) for arm in found)]


def _promised(route: Route) -> Contract | None:
    """What a route promises of its answers, whoever gives them."""
    result = route.contract.result
    return None if result is None else Contract(result=result)


def _stage_task(task: Task, solver: dict[str, Any], seconds: float) -> Task:
    return replace(
        task, solver=solver, seconds=seconds, rounds=None, polish=False, encoding={}, contract=None
    )
