"""Structured logs: one line an event, with the identifiers that tell what belongs together.

Silent until `begin` is called, or ``QUPEL_LOG`` asks for it. Every line has ``time``, ``level``
and ``event``; ``correlation`` is the same for all that belongs to one decision, one run of a
pipeline, or one job of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from qupel.errors import unknown_name
from qupel.runs.telemetry.secrets import redacted

if TYPE_CHECKING:
    from qupel.runs.ledger.jobs import Event, Job
    from qupel.runs.routes.decision import Decision

#: Forms of a line.
FORMS = ("json", "text", "off")
#: Environment variable that names the form where the caller does not.
VARIABLE = "QUPEL_LOG"
#: What may stand for the larger piece of work, where no correlation is told.
LARGER = ("run", "decision", "job")
#: Events of jobs in which something went wrong, though nobody need look.
_WARNINGS = frozenset(
    {
        "submission failed",
        "submission refused",
        "outcome unknown",
        "look-up failed",
        "poll failed",
        "fetch failed",
        "cancel failed",
        "result unusable",
        "odd result",
        "bill not told",
        "budget refused",
        "cancelled",
    }
)
_ERRORS = frozenset({"failed", "refused", "paid_no_result"})

_logger: Any = None
_bridge: logging.Handler | None = None
_around: ContextVar[Mapping[str, Any] | None] = ContextVar("qupel_log", default=None)


def begin(form: str = "", *, usual: str = "off", stream: TextIO | None = None) -> str:
    """Begin to log in this process; return the form.

    Parameters
    ----------
    form
        ``json``, ``text`` or ``off``; what ``QUPEL_LOG`` says unless given.
    usual
        Where neither says anything.
    stream
        Where lines go; stderr unless given.

    Raises
    ------
    InputError
        If there is no such form.
    """
    global _logger, _bridge
    chosen = form or os.environ.get(VARIABLE, "").strip().lower() or usual
    if chosen not in FORMS:
        raise unknown_name("form of logs", chosen, FORMS)
    named = logging.getLogger("qupel")
    if _bridge is not None:
        named.removeHandler(_bridge)
        _logger = _bridge = None
    if chosen == "off":
        return chosen
    import structlog

    _logger = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[_finished, _as_json if chosen == "json" else _as_text],
    )
    _bridge = _Bridge()
    named.addHandler(_bridge)
    return chosen


def is_on() -> bool:
    """Whether lines are written."""
    return _logger is not None


def say(event: str, *, level: str = "info", at: float | None = None, **about: Any) -> None:
    """Write one line; what cannot be written is dropped, and nothing fails for it.

    Parameters
    ----------
    event
        A word or a few.
    level
        ``info``, ``warning`` or ``error``.
    at
        UTC seconds when it happened; now unless given.
    about
        Plain data. None and empty text are left out.
    """
    if _logger is None:
        return
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    told = {**(_around.get() or {}), **about}
    known = {name: held for name, held in told.items() if held is not None and held != ""}
    if "correlation" not in known:
        larger = next((known[name] for name in LARGER if name in known), None)
        known |= {} if larger is None else {"correlation": larger}
    head = {"time": moment.isoformat(timespec="milliseconds"), "level": level}
    with contextlib.suppress(Exception):  # the stream is closed, or a value will not be shown
        _logger.msg(event, **{**head, **known})


@contextlib.contextmanager
def correlated(**about: Any) -> Iterator[None]:
    """Write this into every line of this thread or task, for as long as it lasts."""
    before = _around.set({**(_around.get() or {}), **about})
    try:
        yield
    finally:
        _around.reset(before)


def say_event(event: Event, job: Job | None = None) -> None:
    """Write the line of something that happened to a paid job.

    Parameters
    ----------
    job
        The job where it is over: its runtime and its bill are told.
    """
    detail = dict(event.detail)
    if event.job and "job" in detail:
        detail["provider_job"] = detail.pop("job")
    if job is not None:
        detail |= {
            "queue_seconds": job.queue_seconds,
            "run_seconds": job.run_seconds,
            "attempts": job.attempts,
            "billed": None if job.billed is None else str(job.billed),
        }
    detail |= {
        "correlation": event.correlation,
        "job": event.job or detail.get("job"),
        "backend": event.backend or detail.get("backend"),
        "attempt": event.attempt or None,
        "seconds": event.seconds,
        "alarm": event.alarm or None,
    }
    say(event.kind, level=_level(event), at=event.at, **detail)


def say_decision(decision: Decision) -> None:
    """Write the line of a decision that went out."""
    stages: dict[str, Any] = {}
    for role, record in (("primary", decision.primary), ("fallback", decision.fallback)):
        if record is not None:
            stages[role] = {
                "status": str(record.status),
                "seconds": record.end_to_end,
                "why": record.why,
                "stages": {
                    name: getattr(record.clocks, name)
                    for name in record.clocks.__slots__
                    if getattr(record.clocks, name)
                },
            }
    say(
        "decision",
        level="info" if decision.on_time else "error",
        correlation=decision.id,
        decision=decision.id,
        route=decision.route,
        version=decision.version,
        key=decision.key,
        mode=str(decision.mode),
        answered_by=str(decision.answered_by),
        wanted=str(decision.wanted),
        why=decision.why,
        quantum=decision.quantum,
        objective=decision.objective,
        seconds=decision.seconds,
        deadline_seconds=decision.deadline_seconds,
        job=decision.job,
        kept=str(decision.kept),
        **stages,
    )


def _level(event: Event) -> str:
    if event.kind in _ERRORS:
        return "error"
    return "warning" if event.alarm or event.kind in _WARNINGS else "info"


class _Bridge(logging.Handler):
    """Takes over what is written to the standard loggers below ``qupel``."""

    def emit(self, record: logging.LogRecord) -> None:
        about: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            about["cause"] = record.exc_info[0].__name__
            about["exception"] = "".join(traceback.format_exception(*record.exc_info))
        level = {"CRITICAL": "error"}.get(record.levelname, record.levelname.lower())
        say(record.getMessage(), level=level, **about)


def _finished(_: Any, __: str, held: Any) -> dict[str, Any]:
    """Order a line's fields, and take secrets and numbers that are none out of it."""
    event = held.pop("event")
    head = {"time": held.pop("time"), "level": held.pop("level"), "event": event}
    clean: dict[str, Any] = _finite(redacted({**head, **held}))
    return clean


def _finite(held: Any) -> Any:
    if isinstance(held, float) and not math.isfinite(held):
        return None
    if isinstance(held, dict):
        return {str(name): _finite(kept) for name, kept in held.items()}
    return [_finite(kept) for kept in held] if isinstance(held, list) else held


def _as_json(_: Any, __: str, held: Any) -> str:
    return json.dumps(held, allow_nan=False, ensure_ascii=True)


def _as_text(_: Any, __: str, held: Any) -> str:
    """A line for people: what is told by others cannot begin a line of its own."""
    head = " ".join(_shown(held.pop(name), bare=True) for name in ("time", "level", "event"))
    return " ".join([head, *(f"{name}={_shown(kept)}" for name, kept in held.items())])


def _shown(held: Any, *, bare: bool = False) -> str:
    if isinstance(held, float):
        return f"{held:.6g}"
    if not isinstance(held, str):
        return json.dumps(held)
    return held if held.isprintable() and (bare or " " not in held) else json.dumps(held)
