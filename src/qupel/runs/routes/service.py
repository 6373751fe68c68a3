"""Routes in force: deployed, decided by, watched, trimmed, and brought up to date."""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qupel.backends.checks.locks import FileCanaries, Lock, canary_file
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend
from qupel.backends.registry import backend_named
from qupel.errors import InputError, QupelError
from qupel.model.home import home
from qupel.problems.contract import Problem
from qupel.runs.database import Database
from qupel.runs.description import family_name
from qupel.runs.ledger.retry import Patience
from qupel.runs.record import Record
from qupel.runs.routes import arms, deploying, late
from qupel.runs.routes.beside import Beside
from qupel.runs.routes.change import Change
from qupel.runs.routes.deciding import Deciding
from qupel.runs.routes.decision import Decision, Kept
from qupel.runs.routes.deployed import DeployedRoute
from qupel.runs.routes.desk import QUICK, Desk
from qupel.runs.routes.inputs import Trimmed
from qupel.runs.routes.late import CaughtUp
from qupel.runs.routes.orders import Ordered
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.switching import Switches
from qupel.runs.routes.timetable import Timetable
from qupel.runs.routes.watching import watch
from qupel.runs.telemetry import logs, spans, traces


@dataclass(slots=True, eq=False)
class Routes:
    """All routes of one database, and this process's means to decide by them.

    Use it as a context manager; workers are started when it is made, so that no decision waits
    for them::

        with Routes() as routes:
            routes.deploy(route, sample, who="Ada")
            decision = routes["cuts"].decide(problem)

    Attributes
    ----------
    where
        Database by path or URL, as `Database.open` takes it, or opened.
    clock
        Tells the time of day.
    backend
        Opens a backend by name.
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.
    offline
        Whether decisions are made without database and providers, on an edge node: they are
        spooled, and taken over by `catch_up` where there is a connection.
    folder
        Where the spool and the last known standings lie.
    patience
        How often the ledger asks providers.
    """

    where: Path | str | Database | None = None
    clock: Clock = field(default_factory=SystemClock)
    backend: Callable[[str], Backend] = backend_named
    lock: Lock | None = field(default_factory=lambda: Lock(FileCanaries(canary_file())))
    offline: bool = False
    folder: Path = field(default_factory=home)
    patience: Patience = QUICK
    desk: Desk = field(init=False, repr=False)
    beside: Beside = field(init=False, repr=False)
    switches: Switches = field(init=False, repr=False)
    _trim_at: float = field(default=-math.inf, init=False, repr=False)

    def __post_init__(self) -> None:
        self.desk = Desk(
            self.where,
            self.clock,
            self.backend,
            self.lock,
            self.offline,
            self.folder,
            patience=self.patience,
        )
        self.desk.on_over = self._judge
        self.beside = Beside(self.desk)
        self.switches = Switches(self.desk)

    def _judge(self, ordered: Ordered) -> None:
        late.judge_over(self.desk, ordered)

    def __enter__(self) -> Self:
        with contextlib.suppress(QupelError):  # without a database workers begin bare
            self.desk.preload = self.desk.clerk.ask(self._modules, WARMING)
        self.desk.warm()
        # Workers import while this process does: a first decision waits for neither.
        with contextlib.suppress(ImportError):
            for module in self.desk.preload:
                importlib.import_module(module)
        self.desk.wait_until_warm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End workers and threads; orders on their way stay in the ledger."""
        self.beside.wait(CLOSING)
        self.desk.close()

    def __getitem__(self, name: str) -> DeployedRoute:
        """Return a route by its name."""
        return DeployedRoute(name, self)

    def _modules(self) -> tuple[str, ...]:
        """Modules of the solvers of every route in force."""
        roster = self.desk.roster()
        found = (arms.modules_of(roster.standing(name).route) for name in roster.names())
        return tuple(sorted(set().union(*found)))

    def names(self) -> list[str]:
        """Names of all deployed routes."""
        return self.desk.roster().names()

    def deploy(
        self,
        route: Route,
        sample: Problem[Any],
        *,
        who: str,
        why: str = "",
        mode: Mode | str | None = None,
    ) -> Change:
        """Try a route on a sample and put it in force.

        Parameters
        ----------
        sample
            A typical instance; the fallback must answer it in its time, twice the same, and the
            quantum step must answer it on a simulator.
        mode
            Mode to begin in; that of the primary unless given.

        Raises
        ------
        InputError, ContractError
            If it cannot work, with the field and the remedy.
        """
        if family_name(sample) != route.family:
            raise InputError(f"sample: is a {family_name(sample)} instance, not {route.family}")
        roster, ledger, now = self.desk.roster(), self.desk.ledger(), self.clock.now
        deploying.check(route, {account.name for account in ledger.accounts()})
        chosen = arms.mode_of(route) if mode is None else Mode(mode)
        arms.arm_for(route, chosen)
        attempt = self.desk.attempt
        shown = [deploying.try_fallback(route, sample, attempt)]
        deploying.check_profile(route, sample, attempt)
        simulated = deploying.try_simulator(route, sample, attempt, ledger)
        shown += [] if simulated is None else [simulated]
        roster.add_version(route, at=now())
        for trial in shown:
            roster.pass_gate(route.version, trial.gate, who=who, detail=trial.detail, at=now())
        change = roster.deploy(route, mode=chosen, who=who, why=why, at=now())
        self.desk.remember(roster.standing(route.name))
        if self.desk.is_staffed:
            self.warm(route, sample)
        return change

    def warm(self, route: Route, sample: Problem[Any]) -> None:
        """Have this process's workers ready for a route, so that no decision waits for imports."""
        for task in arms.warming_tasks(route, sample):
            self.desk.warm_up(task)

    def approve(self, version: str, *, who: str, why: str) -> Change:
        """Approve a version for hardware; its owner cannot.

        It holds while no other version is put in force in its place: a newer one, or one that is
        rolled back to, needs an approval of its own.
        """
        return self.switches.approve(version, who=who, why=why)

    def decide(
        self, name: str, problem: Problem[Any], *, key: str = "", source: str = ""
    ) -> Decision:
        """Answer by a route's deadline; see `DeployedRoute.decide`."""
        begun = time.monotonic()
        standing, unsure = self.desk.standing(name, PATIENCE)
        if family_name(problem) != standing.route.family:
            raise InputError(
                f"route {name!r} decides {standing.route.family}, not {family_name(problem)}"
            )
        timetable = Timetable.of(begun, standing.route.deadline_seconds)
        opened = spans.open_decision(name, self.clock.now())
        trace = "" if opened is None else opened.name
        deciding = Deciding(self.desk, standing, unsure, problem, key, timetable, trace, source)
        decision = deciding.run()
        self.desk.went_out(decision)
        if opened is not None or logs.is_on():
            self.desk.teller.leave(lambda: _tell(decision, opened))
        if decision.kept is Kept.DATABASE:
            self.desk.teller.leave(lambda: self._keep_input(deciding, decision))
            self.desk.clerk.leave(
                lambda: watch(self.desk.database(), decision, at=self.clock.now())
            )
            self.beside.begin(standing, decision, problem, trace)
        return decision

    def _keep_input(self, deciding: Deciding, decision: Decision) -> None:
        """Keep the data of a decision, so that it can be repeated; now and then trim the old."""
        task = deciding.writing.outcome(WRITING)
        at, hashed = decision.created, task.problem_hash
        self.desk.inputs().keep(hashed, task.family, task.problem, at=at)
        if not decision.problem_hash:  # the answer went out before it was known
            self.desk.book().set_problem(decision.id, hashed)
        if time.monotonic() > self._trim_at:
            self._trim_at = time.monotonic() + TRIM_SECONDS
            self.trim()

    def late(self, decision_id: str) -> Record | None:
        """Return what a quantum step came to after its decision; None if nothing (yet)."""
        decision = self.desk.book().decision(decision_id)
        return late.judged(self.desk, decision)

    def catch_up(self) -> CaughtUp:
        """Take the spool over, order what was wished, and judge what came late."""
        return late.catch_up(self.desk)

    def trim(self, *, dry: bool = False) -> Trimmed:
        """Delete data of problems that were kept for longer than their routes say (`keep_days`).

        Parameters
        ----------
        dry
            Whether they are only counted.
        """
        roster = self.desk.roster()
        kept = {name: roster.standing(name).route.keep_days for name in roster.names()}
        days = {name: limit for name, limit in kept.items() if limit is not None}
        return self.desk.inputs().trim(days, now=self.clock.now(), dry=dry)


def _tell(decision: Decision, opened: traces.Opened | None) -> None:
    """Log and trace a decision that went out."""
    logs.say_decision(decision)
    if opened is not None:
        spans.tell_decision(opened, decision)


#: Seconds to ask how a route stands, before it goes on with what was known.
PATIENCE = 0.5
#: Seconds to learn which solvers workers will need.
WARMING = 5.0
#: Seconds to wait for a large problem to be written down, after its answer has gone out.
WRITING = 60.0
#: Seconds between two looks of a process for data that nobody keeps any more.
TRIM_SECONDS = 3600.0
#: Seconds to wait for the other arm of a trial when a process ends.
CLOSING = 30.0
