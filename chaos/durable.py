"""Durable jobs: how many a second a worker brings to their ends, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from chaos.finding import Finding
from chaos.hands import PRICE, PROGRAM, SHOTS
from chaos.judge import judge
from chaos.options import Options, Say
from chaos.places import Place, places
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.contract import Order
from qupel.backends.emulator.process import running_emulator
from qupel.runs.database import Database
from qupel.runs.durable.worker import Worker
from qupel.runs.ledger import Job, Ledger

#: Seconds after which jobs that have not ended are given up.
PATIENCE = 120.0


def main(options: Options, say: Say) -> list[Finding]:
    """Have a worker drive jobs on every database there is."""
    return [driven(name, place, options, say) for name, place in places(options).items()]


def driven(name: str, place: Place, options: Options, say: Say) -> Finding:
    """Jobs all at once, for the rate; then at half that rate, for how long one takes."""
    count, started = options.size(200, 10), time.monotonic()
    with place() as url, Database.open(url) as database, running_emulator() as emulator:
        worker = Worker(database, concurrency=4)
        worker.host.open_backend = lambda _: Neutral("ideal", emulator.transport())
        ledger = Ledger(database)
        with worker:
            began = time.monotonic()
            ended = _wait(ledger, [_plan(ledger, f"burst-{n}") for n in range(count)])
            rate = count / (time.monotonic() - began)
            say(f"{name}: {rate:.1f} jobs/s")
            paced = []
            for number in range(count // 2):
                paced.append(_plan(ledger, f"paced-{number}"))
                time.sleep(2.0 / rate)
            steady = _wait(ledger, paced)
        seen = judge(emulator.ledger(), database)
    done = seen.states == {"done": count + count // 2}
    p50, p95, p99 = np.percentile(
        [(job.concluded or np.inf) - job.planned for job in steady], [50, 95, 99]
    )
    return Finding(
        promise=f"durable jobs: {name}",
        target="every job done and billed once",
        figure=f"{rate:.1f} jobs/s; at half that rate p50 {p50:.2f} s, p95 {p95:.2f} s, "
        f"p99 {p99:.2f} s",
        n=f"{len(ended)} at once, {len(steady)} paced; one worker",
        passed=done and not seen.paid_twice and not seen.orphans and seen.billed == seen.booked,
        seconds=time.monotonic() - started,
        details={"rate": rate, "p50": p50, "p95": p95, "p99": p99, "states": seen.states},
    )


def _plan(ledger: Ledger, key: str) -> str:
    order = Order((PROGRAM,), SHOTS, key, key)
    return ledger.plan(order, backend="emulator:ideal", bound=PRICE).id


def _wait(ledger: Ledger, ids: Sequence[str]) -> list[Job]:
    """The jobs once all have ended, or time is up."""
    until = time.monotonic() + PATIENCE
    jobs = [ledger.job(job_id) for job_id in ids]
    while not all(job.concluded for job in jobs) and time.monotonic() < until:
        time.sleep(0.05)
        jobs = [job if job.concluded else ledger.job(job.id) for job in jobs]
    return jobs
