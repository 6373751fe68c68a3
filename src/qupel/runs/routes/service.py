"""Routes in force: deployed, decided by, switched, watched, and brought up to date."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
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
from qupel.runs.approvals import approve
from qupel.runs.database import Database
from qupel.runs.description import family_name
from qupel.runs.ledger.retry import Patience
from qupel.runs.record import Record
from qupel.runs.routes import arms, deploying, late
from qupel.runs.routes.beside import Beside
from qupel.runs.routes.book import TRIAL, Event
from qupel.runs.routes.deciding import Deciding
from qupel.runs.routes.decision import Decision, Kept
from qupel.runs.routes.desk import QUICK, Desk
from qupel.runs.routes.health import Health
from qupel.runs.routes.late import CaughtUp
from qupel.runs.routes.orders import Ordered
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.standing import Standing, Trial
from qupel.runs.routes.timetable import Timetable
from qupel.runs.routes.watching import health_of, watch
from qupel.runs.telemetry import logs, traces


@dataclass(frozen=True, slots=True)
class Status:
    """How a route stands and how it is doing.

    Attributes
    ----------
    standing
        Version, mode, switch and trial.
    health
        Rates and drift over the last window.
    decisions, unjudged
        Decisions of the version, and how many of its quantum results are still awaited.
    """

    standing: Standing
    health: Health
    decisions: int
    unjudged: int

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            **self.summary(),
            "standing": self.standing.to_json(),
            "health": self.health.document(),
        }

    def summary(self) -> dict[str, Any]:
        """What is worth a line each."""
        standing, health = self.standing, self.health
        route, trial = standing.route, standing.trial
        return {
            "version": route.version,
            "owner": route.owner,
            "mode": str(standing.mode),
            "quantum step": "on" if standing.is_on else "off",
            "trial": "" if trial is None else f"{trial.mode}, share {trial.share:g}",
            "gates": ", ".join(standing.gates),
            "approved by": ", ".join(standing.approved_by),
            "decisions": self.decisions,
            "results awaited": self.unjudged,
            "on time": health.on_time,
            "promised": route.slo.on_time,
            "fallback rate": health.fallback_rate,
            "timeout rate": health.timeout_rate,
            "gain over the fallback": health.gain,
            "breaches": "; ".join(health.breaches),
        }


@dataclass(frozen=True, slots=True)
class DeployedRoute:
    """A route by its name; what it says is looked up anew for each decision.

    Attributes
    ----------
    name
        Of the route.
    routes
        Where it is deployed.
    """

    name: str
    routes: Routes = field(repr=False)

    def decide(self, problem: Problem[Any], *, key: str = "", source: str = "") -> Decision:
        """Answer by the route's deadline, whatever becomes of its quantum step.

        Parameters
        ----------
        problem
            An instance of the route's family.
        key
            The caller's name of the decision, by which a trial is split; random if empty.
        source
            Where the problem came from, for its lineage: a file with its hash, say.

        Returns
        -------
        The decision, written down. Where not even a last resort answered, it says so:
        ``answered_by`` is then ``nobody``.

        Raises
        ------
        InputError
            If no such route is deployed, or the problem is of another family.
        """
        return self.routes.decide(self.name, problem, key=key, source=source)

    def late(self, decision_id: str) -> Record | None:
        """Return what the quantum step came to after its decision; None if nothing (yet)."""
        return self.routes.late(decision_id)

    def off(self, *, who: str, why: str) -> None:
        """Switch the quantum step off, from the next decision on."""
        self.routes.change(self.name, "off", who=who, why=why, is_on=False)

    def on(self, *, who: str, why: str) -> None:
        """Switch the quantum step on again."""
        self.routes.change(self.name, "on", who=who, why=why, is_on=True)

    def set_mode(self, mode: Mode | str, *, who: str, why: str) -> None:
        """Answer in another mode, from the next decision on; `InputError` if it has no arm."""
        self.routes.set_mode(self.name, Mode(mode), who=who, why=why)

    def rollback(self, *, who: str, why: str) -> str:
        """Put the version before this one in force again, and return its hash."""
        return self.routes.roll_back(self.name, who=who, why=why)

    def shadow(self, candidate: Mode | Route | str, *, who: str, share: float = 0.0) -> None:
        """Run a candidate beside; its answers go out for a share of the decisions.

        Parameters
        ----------
        candidate
            Another mode of the version in force, or another version of the route.
        share
            0 for a shadow: what goes out stays as it is. Above 0 for an A/B trial, split by the
            decisions' keys.
        """
        self.routes.try_beside(self.name, candidate, who=who, share=share)

    def end_trial(self, *, who: str, why: str) -> None:
        """End the trial under way."""
        self.routes.change(self.name, "trial", who=who, why=why, trial="null")

    def pairs(self) -> list[tuple[Decision, Record]]:
        """Decisions of trials with the record of the arm that did not answer them."""
        return self.routes.desk.book().outcomes(self.name, TRIAL)

    def status(self) -> Status:
        """How the route stands and how it is doing."""
        return self.routes.status(self.name)

    def history(self) -> list[Event]:
        """What happened to the route, the oldest first."""
        return self.routes.desk.book().events(self.name)


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

    def _judge(self, ordered: Ordered) -> None:
        late.judge_over(self.desk, ordered)

    def __enter__(self) -> Self:
        with contextlib.suppress(QupelError):  # without a database workers begin bare
            self.desk.preload = self.desk.clerk.ask(self._modules, WARMING)
        self.desk.warm()
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
        book = self.desk.book()
        found = (arms.modules_of(book.standing(name).route) for name in book.names())
        return tuple(sorted(set().union(*found)))

    def names(self) -> list[str]:
        """Names of all deployed routes."""
        return self.desk.book().names()

    def deploy(
        self,
        route: Route,
        sample: Problem[Any],
        *,
        who: str,
        why: str = "",
        mode: Mode | str | None = None,
    ) -> str:
        """Try a route on a sample and put it in force; return its version.

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
        book, ledger, now = self.desk.book(), self.desk.ledger(), self.clock.now
        deploying.check(route, {account.name for account in ledger.accounts()})
        chosen = arms.mode_of(route) if mode is None else Mode(mode)
        arms.arm_for(route, chosen)
        attempt = self.desk.attempt
        shown = [deploying.try_fallback(route, sample, attempt)]
        deploying.check_profile(route, sample, attempt)
        simulated = deploying.try_simulator(route, sample, attempt, ledger)
        shown += [] if simulated is None else [simulated]
        book.add_version(route, at=now())
        for trial in shown:
            book.pass_gate(route.version, trial.gate, who=who, detail=trial.detail, at=now())
        book.deploy(route, mode=chosen, who=who, why=why, at=now())
        self.desk.remember(book.standing(route.name))
        if self.desk.is_staffed:
            self.warm(route, sample)
        return route.version

    def warm(self, route: Route, sample: Problem[Any]) -> None:
        """Have this process's workers ready for a route, so that no decision waits for imports."""
        for task in arms.warming_tasks(route, sample):
            self.desk.warm_up(task)

    def approve(self, version: str, *, who: str, why: str) -> None:
        """Approve a version for hardware; its owner cannot."""
        book = self.desk.book()
        route = book.version(version)
        at = self.clock.now()
        approve(book.database, route.version, owner=route.owner, who=who, why=why, at=at)

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
        opened = traces.open_decision(name, self.clock.now())
        trace = "" if opened is None else opened.name
        deciding = Deciding(self.desk, standing, unsure, problem, key, timetable, trace, source)
        decision = deciding.run()
        self.desk.went_out(decision)
        if opened is not None or logs.is_on():
            self.desk.teller.leave(lambda: _tell(decision, opened))
        if decision.kept is Kept.DATABASE:
            hashed, task = decision.problem_hash, deciding.task  # the data, so that it repeats
            self.desk.teller.leave(
                lambda: self.desk.book().keep_input(hashed, task.family, task.problem)
            )
            self.desk.clerk.leave(lambda: watch(self.desk.book(), name, at=self.clock.now()))
            self.beside.begin(standing, decision, problem, trace)
        return decision

    def late(self, decision_id: str) -> Record | None:
        """Return what a quantum step came to after its decision; None if nothing (yet)."""
        decision = self.desk.book().decision(decision_id)
        return late.judged(self.desk, decision)

    def catch_up(self) -> CaughtUp:
        """Take the spool over, order what was wished, and judge what came late."""
        return late.catch_up(self.desk)

    def change(self, name: str, kind: str, *, who: str, why: str, **row: Any) -> None:
        """Change how a route stands."""
        book = self.desk.book()
        book.change(name, kind, who=who, why=why, at=self.clock.now(), **row)
        self.desk.remember(book.standing(name))

    def set_mode(self, name: str, mode: Mode, *, who: str, why: str) -> None:
        """Set a route's mode."""
        arms.arm_for(self.desk.book().standing(name).route, mode)
        self.change(name, "mode", who=who, why=why or f"{mode}", mode=str(mode))

    def roll_back(self, name: str, *, who: str, why: str) -> str:
        """Put the version before in force again."""
        book = self.desk.book()
        version = book.roll_back(name, who=who, why=why, at=self.clock.now())
        self.desk.remember(book.standing(name))
        return version

    def try_beside(
        self, name: str, candidate: Mode | Route | str, *, who: str, share: float
    ) -> None:
        """Begin a trial."""
        import json

        book = self.desk.book()
        standing = book.standing(name)
        salt = f"{name} {self.clock.now()}"
        if isinstance(candidate, Route):
            book.add_version(candidate, at=self.clock.now())
            candidate = candidate.version
        if candidate in set(Mode):
            arms.arm_for(standing.route, Mode(candidate))
            trial = Trial(Mode(candidate), "", share, salt)
        else:
            other = book.version(str(candidate))
            trial = Trial(arms.mode_of(other), other.version, share, salt)
        why = f"{trial.mode} {trial.version[:12]} beside, share {share:g}".replace("  ", " ")
        held = json.dumps({**asdict(trial), "mode": str(trial.mode)})
        self.change(name, "trial", who=who, why=why, trial=held)

    def status(self, name: str) -> Status:
        """How a route stands and how it is doing."""
        book = self.desk.book()
        standing = book.standing(name)
        health = health_of(book, standing)
        made = book.count(name, standing.route.version)
        waiting = [d for d in book.open_jobs() if d.route == name]
        return Status(standing, health, made, len(waiting))


def _tell(decision: Decision, opened: traces.Opened | None) -> None:
    """Log and trace a decision that went out."""
    logs.say_decision(decision)
    if opened is not None:
        traces.tell_decision(opened, decision)


#: Seconds to ask how a route stands, before it goes on with what was known.
PATIENCE = 0.5
#: Seconds to learn which solvers workers will need.
WARMING = 5.0
#: Seconds to wait for the other arm of a trial when a process ends.
CLOSING = 30.0
