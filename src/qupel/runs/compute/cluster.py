"""Fan-out over a Ray cluster, or over Ray on this machine."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Self

from qupel.errors import InputError, RunError
from qupel.runs.compute.contract import Cell, Given, Made, Options
from qupel.runs.compute.processes import LOOK
from qupel.runs.compute.work import Work, run_chunk, sendable

#: Seconds beyond a cell's own that the cluster may take to start a process for it.
START = 5.0
#: Seconds in which a cluster's port must take a connection.
KNOCK = 5.0
#: Times a cluster is asked to serve us: its server forks beside gRPC's threads, and now and then
#: what it starts for a client dies of that.
ASKED = 3


@dataclass(slots=True)
class Ray:
    """Cells as Ray tasks, a chunk each.

    Qupel is installed on every machine of the cluster, in the same version.

    Attributes
    ----------
    address
        ``ray://host:10001`` of a cluster's client port, ``auto`` for the cluster this machine
        belongs to, or empty for one of its own on this machine.
    count
        Tasks at a time where Ray is started here; as many as cores unless given.
    """

    address: str = ""
    count: int | None = None
    _started: bool = field(default=False, init=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self,
        function: Callable[[Given], Made],
        cells: Iterable[Given],
        options: Options = Options(),  # noqa: B008  frozen
    ) -> list[Cell[Made]]:
        """Call a function for every cell; see `qupel.runs.compute.contract.Compute`."""
        ray = self._ray()
        try:
            return self._mapped(ray, function, cells, options)
        except (ConnectionError, ray.exceptions.RaySystemError) as error:
            where = self.address or "of this machine"
            raise RunError(
                f"the Ray cluster {where} was lost: {_reason(error)}; what was done is kept if "
                "the map has a journal"
            ) from error

    def _mapped(
        self,
        ray: ModuleType,
        function: Callable[[Given], Made],
        cells: Iterable[Given],
        options: Options,
    ) -> list[Cell[Made]]:
        busy = max(1, int(ray.cluster_resources().get("CPU", 1)))
        work = Work(function, cells, options, busy)
        # Retries are ours: an attempt is counted, and a chunk that died is cut into cells.
        task = ray.remote(num_cpus=1, max_retries=0)(run_chunk)
        under_way: dict[Any, Any] = {}
        began: dict[Any, float] = {}
        try:
            while not work.is_done and not options.cancelled.is_set():
                # Under a limit no more is sent than can run: a task does not say when it begins.
                while work.waiting and (options.seconds is None or len(under_way) < busy):
                    chunk, given = work.begin()
                    if not given:
                        continue
                    reference = task.remote(work.function, given)
                    under_way[reference], began[reference] = chunk, time.monotonic()
                if not under_way:
                    continue
                ready, _ = ray.wait(list(under_way), num_returns=1, timeout=LOOK)
                for reference in ready:
                    self._take(ray, reference, under_way.pop(reference), work)
                self._overrun(ray, under_way, began, work)
        finally:
            for reference in under_way:
                with suppress(Exception):
                    ray.cancel(reference, force=True)
        return work.results()

    def close(self) -> None:
        """Leave the cluster; end it if it was started here."""
        if self._started:
            self._started = False
            installed().shutdown()

    def _ray(self) -> ModuleType:
        ray = installed()
        if not ray.is_initialized():
            self._knock()
            more: dict[str, Any] = (
                {"address": self.address}
                if self.address
                else {"num_cpus": self.count, "include_dashboard": False}
            )
            try:
                _begin(ray, more)
            except ImportError as error:
                raise InputError(
                    "a cluster's client port needs Ray's client: pip install \"ray[client]\""
                ) from error
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise InputError(self._unreachable(error)) from error
            self._started = True
        return ray

    def _knock(self) -> None:
        """See that something listens where a cluster is named; Ray itself waits half a minute."""
        if not self.address.startswith("ray://"):
            return
        host, _, port = self.address.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=KNOCK).close()
        except (OSError, OverflowError) as error:
            raise InputError(self._unreachable(error)) from error

    def _unreachable(self, error: Exception) -> str:
        where = self.address or "this machine"
        said = f"Ray cannot be reached at {where}: {_reason(error)}"
        if not self.address.startswith("ray://"):
            return said
        return (
            f"{said}; name the client port of the cluster's head (10001 unless it was started with "
            "another), and set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN if the cluster wants a token"
        )

    def _take(self, ray: ModuleType, reference: Any, chunk: Any, work: Work) -> None:
        try:
            work.take(chunk, ray.get(reference))
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
            work.again(chunk, None)
        except ray.exceptions.RayTaskError as error:
            work.fail(chunk, sendable(error.cause if error.cause is not None else error))
        except ray.exceptions.RayError as error:
            work.fail(chunk, RunError(f"Ray: {error}"))

    def _overrun(
        self, ray: ModuleType, under_way: dict[Any, Any], began: dict[Any, float], work: Work
    ) -> None:
        """Kill what takes too long, counted from when it was sent."""
        if work.options.seconds is None:
            return
        now = time.monotonic()
        for reference in list(under_way):
            if now - began[reference] > work.options.seconds + START:
                ray.cancel(reference, force=True)
                limit = f"no result within {work.options.seconds:g} s; it was killed"
                work.fail(under_way.pop(reference), RunError(limit))


def _begin(ray: ModuleType, more: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray warns of what the error says
        for left in reversed(range(ASKED)):
            try:
                ray.init(
                    logging_level="ERROR", log_to_driver=False, configure_logging=False, **more
                )
            except ConnectionAbortedError:  # it was reached, and began nothing for us
                if not left:
                    raise
            else:
                return


def _reason(error: Exception) -> str:
    """Tell in a line what Ray says: of a traceback its end, of anything else its beginning."""
    said = str(getattr(error, "strerror", None) or str(error).strip() or type(error).__name__)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if "Traceback (most recent call last):" in lines else lines[0]


def installed() -> ModuleType:
    """Return Ray's module; `InputError` naming the extra if it is not there."""
    # Ray calls home otherwise, and starts a cluster of its own where ours was lost.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError('fan-out over Ray needs the extra: pip install "qupel[ray]"') from error
    return ray
