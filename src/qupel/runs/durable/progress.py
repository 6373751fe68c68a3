"""What follows from how a run's stages stand: decided here, written down by the log."""

from __future__ import annotations

from collections.abc import Mapping

from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.durable.run import OPEN


def moves(pipeline: Pipeline, states: Mapping[str, str]) -> dict[str, str]:
    """New states of the stages that need wait no longer: queued, or skipped.

    A stage is queued when all it needs was answered, and skipped when some of it never will be.
    """
    now = dict(states)
    found = {}
    for stage in pipeline.in_order():
        if now[stage.name] != "waiting":
            continue
        needed = [now[source] for source, _ in stage.sources().values()]
        if any(state in ("failed", "skipped", "cancelled") for state in needed):
            found[stage.name] = now[stage.name] = "skipped"
        elif all(state in ("done", "fallback") for state in needed):
            found[stage.name] = now[stage.name] = "queued"
    return found


def begun(states: Mapping[str, str]) -> list[str]:
    """Stages that may begin, or have been told so and have not ended."""
    return [name for name, state in states.items() if state in OPEN and state != "waiting"]


def run_state(states: Mapping[str, str]) -> str:
    """State of a run whose stages stand so."""
    if any(state in OPEN for state in states.values()):
        return "running"
    lost = any(state in ("failed", "skipped") for state in states.values())
    return "failed" if lost else "done"
