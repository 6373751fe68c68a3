"""A quantum stage from its order to its answer: clear and order, look, collect or fall back.

Each of the three is a step of a durable workflow; between them nothing is held. The order is
given up early enough for the fallback to answer by the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qupel.backends.contract import Order
from qupel.errors import RunError, StoreError
from qupel.model.money import Money
from qupel.runs.approvals import approved_by
from qupel.runs.clearance import clear, why_held
from qupel.runs.durable.approving import program_version, version_of
from qupel.runs.durable.described import problem_of
from qupel.runs.durable.host import Begun, Host, one_line
from qupel.runs.durable.quantum import Quantum
from qupel.runs.durable.quantum_settings import QuantumSettings, backend_of, bound_of
from qupel.runs.durable.run import NOT_IN_TIME, NOT_ORDERED
from qupel.runs.durable.timetable import Timetable
from qupel.runs.identity import digest
from qupel.runs.ledger.jobs import Job, JobState
from qupel.runs.ledger.meeting import HeldBackError
from qupel.runs.telemetry import traces

#: Seconds between two looks at a paid job: the first, and the longest.
FIRST_LOOK, LONGEST_LOOK = 0.05, 5.0
#: Looks after which the pauses grow no more; the longest is reached well before.
MOST_GROWTH = 30
#: Seconds before an order is given up from which a process for the fallback is kept ready.
WARM_SECONDS = 2 * LONGEST_LOOK
#: Seconds that reading a result gets at least, however late it is.
LEAST_READING = 0.5
#: Why a stage falls back whose own code, or whose adapter, has not returned.
NOT_BACK = "what was asked had not returned when only the fallback's time was left"

QUANTUM = Quantum()


def order(host: Host, run_id: str, name: str, tries: int = 0) -> dict[str, Any]:
    """Order a quantum stage's program, if it may be ordered.

    Parameters
    ----------
    tries
        How often this was asked for before, and had to wait.

    Returns
    -------
    ``next``, stages that may begin because there is nothing to wait for; ``wait``, seconds until
    this is to be asked for again, as adapters may be slow or held back; or ``job`` and ``until``,
    the paid job and when it is given up, in UTC seconds.
    """
    begun = host.resume(run_id, name) if tries else host.begin(run_id, name)
    errand = _errand("order", run_id, name)
    if isinstance(begun, list):
        host.errands.leave(errand)
        return {"next": begun}
    row, around = host.log.stage(run_id, name), host.around.seconds
    if row.job:
        return {"job": row.job, "until": _timetable(host, begun, around).give_up}
    until = _timetable(host, begun, around).give_up
    left = until - host.clock.now()
    try:
        prepared = host.errands.ask(errand, _group(begun), lambda: _prepared(host, begun))
        if isinstance(prepared, float):
            if left > 0:
                if left < WARM_SECONDS:
                    host.hands.warm()
                return {"wait": max(0.01, min(prepared, left))}
            host.errands.leave(errand)
            return {"next": _fall_back(host, begun, f"{NOT_ORDERED}: {NOT_BACK}")}
        made = prepared.outcome()
        # Reading the result encodes the problem again; the fallback must be in time after that.
        until = _timetable(host, begun, around + made.took).give_up
        settings = begun.settings
        job = host.ledger.plan(
            made.order,
            backend=made.backend,
            accounts=tuple(settings.accounts),
            bound=made.bound,
            deadline=until if settings.late == "cancel" else None,
            correlation=run_id,
            purpose={
                "pipeline": begun.run.name,
                "run": run_id,
                "stage": name,
                "version": program_version(begun.run.name, begun.stage),
                **traces.travelling(traces.reserved(run_id, name)),
            },
        )
    except StoreError:
        raise  # asked for again when the database is back; an order is planned once
    except HeldBackError as error:  # by a breaker; it shows in time whether the device is back
        if left > 0:
            return {"wait": max(0.01, min(error.wait or FIRST_LOOK, LONGEST_LOOK, left))}
        return {"next": _fall_back(host, begun, f"{NOT_ORDERED}: {one_line(error)}")}
    except Exception as error:  # noqa: BLE001  an adapter may raise anything
        return {"next": _fall_back(host, begun, f"{NOT_ORDERED}: {one_line(error)}")}
    host.log.order(run_id, name, job.id)
    host.say("stage ordered", run=run_id, stage=name, job=job.id, backend=made.backend)
    return {"job": job.id, "until": until}


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An order that may be placed.

    Attributes
    ----------
    order, backend, bound
        What is ordered where, and what it may cost at most.
    took
        Seconds that making it took.
    """

    order: Order
    backend: str
    bound: Money | None
    took: float


def _prepared(host: Host, begun: Begun) -> Prepared:
    """Make a stage's order and have it cleared; any of this may hang, and none of it orders."""
    settings, since = begun.settings, host.clock.monotonic()
    run_id, name = begun.run.id, begun.stage.name
    wanted = QUANTUM.order(begun.given, settings, key=digest([run_id, name, begun.key]))
    took = host.clock.monotonic() - since
    where = backend_of(settings, type(problem_of(begun.given.inputs["problem"])))
    version, bound = version_of(begun.run.name, begun.stage), bound_of(settings)
    estimate = clear(
        host.ledger,
        host.backend(where),
        wanted,
        lock=host.lock,
        most=bound,
        tier=settings.tier,
        runs=host.log.orders(begun.run.name, name),
        approved_by=approved_by(host.database, version),
    )
    return Prepared(wanted, where, bound or estimate.cost, took)


def look(host: Host, run_id: str, name: str, job_id: str, until: float, looks: int) -> float | None:
    """Seconds until the next look at a stage's job; None when there is nothing to wait for."""
    if host.log.stage(run_id, name).state != "running":
        return None
    now = host.clock.now()
    if now >= until or host.ledger.job(job_id).state.still:
        return None
    if until - now < WARM_SECONDS:
        host.hands.warm()  # a fallback that has to begin finds its process
    wait = min(FIRST_LOOK * 1.5 ** min(looks, MOST_GROWTH), LONGEST_LOOK)
    return max(0.01, min(wait, until - now))


def collect(host: Host, run_id: str, name: str, job_id: str) -> dict[str, Any]:
    """Finish a quantum stage with its job's result, or with the fallback's answer.

    Returns
    -------
    ``next``, stages that may begin now; or ``wait``, seconds until this is to be asked for again.
    """
    begun, errand = host.resume(run_id, name), _errand("result", run_id, name)
    if isinstance(begun, list):
        host.errands.leave(errand)
        return {"next": begun}
    try:
        result = host.ledger.result(job_id)
        if result is None:
            raise RunError(_why_no_result(host, host.ledger.job(job_id), begun.settings))
        # The time it took to make the order was kept free for this, too.
        left = _timetable(host, begun, host.around.seconds).give_up - host.clock.now()
        made = host.errands.ask(
            errand,
            _group(begun),
            lambda: QUANTUM.finish(begun.given, begun.settings, result),
            most=max(left, LEAST_READING),
        )
        if isinstance(made, float):
            if left > 0:
                return {"wait": max(0.01, min(made, left))}
            host.errands.leave(errand)
            raise RunError(f"job {job_id} has a result, and it was not read: {NOT_BACK}")
        finished = made.outcome()
    except StoreError:
        raise  # the result may well be there
    except Exception as error:  # noqa: BLE001  a result may hold anything
        return {"next": _fall_back(host, begun, one_line(error))}
    return {"next": host.conclude(begun, lambda: finished, keep=True)}


def _errand(what: str, run_id: str, name: str) -> str:
    """Name of a stage's own code that is under way."""
    return f"{what} of {run_id}/{name}"


def _group(begun: Begun) -> str:
    """Stages whose code, if it hangs, takes room from no others."""
    return f"stage {begun.run.name}/{begun.stage.name}"


def _timetable(host: Host, begun: Begun, around: float) -> Timetable:
    """When the order is given up, and the stage has answered."""
    settings: QuantumSettings = begun.settings
    started = host.log.stage(begun.run.id, begun.stage.name).started
    since = host.clock.now() if started is None else started
    return Timetable.of(since, settings.deadline_seconds, settings.fallback_seconds, around)


def _why_no_result(host: Host, job: Job, settings: QuantumSettings) -> str:
    """Why a job has no result now; an order that was not sent yet is taken back."""
    if job.state.still:
        return f"job {job.id} is {job.state}: {job.why or 'it has no result'}"
    late = (
        f"job {job.id} {NOT_IN_TIME}: of the deadline of {settings.deadline_seconds:g} s only "
        "the fallback's time is left"
    )
    if job.state is not JobState.PLANNED:
        return f"{late}, and it is {job.state}"
    host.ledger.cancel(job.id)
    held = why_held(host.ledger, job.backend)
    return f"{late}, and it was not sent" + (f": {held}" if held else "")


def _fall_back(host: Host, begun: Begun, why: str) -> list[str]:
    """Let the fallback answer, in the time that is left for it."""
    run_id, name, settings = begun.run.id, begun.stage.name, begun.settings
    host.say("stage falls back", level="warning", run=run_id, stage=name, why=why)
    timetable = _timetable(host, begun, host.around.seconds)
    since = host.clock.monotonic()  # no clock that is set must count as slowness
    seconds = timetable.budget(host.clock.now(), settings.fallback_seconds, host.around.seconds)
    made = QUANTUM.fall_back
    following = host.conclude(begun, lambda: made(begun.given, settings, why, seconds), keep=False)
    searched = host.log.stage(run_id, name).facts.get("record", {}).get("end_to_end")
    if searched is not None:
        host.around.saw(host.clock.monotonic() - since - searched)
    return following
