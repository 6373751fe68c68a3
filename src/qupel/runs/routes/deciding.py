"""One decision under way: who is at work on it, what has come back, and what goes out."""

from __future__ import annotations

import contextlib
import logging
import math
import queue
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qupel.errors import ContractError, InputError, QupelError
from qupel.problems.contract import Problem
from qupel.runs.attempt import attempt
from qupel.runs.record import Record, Status
from qupel.runs.routes import arms
from qupel.runs.routes.course import ArmCourse, Arrival
from qupel.runs.routes.decision import TRIED, Answerer, Decision
from qupel.runs.routes.desk import FALLBACK, PRIMARY, Desk
from qupel.runs.routes.gates import missing_gate
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.seats import Seat
from qupel.runs.routes.standing import Standing
from qupel.runs.routes.timetable import Timetable, overdue
from qupel.runs.task import Task

log = logging.getLogger("qupel.routes")

#: Seconds that keeping the decision may take at least, however late it is.
LEAST_TO_KEEP = 0.1
#: Seconds below which the classical arm is not begun any more.
LEAST_TO_BEGIN = 0.1


@dataclass(slots=True)
class Side:
    """What is known of the primary, or of the fallback.

    Attributes
    ----------
    record
        The last record.
    why
        Why there is no answer.
    over
        Whether nothing more will come.
    """

    record: Record | None = None
    why: str = ""
    over: bool = False

    @property
    def answered(self) -> bool:
        """Whether there is a feasible answer."""
        return self.record is not None and self.record.status is Status.ANSWERED

    @property
    def objective(self) -> float:
        """Judge's objective of an answer."""
        found = None if self.record is None else self.record.objective
        return math.nan if found is None else found


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
    task: Task = field(init=False)
    post: queue.SimpleQueue[Callable[[], None]] = field(
        default_factory=queue.SimpleQueue, init=False
    )
    quantum: str = field(default="", init=False)
    measures: dict[str, float] = field(default_factory=dict, init=False)
    primary: Side = field(default_factory=Side, init=False)
    fallback: Side = field(default_factory=Side, init=False)
    resort: Side = field(default_factory=Side, init=False)
    course: ArmCourse | None = field(default=None, init=False)
    job: str = field(default="", init=False)
    wished: bool = field(default=False, init=False)
    _overdue: float = field(default=0.0, init=False)
    _retried: bool = field(default=False, init=False)
    _resorted: bool = field(default=False, init=False)
    _remembered: list[tuple[str, float, Any]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.created = self.desk.clock.now()
        trial = self.standing.trial
        self.route, self.mode = self.standing.route, self.standing.effective
        if trial is not None and self.standing.is_on and trial.publishes(self.key):
            self.arm = "candidate"
            self.route, self.mode = self.standing.candidate or self.route, trial.mode

    def run(self) -> Decision:
        """Answer, at the latest when the timetable says so."""
        self.task = arms.task_of(self.route, self.problem)
        self._ask_fallback(self.desk.seat(FALLBACK))
        self._do(self._begin)
        while not self._is_over():
            with contextlib.suppress(queue.Empty):
                self._do(self.post.get(timeout=self._seconds_to_next_look()))
            self._look_at_clock()
        return self._concluded()

    def _do(self, step: Callable[[], None]) -> None:
        """Take a step of the primary's; what breaks there must not keep the fallback from it."""
        try:
            step()
        except Exception as error:
            log.exception("decision %s of route %s", self.id, self.route.name)
            self._left_course()
            self._primary_over(None, f"{type(error).__name__}: {error}")

    # The primary: the arm of the mode, or the classical one and the reason why.

    def _begin(self) -> None:
        if self.mode is not Mode.QUANTUM:
            is_off = not self.standing.is_on
            self._begin_arm(self.mode, "switched off" if is_off else f"the mode is {self.mode}")
            return
        objection = self._objection()
        self._begin_arm(Mode.QUANTUM if objection is None else Mode.CLASSICAL, objection or "")

    def _objection(self) -> str | None:
        """Why the quantum step cannot be ordered, whatever the instance; None if it can."""
        try:
            arm = arms.arm_for(self.route, Mode.QUANTUM)
            if arm is None or not arms.goes_out(self.route, arm):
                return None
        except InputError as error:  # a version before this one, or a solver that is gone
            return str(error)
        if self.desk.offline:
            self.wished = True
            return "offline: it will be ordered when this machine is connected again"
        if self.unsure:
            self.wished = True
            return self.unsure
        return missing_gate(self.route, arm, self.standing.gates)

    def _begin_arm(self, mode: Mode, why_not_quantum: str = "") -> None:
        """Begin with the arm of a mode; where there is none the fallback answers alone."""
        self.quantum = why_not_quantum
        try:
            arm = arms.arm_for(self.route, mode)
            if arm is None:
                self._primary_over(None, why_not_quantum or "the route has no classical arm")
                return
            seconds = max(self._budget(), LEAST_TO_BEGIN)
            task = arms.arm_task(self.task, self.route, arm, seconds)
            arms.contract_of(self.route).check_task(task)
        except (ContractError, InputError) as error:
            self.quantum = self.quantum or str(error)
            self._primary_over(None, str(error))
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
            trace=self.trace,
        )
        by_rules = self.wished and bool(self.route.profile.rules)
        wanted = (self.route.limits.input_drift is not None or by_rules) and not self.measures
        self.course.begin(survey=wanted, profile=mode is Mode.QUANTUM)

    def _arrived(self, arrival: Arrival) -> None:
        """Take what came of an arm; the classical one has its turn if it declined."""
        course = self._left_course()
        if arrival.declined and self.mode is Mode.QUANTUM and not self.quantum:
            if self._budget() > LEAST_TO_BEGIN:
                self._begin_arm(Mode.CLASSICAL, arrival.why)
                return
            self.quantum = arrival.why
        self._primary_over(arrival.record, arrival.why)
        if course is not None and not self.quantum:
            self.quantum = TRIED

    def _primary_over(self, record: Record | None, why: str) -> None:
        self.primary.record, self.primary.why, self.primary.over = record, why, True
        if record is not None and not self.primary.answered:
            self.primary.why = record.why

    def _left_course(self) -> ArmCourse | None:
        """Leave the course under way, and remember its job."""
        course, self.course = self.course, None
        if course is not None:
            course.over.set()
            self.job = course.job or self.job
        return course

    # The fallback: once, once more if its worker was lost, then the last resort.

    def _ask_fallback(self, seat: Seat) -> None:
        self._overdue = overdue(time.monotonic(), self.route.fallback_seconds)
        self._ask(seat, self.task, self._fell_back)

    def _ask(self, seat: Seat, task: Task, then: Callable[[Record], None]) -> None:
        """Have a seat attempt a task, and act on its record when the post is emptied."""
        seat.ask(
            task,
            lambda record: self.post.put(lambda: then(record)),
            preparation=max(self._budget(), LEAST_TO_BEGIN),
        )

    def _fell_back(self, record: Record) -> None:
        if self.fallback.answered:
            return
        self.fallback.record, self.fallback.why = record, record.why
        if self.fallback.answered:
            self.fallback.over = True
            return
        lost = record.status in {Status.FAILED, Status.KILLED}
        enough = self._budget() > 2 * self.route.fallback_seconds
        if lost and enough and not self._retried:
            self._retried = True
            self._ask_fallback(self.desk.free_seat() or self.desk.seat(FALLBACK))
            return
        self._ask_last_resort()

    def _ask_last_resort(self) -> None:
        """Have an answer built without a search: by a free worker, and in this process too.

        The second needs nobody, so it is there even if no process can be started any more.
        """
        if self._resorted:
            self.fallback.over = self.resort.over
            return
        self._resorted, self._overdue = True, math.inf
        self.desk.thinker.leave(self._think)
        seat, seconds = self.desk.free_seat(), self._budget()
        if seat is None or seconds < LEAST_TO_BEGIN:
            return
        task = arms.construct_task(self.task, min(seconds, 2 * self.route.fallback_seconds))
        self._ask(seat, task, self._constructed)

    def _constructed(self, record: Record) -> None:
        if not self.resort.answered:
            self.resort.record, self.resort.why = record, record.why

    def _think(self) -> None:
        """In a thread aside: judge earlier answers by this instance's data, and build one."""
        for solution in self.desk.earlier_solutions(self.route.name, self.task.problem_hash):
            with contextlib.suppress(QupelError, ValueError, LookupError, TypeError):
                answer = self.problem.read_answer(solution)
                judgement = self.problem.judge(answer)
                if judgement.feasible:
                    self._remembered.append((solution, float(judgement.objective), answer))
                    break
        task = arms.construct_task(self.task, max(self._budget(), LEAST_TO_BEGIN))
        found = attempt(task, problem=self.problem)
        self.post.put(lambda: self._constructed(found))
        self.post.put(self._thought)

    def _thought(self) -> None:
        """Nothing more comes from the thread aside."""
        self.resort.over = True

    # The clock.

    def _budget(self) -> float:
        """Longest budget of an attempt begun now."""
        return self.timetable.budget(time.monotonic())

    def _is_over(self) -> bool:
        if time.monotonic() >= self.timetable.answer_by:
            return True
        return self.primary.over and (self.fallback.over or self.resort.over)

    def _seconds_to_next_look(self) -> float:
        now = time.monotonic()
        return max(0.0, min(self.timetable.answer_by, self._overdue) - now)

    def _look_at_clock(self) -> None:
        if time.monotonic() >= self._overdue and not self.fallback.over:
            self.fallback.why = self.fallback.why or "its worker did not come back"
            self._ask_last_resort()

    # The answer.

    def _concluded(self) -> Decision:
        """Choose by the judge's findings, and write the decision down."""
        if not self.primary.over:
            course = self._left_course()
            passed = time.monotonic() - self.timetable.begun
            self.primary.why = f"no answer within {passed:.3g} s"
            if self.mode is Mode.QUANTUM and not self.quantum and course is not None:
                self.quantum = TRIED if course.tried else "no time was left to try it"
        answerer, why = self._chosen()
        objective, answer, solution = self._answer_of(answerer)
        decision = Decision(
            id=self.id,
            route=self.route.name,
            version=self.route.version,
            key=self.key,
            mode=self.mode,
            answered_by=answerer,
            why=why,
            quantum=self.quantum,
            objective=objective,
            feasible=answerer is not Answerer.NOBODY,
            answer=answer,
            solution=solution,
            seconds=time.monotonic() - self.timetable.begun,
            deadline_seconds=self.route.deadline_seconds,
            created=self.created,
            problem_hash=self.task.problem_hash,
            measures=self.measures,
            primary=self.primary.record,
            fallback=self.fallback.record,
            job=self.job,
            arm=self.arm,
            source=self.source,
        )
        left = max(LEAST_TO_KEEP, self.timetable.deadline - time.monotonic() - 0.02)
        return self.desk.keep(decision, self._wish(), left)

    def _chosen(self) -> tuple[Answerer, str]:
        """Who answers, and why not the primary."""
        primary, fallback = self.primary, self.fallback
        if primary.answered and fallback.answered and self._is_better(fallback, primary):
            return Answerer.FALLBACK, (
                f"the judge finds the fallback's answer better: {fallback.objective:g} against "
                f"{primary.objective:g}"
            )
        if primary.answered:
            return Answerer.PRIMARY, ""
        why = primary.why or "there was no primary"
        if fallback.answered:
            return Answerer.FALLBACK, why
        why = f"{why}; the fallback: {fallback.why or 'no answer in time'}"
        if self._remembered and not self._is_worse_than_resort():
            return Answerer.LAST_KNOWN, why
        if self.resort.answered:
            return Answerer.LAST_RESORT, why
        return Answerer.NOBODY, f"{why}; the last resort: {self.resort.why or 'none in time'}"

    def _is_worse_than_resort(self) -> bool:
        """Whether what was built is better than an answer that went out before."""
        if not self.resort.answered:
            return False
        turn = 1.0 if self.problem.sense == "min" else -1.0
        return turn * (self.resort.objective - self._remembered[0][1]) < 0

    def _is_better(self, one: Side, other: Side) -> bool:
        turn = 1.0 if self.problem.sense == "min" else -1.0
        return turn * (one.objective - other.objective) < 0

    def _answer_of(self, answerer: Answerer) -> tuple[float | None, Any, str]:
        if answerer is Answerer.NOBODY:
            return None, None, ""
        if answerer is Answerer.LAST_KNOWN:
            from qupel.runs.description import plain

            solution, objective, answer = self._remembered[0]
            return objective, plain(answer), solution
        sides = {
            Answerer.PRIMARY: self.primary,
            Answerer.FALLBACK: self.fallback,
            Answerer.LAST_RESORT: self.resort,
        }
        record = sides[answerer].record
        assert record is not None  # noqa: S101  it answered
        return record.objective, record.answer, record.solution

    def _wish(self) -> Mapping[str, Any] | None:
        """What is needed to order the quantum step later, where it could not be now."""
        if not self.wished or self.route.profile.objection(self.measures) is not None:
            return None
        return {"family": self.task.family, "document": dict(self.task.problem)}
