"""A decision again, from its log alone: judged anew from the data, and made anew."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qupel.errors import InputError
from qupel.problems.contract import Problem
from qupel.runs.attempt import attempt
from qupel.runs.candidates import objective_of
from qupel.runs.database import Database
from qupel.runs.description import family_from, plain
from qupel.runs.difference import largest_difference
from qupel.runs.identity import digest
from qupel.runs.ledger import Ledger
from qupel.runs.ledger.payloads import result_bytes, result_from
from qupel.runs.routes import arms, stages
from qupel.runs.routes.choosing import Found
from qupel.runs.routes.decision import TRIED, Answerer, Decision
from qupel.runs.routes.inputs import Inputs
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.route import Arm, Mode, Route
from qupel.runs.task import Task

#: Version of the log of a decision.
SCHEMA = 1
#: What a decision says and nothing else in its log bears out.
TRUSTED = (
    "when it was made and how long it took, its key, source and reasons, the mode and the trial's "
    "arm, and of the records the clocks, costs, seeds, versions and machines"
)


def decision_log(database: Database, decision: Decision) -> dict[str, Any]:
    """Return all that a replay needs: the decision, its route, its data, and what was measured.

    Raises
    ------
    InputError
        If the decision's data are not kept (any more).
    """
    held = Inputs(database).of(decision.problem_hash)
    if held is None:
        raise InputError(
            f"decision {decision.id}: its data are not kept; they are of decisions that stand in "
            "the database, until they are trimmed"
        )
    result = Ledger(database).result(decision.job) if decision.job else None
    encoded = "" if result is None else base64.b64encode(result_bytes(result)).decode()
    return {
        "decision_log": SCHEMA,
        "decision": decision.to_json(),
        "route": Roster(database).version(decision.version).document(),
        "problem": {"family": held[0], "document": held[1]},
        "result": encoded,
    }


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done again.

    Attributes
    ----------
    name
        ``data``, ``judgement``, ``records``, ``answer`` or ``the rest``.
    equal
        Whether it came to the same; None if it was not done again.
    largest
        Largest difference of two numbers, see `qupel.runs.difference`; 0 if it is equal.
    why
        What differs, or why it was not done again.
    """

    name: str
    equal: bool | None
    largest: float = 0.0
    why: str = ""

    def within(self, tolerance: float) -> bool:
        """Whether it is equal, within a tolerance, or was not done again."""
        return self.equal is not False or self.largest <= tolerance


def replay(document: Mapping[str, Any]) -> list[Step]:
    """Do a decision again from its log alone; no database, data file or provider is asked.

    Its data are compared with their hash; the answer that went out is judged anew, and so are
    those of both records; who answered is chosen anew from these; and whoever answered answers
    again, from the measured result where one was ordered. The last step names what nothing in
    the log bears out.

    Raises
    ------
    InputError
        If it is no log of a decision of this version, or is damaged.
    """
    try:
        return _replayed(document)
    except InputError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"the log is damaged: {type(error).__name__}: {error}") from error


def _replayed(document: Mapping[str, Any]) -> list[Step]:
    if document.get("decision_log") != SCHEMA:
        raise InputError(
            f"this is no log of a decision of version {SCHEMA}; see: qupel lineage --log"
        )
    decision, route = Decision.from_json(document["decision"]), Route.of(document["route"])
    held = document["problem"]
    problem = family_from(held["family"]).from_document(held["document"])
    found = digest(held["document"])
    same = (found, route.version) == (decision.problem_hash, decision.version)
    why = "" if same else "data or route are not those that the decision names"
    data = Step("data", same, 0.0 if same else float("inf"), why)
    return [
        data,
        _judged(decision, problem),
        _recorded(document["decision"], decision, route, problem),
        _answered(decision, route, problem, document),
        Step("the rest", None, why=f"taken on trust: {TRUSTED}"),
    ]


def _judged(decision: Decision, problem: Problem[Any]) -> Step:
    if decision.answered_by is Answerer.NOBODY:
        then = {"objective": decision.objective, "solution": decision.solution}
        step = _compared("judgement", then, {"objective": None, "solution": ""})
        return replace(step, equal=step.equal and None, why=step.why or "nobody answered")
    answer = problem.read_answer(decision.solution)
    judged = problem.judge(answer)
    then = {
        "objective": decision.objective,
        "feasible": decision.feasible,
        "answer": decision.answer,
    }
    now = {
        "objective": float(judged.objective),
        "feasible": judged.feasible,
        "answer": plain(answer),
    }
    return _compared("judgement", then, now)


def _recorded(
    document: Mapping[str, Any], decision: Decision, route: Route, problem: Problem[Any]
) -> Step:
    """Compare the records, and what follows from them, with what the decision says."""
    by, _, chosen = _found(decision, problem).choice()
    then: dict[str, Any] = {name: document[name] for name in ("on_time", "stood_in")}
    now: dict[str, Any] = {name: getattr(decision, name) for name in then}
    then["route"], now["route"] = decision.route, route.name
    then["deadline"], now["deadline"] = decision.deadline_seconds, route.deadline_seconds
    built = {Answerer.LAST_RESORT, Answerer.LAST_KNOWN, Answerer.NOBODY}
    then["answered by"] = str(decision.answered_by)
    now["answered by"] = str(decision.answered_by if by is Answerer.NOBODY else by)
    if by is Answerer.NOBODY and decision.answered_by not in built:
        now["answered by"] = str(by)
    if by is not Answerer.NOBODY:
        then["solution"], now["solution"] = decision.solution, chosen.solution
    for role, record in (("primary", decision.primary), ("fallback", decision.fallback)):
        if record is None:
            continue
        then[f"{role}'s problem"], now[f"{role}'s problem"] = (
            record.problem_hash,
            decision.problem_hash,
        )
        if record.solution:
            judged = problem.judge(problem.read_answer(record.solution))
            then[f"{role}'s objective"] = record.objective
            now[f"{role}'s objective"] = objective_of(judged)
            then[f"{role}'s feasibility"] = record.feasible
            now[f"{role}'s feasibility"] = judged.feasible
    if decision.primary is not None and "ledger_job" in decision.primary.facts:
        then["job"], now["job"] = decision.job, decision.primary.facts["ledger_job"]
    return _compared("records", then, now)


def _found(decision: Decision, problem: Problem[Any]) -> Found:
    """What there was to choose from, as the records have it."""
    found = Found(problem.sense)
    if decision.mode is Mode.QUANTUM and decision.quantum != TRIED:
        found.arm = Answerer.CLASSICAL
    found.primary.record, found.fallback.record = decision.primary, decision.fallback
    return found


def _answered(
    decision: Decision, route: Route, problem: Problem[Any], document: Mapping[str, Any]
) -> Step:
    arm = _arm(decision, route)
    if arm is None:
        return Step("answer", None, why=f"it was answered by: {decision.answered_by}")
    task = arms.task_of(route, problem)
    ordered = decision.answered_by is Answerer.PRIMARY and arms.goes_out(route, arm)
    if ordered and not document["result"]:
        return Step("answer", None, why="what was measured is not in the log")
    if ordered:
        result = result_from(base64.b64decode(document["result"]))
        again = arms.finish_task(
            task,
            route,
            arm,
            arms.STAGE_SECONDS,
            result=stages.text_of(result),
            evidence=str(result.evidence),
        )
    else:
        again = _repeated(task, route, arm, decision)
    record = attempt(again, problem=problem)
    then = {"solution": decision.solution, "objective": decision.objective}
    step = _compared("answer", then, {"solution": record.solution, "objective": record.objective})
    if step.equal is False and not ordered and arm.rounds is None:
        return replace(step, why=f"{step.why}; its search ends by the clock, not by rounds")
    return step


def _repeated(task: Task, route: Route, arm: Arm, decision: Decision) -> Task:
    """The task of an arm that searched on this machine; one ended by rounds gets time enough."""
    if decision.answered_by is Answerer.FALLBACK:
        return replace(task, seconds=_seconds(arm, route.fallback_seconds))
    return arms.arm_task(task, route, arm, _seconds(arm, route.deadline_seconds))


def _seconds(arm: Arm, seconds: float) -> float:
    return seconds if arm.rounds is None else max(seconds, arms.STAGE_SECONDS)


def _arm(decision: Decision, route: Route) -> Arm | None:
    if decision.answered_by is Answerer.PRIMARY:
        return arms.arm_for(route, decision.mode)
    return {Answerer.CLASSICAL: route.classical, Answerer.FALLBACK: route.fallback}.get(
        decision.answered_by
    )


def _compared(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Step:
    if then == now:
        return Step(name, True)
    said = "; ".join(
        f"{part} was {then[part]!r:.60}, is {now[part]!r:.60}"
        for part in then
        if then[part] != now[part]
    )
    return Step(name, False, largest_difference(dict(then), dict(now)), said)
