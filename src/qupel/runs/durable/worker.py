"""A worker takes stages and paid jobs from the queues of a database until it is told to stop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import sqlalchemy as sa

from qupel.backends.clock import Clock, SystemClock
from qupel.errors import InputError, RunError, StoreError, TransientError
from qupel.runs.database import Database
from qupel.runs.durable import paying
from qupel.runs.durable.auditing import reconcile_due
from qupel.runs.durable.engine import SPARE_THREADS, Engine, Queue
from qupel.runs.durable.failures import Failures
from qupel.runs.durable.host import Host, Say, one_line
from qupel.runs.durable.leases import BEAT, LEASE, Lease, fresh_name
from qupel.runs.durable.run import RUN_OPEN

#: What a worker may take on. ``stages`` are classical ones; ``quantum`` ones order and wait;
#: ``jobs`` are what is paid for.
QUEUES = ("stages", "quantum", "jobs")
#: Seconds between two looks for new runs and jobs.
SWEEP = 0.3
#: Seconds until an open job's workflow is looked at again that was under way.
LOOK_AGAIN = 30.0
#: Seconds between two looks whether a provider's books are to be compared with ours.
AUDIT = 60.0
#: Seconds until a step is tried again whose database was not to be had, and that pauses grow to
#: before a step that fails in the same way each time is set aside.
AGAIN, LONGEST_AGAIN = 3.0, 30.0
#: How often a step may fail in the same way, if nothing tells that it may pass.
ATTEMPTS = 5
#: What may pass by itself, however often it comes: the database, the provider, the machine.
PASSING = (StoreError, TransientError, sa.exc.SQLAlchemyError, OSError, MemoryError)
ENDED_WORKFLOWS = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def _silent(word: str, **about: Any) -> None:
    pass


@dataclass(slots=True, eq=False)
class Worker:
    """Does durable work; several may share a database.

    Use it as a context manager, or `start` and `stop` it.

    Attributes
    ----------
    database
        Whose work it does.
    concurrency
        Stages at a time.
    name
        Of this process; work that a process of this name left is taken up at once.
    queues
        Those of `QUEUES` it takes from.
    lease
        Seconds without a sign of life after which peers take a worker for dead.
    say
        Told what happens.
    """

    database: Database
    concurrency: int = 2
    name: str = field(default_factory=fresh_name)
    queues: Collection[str] = QUEUES
    lease: float = LEASE
    say: Say = _silent
    clock: Clock = field(default_factory=SystemClock)
    host: Host = field(init=False)
    _engine: Engine | None = field(default=None, init=False, repr=False)
    _lease: Lease = field(init=False, repr=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _busy: set[str] = field(default_factory=set, init=False, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False, repr=False)
    _auditor: threading.Thread | None = field(default=None, init=False, repr=False)
    _seen: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _troubles: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _failures: Failures = field(default_factory=Failures, init=False, repr=False)
    _lost: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise InputError(f"concurrency must be at least 1, got {self.concurrency}")
        for queue in self.queues:
            if queue not in QUEUES:
                raise InputError(f"a queue is one of {', '.join(QUEUES)}, got {queue!r}")
        self.host = Host(self.database, self.name, self.say, self.clock)
        self._lease = Lease(self.database, self.name, self.lease)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def engine(self) -> Engine:
        """The engine, once the worker has been started."""
        if self._engine is None:
            raise RunError("this worker has not been started")
        return self._engine

    @property
    def is_lost(self) -> bool:
        """Whether peers took this worker for dead, and its work; it has stopped then."""
        return self._lost

    @property
    def is_busy(self) -> bool:
        """Whether a stage is under way here; after `stop` it counts for nothing."""
        return bool(self._busy)

    def start(self) -> Self:
        """Begin to take work, and take up what a worker of this name left."""
        self._lease.take()
        try:
            self._engine = Engine.start(
                self.database.engine.url,
                {"stage": self._stage, "quantum": self._quantum, "job": self._job},
                executor=self.name,
                queues=[Queue("stages", self.concurrency), Queue("quantum"), Queue("jobs")],
                listen=sorted(self.queues),
                threads=self.concurrency + SPARE_THREADS,
            )
        except BaseException:
            self._lease.leave()
            raise
        self.say("worker started", name=self.name, queues=sorted(self.queues))
        for target in (self._watch, self._sweep, self._audit):
            thread = threading.Thread(target=target, name=target.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)
        self._auditor = self._threads.pop()
        return self

    def stop(self, drain: float = 0.0) -> None:
        """Stop taking work; stages under way get ``drain`` seconds to end.

        Those that have not ended go on elsewhere, from their last finished step.
        """
        if self._engine is None:
            return
        self._stopping.set()
        until = time.monotonic() + drain
        while self._busy and time.monotonic() < until:
            time.sleep(0.05)
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._auditor is not None:  # it may wait for a provider; what it leaves, others do
            self._auditor.join(max(1.0, until - time.monotonic()))
            self._auditor = None
        engine, self._engine = self._engine, None
        engine.stop()
        self.host.close()
        if not self._lost:
            self._lease.leave()
        self.say("worker stopped", name=self.name)

    def wait_for(self, run_id: str, seconds: float | None = None) -> str:
        """Wait for the end of a run; return its state then, or when the time is over."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            state = self.host.log.run(run_id).state
            if state not in RUN_OPEN or self._lost:
                return state
            if until is not None and time.monotonic() > until:
                return state
            time.sleep(0.05)

    def has_work(self) -> bool:
        """Whether anything is open that this worker's queues could get; a late bill is not."""
        runs = {"stages", "quantum"} & set(self.queues) and self.host.log.ids(RUN_OPEN)
        return bool(runs or ("jobs" in self.queues and self.host.has_jobs()))

    def submit_stages(self, run_id: str, names: Sequence[str]) -> None:
        """Queue stages; those that are queued already stay as they are."""
        if not names:
            return
        stages = {stage.name: stage for stage in self.host.log.run(run_id).pipeline.stages}
        for name in names:
            queue = "quantum" if stages[name].kind == "quantum" else "stages"
            workflow = "quantum" if queue == "quantum" else "stage"
            self.engine.submit(queue, workflow, f"{run_id}/{name}", run_id, name)

    async def _stage(self, run_id: str, name: str) -> None:
        """Run a classical stage and queue what it makes ready."""
        await self._until_done("perform", self._perform, run_id, name)

    async def _quantum(self, run_id: str, name: str) -> None:
        """Order, wait without a thread, finish, and queue what that makes ready."""
        tries = looks = 0
        while True:
            ordered = await self._until_done("order", self._order, run_id, name, tries)
            if ordered is None:
                return
            if "wait" not in ordered:
                break
            await self.engine.sleep(ordered["wait"])
            tries += 1
        while True:
            wait = await self._until_done("look", self._look, run_id, name, ordered, looks)
            if wait is None:
                break
            await self.engine.sleep(wait)
            looks += 1
        while wait := await self._until_done(
            "collect", self._collect, run_id, name, ordered["job"]
        ):
            await self.engine.sleep(wait)

    async def _job(self, job_id: str) -> None:
        """Drive a paid job to its end."""
        while True:
            wait = await self._until_done("advance", self.host.advance, job_id)
            if wait is None:
                self._seen.pop(job_id, None)  # should it be opened again at once
                return
            await self.engine.sleep(wait)

    async def _until_done(self, step: str, function: Callable[..., Any], *given: Any) -> Any:
        """Do a step, again and again for as long as what keeps it from being done may pass."""
        if self._stopping.is_set():  # what was taken off the queue is left to who adopts it
            await asyncio.Event().wait()
        while True:
            found = await self.engine.step(step, self._tried, step, function, given)
            if "again" not in found:
                return found["value"]
            await self.engine.sleep(found["again"])

    def _tried(
        self, step: str, function: Callable[..., Any], given: tuple[Any, ...]
    ) -> dict[str, Any]:
        about = f"{step} of {'/'.join(map(str, given[:2]))}"
        try:
            value = function(*given)
        except Exception as error:
            if self._ended.is_set():
                raise  # we are stopping: who adopts it does it again
            count = 0 if isinstance(error, PASSING) else self._failures.count(about, error)
            why = f"{type(error).__name__}: {error}"
            again = {"failures": count} if count else {}
            self.say("trouble", step=step, given=list(given), why=why, **again)
            if count >= ATTEMPTS and self._is_set_aside(step, given, error):
                self._failures.forget(about)
                return {"value": None}
            return {"again": min(AGAIN * 2.0 ** max(0, count - 1), LONGEST_AGAIN)}
        self._failures.forget(about)
        return {"value": value}

    def _is_set_aside(self, step: str, given: tuple[Any, ...], error: Exception) -> bool:
        """Set aside what fails in the same way each time; False if that fails as well."""
        try:
            if step == "advance":
                [job_id] = given
                return self.host.set_aside(job_id, error)
            run_id, name, *_ = given
            self.submit_stages(run_id, self.host.give_up(run_id, name, error))
        except Exception as another:  # noqa: BLE001  the step is tried again, and then this
            self._trouble(f"setting {'/'.join(map(str, given[:2]))} aside", another)
            return False
        return True

    def _perform(self, run_id: str, name: str) -> None:
        with self._under_way(f"{run_id}/{name}"):
            self.submit_stages(run_id, self.host.perform(run_id, name))

    def _order(self, run_id: str, name: str, tries: int) -> dict[str, Any] | None:
        with self._under_way(f"{run_id}/{name}"):
            ordered = paying.order(self.host, run_id, name, tries)
            if "next" in ordered:
                self.submit_stages(run_id, ordered["next"])
                return None
            if "job" in ordered:
                self.engine.submit("jobs", "job", f"job/{ordered['job']}", ordered["job"])
            return ordered

    def _look(self, run_id: str, name: str, ordered: Mapping[str, Any], looks: int) -> float | None:
        return paying.look(self.host, run_id, name, ordered["job"], ordered["until"], looks)

    def _collect(self, run_id: str, name: str, job_id: str) -> float | None:
        with self._under_way(f"{run_id}/{name}"):
            found = paying.collect(self.host, run_id, name, job_id)
            if "wait" in found:
                return float(found["wait"])
            self.submit_stages(run_id, found["next"])
            return None

    @contextmanager
    def _under_way(self, key: str) -> Iterator[None]:
        self._busy.add(key)
        try:
            yield
        finally:
            self._busy.discard(key)

    def _sweep(self) -> None:
        """Find runs and jobs that nobody has queued; at first all that are open.

        They are in the tables from the moment they were accepted, so none is lost between that
        and the queue.
        """
        states: Sequence[str] = RUN_OPEN
        troubled: set[str] = set()
        while True:
            with self._going_on("sweep"):
                for run_id in dict.fromkeys([*self.host.log.ids(states), *sorted(troubled)]):
                    if self._sweep_run(run_id):
                        troubled.discard(run_id)
                    else:
                        troubled.add(run_id)
                self._sweep_jobs()
                states = ("queued",)
            if self._stopping.wait(SWEEP):
                return

    def _sweep_run(self, run_id: str) -> bool:
        """Queue what a run has ready; False if it is broken, which keeps no other waiting."""
        try:
            self.submit_stages(run_id, self.host.log.release(run_id))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  a newer Qupel's definition, say
            self._trouble(f"sweep of {run_id}", error)
            return False
        self._troubles.pop(f"sweep of {run_id}", None)
        return True

    def _sweep_jobs(self) -> None:
        """Queue open jobs of the ledger that this process has not queued yet."""
        opened, now = self.host.open_jobs(), time.monotonic()
        for job_id, token in sorted(opened.items()):
            if now < self._seen.get(job_id, 0.0):
                continue
            key = f"job/{job_id}"
            state = self.engine.state(key)
            if state in ENDED_WORKFLOWS:  # a person has opened it again
                key = f"{key}/{token}"
            # One that is under way may be about to end, though the job was opened again since.
            going_on = state is not None and state not in ENDED_WORKFLOWS
            self._seen[job_id] = now + LOOK_AGAIN if going_on else float("inf")
            if not going_on:
                self.engine.submit("jobs", "job", key, job_id)
        for job_id in {*self._seen.copy()} - set(opened):
            self._seen.pop(job_id, None)

    def _audit(self) -> None:
        """Compare the books with the providers', now and then."""
        while "jobs" in self.queues and not self._stopping.wait(AUDIT):
            with self._going_on("audit"):
                reconcile_due(self.host, self._stopping.is_set)

    def _watch(self) -> None:
        """Beat, and adopt the work of those that do not."""
        beat = min(BEAT, self.lease / 4)
        while True:
            with self._going_on("watch"):
                if not self._lease.beat():
                    self._lost = True
                    self.say("worker lost its lease", name=self.name)
                    return
                for name in self._lease.bury(self.engine.adopt):
                    self.say("worker adopted", name=self.name, dead=name)
            if self._ended.wait(beat):  # peers are not to take over what is being drained
                return

    @contextmanager
    def _going_on(self, step: str) -> Iterator[None]:
        """Have a thread outlive what breaks in one of its rounds."""
        try:
            yield
            self._troubles.pop(step, None)
        except StoreError:  # the database is busy; the next round comes
            pass
        except Exception as error:  # noqa: BLE001  adapters and other versions' rows may do anything
            self._trouble(step, error)

    def _trouble(self, step: str, error: Exception) -> None:
        """Say what breaks, once for as long as it is the same; nothing of what stopping breaks."""
        why = one_line(error)
        if self._troubles.get(step) != why and not self._stopping.is_set():
            self._troubles[step] = why
            self.say("trouble", level="error", step=step, why=why)
