"""The contract of backends, as one suite: `check_backend`."""

from __future__ import annotations

import json
import math

import numpy as np

from qupel.backends.checks.canary import SIZES, check_canary
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import (
    Annealing,
    Backend,
    Capabilities,
    Kind,
    Lookup,
    Order,
    Program,
    Result,
    State,
)
from qupel.errors import QupelError, RefusedError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.testing.backend_jobs import (
    check_over,
    check_strangers,
    check_submission,
    check_times,
    ended,
)
from qupel.testing.backend_money import check_bill, check_estimate
from qupel.testing.backend_programs import check_programs
from qupel.testing.requiring import answer_of, require
from qupel.testing.solver import ConformanceError

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

    Checked are:

    - capabilities that do not contradict themselves;
    - estimates of all shots, with a cost in the currency of the bill where one is named, and
      refusals, with numbers, of what can never fit;
    - a submission that gives one job, which is found by key or tag as the capabilities say, and by
      no other tag; under a known key, the same job for the same order, and none for another;
    - states that end, with times that are numbers and run forwards;
    - one bill once a job is done, within its estimate, unless the capabilities say that none is
      told;
    - readings of the right number, width and type, the same when fetched again, from the device
      that was asked, with facts that JSON can hold;
    - Qupel's own errors for a result of another order, and for a job that nobody has;
    - cancelling what is over, twice, without harm;
    - canaries, alone and in batches, in our bit order;
    - outcomes of every gate that is taken, and one share of shots; or fields and couplings.

    Parameters
    ----------
    backend
        It is sent about as many orders as there are ``sizes``, twice, and some thirty programs of
        up to 3 qubits in as few orders as it takes; what they cost is paid.
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
    try:
        _check(backend, most, clock or SystemClock(), sizes, shots, mark)
    except (QupelError, ConformanceError):
        raise
    except Exception as error:
        raise ConformanceError(
            f"{type(error).__name__} came out, which is none of Qupel's errors: {error!s:.200}"
        ) from error


def _check(
    backend: Backend,
    most: Money | None,
    clock: Clock,
    sizes: tuple[int, ...],
    shots: int,
    mark: str,
) -> None:
    limits = _check_capabilities(backend)
    programs = _programs(limits.kind)
    shots = min(shots, limits.max_shots)
    order = Order(programs[:1], shots, key=f"{mark}-one", tag=f"{mark}-one")
    bound = check_estimate(backend, limits, order, most)
    _check_refusals(backend, limits, order)
    job = check_submission(backend, limits, order, programs[1], clock)
    result = _done(backend, job, order, limits, clock)
    check_bill(backend, job, result, limits, bound, clock)
    _check_again(result, backend.result(job, order))
    check_strangers(backend, job, order, programs[1])
    check_over(backend, job)
    if limits.max_programs > 1:
        batch = Order(programs, shots, key=f"{mark}-all", tag=f"{mark}-all")
        bound = check_estimate(backend, limits, batch, most)
        job = backend.submit(batch)
        check_bill(backend, job, _done(backend, job, batch, limits, clock), limits, bound, clock)
    report = check_canary(backend, sizes=sizes, shots=shots, most=most, clock=clock)
    if report.first is not None:
        first = report.first
        raise ConformanceError(f"canary: {first.fault} ({first.program}); {first.text}")
    check_programs(backend, limits, shots=shots, most=most, clock=clock, mark=mark)


def _done(backend: Backend, job: str, order: Order, limits: Capabilities, clock: Clock) -> Result:
    """Result of a job that ended as it should."""
    status = ended(backend, job, clock)
    require(status.state is State.DONE, f"the job ended {status.state}: {status.why}")
    result = backend.result(job, order)
    _check_result(result, order, job, backend.device, limits)
    return result


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
        require(bool(name) and name.isprintable(), f"the {label} has no printable name: {name!r}")
    limits = backend.capabilities()
    require(limits == backend.capabilities(), "capabilities differ when asked again")
    for label in ("qubits", "max_shots", "max_programs"):
        require(getattr(limits, label) >= 1, f"{label} is {getattr(limits, label)}")
    settle = limits.settle_seconds
    require(
        settle is None or (math.isfinite(settle) and settle >= 0), f"settle_seconds is {settle}"
    )
    require(
        limits.lookup is not Lookup.NONE or settle is None,
        "nothing can be looked up, so nothing settles",
    )
    code = limits.currency
    require(code == "" or (len(code) == 3 and code.isupper()), f"currency is {code!r}")
    return limits


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
            error = answer_of(lambda act=act, bad=bad: act(bad))  # type: ignore[misc]
            require(
                isinstance(error, RefusedError),
                f"{what}: expected RefusedError, got {error!r:.200}",
            )


def _flat(spins: int) -> Annealing:
    from scipy import sparse

    return Annealing(Ising(np.ones(spins), sparse.csr_array((spins, spins))))


def _check_result(
    result: Result, order: Order, job: str, device: str, limits: Capabilities
) -> None:
    require(result.job == job, f"a result of job {result.job!r} for job {job!r}")
    require(result.device == device, f"a result of {result.device!r:.80} from device {device!r}")
    check_times(result.times)
    _check_facts(result)
    allowed = _KINDS.get(limits.evidence, {limits.evidence})
    require(result.evidence in allowed, f"{limits.evidence} gave {result.evidence}")
    require(
        len(result.readings) == len(order.programs),
        f"{len(order.programs)} programs gave {len(result.readings)} readings",
    )
    for program, reading in zip(order.programs, result.readings, strict=True):
        if isinstance(program, Annealing):
            width = program.form.variables
        else:
            width = program.qubits if program.measured is None else len(program.measured)
        bits, times = reading.bits, reading.occurrences
        require(bits.dtype == np.uint8 and bits.ndim == 2, f"bits are {bits.dtype} {bits.shape}")
        require(bits.shape[1] == width, f"{width} bits were measured, rows have {bits.shape[1]}")
        require(bool(np.isin(bits, (0, 1)).all()), "bits other than 0 and 1")
        require(times.dtype == np.int64 and times.shape == (len(bits),), "occurrences do not fit")
        require(bool((times >= 1).all()), "a row occurs less than once")
        require(len(np.unique(bits, axis=0)) == len(bits), "a row is repeated")
        told = "shots_returned" in result.facts
        require(
            told or reading.shots == order.shots,
            f"{reading.shots} of {order.shots} shots came back, and `facts` does not tell",
        )
        require(
            reading.energies is None or reading.energies.shape == times.shape,
            "claimed energies do not fit the rows",
        )


def _check_facts(result: Result) -> None:
    """Facts are plain data, since they are stored."""
    try:
        json.dumps(dict(result.facts), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConformanceError(f"facts that JSON cannot hold: {error}") from error


def _check_again(one: Result, other: Result) -> None:
    for first, second in zip(one.readings, other.readings, strict=True):
        same = first.bits.tobytes() == second.bits.tobytes()
        same = same and first.occurrences.tobytes() == second.occurrences.tobytes()
        require(same, "a result differs when it is fetched again")
