"""The course of one arm: profile, gates, order, wait, validation; or an attempt on this machine.

Everything that comes back from a worker or a provider is posted, and acted on by whoever empties
the post; so a course needs no locks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from qupel.errors import QupelError, RunError
from qupel.runs.ledger.jobs import Job
from qupel.runs.ledger.naming import job_id_of
from qupel.runs.record import Clocks, Record
from qupel.runs.routes import arms, orders, stages
from qupel.runs.routes.desk import Desk
from qupel.runs.routes.orders import Ordered
from qupel.runs.routes.route import Arm, Route
from qupel.runs.routes.seats import Seat
from qupel.runs.task import Task
from qupel.runs.telemetry.traces import travelling

log = logging.getLogger("qupel.routes")

#: Seconds below which an attempt is not begun.
LEAST = 0.05

Post = Callable[[Callable[[], None]], None]


class Declined(Enum):
    """Why an arm does not answer, so that the classical one may."""

    BY_PROFILE = "The instance is none for the quantum step."
    BY_GATE = "It may not be ordered now: a contract, a budget, a breaker or a gate says no."


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of an arm.

    Attributes
    ----------
    record
        Its record, None if it was not attempted to the end.
    why
        Why not.
    declined
        Where it was not attempted, who said no; None where it was.
    """

    record: Record | None
    why: str = ""
    declined: Declined | None = None


@dataclass(slots=True, eq=False)
class ArmCourse:
    """One arm at work on one problem.

    Attributes
    ----------
    desk, seat
        Where it works.
    route, arm
        What it does.
    task
        The fallback's task, which holds the problem.
    decision
        Id of the decision.
    created
        UTC seconds of the request.
    seconds
        Tells how long an attempt begun now may take.
    post
        Takes what is to be done next.
    done
        Is told how it ended, once.
    measured
        Is told the measures.
    closed
        Says why nothing may be ordered now, whatever the instance; None if it may.
    role
        What the names of its orders end with; empty for the arm that answers.
    trace
        Name of the decision's span, empty if none is kept.
    """

    desk: Desk
    seat: Seat
    route: Route
    arm: Arm
    task: Task
    decision: str
    created: float
    seconds: Callable[[], float]
    post: Post
    done: Callable[[Arrival], None]
    measured: Callable[[Mapping[str, float]], None]
    closed: Callable[[], str | None]
    role: str = ""
    trace: str = ""
    job: str = ""
    tried: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    _prepared: Record | None = None
    _planned: Job | None = None

    @property
    def planned(self) -> bool:
        """Whether the ledger has its order."""
        return self._planned is not None

    def begin(self, *, survey: bool, profile: bool) -> None:
        """Begin by measuring, if that is wanted; ``profile`` says whether its rules count."""
        if not survey and not (profile and self.route.profile.rules):
            self._attempt()
            return
        task = arms.survey_task(self.task, max(self.seconds(), LEAST))
        self._ask(task, lambda record: self._surveyed(record, profile))

    def _surveyed(self, record: Record, profile: bool) -> None:
        found = record.facts.get("measures")
        if found is None:
            self.done(Arrival(None, f"the instance could not be measured: {record.why}"))
            return
        self.measured(found)
        objection = self.route.profile.objection(found) if profile else None
        if objection is not None:
            self.done(Arrival(None, f"profile: {objection}", Declined.BY_PROFILE))
            return
        self._attempt()

    def _attempt(self) -> None:
        goes_out = arms.goes_out(self.route, self.arm)
        objection = self.closed() if goes_out else None
        if objection is not None:
            self.done(Arrival(None, objection, Declined.BY_GATE))
            return
        seconds = self.seconds()
        if seconds < LEAST:
            self.done(Arrival(None, "no time was left for the attempt"))
            return
        if not goes_out:
            self.tried = True
            task = arms.arm_task(self.task, self.route, self.arm, seconds)
            self._ask(task, lambda record: self.done(Arrival(record)))
            return
        name = f"{self.decision}{self.role}"
        task = arms.prepare_task(
            self.task, self.route, self.arm, seconds, key=name, tag=f"qupel-{name[:24]}"
        )
        self._ask(task, self._ready)

    def _ask(self, task: Task, then: Callable[[Record], None]) -> None:
        """Have the seat attempt a task, and act on its record when the post is emptied."""
        self.seat.ask(
            task,
            lambda record: self.post(lambda: then(record)),
            preparation=max(self.seconds(), LEAST),
        )

    def _ready(self, record: Record) -> None:
        """Order what was prepared."""
        if "order" not in record.facts:
            refused = record.why.startswith("contract field")
            declined = Declined.BY_GATE if refused else None
            self.done(Arrival(None, f"not ordered: {record.why}", declined))
            return
        self._prepared = record
        order = stages.order_in(record.facts)
        threading.Thread(target=self._order, args=(order,), name="qupel-order", daemon=True).start()

    def _order(self, order: Any) -> None:
        """Order, in a thread of its own: any of this may hang."""
        try:
            ordered = self._placed(order)
        except Exception as error:  # noqa: BLE001  an adapter may raise anything
            known = isinstance(error, QupelError | OSError)
            said = str(error) if known else f"{type(error).__name__}: {error}"
            if self._planned is None:
                self.job = ""
                refused = Arrival(None, f"not ordered: {said}", Declined.BY_GATE)
            else:
                self._have_followed(self._planned)
                refused = Arrival(None, f"ordered, but not followed in time: {said}")
            self.post(lambda: self.done(refused))
            return
        job = ordered.job
        if job is not None and (ordered.open or orders.awaits_bill(job)):
            self._have_followed(job, told=not ordered.open)
        self.post(lambda: self._executed(ordered))

    def _have_followed(self, job: Job, *, told: bool = False) -> None:
        """Have a job followed on aside; without it the answer still goes out."""
        try:
            self.desk.follow(job, told=told)
        except RuntimeError:  # no thread can be started
            log.exception("job %s is followed by nobody in this process", job.id)

    def _placed(self, order: Any) -> Ordered:
        task, desk = self.task, self.desk
        # Whoever finishes the job later, perhaps in another process, needs the problem.
        now = desk.clock.now()
        desk.inputs().keep(task.problem_hash, task.family, task.problem, at=now)
        name = arms.backend_of(self.route, self.arm)
        ledger, backend = desk.ledger(), desk.opened_backend(name)
        orders.check(desk, ledger, backend, order, self.route)
        if self.over.is_set():
            return Ordered(None, None, "the answer had to go out before it was ordered")
        self.job = job_id_of(order.key)  # known before, should the answer go out meanwhile
        job = orders.place(
            ledger,
            order,
            backend=name,
            budget=self.route.budget,
            deadline=self.created + self.route.late_seconds,
            correlation=self.decision,
            purpose={
                "route": self.route.name,
                "version": self.route.version,
                "decision": self.decision,
                "role": self.role,
                "problem": task.problem_hash,
                **travelling(self.trace),
            },
        )
        self._planned, self.tried = job, True
        return orders.follow(
            ledger,
            job,
            backend,
            seconds=lambda: -1.0 if self.over.is_set() else self.seconds(),
            rest=self.over.wait,
        )

    def _executed(self, ordered: Ordered) -> None:
        """Have the result read and judged."""
        if ordered.result is None:
            why = ordered.why or "the quantum step is not over yet"
            self.done(Arrival(None, why))
            return
        task = finishing(self.task, self.route, self.arm, ordered, max(self.seconds(), LEAST))
        prepared = self._prepared
        self._ask(
            task,
            lambda record: self.done(Arrival(whole(self.arm, prepared, ordered, record))),
        )


def finishing(task: Task, route: Route, arm: Arm, ordered: Ordered, seconds: float) -> Task:
    """Return the task of reading and judging a result."""
    if ordered.result is None:
        raise RunError("a job without a result cannot be finished")
    return arms.finish_task(
        task,
        route,
        arm,
        seconds,
        result=stages.text_of(ordered.result),
        evidence=str(ordered.result.evidence),
    )


def whole(arm: Arm, prepared: Record | None, ordered: Ordered, finished: Record) -> Record:
    """One record of all three stages; its clocks add up to its end-to-end time."""
    job, result = ordered.job, ordered.result
    if job is None or result is None:
        raise RunError("a job without a result has no record")
    known = prepared.clocks if prepared is not None else Clocks()
    away = max(0.0, (job.concluded or job.planned) - job.planned)
    run = min(away, job.run_seconds or 0.0)
    last = finished.clocks
    clocks = Clocks(
        encode=known.encode,
        compile=known.compile + known.execute + known.decode,
        queue=known.queue + (away - run) + last.queue,
        execute=run,
        decode=last.encode + last.execute + last.decode,
        repair=last.repair,
        judge=last.judge,
    )
    earlier = prepared.cpu_seconds if prepared is not None else 0.0
    solver = {**arm.description, "kind": "quantum"}
    return replace(
        finished,
        solver=solver,
        clocks=clocks,
        end_to_end=clocks.total,
        cpu_seconds=earlier + finished.cpu_seconds,
        cost=None if job.billed is None else float(job.billed.amount),
        facts={**finished.facts, "ledger_job": job.id, "backend": job.backend},
    )
