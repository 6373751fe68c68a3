"""The durable engine: workflows that outlive the process which runs them.

DBOS does the work; this is the only module that knows it. It lives beside the tables of
`qupel.runs.database`: in ``qupel-engine.db`` next to a SQLite file, in the schema ``dbos`` of a
PostgreSQL database. Nothing leaves the machine: no conductor, no exporter. Values are written as
JSON, never pickled.

What DBOS promises, and what follows for whoever writes a workflow: a step that has returned is
never run again, a step that was killed is. Steps are therefore idempotent; what must happen once,
such as paying, is decided in our own tables.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import sqlalchemy as sa

from qupel.errors import InputError, RunError
from qupel.runs.durable.engine_tables import one_at_a_time, sql_engine
from qupel.runs.durable.engine_values import JsonValues

if TYPE_CHECKING:
    from dbos import DBOS

Given = ParamSpec("Given")
Made = TypeVar("Made")
Workflow = Callable[..., Awaitable[Any]]

#: Workflows of one version resume those of the same version only. It is raised whenever the
#: steps of a workflow change in a way that a half-finished one could not go on with.
WORKFLOWS_VERSION = "qupel-1"
#: Name of our rows among those of other applications in one PostgreSQL database.
APPLICATION = "qupel"
#: Seconds between two looks for queued workflows.
POLLING = 0.1
#: Threads beyond one for each stage: for waiting jobs' next actions and the engine itself.
SPARE_THREADS = 12

_started = threading.Lock()


@dataclass(frozen=True, slots=True)
class Queue:
    """Where workflows wait to be started by any worker that listens to it.

    Attributes
    ----------
    name
        Its name.
    concurrency
        How many of its workflows one worker runs at a time; None for any number. It is kept
        with the database: the worker started last sets it for all.
    """

    name: str
    concurrency: int | None = None


@dataclass(slots=True, eq=False)
class Engine:
    """A running engine; there is one at most in a process.

    Use `start`, and `stop` at the end, or the context manager.

    Attributes
    ----------
    executor
        Name of this process among all that share the database. Workflows that a process of
        this name left unfinished are resumed as it starts.
    """

    executor: str
    _dbos: type[DBOS] = field(repr=False)
    _engine: sa.Engine = field(repr=False)
    _functions: Mapping[str, Workflow] = field(repr=False)
    _stopped: bool = field(default=False, repr=False)

    @classmethod
    def start(
        cls,
        url: str | sa.URL,
        workflows: Mapping[str, Workflow],
        *,
        executor: str,
        queues: Sequence[Queue] = (),
        listen: Sequence[str] | None = None,
        threads: int = SPARE_THREADS,
        polling: float = POLLING,
    ) -> Engine:
        """Start the engine of a database and resume what ``executor`` left.

        Parameters
        ----------
        url
            Of the database whose work it does, see `engine_url`.
        workflows
            Coroutine functions by name; they take and return JSON values.
        queues
            Made if need be.
        listen
            Names of the queues to take work from; all of them unless given.
        threads
            For steps, at most; waiting workflows hold none.
        polling
            Seconds between two looks for work.

        Raises
        ------
        InputError
            If the database cannot be opened, or a conductor was configured.
        RunError
            If this process runs an engine already.
        """
        if os.environ.get("DBOS__CLOUD", "").lower() == "true":
            raise InputError(
                "DBOS__CLOUD is set; unset it: Qupel's engine connects to no conductor"
            )
        if not _started.acquire(blocking=False):
            raise RunError("a durable engine runs in this process already; stop it first")
        try:
            return cls._launch(url, workflows, executor, queues, listen, threads, polling)
        except BaseException:
            _destroy()
            _started.release()
            raise

    @classmethod
    def _launch(
        cls,
        url: str | sa.URL,
        workflows: Mapping[str, Workflow],
        executor: str,
        queues: Sequence[Queue],
        listen: Sequence[str] | None,
        threads: int,
        polling: float,
    ) -> Engine:
        _hush()
        from dbos import DBOS, DBOSConfig

        engine = sql_engine(url, pool=SPARE_THREADS)
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": WORKFLOWS_VERSION,
            "executor_id": executor,
            "system_database_engine": engine,
            "serializer": JsonValues.for_dbos(),
            "enable_otlp": False,
            "log_level": "ERROR",
            "use_listen_notify": False,
            "max_executor_threads": threads,
            "scheduler_polling_interval_sec": 3600.0,
            "notification_listener_polling_interval_sec": 1.0,
        }
        DBOS(config=config)
        functions = {
            name: DBOS.workflow(name=name)(_plain_function(function))
            for name, function in workflows.items()
        }
        if listen is not None:
            DBOS.listen_queues(list(listen))
        try:
            with one_at_a_time(engine):
                DBOS.launch()
                for queue in queues:
                    DBOS.register_queue(
                        queue.name,
                        worker_concurrency=queue.concurrency,
                        polling_interval_sec=polling,
                        on_conflict="always_update",
                    )
        except sa.exc.SQLAlchemyError as error:
            raise InputError(
                f"{engine.url}: the engine's tables cannot be opened: {error}"
            ) from None
        return cls(executor, DBOS, engine, functions)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, drain: float = 0.0) -> None:
        """Stop; what is unfinished after ``drain`` seconds goes on where this name starts next."""
        if self._stopped:
            return
        self._stopped = True
        try:
            _destroy(drain)
        finally:
            self._engine.dispose()
            _started.release()

    def submit(self, queue: str, workflow: str, key: str, *arguments: Any) -> None:
        """Queue a workflow under a key; nothing happens if the key was queued before."""
        from dbos import SetWorkflowID

        def queued() -> None:
            with SetWorkflowID(key):
                self._dbos.enqueue_workflow(queue, self._functions[workflow], *arguments)

        # In a context of its own: DBOS refuses to queue from within a step, because a step may
        # be run twice; here the key sees to it that nothing is queued twice.
        contextvars.Context().run(queued)

    async def step(
        self, name: str, function: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs
    ) -> Made:
        """Run one step of the workflow that calls this, on a thread; its value is kept."""
        return await self._dbos.run_step_async({"name": name}, function, *args, **kwargs)

    async def sleep(self, seconds: float) -> None:
        """Wait within a workflow, without a thread; a restart waits for the rest only."""
        await self._dbos.sleep_async(seconds)

    def state(self, key: str) -> str | None:
        """How a workflow stands, in DBOS's words; None if its key is not known."""
        found = self._dbos.get_workflow_status(key)
        return None if found is None else str(found.status)

    def result(self, key: str) -> Any:
        """Wait for a workflow's end and return its value; `RunError` if it failed."""
        try:
            return self._dbos.retrieve_workflow(key).get_result(polling_interval_sec=0.05)
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"workflow {key!r}: {error}") from error

    def cancel(self, key: str) -> None:
        """Take a workflow off its queue, or stop it before its next step."""
        self._dbos.cancel_workflow(key)

    def adopt(self, executor: str) -> list[str]:
        """Queue again what a dead process of this name left; return the workflows' keys.

        Asked twice, the second finds nothing: a workflow that somebody started since then has
        another executor's name on it.
        """
        handles = self._dbos._recover_pending_workflows([executor])  # noqa: SLF001  see below
        return [handle.workflow_id for handle in handles]

    # `_recover_pending_workflows` is what DBOS's own recovery service calls; there is no public
    # name for it. `tests/runs/durable/test_engine.py` fails if a release changes it.


def _plain_function(workflow: Workflow) -> Workflow:
    """Return a function in place of a method: DBOS sets attributes on what it registers."""

    async def run(*arguments: Any) -> Any:
        return await workflow(*arguments)

    return run


def _destroy(drain: float = 0.0) -> None:
    from dbos import DBOS

    DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=round(drain))


def _hush() -> None:
    """Keep DBOS's log off the console: warnings and errors go up to the root logger."""
    log = logging.getLogger("dbos")
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # else it adds a handler that prints
        log.propagate = True
