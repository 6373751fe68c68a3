"""What a route must show before it is deployed: that it can answer, and what it may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from qupel.backends.catalogue.tiers import tiers
from qupel.errors import ContractError, InputError
from qupel.model.samples import Outcome
from qupel.problems.contract import Problem
from qupel.runs.description import family_from
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.record import Record, Status
from qupel.runs.routes import arms, gates, orders, stages
from qupel.runs.routes.course import finishing
from qupel.runs.routes.route import Arm, Mode, Route
from qupel.runs.slot import grace_seconds
from qupel.runs.task import Task

#: Kinds of solvers that may answer in a mode.
KINDS = {"classical": {"classical", "status quo"}, "approximate": {"inspired"}}
#: Seconds that an arm's stages may take at deployment.
TRIAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What was shown on the sample.

    Attributes
    ----------
    gate
        Which gate it passes.
    detail
        In words, with figures.
    """

    gate: str
    detail: str


def check(route: Route, accounts: set[str]) -> None:
    """Refuse a route that cannot work, whatever the instance.

    Parameters
    ----------
    accounts
        Names of the accounts there are.

    Raises
    ------
    InputError
        With the field, and the remedy.
    """
    family_from(route.family)
    tiers().named(route.tier)
    for name, arm in _arms(route):
        solver = arms.solver_of(route, arm)
        if name == "fallback" and (solver.kind == "quantum" or stages.is_hosted(solver)):
            raise InputError(
                f"fallback: {arm.solver!r} has a quantum step; a fallback is computed here, by a "
                "classical or quantum-inspired solver"
            )
        for wanted, kinds in KINDS.items():
            if name == wanted and solver.kind not in kinds:
                raise InputError(f"{name}: {arm.solver!r} is {solver.kind}; choose another solver")
        if arms.goes_out(route, arm):
            _check_budget(route, accounts)
    if route.deadline_seconds <= route.fallback_seconds + 2 * grace_seconds(route.fallback_seconds):
        raise InputError("fallback_seconds: leaves no time to choose the answer; allow fewer")


Attempt = Callable[[Task], Record]


def try_fallback(route: Route, sample: Problem[Any], attempt: Attempt) -> Trial:
    """Have the fallback answer the sample twice, the same way and in its time.

    Raises
    ------
    ContractError
        If it does not.
    """
    task = arms.task_of(route, sample)
    records = [attempt(task) for _ in range(2)]
    for record in records:
        if record.status is not Status.ANSWERED:
            raise ContractError(
                f"fallback: {route.fallback.solver!r} did not answer the sample within "
                f"{route.fallback_seconds:g} s: it was {record.status}, {record.why}; choose a "
                "quicker one, or allow more seconds"
            )
    if route.fallback.rounds is None and records[0].outcome == Outcome.STOPPED.name:
        raise ContractError(
            f"fallback: the search of {route.fallback.solver!r} was ended by the clock, so that a "
            "larger instance has another answer each time; give it `rounds`"
        )
    if records[0].solution != records[1].solution:
        raise ContractError(
            f"fallback: {route.fallback.solver!r} gave two answers to the same sample and seed, "
            "so its search is ended by the clock; give it rounds"
        )
    slowest = max(record.end_to_end for record in records)
    return Trial(
        gates.FALLBACK,
        f"answered {sample.name} twice the same, objective {records[0].objective:g}, "
        f"in {slowest:.3g} s of {route.fallback_seconds:g} s",
    )


def check_profile(route: Route, sample: Problem[Any], attempt: Attempt) -> dict[str, float]:
    """Return what the sample measures; refuse rules over what no instance has.

    Raises
    ------
    InputError
        If a rule names an unknown measure.
    """
    record = attempt(arms.survey_task(arms.task_of(route, sample), TRIAL_SECONDS))
    found: dict[str, float] = dict(record.facts.get("measures", {}))
    for rule in route.profile.rules:
        if rule.measure not in found:
            raise InputError(
                f"profile: {route.family} instances have no measure {rule.measure!r}; known: "
                f"{', '.join(sorted(found))}"
            )
    return found


def try_simulator(
    route: Route, sample: Problem[Any], attempt: Attempt, ledger: Ledger
) -> Trial | None:
    """Run the quantum step on this machine's simulator, through the ledger as later on.

    Returns
    -------
    None where the route orders nothing from a provider.

    Raises
    ------
    ContractError
        If it gives no feasible answer to the sample.
    """
    arm = arms.arm_for(route, Mode.QUANTUM) if arms.mode_of(route) is Mode.QUANTUM else None
    if arm is None or not arms.goes_out(route, arm):
        return None
    task = arms.task_of(route, sample)
    key = f"{route.version} simulator"
    prepared = attempt(
        arms.prepare_task(task, route, arm, TRIAL_SECONDS, key=key, tag="qupel-simulator")
    )
    if "order" not in prepared.facts:
        raise ContractError(f"primary: no order could be made for the sample: {prepared.why}")
    ordered = _simulated(route, prepared, ledger, task.problem_hash)
    if ordered.result is None:
        raise ContractError(f"primary: the simulator run of the sample failed: {ordered.why}")
    finished = attempt(finishing(task, route, arm, ordered, TRIAL_SECONDS))
    if finished.status is not Status.ANSWERED:
        raise ContractError(
            f"primary: on a simulator it gave no feasible answer to the sample: {finished.why}"
        )
    return Trial(
        gates.SIMULATOR,
        f"on a simulator {sample.name} came to objective {finished.objective:g}, with "
        f"{prepared.facts['qubits']} qubits and {prepared.facts['shots']} shots",
    )


def _simulated(route: Route, prepared: Record, ledger: Ledger, problem_hash: str) -> orders.Ordered:
    from qupel.backends import local
    from qupel.backends.contract import Kind

    order = stages.order_in(prepared.facts)
    device = "statevector" if order.kind is Kind.CIRCUIT else "annealer"
    name, backend = f"local:{device}", local.open(device)
    job = ledger.plan(
        replace(order, tag="qupel-simulator"),
        backend=name,
        accounts=(),
        bound=None,
        deadline=None,
        correlation=f"deploy {route.name}",
        purpose={"route": route.name, "version": route.version, "problem": problem_hash},
    )
    return orders.follow(
        ledger, job, backend, seconds=lambda: TRIAL_SECONDS, rest=ledger.clock.sleep
    )


def _check_budget(route: Route, accounts: set[str]) -> None:
    if not route.budget.accounts:
        raise InputError(
            "budget: the quantum step is ordered from a provider, so name at least one account "
            "(`qupel budget set`), and bound what one decision may cost"
        )
    for name in route.budget.accounts:
        if name not in accounts:
            known = f"known: {', '.join(sorted(accounts))}" if accounts else "there is none yet"
            raise InputError(f"budget: no account {name!r}; {known}; make it with its cap first")


def _arms(route: Route) -> Iterator[tuple[str, Arm]]:
    for name in ("primary", "fallback", "classical", "approximate"):
        arm = getattr(route, name)
        if arm is not None:
            yield name, arm
