"""Trials: the other arm of a decision, at work beside it, after the answer went out."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from qupel.errors import QupelError
from qupel.problems.contract import Problem
from qupel.runs.record import Record, Status
from qupel.runs.routes import arms
from qupel.runs.routes.book import TRIAL
from qupel.runs.routes.course import ArmCourse, Arrival
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.desk import BESIDE, Desk
from qupel.runs.routes.gates import missing_gate
from qupel.runs.routes.route import Arm, Mode, Route
from qupel.runs.routes.standing import Standing
from qupel.runs.slot import grace_seconds
from qupel.runs.task import Task

log = logging.getLogger("qupel.routes")

#: What the names of orders of a trial end with.
ROLE = "-trial"


@dataclass(slots=True, eq=False)
class Beside:
    """Runs the arm that did not answer, and keeps its record with the decision.

    A quantum step that outlasts the deadline is followed like any other and judged when it is
    over.

    Attributes
    ----------
    desk
        What it works with.
    """

    desk: Desk
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def begin(
        self, standing: Standing, decision: Decision, problem: Problem[object], trace: str = ""
    ) -> None:
        """Begin with the other arm of a trial; skipped while an earlier one is at work.

        Parameters
        ----------
        trace
            Name of the decision's span, empty if none is kept.
        """
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if standing.trial is None or not standing.is_on:
            return
        if self._threads:
            log.warning("decision %s: the other arm was skipped, one is at work", decision.id)
            return
        thread = threading.Thread(
            target=self._run,
            args=(standing, decision, problem, trace),
            name="qupel-beside",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for those at work, so long at most."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(
        self, standing: Standing, decision: Decision, problem: Problem[object], trace: str
    ) -> None:
        with contextlib.suppress(QupelError, OSError):
            record = self._attempted(standing, decision, problem, trace)
            if record is not None:
                at = self.desk.clock.now()
                self.desk.book().keep_outcome(decision.id, TRIAL, record, at=at)

    def _attempted(
        self, standing: Standing, decision: Decision, problem: Problem[object], trace: str
    ) -> Record | None:
        """Return the other arm's record; None if it is on its way to a provider."""
        route, mode = _other(standing, decision)
        arm = arms.arm_for(route, mode) or route.fallback
        return self._ended(route, arm, mode, arms.task_of(route, problem), decision, trace)

    def _ended(
        self, route: Route, arm: Arm, mode: Mode, task: Task, decision: Decision, trace: str
    ) -> Record | None:
        post: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        arrivals: list[Arrival] = []
        ends = time.monotonic() + route.deadline_seconds
        course = ArmCourse(
            desk=self.desk,
            seat=self.desk.seat(BESIDE),
            route=route,
            arm=arm,
            task=task,
            decision=decision.id,
            created=decision.created,
            seconds=lambda: max(0.0, ends - time.monotonic()),
            post=post.put,
            done=arrivals.append,
            measured=lambda found: None,
            closed=lambda: missing_gate(route, arm, self.desk.roster().gates(route.version)),
            role=ROLE,
            trace=trace,
        )
        course.begin(survey=False, profile=mode is Mode.QUANTUM)
        patience = ends + grace_seconds(route.deadline_seconds) + 1.0
        while not arrivals and (left := patience - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                post.get(timeout=left)()
        course.over.set()
        if course.planned and (not arrivals or arrivals[0].record is None):
            return None  # followed, and judged when it is over
        arrival = arrivals[0] if arrivals else Arrival(None, "no answer in the route's time")
        if arrival.record is not None:
            return replace(arrival.record, arm=str(mode))
        return task.record(Status.REFUSED, why=arrival.why, solver=arm.description)


def _other(standing: Standing, decision: Decision) -> tuple[Route, Mode]:
    """Route and mode of the arm that did not answer."""
    trial = standing.trial
    if trial is None or decision.arm == "candidate":
        return standing.route, standing.effective
    return standing.candidate or standing.route, trial.mode
