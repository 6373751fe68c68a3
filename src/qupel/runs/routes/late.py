"""What comes late: results after the answer, orders after an outage, decisions from the spool.

Any process may do any of this, twice or at once: each outcome is written down once.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from qupel.errors import InputError, QupelError, TransientError
from qupel.problems.contract import Problem
from qupel.runs.description import family_from
from qupel.runs.ledger.jobs import Job
from qupel.runs.record import Record, Status
from qupel.runs.routes import arms, orders, stages
from qupel.runs.routes.book import LATE, TRIAL, Book
from qupel.runs.routes.course import finishing, whole
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.desk import Desk
from qupel.runs.routes.orders import Ordered
from qupel.runs.routes.route import Arm, Mode, Route
from qupel.runs.task import Task
from qupel.runs.telemetry import listening

log = logging.getLogger("qupel.routes")

#: Seconds that finishing a late result may take.
FINISH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was brought up to date.

    Attributes
    ----------
    taken_over
        Decisions from the spool.
    ordered, expired, failed
        Quantum steps that had been wished for: ordered now, too old, or not to be ordered.
    judged
        Late results.
    """

    taken_over: int = 0
    ordered: int = 0
    expired: int = 0
    failed: int = 0
    judged: int = 0

    def document(self) -> dict[str, int]:
        """Return it as plain JSON values."""
        return asdict(self)


def judged(desk: Desk, decision: Decision) -> Record | None:
    """Return the late outcome of a decision, judged now if nobody did; None if there is none.

    A result that was there in time is none: it was judged when the answer was chosen.
    """
    book = desk.book()
    known = book.outcome(decision.id, LATE)
    if known is not None or not decision.is_open:
        return known
    try:
        job = desk.ledger().job(decision.job)
    except InputError:  # it was on its way to the ledger when the answer went out, and failed
        return None
    if not job.state.still:
        return None
    return _judge(desk, book, orders.ended(desk.ledger(), job))


def judge_over(desk: Desk, ordered: Ordered) -> Record | None:
    """Judge the result of a job that is over, and write it down with its decision."""
    return _judge(desk, desk.book(), ordered)


def catch_up(desk: Desk) -> CaughtUp:
    """Take the spool over, order what was wished for, judge what came late."""
    if desk.offline:
        raise TransientError("this process is offline; catch up where there is a connection")
    book = desk.book()
    taken = desk.spool.take_over(lambda held: _take_over(book, held))
    told = {"waiting": 0, "ordered": 0, "expired": 0, "failed": 0}
    for wish in book.wishes():
        told[_order_wish(desk, book, wish)] += 1
    count = sum(judged(desk, decision) is not None for decision in book.open_jobs())
    return CaughtUp(taken, told["ordered"], told["expired"], told["failed"], count)


def _take_over(book: Book, held: dict[str, Any]) -> None:
    book.keep(Decision.from_json(held["decision"]), held["wish"])


def _order_wish(desk: Desk, book: Book, wish: dict[str, Any]) -> str:
    """Order one quantum step that was wished for; say what became of it."""
    decision = book.decision(wish["decision"])
    route = desk.roster().version(wish["version"])
    if desk.clock.now() > decision.created + route.late_seconds:
        book.settle_wish(decision.id, "expired", "nobody waits for its result any more")
        return "expired"
    try:
        job = _ordered(desk, decision, route)
    except TransientError:
        return "waiting"
    except QupelError as error:
        book.settle_wish(decision.id, "failed", str(error))
        return "failed"
    except Exception:  # an adapter may raise anything; the others' turn comes all the same
        log.exception("decision %s: its quantum step could not be ordered yet", decision.id)
        return "waiting"
    book.set_job(decision.id, job.id)
    book.settle_wish(decision.id, "ordered", job.id)
    desk.follow(job)
    return "ordered"


def _ordered(desk: Desk, decision: Decision, route: Route) -> Job:
    from qupel.runs.routes.gates import missing_gate

    arm = arms.arm_for(route, Mode.QUANTUM)
    if arm is None:
        raise InputError(f"version {route.version[:12]} has no quantum arm")
    if (missing := missing_gate(route, arm, desk.roster().gates(route.version))) is not None:
        raise InputError(missing)
    task = arms.task_of(route, _problem(desk, decision.problem_hash))
    # The same key as if it had been ordered at once: twice planned is one job.
    prepared = desk.attempt(
        arms.prepare_task(
            task, route, arm, FINISH_SECONDS, key=decision.id, tag=f"qupel-{decision.id[:24]}"
        ),
    )
    if "order" not in prepared.facts:
        raise InputError(f"not ordered: {prepared.why}")
    order = stages.order_in(prepared.facts)
    name = arms.backend_of(route, arm)
    ledger, backend = desk.ledger(), desk.opened_backend(name)
    orders.check(desk, ledger, backend, order, route)
    return orders.place(
        ledger,
        order,
        backend=name,
        budget=route.budget,
        deadline=decision.created + route.late_seconds,
        correlation=decision.id,
        purpose={
            "route": route.name,
            "version": route.version,
            "decision": decision.id,
            "role": "",
            "problem": decision.problem_hash,
        },
    )


def _judge(desk: Desk, book: Book, ordered: Ordered) -> Record | None:
    """Finish what a job of ours came to; None for a job of somebody else."""
    job = ordered.job
    if job is None or "decision" not in job.purpose:
        return None
    decision_id, role = job.purpose["decision"], TRIAL if job.purpose["role"] else LATE
    known = book.outcome(decision_id, role)
    if known is not None:
        return known
    route = desk.roster().version(job.purpose["version"])
    arm = arms.arm_for(route, Mode.QUANTUM)
    assert arm is not None  # noqa: S101  it was ordered
    task = arms.task_of(route, _problem(desk, job.purpose["problem"]))
    record = _finished(desk, task, route, arm, ordered)
    now = desk.clock.now()
    book.keep_outcome(decision_id, role, record, at=now)
    listening.tell_late(decision_id, role, record, job, at=now)
    return book.outcome(decision_id, role)


def _finished(desk: Desk, task: Task, route: Route, arm: Arm, ordered: Ordered) -> Record:
    if ordered.result is None:
        return task.record(Status.FAILED, why=ordered.why, solver=arm.description)
    finished = desk.attempt(finishing(task, route, arm, ordered, FINISH_SECONDS))
    return whole(arm, None, ordered, finished)


def _problem(desk: Desk, problem_hash: str) -> Problem[Any]:
    held = desk.inputs().of(problem_hash)
    if held is None:
        raise InputError(f"the problem {problem_hash[:12]} of a decision was not kept")
    family, document = held
    return family_from(family).from_document(document)
