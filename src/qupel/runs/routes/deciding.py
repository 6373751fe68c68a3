"""One decision under way, from the request to the answer that is written down.

The path, whichever arm takes it: contract, profile, gates, order, wait, validation (`course`),
while the fallback is at work beside it (`rescue`); then the choice (`choosing`) and the record.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qupel.errors import ContractError, InputError
from qupel.problems.contract import Problem
from qupel.runs.errand import Errand
from qupel.runs.record import Record
from qupel.runs.routes import arms
from qupel.runs.routes.choosing import Found
from qupel.runs.routes.course import ArmCourse, Arrival, Declined
from qupel.runs.routes.decision import TRIED, Answerer, Decision
from qupel.runs.routes.desk import PRIMARY, Desk
from qupel.runs.routes.gates import missing_gate
from qupel.runs.routes.rescue import LEAST, Rescue
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.standing import Standing
from qupel.runs.routes.timetable import Timetable
from qupel.runs.task import Task

log = logging.getLogger("qupel.routes")


@dataclass(slots=True, eq=False)
class Deciding:
    """A decision from its request to its answer.

    Attributes
    ----------
    desk
        What it works with.
    standing, unsure
        How the route stands, and why this is not certain; empty if it is.
    problem, key
        What is to be decided, and the caller's name of it.
    timetable
        When what has to be done.
    trace
        Name of its span, empty if none is kept.
    source
        Where the problem came from.
    """

    desk: Desk
    standing: Standing
    unsure: str
    problem: Problem[Any]
    key: str
    timetable: Timetable
    trace: str = ""
    source: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created: float = field(init=False)
    route: Route = field(init=False)
    mode: Mode = field(init=False)
    arm: str = field(default="standing", init=False)
    writing: Errand[Task] = field(init=False)
    post: queue.SimpleQueue[Callable[[], None]] = field(
        default_factory=queue.SimpleQueue, init=False
    )
    found: Found = field(init=False)
    rescue: Rescue = field(init=False)
    course: ArmCourse | None = field(default=None, init=False)
    wanted: Answerer = field(default=Answerer.PRIMARY, init=False)
    quantum: str = field(default="", init=False)
    measures: dict[str, float] = field(default_factory=dict, init=False)
    job: str = field(default="", init=False)
    wished: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.created = self.desk.clock.now()
        trial = self.standing.trial
        self.route, self.mode = self.standing.route, self.standing.effective
        if trial is not None and self.standing.is_on and trial.publishes(self.key):
            self.arm = "candidate"
            self.route, self.mode = self.standing.candidate or self.route, trial.mode

    def run(self) -> Decision:
        """Answer, at the latest when the timetable says so."""
        self.found = Found(self.problem.sense)
        self.rescue = Rescue(
            self.desk, self.route, self.problem, self.found, self._budget, self.post.put
        )
        self.rescue.build()
        self._begin_with_task()
        while not self._is_over():
            with contextlib.suppress(queue.Empty):
                self._do(self.post.get(timeout=self._seconds_to_next_look()))
            self.rescue.look()
        return self._recorded()

    def _begin_with_task(self) -> None:
        """Begin as soon as the problem is written down and hashed; do without if it never is.

        Of a large problem that takes long, so it is done aside, while the clock is looked at.
        """
        self.writing = self._written()
        if not self.writing.done.wait(self.timetable.left(time.monotonic())):
            why = "the problem was not written down in time"
            self.found.fallback.why = why
            self._arm_over(None, why)
            return
        self.rescue.begin(self.task)
        self._do(self._begin)

    def _written(self) -> Errand[Task]:
        writing = Errand(lambda: arms.task_of(self.route, self.problem), "problem")
        try:
            writing.begin()
        except RuntimeError:  # no thread can be started
            writing.do()
        return writing

    @property
    def task(self) -> Task:
        """The fallback's task, once the problem is written down; its error if it cannot be."""
        return self.writing.outcome()

    def _do(self, step: Callable[[], None]) -> None:
        """Take a step of the primary's; what breaks there must not keep the fallback from it."""
        try:
            step()
        except Exception as error:
            log.exception("decision %s of route %s", self.id, self.route.name)
            if not self.found.primary.over:
                self._left_course()
                self._arm_over(None, f"{type(error).__name__}: {error}")

    # Which arm: that of the mode; the classical one if the quantum step is not to be, or cannot.

    def _begin(self) -> None:
        if self.mode is not Mode.QUANTUM:
            is_off = not self.standing.is_on
            self.quantum = "switched off" if is_off else f"the mode is {self.mode}"
            self._begin_arm(self.mode)
            return
        try:
            arms.arm_for(self.route, Mode.QUANTUM)
        except InputError as error:  # a version before this one, or a solver that is gone
            self._begin_classical(str(error))
            return
        self._begin_arm(Mode.QUANTUM)

    def _begin_classical(self, why: str) -> None:
        """Give the classical arm the quantum step's turn."""
        self.quantum = self.found.reason = why
        self.found.arm = Answerer.CLASSICAL
        self._begin_arm(Mode.CLASSICAL)

    def _begin_arm(self, mode: Mode) -> None:
        """Check the contract and begin with a mode's arm; without one the fallback is alone."""
        try:
            arm = arms.arm_for(self.route, mode)
            if arm is None:
                if self.mode is not Mode.QUANTUM:
                    self.wanted = Answerer.FALLBACK
                self._arm_over(None, self.quantum)
                return
            seconds = max(self._budget(), LEAST)
            task = arms.arm_task(self.task, self.route, arm, seconds)
            arms.contract_of(self.route).check_task(task)
        except (ContractError, InputError) as error:
            self.quantum = self.quantum or str(error)
            self._arm_over(None, str(error))
            return
        self.course = ArmCourse(
            desk=self.desk,
            seat=self.desk.seat(PRIMARY),
            route=self.route,
            arm=arm,
            task=self.task,
            decision=self.id,
            created=self.created,
            seconds=self._budget,
            post=self.post.put,
            done=self._arrived,
            measured=self.measures.update,
            closed=self._gates,
            trace=self.trace,
        )
        wanted = self.route.limits.input_drift is not None and not self.measures
        self.course.begin(survey=wanted, profile=mode is Mode.QUANTUM)

    def _gates(self) -> str | None:
        """Why nothing may be ordered now, whatever the instance; None if it may."""
        if self.desk.offline:
            self.wished = True
            return "offline: it will be ordered when this machine is connected again"
        if self.unsure:
            self.wished = True
            return self.unsure
        return missing_gate(self.route, self.route.primary, self.standing.gates)

    def _arrived(self, arrival: Arrival) -> None:
        """Take what came of an arm; the classical one has its turn if it declined."""
        course = self._left_course()
        if arrival.declined is Declined.BY_PROFILE:
            alone = self.route.classical is None
            self.wanted = Answerer.FALLBACK if alone else Answerer.CLASSICAL
        if arrival.declined is not None and self.mode is Mode.QUANTUM and not self.quantum:
            if self._budget() > LEAST:
                self._begin_classical(arrival.why)
                return
            self.quantum = arrival.why
        self._arm_over(arrival.record, arrival.why)
        if course is not None and not self.quantum:
            self.quantum = TRIED

    def _arm_over(self, record: Record | None, why: str) -> None:
        side = self.found.primary
        side.record, side.why, side.over = record, why, True
        if record is not None and not side.answered:
            side.why = record.why

    def _left_course(self) -> ArmCourse | None:
        """Leave the course under way, and remember its job."""
        course, self.course = self.course, None
        if course is not None:
            course.over.set()
            self.job = course.job or self.job
        return course

    # The clock.

    def _budget(self) -> float:
        """Longest budget of an attempt begun now."""
        return self.timetable.budget(time.monotonic())

    def _is_over(self) -> bool:
        if time.monotonic() >= self._answer_by:
            return True
        return self.found.primary.over and self.rescue.over

    @property
    def _answer_by(self) -> float:
        """When to choose at the latest; later if there is nothing yet to choose from."""
        return self.timetable.answer_by if self.found.has_any else self.timetable.last_call

    def _seconds_to_next_look(self) -> float:
        now = time.monotonic()
        soonest = min(self._answer_by, self.rescue.next_look)
        if now < self.timetable.answer_by:  # what the thread aside found is there without a post
            soonest = min(soonest, self.timetable.answer_by)
        return max(0.0, soonest - now)

    # The record.

    def _recorded(self) -> Decision:
        """Choose by the judge's findings, and write the decision down."""
        if not self.found.primary.over:
            self._run_out_of_time()
        answered_by, why, chosen = self.found.choice()
        decision = Decision(
            id=self.id,
            route=self.route.name,
            version=self.route.version,
            key=self.key,
            mode=self.mode,
            answered_by=answered_by,
            why=why,
            quantum=self.quantum,
            objective=chosen.objective,
            feasible=answered_by is not Answerer.NOBODY,
            answer=chosen.answer,
            solution=chosen.solution,
            seconds=time.monotonic() - self.timetable.begun,
            deadline_seconds=self.route.deadline_seconds,
            created=self.created,
            problem_hash=self.task.problem_hash if self.writing.done.is_set() else "",
            measures=self.measures,
            primary=self.found.primary.record,
            fallback=self.found.fallback.record,
            job=self.job,
            arm=self.arm,
            source=self.source,
            wanted=self.wanted,
        )
        return self.desk.keep(decision, self._wish(), self.timetable.to_keep(time.monotonic()))

    def _run_out_of_time(self) -> None:
        course = self._left_course()
        passed = time.monotonic() - self.timetable.begun
        self.found.primary.why = f"no answer within {passed:.3g} s"
        if self.mode is Mode.QUANTUM and not self.quantum and course is not None:
            self.quantum = TRIED if course.tried else "it was not ordered in time"

    def _wish(self) -> Mapping[str, Any] | None:
        """What is needed to order the quantum step later, where it could not be now."""
        if not self.wished:
            return None
        return {"family": self.task.family, "document": dict(self.task.problem)}
