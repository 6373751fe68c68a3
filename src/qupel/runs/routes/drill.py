"""Drills: what a route does when the network, the provider or its region is lost, and after.

A drill works on a copy of the route, with a database, a budget and a provider of its own: the
provider is this machine's simulator behind a line that can be cut.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from qupel.backends import local
from qupel.backends.catalogue.tiers import tiers
from qupel.backends.contract import Backend, Capabilities, Estimate, JobStatus, Kind, Order, Result
from qupel.errors import InputError, RefusedError, TransientError
from qupel.problems.contract import Problem
from qupel.runs import approvals
from qupel.runs.database import Database
from qupel.runs.ledger.retry import Patience
from qupel.runs.routes import arms, gates
from qupel.runs.routes.decision import Decision, Kept
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.service import Routes

#: Decisions made during each loss.
DECISIONS = 2
#: A drill does not wait a minute until a breaker lets a probe through.
BRISK = Patience(first=0.1, longest=1.0, probe=0.5)
#: Seconds to wait for the last result once everything works again.
RECOVERY = 20.0


class Loss(StrEnum):
    """What is lost."""

    NETWORK = "network"  # neither database nor provider can be reached
    PROVIDER = "provider"  # it accepts orders, and answers no more
    REGION = "region"  # it answers that nobody is served there any more


@dataclass(slots=True, eq=False)
class Line:
    """A provider behind a line that can be cut: this machine's simulator.

    Attributes
    ----------
    provider, device
        Names of the provider that it stands for.
    machine
        What computes.
    lost
        What is lost at present; None for nothing.
    accepted
        Keys of orders that were accepted, each as often as it was.
    """

    provider: str
    device: str
    machine: Backend
    lost: Loss | None = None
    accepted: list[str] = field(default_factory=list)

    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.machine.capabilities()

    def estimate(self, order: Order) -> Estimate:
        """What an order will need."""
        return self.machine.estimate(order)

    def submit(self, order: Order) -> str:
        """Accept an order; a known key gives the first one's job."""
        if self.lost is Loss.REGION:
            raise RefusedError("the region is closed; nobody is served there any more")
        self._reach(Loss.NETWORK)
        job = self.machine.submit(order)
        self.accepted.append(order.key)
        return job

    def find(self, order: Order) -> list[str]:
        """Jobs that were accepted for the order's key."""
        self._reach(Loss.NETWORK, Loss.PROVIDER, Loss.REGION)
        return self.machine.find(order)

    def status(self, job: str) -> JobStatus:
        """Where a job stands."""
        self._reach(Loss.NETWORK, Loss.PROVIDER, Loss.REGION)
        return self.machine.status(job)

    def result(self, job: str, order: Order) -> Result:
        """Readings of a job."""
        self._reach(Loss.NETWORK, Loss.PROVIDER, Loss.REGION)
        return self.machine.result(job, order)

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        self._reach(Loss.NETWORK, Loss.PROVIDER, Loss.REGION)

    def check_network(self) -> None:
        """Refuse while the network is lost, as a database beyond it does."""
        self._reach(Loss.NETWORK)

    def _reach(self, *losses: Loss) -> None:
        if self.lost in losses:
            raise TransientError(f"nobody answers: the {self.lost} is lost")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What became of one loss.

    Attributes
    ----------
    what
        What was lost.
    answered_by
        Who answered meanwhile.
    on_time
        How many of the decisions had an answer by the deadline.
    decisions
        How many there were.
    seconds
        Of the slowest one.
    detected
        The reason that the decisions give.
    lost, doubled
        Decisions that are missing in the database afterwards, and orders accepted twice.
    recovered
        Whether the next decision after the loss was as before: by database and quantum step, or
        where the region stays closed by its fallback alone.
    late
        Quantum results that were judged after the loss.
    """

    what: Loss
    answered_by: str
    on_time: int
    decisions: int
    seconds: float
    detected: str
    lost: int
    doubled: int
    recovered: bool
    late: int

    @property
    def passed(self) -> bool:
        """Whether every decision was answered in time, and none was lost or doubled."""
        whole = self.on_time == self.decisions and not self.lost and not self.doubled
        return whole and self.recovered


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill showed."""

    route: str
    version: str
    losses: tuple[Lesson, ...]

    @property
    def passed(self) -> bool:
        """Whether all losses were borne."""
        return all(lesson.passed for lesson in self.losses)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "route": self.route,
            "version": self.version,
            "passed": self.passed,
            "losses": [
                {**asdict(lesson), "what": str(lesson.what), "passed": lesson.passed}
                for lesson in self.losses
            ],
        }


def drill(
    route: Route, problem: Problem[Any], losses: tuple[Loss, ...] = tuple(Loss)
) -> DrillReport:
    """Lose one thing after the other, decide meanwhile, and bring it back.

    Parameters
    ----------
    problem
        Decided over and over; it should fit the route's profile.

    Raises
    ------
    InputError
        If the route orders nothing from a provider.
    """
    arm = arms.arm_for(route, Mode.QUANTUM) if arms.mode_of(route) is Mode.QUANTUM else None
    if arm is None or not arms.goes_out(route, arm):
        raise InputError(
            f"route {route.name!r} orders nothing from a provider, so there is none to be lost"
        )
    copy = replace(route, tier=tiers().tiers[-1].name)
    return DrillReport(
        route.name, route.version, tuple(_lose(copy, problem, loss) for loss in losses)
    )


def _lose(route: Route, problem: Problem[Any], loss: Loss) -> Lesson:
    arm = arms.arm_for(route, Mode.QUANTUM)
    if arm is None:
        raise InputError(f"route {route.name!r} has no quantum arm")
    provider, _, device = arms.backend_of(route, arm).partition(":")
    line = Line(provider, device, _machine(arm.solver))
    with tempfile.TemporaryDirectory(prefix="qupel-drill-") as folder:
        place = Path(folder)
        with Database.open(place / "drill.db") as database:
            routes = Routes(
                database,
                backend=lambda name: line,
                lock=None,
                folder=place / "machine",
                patience=BRISK,
            )
            with routes:
                _put_in_force(routes, route)
                routes.warm(route, problem)
                routes.decide(route.name, problem)  # so that the standing is known here
                return _lesson(routes, route, problem, loss, line)


def _lesson(routes: Routes, route: Route, problem: Problem[Any], loss: Loss, line: Line) -> Lesson:
    line.lost = loss
    routes.desk.reach = line.check_network
    made = [routes.decide(route.name, problem) for _ in range(DECISIONS)]
    if loss is not Loss.REGION:
        line.lost = None
    caught_up = routes.catch_up()
    book = routes.desk.book()
    known = {decision.id for decision in book.decisions(route.name)}
    wanted = [decision for decision in made if book.decision(decision.id).is_open]
    if loss is not Loss.REGION:
        _wait(lambda: all(routes.late(decision.id) is not None for decision in wanted))
    after = routes.decide(route.name, problem)
    slowest = max(made, key=lambda decision: decision.seconds)
    late = [routes.late(decision.id) for decision in wanted]
    return Lesson(
        what=loss,
        answered_by=str(slowest.answered_by),
        on_time=sum(decision.on_time for decision in made),
        decisions=len(made),
        seconds=slowest.seconds,
        detected=_reason(slowest),
        lost=len({decision.id for decision in made} - known),
        doubled=len(line.accepted) - len(set(line.accepted)),
        recovered=after.on_time and after.kept is Kept.DATABASE and caught_up.failed == 0,
        late=sum(record is not None and record.feasible for record in late),
    )


def _reason(decision: Decision) -> str:
    return decision.why if decision.quantum == "tried" else decision.quantum


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + RECOVERY
    while not done() and time.monotonic() < until:
        time.sleep(0.05)


def _put_in_force(routes: Routes, route: Route) -> None:
    """Deploy without trying, with accounts of the drill's own."""
    roster, ledger, now = routes.desk.roster(), routes.desk.ledger(), routes.clock.now()
    for account in route.budget.accounts:
        ledger.set_budget(account)
    roster.add_version(route, at=now)
    for gate in (gates.FALLBACK, gates.SIMULATOR, approvals.APPROVAL):
        roster.pass_gate(route.version, gate, who="drill", detail="a drill", at=now)
    roster.deploy(route, mode=Mode.QUANTUM, who="drill", why="a drill", at=now)


def _machine(solver: str) -> Backend:
    """Device of this machine, of the kind that a hosted solver needs."""
    kind = Kind.ANNEALING if "anneal" in solver else Kind.CIRCUIT
    return local.open("annealer" if kind is Kind.ANNEALING else "statevector")
