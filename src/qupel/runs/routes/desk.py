"""The desk: what this process holds ready for decisions: workers, database, ledger, followers."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qupel.backends.checks.locks import FileCanaries, Lock, canary_file
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend
from qupel.backends.registry import backend_named
from qupel.errors import InputError, QupelError, TransientError
from qupel.model.home import home
from qupel.runs.database import Database
from qupel.runs.ledger.jobs import Job
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.retry import Patience
from qupel.runs.pool import PREPARATION
from qupel.runs.record import Record
from qupel.runs.routes import gates
from qupel.runs.routes.aside import Aside
from qupel.runs.routes.book import Book
from qupel.runs.routes.decision import Decision, Kept
from qupel.runs.routes.inputs import Inputs
from qupel.runs.routes.orders import Follower, Ordered
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.seats import Seat
from qupel.runs.routes.spool import Spool
from qupel.runs.routes.standing import Standing
from qupel.runs.task import Task
from qupel.runs.telemetry.listening import Listening

log = logging.getLogger("qupel.routes")

#: Seats by what they are for; any that is free comes to the fallback's rescue.
FALLBACK, PRIMARY, BESIDE = "fallback", "primary", "beside"
#: A decision waits for its result, so the first questions come sooner than usual.
QUICK = Patience(first=0.1)
#: Seconds to wait for the database before a decision goes on without it, at most.
PATIENCE = 1.0
#: Answers of a route that a process remembers.
EARLIER = 3
#: Seconds to ask the database for further ones.
EARLIER_SECONDS = 0.2


@dataclass(slots=True, eq=False)
class Desk:
    """Whatever may hang is asked for aside, and for a limited time.

    Attributes
    ----------
    where
        Database by path or URL, as `Database.open` takes it; opened when it is first needed.
    clock
        Tells the time of day; deadlines are measured on the system's monotonic clock.
    backend
        Opens a backend by name.
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.
    offline
        Whether this process must not use the database, nor order anything: an edge node.
    folder
        Where the spool and the last known standings lie.
    preload
        Modules that workers import before they are forked.
    patience
        How often the ledger asks providers.
    reach
        Called before the database is used; raises where it cannot be reached. For drills.
    """

    where: Path | str | Database | None = None
    clock: Clock = field(default_factory=SystemClock)
    backend: Callable[[str], Backend] = backend_named
    lock: Lock | None = field(default_factory=lambda: Lock(FileCanaries(canary_file())))
    offline: bool = False
    folder: Path = field(default_factory=home)
    preload: tuple[str, ...] = ()
    patience: Patience = QUICK
    reach: Callable[[], None] = lambda: None
    clerk: Aside = field(init=False, repr=False)
    thinker: Aside = field(init=False, repr=False)
    teller: Aside = field(init=False, repr=False)
    spool: Spool = field(init=False, repr=False)
    on_over: Callable[[Ordered], None] = field(init=False, repr=False)
    _seats: dict[str, Seat] = field(default_factory=dict, init=False, repr=False)
    _database: Database | None = field(default=None, init=False, repr=False)
    _opening: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _hiring: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _is_closed: bool = field(default=False, init=False, repr=False)
    _followers: dict[str, Follower] = field(default_factory=dict, init=False, repr=False)
    _known: dict[str, Standing] = field(default_factory=dict, init=False, repr=False)
    _went_out: dict[str, deque[str]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.clerk = Aside("qupel-clerk")
        self.thinker = Aside("qupel-thinker")
        self.teller = Aside("qupel-teller")  # whoever reads the log may hang, too
        self.spool = Spool(self.folder / "spool" / "decisions.jsonl")
        self.on_over = lambda ordered: None
        if isinstance(self.where, Database):
            self._database = self.where

    def close(self) -> None:
        """End workers and threads; jobs on their way stay in the ledger."""
        with self._opening:
            followers = list(self._followers.values())
        for follower in followers:
            follower.close()
        self.clerk.close(5.0)
        self.thinker.close(0.1)
        self.teller.close(5.0)
        with self._hiring:
            self._is_closed, seats = True, list(self._seats.values())
        for seat in seats:
            seat.close()
        if self._database is not None and self._database is not self.where:
            self._database.close()

    def seat(self, role: str) -> Seat:
        """Seat of a role, its worker being started if there was none.

        Raises
        ------
        TransientError
            If the desk is closed: what is left to do is done by whoever comes next.
        """
        with self._hiring:
            if self._is_closed:
                raise TransientError("no worker is hired by a desk that is closed")
            if role not in self._seats:
                self._seats[role] = Seat(self.preload)
            return self._seats[role]

    def free_seat(self) -> Seat | None:
        """Any seat that has nothing to do, the fallback's first."""
        with self._hiring:
            return next((seat for seat in self._seats.values() if seat.free), None)

    def warm(self) -> None:
        """Have the workers of decisions started."""
        for role in (FALLBACK, PRIMARY):
            self.seat(role)
        gates.prepare()

    def wait_until_warm(self, seconds: float = 30.0) -> None:
        """Wait until the workers of decisions are ready, so long at most."""
        for role in (FALLBACK, PRIMARY):
            self.seat(role).wait_until_warm(seconds)

    @property
    def is_staffed(self) -> bool:
        """Whether workers for decisions were asked for."""
        return FALLBACK in self._seats

    def attempt(self, task: Task) -> Record:
        """Have a worker beside those of decisions attempt something, and wait for its record."""
        told = threading.Event()
        records: list[Record] = []

        def tell(record: Record) -> None:
            records.append(record)
            told.set()

        self.seat(BESIDE).ask(task, tell)
        if not told.wait(PREPARATION + 2 * task.seconds):
            raise TransientError("the worker beside those of decisions did not come back")
        return records[0]

    def warm_up(self, task: Task, seconds: float = 30.0) -> None:
        """Have the workers of decisions import what a task's solvers need."""
        told = []
        for role in (FALLBACK, PRIMARY):
            done = threading.Event()
            told.append(done)
            self.seat(role).ask(task, lambda _, done=done: done.set())  # type: ignore[misc]
        for done in told:
            done.wait(seconds)

    def database(self) -> Database:
        """Open database; may hang, so ask the clerk for it, or use a thread of your own."""
        if self.offline:
            raise TransientError("this process is offline")
        self.reach()
        with self._opening:
            if self._database is None:
                place = self.where
                self._database = place if isinstance(place, Database) else Database.open(place)
            return self._database

    def roster(self) -> Roster:
        """Roster of routes; may hang."""
        return Roster(self.database())

    def book(self) -> Book:
        """Book of decisions; may hang."""
        return Book(self.database())

    def inputs(self) -> Inputs:
        """Problems that were decided; may hang."""
        return Inputs(self.database())

    def ledger(self) -> Ledger:
        """Ledger; may hang."""
        database = self.database()
        listener = Listening(database)
        return Ledger(database, clock=self.clock, patience=self.patience, listener=listener)

    def opened_backend(self, name: str) -> Backend:
        """Open a backend by name; may hang."""
        return self.backend(name)

    def follow(self, job: Job, *, told: bool = False) -> None:
        """Follow a job until it is over, in a thread for each backend: none waits for another.

        Parameters
        ----------
        told
            Whether it is known to be over, so that only its bill is awaited.
        """
        name = job.backend
        with self._opening:
            if name not in self._followers:
                self._followers[name] = Follower(
                    self.ledger,
                    lambda: self.opened_backend(name),
                    lambda ordered: self.on_over(ordered),
                )
        self._followers[name].add(job.id, told=told)

    def standing(self, name: str, seconds: float) -> tuple[Standing, str]:
        """How a route stands, and why this is not certain; empty if it is.

        Where the database does not answer in ``seconds``, it is the last that was known.

        Raises
        ------
        InputError
            If no such route is known.
        """
        try:
            found = self.clerk.ask(lambda: self.roster().standing(name), min(seconds, PATIENCE))
        except InputError as error:
            # Also what opening an unreachable database raises; a route we know goes on.
            if (known := self._remembered(name)) is None or self._database is not None:
                raise
            return known, f"the database cannot be used: {error}"
        except Exception as error:
            known = self._remembered(name)
            if known is None:
                raise TransientError(
                    f"route {name!r} is not known on this machine, and the database cannot be "
                    f"asked: {error}"
                ) from error
            return known, f"the database cannot be used: {error}"
        self.remember(found)
        return found, ""

    def remember(self, standing: Standing) -> None:
        """Keep a standing for a time without a database, in memory and on this machine's disk."""
        name = standing.route.name
        known = self._known.get(name)
        self._known[name] = standing
        if known is not None and known.change == standing.change and known.gates == standing.gates:
            return
        path = self._standing_file(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(standing.to_json()), encoding="utf-8")
            fresh.replace(path)

    def keep(self, decision: Decision, wish: Mapping[str, Any] | None, seconds: float) -> Decision:
        """Write a decision down, in the spool if the database does not take it in time.

        Parameters
        ----------
        wish
            Family and document of the problem where a quantum step is wanted later.
        """
        try:
            self.clerk.ask(lambda: self.book().keep(decision, wish), min(seconds, PATIENCE))
            return replace(decision, kept=Kept.DATABASE)
        except Exception as error:  # noqa: BLE001  whatever broke, the answer goes out
            why = str(error)
        spooled = {"decision": decision.to_json(), "wish": None if wish is None else dict(wish)}
        spooling = Aside("qupel-spool")  # its own: a disk that hangs holds up this decision alone
        try:
            spooling.ask(lambda: self.spool.append(spooled), min(seconds, PATIENCE), drop=False)
            return replace(decision, kept=Kept.SPOOL)
        except Exception as error:
            log.exception(
                "decision %s of route %s could not be written down: %s; %s",
                decision.id, decision.route, why, error,
            )  # fmt: skip
            return decision
        finally:
            spooling.close(0.0)

    def earlier_solutions(self, name: str, problem_hash: str) -> list[str]:
        """Solutions of a route that went out before; those of this process need no database."""
        known = list(self._went_out.get(name, ()))
        with contextlib.suppress(QupelError, OSError):
            known += self.clerk.ask(
                lambda: self.book().last_known(name, problem_hash), EARLIER_SECONDS
            )
        return known

    def went_out(self, decision: Decision) -> None:
        """Remember an answer that went out."""
        if decision.solution:
            known = self._went_out.setdefault(decision.route, deque(maxlen=EARLIER))
            known.appendleft(decision.solution)

    def _remembered(self, name: str) -> Standing | None:
        if name in self._known:
            return self._known[name]
        try:
            document = json.loads(self._standing_file(name).read_text(encoding="utf-8"))
            self._known[name] = Standing.from_json(document)
        except (OSError, ValueError, KeyError, TypeError, QupelError):
            return None
        return self._known[name]

    def _standing_file(self, name: str) -> Path:
        return self.folder / "routes" / f"{name}.json"
