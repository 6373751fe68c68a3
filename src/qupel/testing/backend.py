"""The contract of backends, as one suite: `check_backend`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qupel.backends.checks.canary import SIZES, check_canary
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import (
    Annealing,
    Backend,
    Bills,
    Capabilities,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Program,
    Result,
    State,
)
from qupel.errors import InputError, QupelError, RefusedError, RunError, TransientError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.testing.solver import ConformanceError

#: Seconds between two questions, and how long a job is waited for.
_PAUSE, _PATIENCE = 0.05, 600.0
#: Seconds between two questions for a bill.
_BILL_PAUSE = 1.0
#: What a backend may say its results are, by what it says it is: noise can be asked for.
_KINDS = {Evidence.NOISELESS: {Evidence.NOISELESS, Evidence.NOISY}}


def check_backend(
    backend: Backend,
    *,
    most: Money | None = None,
    clock: Clock | None = None,
    sizes: tuple[int, ...] = SIZES,
    shots: int = 100,
    mark: str = "law",
) -> None:
    """Run orders on ``backend`` and hold it to every clause of its contract.

    Checked are: capabilities that do not contradict themselves; estimates of all shots in the
    currency of the bill, and refusals, with numbers, of what can never fit; a submission that
    gives a job, which is found by key or tag as the capabilities say, and by no other tag; states
    that end; a bill once a job is done, where something is billed, unless the capabilities say
    that none is told; readings of the right number, width and type, the same when fetched
    again; errors for a result of another order or of an unknown job; cancelling what is over,
    twice, without harm; and canaries, alone and in batches, in our bit order.

    Parameters
    ----------
    backend
        It is sent about as many orders as there are ``sizes``, twice, and what they cost is paid.
    most
        What all canaries together, and each other order, may cost; None pays for nothing.
    clock
        Waits between questions.
    sizes
        Qubits of the canaries.
    shots
        Of each program.
    mark
        Begins every key and tag; use another one to run the suite again where keys are kept.

    Raises
    ------
    ConformanceError
        At the first broken clause.
    """
    clock = clock or SystemClock()
    limits = _check_capabilities(backend)
    programs = _programs(limits.kind)
    shots = min(shots, limits.max_shots)
    order = Order(programs[:1], shots, key=f"{mark}-one", tag=f"{mark}-one")
    _check_estimate(backend, limits, order, most)
    _check_refusals(backend, limits, order)
    job = _check_submission(backend, limits, order, clock)
    status = _ended(backend, job, clock)
    _require(status.state is State.DONE, f"the job ended {status.state}: {status.why}")
    result = backend.result(job, order)
    _check_bill(backend, job, result, limits, clock)
    _check_result(result, order, job, limits)
    _check_again(result, backend.result(job, order))
    _check_strangers(backend, job, order, programs[1])
    _check_over(backend, job)
    if limits.max_programs > 1:
        batch = Order(programs, shots, key=f"{mark}-all", tag=f"{mark}-all")
        together = backend.submit(batch)
        _require(_ended(backend, together, clock).state is State.DONE, "a batch did not end done")
        _check_result(backend.result(together, batch), batch, together, limits)
    report = check_canary(backend, sizes=sizes, shots=shots, most=most, clock=clock)
    if report.first is not None:
        raise ConformanceError(f"canary: {report.first.fault}; {report.first.text}")


def _require(kept: bool, sentence: str) -> None:
    if not kept:
        raise ConformanceError(sentence)


def _programs(kind: Kind) -> tuple[Program, Program]:
    """Two small programs of different widths."""
    if kind is Kind.CIRCUIT:
        return Circuit(2).x(1), Circuit(3).x(0).x(1).measure(1, 2, 0)
    return (
        Annealing(Ising([-1.0, 2.0], np.array([[0, 0.25], [0, 0]]), 1.5)),
        Annealing(Ising([1.0, 1.0, -1.0], np.zeros((3, 3)))),
    )


def _check_capabilities(backend: Backend) -> Capabilities:
    for label, name in (("provider", backend.provider), ("device", backend.device)):
        _require(bool(name) and name.isprintable(), f"the {label} has no printable name: {name!r}")
    limits = backend.capabilities()
    _require(limits == backend.capabilities(), "capabilities differ when asked again")
    for label in ("qubits", "max_shots", "max_programs"):
        _require(getattr(limits, label) >= 1, f"{label} is {getattr(limits, label)}")
    settle = limits.settle_seconds
    _require(
        settle is None or (math.isfinite(settle) and settle >= 0), f"settle_seconds is {settle}"
    )
    _require(
        limits.lookup is not Lookup.NONE or settle is None,
        "nothing can be looked up, so nothing settles",
    )
    code = limits.currency
    _require(code == "" or (len(code) == 3 and code.isupper()), f"currency is {code!r}")
    return limits


def _check_estimate(
    backend: Backend, limits: Capabilities, order: Order, most: Money | None
) -> None:
    told = backend.estimate(order)
    asked = order.shots * len(order.programs)
    _require(told.shots == asked, f"{asked} shots are estimated as {told.shots}")
    _require(told.qubits >= 1 and told.depth >= 0, "an estimate of no qubits")
    for label in ("run_seconds", "queue_seconds"):
        seconds = getattr(told, label)
        _require(
            seconds is None or (math.isfinite(seconds) and seconds >= 0), f"{label}: {seconds}"
        )
    if told.cost is not None:
        _require(told.cost.currency == limits.currency, "an estimate in another currency")
        _require(told.cost.micros >= 0, "an estimate below nothing")
        paid = most is not None and told.cost <= most
        if told.cost.micros and not paid:
            raise InputError(f"the suite's orders cost up to {told.cost}; give `most` to pay them")


def _check_refusals(backend: Backend, limits: Capabilities, order: Order) -> None:
    """What can never fit is refused before it is sent, both when estimated and when submitted."""
    wide = limits.qubits + 1
    large = Circuit(wide).x(0) if limits.kind is Kind.CIRCUIT else _flat(wide)
    other = _flat(2) if limits.kind is Kind.CIRCUIT else Circuit(2).x(0)
    cases: dict[str, tuple[tuple[Program, ...], int]] = {
        "more shots than it takes": (order.programs, limits.max_shots + 1),
        "a program of another kind": ((other,), order.shots),
    }
    if wide <= 5000:
        cases["more qubits than it has"] = ((large,), order.shots)
    if limits.max_programs <= 1000:
        cases["more programs than it takes"] = (
            order.programs * (limits.max_programs + 1),
            order.shots,
        )
    for what, (programs, shots) in cases.items():
        bad = Order(programs, shots, key=f"{order.key}-bad", tag=f"{order.tag}-bad")
        for act in (backend.estimate, backend.submit):
            error = _error_of(lambda act=act, bad=bad: act(bad))  # type: ignore[misc]
            _require(
                isinstance(error, RefusedError),
                f"{what}: expected RefusedError, got {error!r:.200}",
            )


def _flat(spins: int) -> Annealing:
    from scipy import sparse

    return Annealing(Ising(np.ones(spins), sparse.csr_array((spins, spins))))


def _error_of(act: Callable[[], object]) -> BaseException | None:
    try:
        act()
    except QupelError as error:
        return error
    return None


def _check_submission(backend: Backend, limits: Capabilities, order: Order, clock: Clock) -> str:
    job = backend.submit(order)
    _require(isinstance(job, str) and bool(job) and job.isprintable(), f"a job is named {job!r}")
    if limits.lookup is Lookup.KEY:
        _require(backend.submit(order) == job, "the same key gave another job")
        return job
    if limits.lookup is Lookup.NONE:
        error = _error_of(lambda: backend.find(order))
        _require(isinstance(error, RefusedError), "nothing can be looked up, but find() answers")
        return job
    if limits.settle_seconds is not None:
        clock.sleep(limits.settle_seconds)
    _require(job in backend.find(order), "a job is not found by its tag after it settled")
    unknown = Order(order.programs, order.shots, key=f"{order.key}-x", tag=f"{order.tag}-x")
    _require(not backend.find(unknown), "jobs are found under a tag that was never used")
    return job


def _ended(backend: Backend, job: str, clock: Clock) -> JobStatus:
    until = clock.monotonic() + _PATIENCE
    while clock.monotonic() < until:
        try:
            status = backend.status(job)
        except TransientError:
            status = JobStatus(State.UNKNOWN)
        _require(isinstance(status.state, State), f"a state is {status.state!r}")
        if status.state.final:
            return status
        clock.sleep(_PAUSE)
    raise ConformanceError(f"a job did not end in {_PATIENCE:g} s")


def _check_bill(
    backend: Backend, job: str, result: Result, limits: Capabilities, clock: Clock
) -> None:
    """A job that is over has a bill, or a backend that says that it tells none."""
    until = clock.monotonic() + _PATIENCE
    owed = bool(limits.currency) and limits.bills is not Bills.UNTOLD
    billed = result.billed or _ended(backend, job, clock).billed
    while billed is None and owed and clock.monotonic() < until:
        clock.sleep(_BILL_PAUSE)
        billed = _ended(backend, job, clock).billed
    _require(
        billed is not None or not owed,
        f"the job is over and nobody tells its bill, which is to be {limits.bills}",
    )
    _require(
        billed is None or (billed.currency == limits.currency and billed.micros >= 0),
        f"a bill of {billed} from a backend that bills in {limits.currency or 'nothing'}",
    )


def _check_result(result: Result, order: Order, job: str, limits: Capabilities) -> None:
    _require(result.job == job, f"a result of job {result.job!r} for job {job!r}")
    allowed = _KINDS.get(limits.evidence, {limits.evidence})
    _require(result.evidence in allowed, f"{limits.evidence} gave {result.evidence}")
    _require(
        len(result.readings) == len(order.programs),
        f"{len(order.programs)} programs gave {len(result.readings)} readings",
    )
    for program, reading in zip(order.programs, result.readings, strict=True):
        if isinstance(program, Annealing):
            width = program.form.variables
        else:
            width = program.qubits if program.measured is None else len(program.measured)
        bits, times = reading.bits, reading.occurrences
        _require(bits.dtype == np.uint8 and bits.ndim == 2, f"bits are {bits.dtype} {bits.shape}")
        _require(bits.shape[1] == width, f"{width} bits were measured, rows have {bits.shape[1]}")
        _require(bool(np.isin(bits, (0, 1)).all()), "bits other than 0 and 1")
        _require(times.dtype == np.int64 and times.shape == (len(bits),), "occurrences do not fit")
        _require(bool((times >= 1).all()), "a row occurs less than once")
        _require(len(np.unique(bits, axis=0)) == len(bits), "a row is repeated")
        told = "shots_returned" in result.facts
        _require(
            told or reading.shots == order.shots,
            f"{reading.shots} of {order.shots} shots came back, and `facts` does not tell",
        )
        _require(
            reading.energies is None or reading.energies.shape == times.shape,
            "claimed energies do not fit the rows",
        )


def _check_again(one: Result, other: Result) -> None:
    for first, second in zip(one.readings, other.readings, strict=True):
        same = first.bits.tobytes() == second.bits.tobytes()
        same = same and first.occurrences.tobytes() == second.occurrences.tobytes()
        _require(same, "a result differs when it is fetched again")


def _check_strangers(backend: Backend, job: str, order: Order, program: Program) -> None:
    """Results of another order, and of a job that nobody has."""
    wrong = Order((program,), order.shots, key=f"{order.key}-o", tag=f"{order.tag}-o")
    error = _error_of(lambda: backend.result(job, wrong))
    _require(isinstance(error, RunError), f"a result for another order: {error!r:.200}")
    nobody = f"{job[:-1]}{'0' if job[-1] != '0' else '1'}"
    error = _error_of(lambda: backend.result(nobody, order))
    _require(isinstance(error, RunError), f"a result of a job that is not there: {error!r:.200}")


def _check_over(backend: Backend, job: str) -> None:
    """Cancelling what is over changes nothing, however often."""
    backend.cancel(job)
    backend.cancel(job)
    state = backend.status(job).state
    _require(state is State.DONE, f"a job that was done is {state} after it was cancelled")
