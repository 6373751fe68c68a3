"""The rescue of a decision: its fallback, once and once more, and then the last resort."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from qupel.errors import QupelError
from qupel.problems.contract import Problem
from qupel.runs.attempt import attempt
from qupel.runs.errand import Errand
from qupel.runs.record import Record, Status
from qupel.runs.routes import arms
from qupel.runs.routes.choosing import Answer, Found
from qupel.runs.routes.course import Post
from qupel.runs.routes.desk import FALLBACK, Desk
from qupel.runs.routes.route import Route
from qupel.runs.routes.seats import Seat
from qupel.runs.routes.timetable import overdue
from qupel.runs.task import Task

log = logging.getLogger("qupel.routes")

#: Seconds below which an attempt is not begun.
LEAST = 0.1
#: Share of the deadline after which a fallback is late, and a last resort is thought of beside.
THINK_SHARE = 0.25
#: Share of the deadline for which a last resort is waited for before anything else is begun.
BUILD_SHARE = 0.25


@dataclass(slots=True, eq=False)
class Rescue:
    """Begins with the decision, whatever the primary does, so that an answer is there in time.

    Attributes
    ----------
    desk, route
        Where it works, and for whom.
    problem
        What is to be decided.
    found
        Where it writes what came back.
    seconds
        Tells how long an attempt begun now may take.
    post
        Takes what is to be done next.
    """

    desk: Desk
    route: Route
    problem: Problem[Any]
    found: Found
    seconds: Callable[[], float]
    post: Post
    task: Task = field(init=False)
    overdue: float = field(default=math.inf, init=False)
    _late: float = field(default=math.inf, init=False)
    _retried: bool = field(default=False, init=False)
    _resorted: bool = field(default=False, init=False)
    _thinks: bool = field(default=False, init=False)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.found.fallback.over or (self._resorted and self.found.resort.over)

    def build(self) -> None:
        """Have the last resort built from the problem itself, and wait a little for that.

        It costs next to nothing beside the document of a large problem, and whatever the machine
        does after that, there is an answer.
        """
        building = Errand(self._build, "last resort")
        try:
            building.begin()
        except RuntimeError as error:  # no thread can be started; a worker may be free later
            self.found.resort.why = str(error)
            return
        building.done.wait(BUILD_SHARE * self.route.deadline_seconds)

    def _build(self) -> None:
        task = arms.built_task(self.route, self.problem, max(self.seconds(), LEAST))
        record = attempt(task, problem=self.problem)
        self.post(lambda: self._found(record))

    def begin(self, task: Task) -> None:
        """Have the fallback attempted, by its task, which holds the problem."""
        self.task = task
        self._late = time.monotonic() + THINK_SHARE * self.route.deadline_seconds
        self._ask_fallback(self.desk.seat(FALLBACK))

    @property
    def next_look(self) -> float:
        """Reading of the monotonic clock when to look again."""
        return self.overdue if self._thinks else min(self.overdue, self._late)

    def look(self) -> None:
        """Think of a last resort if the fallback is late; give it up if its worker is overdue."""
        self._do(self._look)

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._late and not self.found.fallback.over:
            self._begin_to_think()
        if now >= self.overdue and not self.found.fallback.over:
            self.found.fallback.why = self.found.fallback.why or "its worker did not come back"
            self._ask_last_resort()

    def _ask_fallback(self, seat: Seat) -> None:
        self.overdue = overdue(time.monotonic(), self.route.fallback_seconds)
        self._ask(seat, self.task, self._fell_back)

    def _ask(self, seat: Seat, task: Task, then: Callable[[Record], None]) -> None:
        """Have a seat attempt a task, and act on its record when the post is emptied."""
        seat.ask(
            task,
            lambda record: self.post(lambda: self._do(lambda: then(record))),
            preparation=max(self.seconds(), LEAST),
        )

    def _do(self, step: Callable[[], None]) -> None:
        """Take a step; what breaks there is the fallback's end, and nothing of the primary's."""
        try:
            step()
        except Exception as error:
            log.exception("the rescue of a decision of route %s", self.route.name)
            side = self.found.fallback
            side.why = side.why or f"{type(error).__name__}: {error}"
            with contextlib.suppress(Exception):  # it has begun to think before it asks anybody
                self._ask_last_resort()

    def _fell_back(self, record: Record) -> None:
        side = self.found.fallback
        if side.answered:
            return
        side.record, side.why = record, record.why
        if side.answered:
            side.over = True
            return
        lost = record.status in {Status.FAILED, Status.KILLED}
        enough = self.seconds() > 2 * self.route.fallback_seconds
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
            self.found.fallback.over = self.found.resort.over
            return
        self._resorted, self.overdue = True, math.inf
        self._begin_to_think()
        seat, seconds = self.desk.free_seat(), self.seconds()
        if seat is None or seconds < LEAST:
            self.found.resort.over |= not self._thinks
            return
        task = arms.construct_task(self.task, min(seconds, 2 * self.route.fallback_seconds))
        self._ask(seat, task, self._constructed)

    def _begin_to_think(self) -> None:
        if self._thinks:
            return
        self._late = math.inf
        try:
            self.desk.thinker.leave(self._think)
        except RuntimeError as error:  # no thread can be started; tried again when it is needed
            self.found.resort.why = str(error)
        else:
            self._thinks = True

    def _constructed(self, record: Record) -> None:
        self._found(record)
        self.found.resort.over |= not self._thinks  # then nobody else is at it

    def _found(self, record: Record) -> None:
        side = self.found.resort
        if not side.answered:
            side.record, side.why = record, record.why

    def _think(self) -> None:
        """In a thread aside: judge earlier answers by this instance's data, and build one."""
        try:
            self._think_of_answers()
        finally:
            self.post(self._thought)

    def _think_of_answers(self) -> None:
        for solution in self.desk.earlier_solutions(self.route.name, self.task.problem_hash):
            with contextlib.suppress(QupelError, ValueError, LookupError, TypeError):
                answer = self.problem.read_answer(solution)
                judgement = self.problem.judge(answer)
                if judgement.feasible:
                    known = Answer.earlier(float(judgement.objective), answer, solution)
                    self.found.remembered.append(known)
                    break
        if not self.found.resort.answered:
            self._build()

    def _thought(self) -> None:
        """Nothing more comes from the thread aside."""
        self.found.resort.over = True
