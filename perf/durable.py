"""Durable work on this machine: jobs a second and their latency, waiting jobs, fan-out.

``python -m perf.durable`` prints one JSON document; PostgreSQL is measured where it is installed,
Ray where it is.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests import postgres
from tests.runs.compute.cells import square
from tests.runs.ledger.fake import Fake

from qupel.backends.clock import SystemClock
from qupel.backends.contract import Order
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money
from qupel.runs.compute import Options, compute
from qupel.runs.database import Database
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.worker import Worker
from qupel.runs.ledger import Ledger

JOBS, RUNS, WAITING, CELLS = 300, 200, 300, 2000
BELL = Circuit(2, [Gate("h", (0,)), Gate("cx", (0, 1))])


def main() -> None:
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()}
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, opened in places(Path(folder)):
            with opened() as where:
                found[name] = {
                    "paid jobs": timed(where, paid_jobs),
                    "one-stage runs": timed(where, one_stage_runs),
                }
        found["waiting"] = waiting(Path(folder) / "waiting.db")
    found["fan-out"] = {name: fan_out(name) for name in pools()}
    print(json.dumps(found, indent=1))


def places(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    @contextmanager
    def sqlite() -> Iterator[str]:
        yield str(folder / "qupel.db")

    yield "sqlite", sqlite
    if not postgres.why_not():
        yield "postgresql", postgres.server


def timed(
    where: str, submit: Callable[[Database], Callable[[Worker], list[float]]]
) -> dict[str, float]:
    """Jobs a second from the first submission to the last end, and seconds from each to its end."""
    with Database.open(where) as database:
        working = Worker(database, concurrency=4)
        working.host.open_backend = lambda name: PROVIDER
        with working:
            time.sleep(1.5)  # a queue that is new is looked for once a second
            began = time.monotonic()
            latencies = submit(database)(working)
            took = time.monotonic() - began
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return {"each second": len(latencies) / took, "p50": p50, "p95": p95, "p99": p99}


PROVIDER = Fake(clock=SystemClock())


def paid_jobs(database: Database) -> Callable[[Worker], list[float]]:
    ledger = Ledger(database)
    mark = time.time()
    ids = [
        ledger.plan(order(f"{mark}-{n}"), backend="fake:one", bound=Money.of(1)).id
        for n in range(JOBS)
    ]

    def wait(worker: Worker) -> list[float]:
        jobs = [ledger.job(job) for job in ids]
        while not all(job.concluded for job in jobs):
            time.sleep(0.1)
            jobs = [job if job.concluded else ledger.job(job.id) for job in jobs]
        return [(job.concluded or 0.0) - job.planned for job in jobs]

    return wait


def one_stage_runs(database: Database) -> Callable[[Worker], list[float]]:
    def wait(worker: Worker) -> list[float]:
        log = worker.host.log
        folder = Path(tempfile.gettempdir())
        (folder / "qupel-perf.json").write_text("[1]")
        stage = Stage("read", "load", {}, {"file": "qupel-perf.json", "as": "document"})
        ids = [log.submit(Pipeline("one", (stage,)), folder) for _ in range(RUNS)]
        runs = [log.run(run_id) for run_id in ids]
        while not all(run.ended for run in runs):
            time.sleep(0.1)
            runs = [run if run.ended else log.run(run.id) for run in runs]
        return [(run.ended or 0.0) - run.created for run in runs]

    return wait


def waiting(path: Path) -> dict[str, float]:
    """Threads and memory while jobs wait in a queue of an hour."""
    provider = Fake(clock=SystemClock(), queue=3600.0)
    with ExitStack() as stack:
        database = stack.enter_context(Database.open(path))
        ledger = Ledger(database)
        for n in range(WAITING):
            ledger.plan(order(f"wait-{n}"), backend="fake:one", bound=Money.of(1))
        working = Worker(database)
        working.host.open_backend = lambda name: provider
        before = resident()
        stack.enter_context(working)
        while len(provider.jobs) < WAITING:
            time.sleep(0.1)
        time.sleep(5.0)
        return {
            "jobs": WAITING,
            "threads": threading.active_count(),
            "megabytes": resident(),
            "megabytes more than before": resident() - before,
        }


def pools() -> list[str]:
    return ["processes", *(["ray"] if importlib.util.find_spec("ray") else [])]


def fan_out(name: str) -> dict[str, float]:
    """Microseconds a cell beyond the function itself, which takes none."""
    began = time.monotonic()
    pool = compute(name, 2)
    try:
        pool.map(square, range(4))
        found = {"ready seconds": time.monotonic() - began}
        for chunk in (1, 100):
            began = time.monotonic()
            cells = pool.map(square, range(CELLS), Options(chunk=chunk))
            took = time.monotonic() - began
            assert [cell.value for cell in cells] == [n * n for n in range(CELLS)]
            found[f"microseconds a cell in chunks of {chunk}"] = took / CELLS * 1e6
    finally:
        pool.close()
    return found


def order(name: str) -> Order:
    return Order((BELL,), 10, key=name, tag=name)


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
