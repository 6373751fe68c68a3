"""Clauses of a backend's contract about jobs: they are found, they end, strangers have none."""

from __future__ import annotations

import math
from itertools import pairwise

from qupel.backends.clock import Clock
from qupel.backends.contract import (
    Backend,
    Capabilities,
    JobStatus,
    Lookup,
    Order,
    Program,
    State,
    Times,
)
from qupel.errors import QupelError, RefusedError, RunError, TransientError
from qupel.testing.requiring import answer_of, require
from qupel.testing.solver import ConformanceError

#: Seconds between two questions, and how long a job or its bill is waited for.
_PAUSE, PATIENCE = 0.05, 600.0


def check_submission(
    backend: Backend, limits: Capabilities, order: Order, other: Program, clock: Clock
) -> str:
    """Submit an order, look its job up as the capabilities say, and return the job's name."""
    job = backend.submit(order)
    require(not order.settings, f"submit() changed the order's settings to {order.settings!r:.200}")
    require(isinstance(job, str) and bool(job) and job.isprintable(), f"a job is named {job!r}")
    if limits.lookup is Lookup.KEY:
        _check_key(backend, order, other, job)
    if limits.lookup is Lookup.NONE:
        found = answer_of(lambda: backend.find(order))
        require(
            isinstance(found, RefusedError),
            f"nothing can be looked up, but find() gave {found!r:.200}",
        )
        return job
    if limits.settle_seconds is not None:
        clock.sleep(limits.settle_seconds)
    _check_found(backend, limits, order, job)
    return job


def _check_key(backend: Backend, order: Order, other: Program, job: str) -> None:
    """One order a key: the same order gives the same job, another order does not."""
    require(backend.submit(order) == job, "the same key gave another job")
    taken = Order((other,), order.shots, key=order.key, tag=f"{order.tag}-k")
    answer = answer_of(lambda: backend.submit(taken))
    require(
        answer != job,
        "another order under a known key gave the first order's job: refuse it, or make a job",
    )
    require(
        isinstance(answer, str | RunError),
        f"another order under a known key: expected RefusedError, got {answer!r:.200}",
    )


def _check_found(backend: Backend, limits: Capabilities, order: Order, job: str) -> None:
    unknown = Order(order.programs, order.shots, key=f"{order.key}-x", tag=f"{order.tag}-x")
    found = answer_of(lambda: backend.find(order))
    if limits.lookup is Lookup.KEY and isinstance(found, RefusedError):
        return  # a key alone clears a lost reply up
    if not isinstance(found, list):
        raise ConformanceError(f"find() of an order with a job gave {found!r:.200}")
    require(
        job in found or (limits.lookup is Lookup.KEY and limits.settle_seconds is None),
        "a job is not found by its tag after it settled",
    )
    require(len(found) <= 1, f"one submission made {len(found)} jobs: {found!r:.200}")
    found = answer_of(lambda: backend.find(unknown))
    require(found == [], f"find() under a tag that was never used gave {found!r:.200}")


def ended(backend: Backend, job: str, clock: Clock) -> JobStatus:
    """Wait for a job; return its final status."""
    until = clock.monotonic() + PATIENCE
    while clock.monotonic() < until:
        try:
            status = backend.status(job)
        except TransientError:
            status = JobStatus(State.UNKNOWN)
        require(isinstance(status.state, State), f"a state is {status.state!r}")
        if status.state.final:
            check_times(status.times)
            return status
        clock.sleep(_PAUSE)
    raise ConformanceError(f"a job did not end in {PATIENCE:g} s")


def check_times(times: Times) -> None:
    """Time stamps are finite numbers, and rise from one stage to the next."""
    told = [
        (label, getattr(times, label))
        for label in ("created", "queued", "running", "finished")
        if getattr(times, label) is not None
    ]
    for label, stamp in told:
        number = isinstance(stamp, int | float) and not isinstance(stamp, bool)
        require(number and math.isfinite(stamp), f"the time {label!r} is {stamp!r}")
    for (one, before), (next_one, after) in pairwise(told):
        require(before <= after, f"times run backwards: {one} at {before}, {next_one} at {after}")


def check_strangers(backend: Backend, job: str, order: Order, program: Program) -> None:
    """Nothing is told of another order's job, nor of a job that nobody has."""
    wrong = Order((program,), order.shots, key=f"{order.key}-o", tag=f"{order.tag}-o")
    found = answer_of(lambda: backend.result(job, wrong))
    require(isinstance(found, RunError), f"a result for another order: {found!r:.200}")
    nobody = f"{job[:-1]}{'0' if job[-1] != '0' else '1'}"
    found = answer_of(lambda: backend.result(nobody, order))
    require(isinstance(found, RunError), f"a result of a job that is not there: {found!r:.200}")
    status = answer_of(lambda: backend.status(nobody))
    unknown = isinstance(status, JobStatus) and status.state is State.UNKNOWN
    require(
        unknown or isinstance(status, RunError),
        f"the status of a job that is not there is to be unknown or a RunError: {status!r:.200}",
    )
    error = answer_of(lambda: backend.cancel(nobody))
    require(
        error is None or isinstance(error, QupelError),
        f"cancelling a job that is not there raised {error!r:.200}",
    )


def check_over(backend: Backend, job: str) -> None:
    """Cancelling what is over changes nothing, however often."""
    backend.cancel(job)
    backend.cancel(job)
    state = backend.status(job).state
    require(state is State.DONE, f"a job that was done is {state} after it was cancelled")
